"""The forecast of a run: how likely it verifies, and what that costs."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .plain import plain
from .syntax_tree import parse_expression


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOutcome:
    """How an earlier run went."""

    rounds: int
    verified: bool
    weight: float = 1.0  # how much it says about the run in question; 1: same loop, same model
    usd: float = 0.0
    tokens: float = 0.0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """The forecast at the end of a round. Costs are in US dollars, and None where the price is not known."""

    round: int  # rounds that are over
    by_round: int  # the last one that the limits seem to allow
    p: float  # P(verified by then)
    next_p: float  # P(verified in the next round)
    curve: tuple[float, ...] = ()  # P(verified by round + 1), by round + 2 …
    expected_rounds: float = 0.0  # more of them, until it verifies or the limits end it
    expected_usd: float | None = None  # of those rounds
    expected_tokens: float = 0.0
    usd_range: tuple[float, float] | None = None  # of what is still to be spent, 10 % to 90 %
    tokens_range: tuple[float, float] = (0.0, 0.0)
    usd_to_goal: float | None = None  # expected_usd / p: what a verified result costs where runs like this go on
    gain_per_usd: float | None = None  # next_p for each dollar of the next round; None where that is free
    gain_per_1k_tokens: float | None = None
    runs: int = 0  # of the past, that it rests on

    def __str__(self) -> str:
        goal = f"{self.p:.0%} to verify by round {self.by_round}"
        next_round = f"next round {self.next_p:.0%}"
        cost = "" if not self.expected_tokens else f"about {self.expected_tokens:,.0f} tokens more"
        if self.expected_usd:
            cost = f"about ${self.expected_usd:.2g} more"
        no_history = "no run like this is known" if not self.runs else ""
        return " · ".join(filter(None, [goal, next_round, cost, no_history if not self.round else ""]))

    def to_json(self) -> dict[str, Any]:
        """Plain values, rounded to what they are worth; of the curve the next rounds only."""
        curve = [round(p, 4) for p in self.curve[:NEXT]]
        return {name: curve if name == "curve" else _short(value) for name, value in plain(self).items()}


def _short(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.4g}")
    return [_short(item) for item in value] if isinstance(value, tuple) else value


NEXT = 20  # rounds of a curve that are written down: as many as the view draws
NAMES = ("p", "next_p", "expected_rounds", "expected_usd", "expected_tokens", "usd_to_goal", "gain_per_usd", "round")
_COMPARES: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


@dataclass(frozen=True, slots=True)
class StopIf:
    """A rule over a forecast, such as `p < 0.05 and round >= 3`: read with ast, and never run as Python."""

    text: str

    def __post_init__(self) -> None:
        self._tree()

    def holds(self, forecast: Forecast) -> bool:
        """Whether the run should end. A number that is not known makes no comparison true."""
        return _holds(self._tree(), plain(forecast))

    def _tree(self) -> ast.expr:
        """The expression. Raises ValueError with what was expected."""
        try:
            tree = parse_expression(self.text.strip()).body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            raise ValueError('a comparison such as "p < 0.05"') from None
        _vet(tree)
        return tree


def _vet(node: ast.expr) -> None:
    match node:
        case ast.BoolOp(values=values):
            for value in values:
                _vet(value)
        case ast.Compare(left=left, ops=ops, comparators=others) if {type(op) for op in ops} <= _COMPARES.keys():
            for side in (left, *others):
                _vet_side(side)
        case _:
            raise ValueError('comparisons such as "p < 0.05", with and, or between them')


def _vet_side(node: ast.expr) -> None:
    match node:
        case ast.Name(id=name) if name in NAMES:
            return
        case ast.Constant(value=bool() | complex() | str() | bytes()):
            pass
        case ast.Constant(value=int() | float()):
            return
    raise ValueError(f"numbers and some of {', '.join(NAMES)}")


def _holds(node: ast.expr, values: Mapping[str, Any]) -> bool:
    if isinstance(node, ast.BoolOp):
        together = all if isinstance(node.op, ast.And) else any
        return together(_holds(value, values) for value in node.values)
    assert isinstance(node, ast.Compare)
    sides = [
        side.value if isinstance(side, ast.Constant) else values[_name(side)] for side in (node.left, *node.comparators)
    ]
    pairs = zip(node.ops, sides, sides[1:], strict=False)
    return None not in sides and all(_COMPARES[type(op)](first, second) for op, first, second in pairs)


def _name(node: ast.expr) -> str:
    assert isinstance(node, ast.Name)
    return node.id
