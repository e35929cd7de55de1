"""A map as one row of a list, with a bar for its rows."""

from __future__ import annotations

import hashlib

from jupyter_loops.core.redaction import redact
from jupyter_loops.core.state import State
from jupyter_loops.mapping.map_run import MapRun
from jupyter_loops.view.clip import line

from .run_rows import NAME, Row, here


def map_row(table: MapRun) -> Row:
    """The row of a map of this kernel, as it stands now; the keys are those of `live_row`."""
    progress, usage, approval, over = table.progress, table.usage, table.waiting, table.future.done()
    end = table.termination
    message = end.message if end else str(table.error or "")
    return {
        "run": table.id,
        "name": line(table.name, NAME),
        "notebook": table.place.notebook,
        "cell": table.place.cell,
        "kernel": here(),
        "live": not over,
        "state": str(State.END if over else table.state),
        "paused": table.map_cycle.nesting.control.paused and not over,
        "waiting": None if approval is None or over else "go on with all rows",
        "round": progress.rounds,
        "rounds": None,
        "passed": progress.verified,
        "total": progress.total or progress.done,
        "score": None,
        "spark": [],
        "usd": usage.usd,
        "tokens": usage.tokens,
        "seconds": usage.seconds,
        "usd_limit": table.budget.usd,
        "model": line(table.model, NAME),
        "end": (str(end.reason) if end else "error" if table.error else "stopped") if over else None,
        "message": line(redact(message), 300) if over else "",
        "accepted": end is not None and end.verified,
        "parent": None,
        "relation": "",
        "started": table.started_at.isoformat(),
        "source": hashlib.sha256(redact(table.recipe.source).encode("utf-8", "surrogatepass")).hexdigest(),
        "parts": {"total": progress.total or progress.done, "done": progress.done, "verified": progress.verified},
    }
