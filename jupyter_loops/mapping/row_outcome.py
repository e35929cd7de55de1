"""What became of each row, in order, and the table of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from .row_source import Columns, InputRow

META = ("state", "rounds", "usd", "tokens", "seconds", "error", "model", "run")  # columns after the targets


@dataclass(frozen=True, slots=True, kw_only=True)
class RowOutcome:
    """The end of one row."""

    position: int
    key: Any
    state: str  # StopReason, "verified" among them
    values: dict[str, Any] = field(default_factory=dict)  # of the targets, or their code, where it is verified
    rounds: int = 0
    usd: float = 0.0
    tokens: int = 0
    calls: int = 0
    seconds: float = 0.0
    error: str = ""  # why it is not verified, in one line
    model: str = ""  # that answered last
    run: str = ""
    stored: bool = False  # it was verified before, and cost nothing now
    accepted: bool = False  # a candidate passed every check, and the best score so far is in `values`

    @property
    def verified(self) -> bool:
        """Whether every check passed; a row with a score ends at a limit all the same."""
        return self.accepted or self.state == "verified"


@dataclass(slots=True)
class RowOutcomes:
    """The outcomes so far, by position. The items of rows that failed are retained for a retry."""

    targets: tuple[str, ...]
    key: str = "row"
    whole: RowOutcomes | None = None  # of the map whose failed rows are retried here
    _by_position: dict[int, RowOutcome] = field(default_factory=dict)
    _failed: dict[int, InputRow] = field(default_factory=dict)

    def add(self, row: InputRow, outcome: RowOutcome) -> None:
        """Take the end of a row in."""
        self._by_position[outcome.position] = outcome
        if self.whole is not None:
            self.whole.add(row, outcome)
        if outcome.verified:
            self._failed.pop(outcome.position, None)
        else:
            self._failed[outcome.position] = row

    def __len__(self) -> int:
        return len(self._by_position)

    def __contains__(self, position: int) -> bool:
        return position in self._by_position

    @property
    def in_order(self) -> list[RowOutcome]:
        """All, by position."""
        by_position = self._by_position
        return [by_position[position] for position in sorted(by_position)]

    @property
    def failed_rows(self) -> list[InputRow]:
        """The rows that are not verified, by position."""
        return [self._failed[position] for position in sorted(self._failed)]

    def columns(self, outcomes: Sequence[RowOutcome]) -> Columns:
        """One list a column: the key, the targets, and what is known of the run."""
        columns: dict[str, list[Any]] = {self.key: [outcome.key for outcome in outcomes]}
        for target in self.targets:
            columns[target] = [outcome.values.get(target) for outcome in outcomes]
        for name in META:
            columns[name] = [getattr(outcome, name) for outcome in outcomes]
        return columns


def names_taken(targets: Iterable[str], key: str) -> str:
    """The first target whose name a column of the results has already; empty where there is none."""
    return next((target for target in targets if target in {*META, key}), "")
