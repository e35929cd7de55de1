"""Where a resumed, forked or replayed run comes from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .restored_state import RestoredState


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The restored state and the parent of a resumed, forked or replayed run."""

    restored: RestoredState | None = None
    run_id: str | None = None  # of the run that goes on; None: it is one of its own
    parent: str | None = None
    relation: str = ""
    forked_at: int | None = None
    let_go: Callable[[], object] = lambda: None  # called when the run is over
