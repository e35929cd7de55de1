"""Runs and where they come from, as a tree of text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from jupyter_loops.core.amount import counted

from .clip import line

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class LineageText:
    """A family of runs. `rows` are those of `History.family`, the oldest first."""

    rows: Sequence[Row]
    marked: str = ""  # the run that was asked for

    def walk(self) -> Iterator[tuple[Row, str]]:
        """Each run under its parent, the oldest first, with the branches that are drawn before it."""
        run_ids = {row["run_id"] for row in self.rows}
        for row in self.rows:
            if row["parent"] not in run_ids:
                yield row, ""
                yield from self._below(row["run_id"], "")

    def _below(self, parent: str, indent: str) -> Iterator[tuple[Row, str]]:
        children = [row for row in self.rows if row["parent"] == parent]
        for number, row in enumerate(children, 1):
            last = number == len(children)
            yield row, f"{indent}{'└─' if last else '├─'} "
            yield from self._below(row["run_id"], f"{indent}{'   ' if last else '│  '}")

    def __repr__(self) -> str:
        """One line a run."""
        return "\n".join(
            f"{branch}{_run_line(row)}{'  <- this' * (row['run_id'] == self.marked)}" for row, branch in self.walk()
        )

    def _repr_html_(self) -> str:
        return f"<pre>{escape(repr(self))}</pre>"


def _run_line(row: Row) -> str:
    how = row.get("relation") or ""
    at = f" at {row['forked_at']}" if row.get("forked_at") is not None else ""
    state = row.get("stop_reason") or f"not ended: {row.get('state')}"
    numbers = (
        f"{counted(row.get('iterations') or 0, 'round')}, {row.get('tokens') or 0:,} tokens, ${row.get('usd') or 0:.4f}"
    )
    resumed = f", resumed {counted(row['resumed'], 'time')}" if row.get("resumed") else ""
    name = f"{how}{at}: " if how else ""
    return line(f"{name}{row['run_id']} {row.get('loop')} {row.get('model')}: {state} ({numbers}{resumed})", 200)
