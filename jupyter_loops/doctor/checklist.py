"""The production checklist: each item provokes its fault, and says what was observed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from jupyter_loops.errors import LoopError

from . import control_items, record_items
from .practice import Practice, PracticeError
from .report import Finding, Health


@dataclass(frozen=True, slots=True)
class ChecklistItem:
    """One line of the checklist: `provoke` gives what was observed, or raises PracticeError with it."""

    name: str
    provoke: Callable[[Practice], str]
    mend: str


_DEFECT = "this is a defect of jupyter-loops or of its installation: reinstall it, then report it with this line"

ITEMS = (
    ChecklistItem("budget enforcement", control_items.budget, _DEFECT),
    ChecklistItem("circuit breaker", control_items.breaker, _DEFECT),
    ChecklistItem("cost limit of each loop", control_items.limit_of_each_loop, _DEFECT),
    ChecklistItem("error classes and recovery", control_items.recovery, _DEFECT),
    ChecklistItem(
        "persistence",
        record_items.persistence,
        "see that the folder of the history takes file locks and is writable: %loops help history",
    ),
    ChecklistItem("telemetry", record_items.telemetry, "see that no logging filter drops the logger jupyter_loops"),
    ChecklistItem("backoff", control_items.backoff, _DEFECT),
    ChecklistItem(
        "verification",
        record_items.verification,
        "choose a stronger --sandbox (%loops sandbox), and report it: this is a vulnerability (SECURITY.md)",
    ),
    ChecklistItem("context management", record_items.context, _DEFECT),
    ChecklistItem("audit", record_items.audit, _DEFECT),
    ChecklistItem("degradation", control_items.degradation, _DEFECT),
    ChecklistItem(
        "benchmark of a round",
        record_items.benchmark,
        "the disk or the machine is slow: put the history on a local disk (--history), and see make bench",
    ),
    ChecklistItem("cost projection", record_items.projection, _DEFECT),
    ChecklistItem("runaway detection", control_items.runaway, _DEFECT),
)


def examine(items: tuple[ChecklistItem, ...] = ITEMS, sandbox: str = "auto") -> Iterator[Finding]:
    """Provoke each fault, and give what was found as soon as it is known."""
    with Practice(sandbox) as practice:
        for item in items:
            yield _finding(item, practice)


def _finding(item: ChecklistItem, practice: Practice) -> Finding:
    try:
        return Finding(item=item.name, state=Health.OK, observed=item.provoke(practice))
    except PracticeError as wrong:
        return Finding(item=item.name, state=Health.FAIL, observed=str(wrong), mend=item.mend)
    except (LoopError, OSError, TimeoutError) as error:
        observed = f"the check could not be made: {type(error).__name__}: {error}"
        return Finding(item=item.name, state=Health.FAIL, observed=observed, mend=item.mend)
