"""The checks of a run: they keep their places and turn as verdicts come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .clip import line

_PLACED = {"checks", "hidden", "metrics", "judge", "approval"}  # layers whose verdicts belong to a check of the recipe
_LIMIT = 100


class Checks:
    """What each check says of one candidate: open, pass or fail."""

    def __init__(self, declared: Sequence[Mapping[str, Any]] = ()) -> None:
        self._rows: list[dict[str, Any]] = [
            {"name": str(check.get("name", "")), "hidden": bool(check.get("hidden")), **_OPEN}
            for check in declared[:_LIMIT]
        ]

    def judge(self, verdicts: Sequence[Mapping[str, Any]]) -> None:
        """Show these verdicts and forget the ones before; a check that was not reached is open."""
        for row in self._rows:
            row.update(_OPEN)
        free = list(self._rows)
        for verdict in verdicts:
            for row in [row for row in free if _same(row, verdict)][:1]:
                free.remove(row)
                row["state"] = "pass" if verdict.get("passed") else "fail"
                row["message"] = line(verdict.get("message", ""))
                row["metric"] = verdict.get("metric")

    def to_json(self) -> list[dict[str, Any]]:
        """Visible checks in their order; hidden ones as one row that counts them."""
        shown = [{**row, "name": line(row["name"])} for row in self._rows if not row["hidden"]]
        hidden = [row["state"] for row in self._rows if row["hidden"]]
        return [*shown, _counted(hidden)] if hidden else shown


_OPEN: dict[str, Any] = {"state": "open", "message": "", "metric": None}


def _same(row: Mapping[str, Any], verdict: Mapping[str, Any]) -> bool:
    return (
        verdict.get("layer") in _PLACED
        and bool(verdict.get("hidden")) == row["hidden"]
        and (verdict.get("check") == row["name"])
    )


def _counted(states: list[str]) -> dict[str, Any]:
    failed = states.count("fail")
    state = "fail" if failed else "pass" if states.count("pass") == len(states) else "open"
    name = f"hidden, {failed} of {len(states)} failed" if failed else f"hidden, {len(states)}"
    return {"name": name, "hidden": True, **_OPEN, "state": state, "message": "the model does not see these"}
