"""A map, or attempts side by side, as one row of a list with a bar for its parts."""

from __future__ import annotations

from jupyter_loops.core.redaction import redact
from jupyter_loops.run_groups import RunGroup
from jupyter_loops.view.clip import line

from .run_rows import NAME, Row, here


def group_row(group: RunGroup) -> Row:
    """The row of a group of this kernel, as it stands now; the keys are those of `live_row`."""
    usage, approval, over, end = group.usage, group.waiting, group.future.done(), group.termination
    verified, failed, total = group.counts
    done = verified + failed
    message = end.message if end else str(group.error or "")
    return {
        "run": group.id,
        "name": line(group.name, NAME),
        "notebook": group.place.notebook,
        "cell": group.place.cell,
        "kernel": here(),
        "live": not over,
        "state": "end" if over else "execute" if group.began else "prepare",
        "paused": False,
        "waiting": None if approval is None or over else line(approval.check, 200) or "go on",
        "round": usage.iterations,
        "rounds": None,
        "passed": verified,
        "total": total or done,
        "score": None,
        "spark": [],
        "usd": usage.usd,
        "tokens": usage.tokens,
        "seconds": usage.seconds,
        "usd_limit": None,
        "model": line(group.model, NAME),
        "end": (str(end.reason) if end else "error" if group.error else "stopped") if over else None,
        "message": line(redact(message), 300) if over else "",
        "accepted": end is not None and end.verified,
        "parent": None,
        "relation": "",
        "started": group.started_at.isoformat(),
        "source": "",
        "parts": {"total": total or done, "done": done, "verified": verified},
    }
