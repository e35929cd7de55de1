"""What the doctor found: as text, as a table, as JSON, and as an exit status."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum

from jupyter_loops.view.table import Table

_HEADER = ("", "item", "observed", "how to mend it")


class Health(StrEnum):
    """How an item stands."""

    OK = "ok"
    WARN = "warn"  # it works, and could be better
    FAIL = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One item: what was observed, and, where that is not right, how to mend it."""

    item: str
    state: Health
    observed: str
    mend: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class DoctorReport:
    """All findings, in order."""

    findings: Sequence[Finding]

    @property
    def status(self) -> int:
        """The exit status: 0, or 1 where an item fails."""
        return int(any(finding.state is Health.FAIL for finding in self.findings))

    @property
    def table(self) -> Table:
        """One line a finding."""
        rows = [(finding.state, finding.item, finding.observed, finding.mend) for finding in self.findings]
        return Table(_HEADER, rows, self.summary)

    @property
    def summary(self) -> str:
        """How many are how."""
        states = [finding.state for finding in self.findings]
        return ", ".join(f"{states.count(state)} {state}" for state in Health if state in states)

    def json(self) -> str:
        """The findings as a JSON list."""
        return json.dumps([asdict(finding) for finding in self.findings], ensure_ascii=False, indent=2)

    @classmethod
    def of_json(cls, text: str) -> DoctorReport:
        """The inverse of `json`."""
        return cls([Finding(**item | {"state": Health(item["state"])}) for item in json.loads(text)])

    def __repr__(self) -> str:
        """Whole sentences, one item a paragraph: a terminal is no table."""
        lines = [line for finding in self.findings for line in _lines(finding)]
        return "\n".join([*lines, "", self.summary])

    def _repr_html_(self) -> str:
        return self.table._repr_html_()


def _lines(finding: Finding) -> list[str]:
    mend = [f"      mend: {finding.mend}"] if finding.mend else []
    return [f"{finding.state:<5} {finding.item}: {finding.observed}", *mend]
