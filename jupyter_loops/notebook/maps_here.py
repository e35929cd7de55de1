"""The maps and attempts of this kernel, and their progress as a bar."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyter_loops.run_groups import RunGroup


def registered() -> list[RunGroup]:
    """The maps and attempts of this kernel, the newest last."""
    if "jupyter_loops.run_groups" not in sys.modules:
        return []
    from jupyter_loops import run_groups

    return run_groups.registered()


def bar(verified: int, failed: int, total: int | None, width: int = 10) -> str:
    """Rows that are verified, that failed, and that are still to come."""
    if not total:
        return f"{verified + failed:,} rows"
    good, bad = round(width * verified / total), round(width * failed / total)
    return (
        f"{'█' * good}{'▒' * min(bad, width - good)}{'·' * max(width - good - bad, 0)} {verified + failed:,}/{total:,}"
    )
