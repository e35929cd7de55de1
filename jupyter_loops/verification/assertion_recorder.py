"""The values inside one assertion, and the sentence that explains why it does not hold."""

from __future__ import annotations

import sys
from collections.abc import Callable
from operator import itemgetter
from types import BuiltinFunctionType, FunctionType, GeneratorType, ModuleType
from typing import Any

from .difference import difference
from .numbers import number

# not names that Python source can spell
RECORD, TRUE, FAIL, BEGIN, MARK, ASK = "\0record", "\0true", "\0fail", "\0begin", "\0mark", "\0ask"
_SHOWN, _VALUES = 4, 20  # sub-expressions in the message, and in `values()`
_IN_LINE = 120  # characters of one value in a message
_WORDS = 2000  # characters of an assertion's own message
_DIRECTIONS = {"Lt": "minimize", "LtE": "minimize", "Gt": "maximize", "GtE": "maximize", "Eq": "equal"}
_FLIPPED = {"minimize": "maximize", "maximize": "minimize", "equal": "equal"}
_CODE = (ModuleType, FunctionType, BuiltinFunctionType, GeneratorType, type)

Describe = Callable[..., str]
Ask = Callable[[int, object], object]  # which of the check's calls, and the value that is asked about


class Failed(AssertionError):
    """An assertion of the check itself, and not one inside the candidate, does not hold."""


class AssertionRecorder:
    """The values of one check's sub-expressions, by their place."""

    def __init__(self, check: dict[str, Any], describe: Describe, ask: Ask | None = None) -> None:
        self.describe, self._ask = describe, ask
        self._sources: list[str] = check["sources"]
        self._tests: list[dict[str, Any]] = check["tests"]
        self._sole: bool = check["sole"]  # the check is one assert statement, so that its comparison is a metric
        self._recorded: dict[int, object] = {}

    def functions(self) -> dict[str, Any]:
        """The functions that the check calls. Not an attribute: a candidate can get a cycle from the collector."""
        functions = {RECORD: self.record, TRUE: self.true, FAIL: self.fail, BEGIN: self.begin, MARK: self.mark}
        return functions | {ASK: self._ask}

    def begin(self) -> None:
        """An assertion is about to be evaluated, perhaps again in a loop."""
        self._recorded = {}

    @staticmethod
    def mark() -> None:
        """Mark the current exception as raised by an assert: the assert does not hold, whoever catches it."""
        error = sys.exception()
        if error is not None:
            error.__dict__["in_assert"] = True

    def record(self, place: int, value: object) -> object:
        """Record a value and return it."""
        self._recorded[place] = value
        return value

    def true(self, place: int, value: object) -> object:
        """Record the value of the tested expression. The check's own `not` decides: no name can replace it."""
        return self.record(place, value)

    def fail(self, test: int, words: Callable[[], object] | None) -> None:
        """The assertion does not hold."""
        raise Failed(_clipped(str(words())) if words is not None else self._explain(self._tests[test]))

    def values(self) -> dict[str, str]:
        """Sub-expression → clipped repr, without what only names code."""
        return {source: self.describe(value) for source, value in self._parts()[:_VALUES]}

    def metric(self) -> dict[str, Any] | None:
        """What the check's one comparison compared, where both sides are numbers."""
        test = self._tests[0] if self._sole and self._tests else None
        sides = self._sides(test) if test else None
        if test is None or sides is None or test["operator"] not in _DIRECTIONS:
            return None
        numbers = [number(side) for side in sides]
        if None in numbers:
            return None
        direction = _DIRECTIONS[test["operator"]]
        if _is_flipped(test):
            return {"value": numbers[1], "target": numbers[0], "direction": _FLIPPED[direction]}
        return {"value": numbers[0], "target": numbers[1], "direction": direction}

    def _sides(self, test: dict[str, Any]) -> tuple[object, object] | None:
        """Values of both sides of a comparison, when both were evaluated."""
        evaluated = [side for side in test["sides"] if side["literal"] or side["place"] in self._recorded]
        values = [side["value"] if side["literal"] else self._recorded[side["place"]] for side in evaluated]
        return (values[0], values[1]) if len(values) == 2 else None  # noqa: PLR2004 - both

    def _explain(self, test: dict[str, Any]) -> str:
        sides = self._sides(test)
        if sides and test["operator"] == "Eq":
            first, second = test["sides"]
            if first["literal"] != second["literal"]:
                return self._expected(test, sides)
        parts = [
            f"{source} = {self.describe(value, _IN_LINE)}" for source, value in self._parts(test["place"])[:_SHOWN]
        ]
        result = self.describe(self._recorded.get(test["place"]), _IN_LINE)
        hint = difference(*sides, self.describe) if sides and test["operator"] == "Eq" else ""
        return f"{test['source']} is {result}{'; ' if parts else ''}{', '.join(parts)}{hint}"

    def _expected(self, test: dict[str, Any], sides: tuple[object, object]) -> str:
        """Value against literal, whichever side they are on."""
        flipped = _is_flipped(test)
        value, expected = reversed(sides) if flipped else sides
        name = test["sides"][1 if flipped else 0]["source"]
        message = f"{name} gave {self.describe(value)}, expected {self.describe(expected)}"
        return message + difference(value, expected, self.describe)

    def _parts(self, excluded: int = -1) -> list[tuple[str, object]]:
        """Outermost values first: they explain the most."""
        named: dict[str, object] = {}
        for place, value in sorted(self._recorded.items(), key=itemgetter(0)):
            if place != excluded and not issubclass(type(value), _CODE):
                named.setdefault(self._sources[place], value)
        return list(named.items())


def _is_flipped(test: dict[str, Any]) -> bool:
    """Whether the value is on the right, the target being a literal on the left."""
    first, second = test["sides"]
    return bool(first["literal"] and not second["literal"])


def _clipped(text: str) -> str:
    return text if len(text) <= _WORDS else f"{text[:_WORDS]}..."
