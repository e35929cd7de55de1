"""Runs one check in the sandbox's child and reports the values inside it.

Every sub-expression is evaluated exactly once, by the interpreter itself: the check's syntax tree is
rewritten so that each value passes through a recorder on its way. This module runs beside hostile
code, so it takes what it needs of the standard library by name, and imports nothing else but its neighbour.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable
from numbers import Real
from operator import itemgetter
from time import perf_counter
from types import BuiltinFunctionType, FunctionType, GeneratorType, ModuleType
from typing import Any, Protocol

from .asked import ASK, Ask, redirect

_RECORD, _TRUE, _FAIL, _BEGIN = "@record", "@true", "@fail", "@begin"  # not names that Python source can spell
_SHOWN, _KEPT = 4, 20  # sub-expressions in the message, and in the values
_IN_LINE = 120  # characters of one value in a message
_WORDS = 2000  # characters of an assertion's own message
_SEARCHED = 100_000  # characters in which a first difference is looked for
_LONG = 60  # characters from which two differing strings get their first difference pointed out
_FLIPPED = {ast.Lt: ast.Gt, ast.LtE: ast.GtE, ast.Gt: ast.Lt, ast.GtE: ast.LtE, ast.Eq: ast.Eq}
_DIRECTIONS = {ast.Lt: "minimize", ast.LtE: "minimize", ast.Gt: "maximize", ast.GtE: "maximize", ast.Eq: "equal"}

_CODE = (ModuleType, FunctionType, BuiltinFunctionType, GeneratorType, type)
_OPAQUE = (ast.Lambda, ast.Yield, ast.YieldFrom, ast.Await)
_TRANSPARENT = (ast.Starred, ast.NamedExpr, ast.Slice)
_CONSTANT = (ast.Constant, ast.UnaryOp, ast.BinOp, ast.Tuple, ast.List, ast.Set, ast.Dict)  # may be literals

Describe = Callable[..., str]


class Sources(Protocol):
    """Remembers texts by filename, and tells exceptions by their lines."""

    def add(self, filename: str, text: str) -> None:
        """Remember a text."""
        ...

    def tell(self, error: BaseException) -> dict[str, Any]:
        """A Fault as JSON."""
        ...


class Failed(AssertionError):
    """An assertion of the check itself, and not one inside the candidate, does not hold."""


def examine(
    check: dict[str, Any], names: dict[str, Any], sources: Sources, describe: Describe, ask: Ask | None = None
) -> dict[str, Any]:
    """Run one check in the namespace; the verdict as JSON. Never raises.

    `ask` answers the check's calls of judge, approve and pytest.
    """
    verdict: dict[str, Any] = {"passed": False, "message": "", "values": {}, "metric": None, "fault": None}
    started = perf_counter()
    text = "\n" * (check["line"] - 1) + check["source"]
    recorder = _Recorder(text, describe)
    recorder.ask = ask or recorder.ask
    try:
        _run_prelude(check, names, sources)
        metric = _run(check, text, names, sources, recorder)
    except Failed as failed:
        verdict |= {"message": str(failed), "values": recorder.values()}
        metric = recorder.metric()
    except BaseException as error:  # noqa: BLE001 - SystemExit from a candidate is a failed check
        fault = sources.tell(error)
        verdict |= {"message": f"{fault['type']}: {fault['message']}", "fault": fault, "values": recorder.values()}
        metric = None
    else:
        verdict["passed"] = True
    finally:
        for name in (_RECORD, _TRUE, _FAIL, _BEGIN, ASK):
            names.pop(name, None)
    return verdict | {"metric": metric, "seconds": perf_counter() - started}


def _run_prelude(check: dict[str, Any], names: dict[str, Any], sources: Sources) -> None:
    source = check["prelude"]
    if not source.strip():
        return
    first = max(1, check["line"] - len(source.splitlines()))
    text = "\n" * (first - 1) + source
    filename = f"<before check {check['index']}>"
    sources.add(filename, text)
    exec(compile(text, filename, "exec", dont_inherit=True), names)  # noqa: S102 - the user's own statements


def _run(
    check: dict[str, Any], text: str, names: dict[str, Any], sources: Sources, recorder: _Recorder
) -> dict[str, Any] | None:
    filename = f"<check {check['index']}>"
    sources.add(filename, text)
    tree = ast.parse(text, filename)
    statement = tree.body[0]
    redirect(tree, names, recorder.ask)
    names |= {_RECORD: recorder.record, _TRUE: recorder.true, _FAIL: recorder.fail, _BEGIN: recorder.begin}
    if check["kind"] != "assert":
        return _score(check["kind"], statement, names, filename, recorder)
    recorder.sole = isinstance(statement, ast.Assert)
    instrumented = ast.fix_missing_locations(_Instrument(recorder).visit(tree))
    exec(compile(instrumented, filename, "exec", dont_inherit=True), names)  # noqa: S102 - the user's own check
    return recorder.metric()


def _score(kind: str, statement: ast.stmt, names: dict[str, Any], filename: str, recorder: _Recorder) -> dict[str, Any]:
    assert isinstance(statement, ast.Expr)
    assert isinstance(statement.value, ast.Call)
    expression = statement.value.args[0]
    source = recorder.source(expression)
    tree = ast.fix_missing_locations(ast.Expression(_Instrument(recorder, inside=True).visit(expression)))
    value = eval(compile(tree, filename, "eval", dont_inherit=True), names)  # noqa: S307 - the user's own expression
    number = _number(value)
    if number is None:
        raise Failed(f"{kind} needs a number: {source} gave {recorder.describe(value)}")
    return {"value": number, "target": None, "direction": kind}


class _Side:
    """One side of a comparison: a literal's value, or the place its value is recorded at."""

    def __init__(self, node: ast.expr, source: str) -> None:
        self.source, self.literal, self.place = source, _is_literal(node), -1
        self.value: object = ast.literal_eval(node) if self.literal else None


class _Test:
    """The expression of one assertion, as it was written."""

    def __init__(self, source: str, place: int) -> None:
        self.source, self.place = source, place
        self.operator: type[ast.cmpop] | None = None
        self.left: _Side | None = None
        self.right: _Side | None = None

    @property
    def flipped(self) -> bool:
        """Whether the value is on the right, the target being a literal on the left."""
        return self.left is not None and self.right is not None and self.left.literal and not self.right.literal


class _Recorder:
    """The values of one assertion's sub-expressions, by the place they came from."""

    def __init__(self, text: str, describe: Describe) -> None:
        self.describe = describe
        self._lines = text.encode().splitlines()  # bytes, as syntax trees count
        self._sources: list[str] = []
        self._tests: list[_Test] = []
        self._seen: dict[int, object] = {}
        self.ask: Ask = lambda *_: None
        self.sole = False  # the check is one assert statement, so that its comparison is a metric

    def place(self, node: ast.expr) -> int:
        """A number for a sub-expression."""
        self._sources.append(self.source(node))
        return len(self._sources) - 1

    def source(self, node: ast.expr) -> str:
        """The expression as it was written, on one line."""
        first, last = node.lineno - 1, (node.end_lineno or node.lineno) - 1
        lines = self._lines[first : last + 1]
        lines[-1] = lines[-1][: node.end_col_offset]
        lines[0] = lines[0][node.col_offset :]
        return " ".join(line.strip() for line in b"\n".join(lines).decode(errors="replace").splitlines())

    def test(self, test: _Test) -> int:
        """A number for an assertion."""
        self._tests.append(test)
        return len(self._tests) - 1

    def begin(self) -> None:
        """An assertion is about to be evaluated, perhaps again in a loop."""
        self._seen = {}

    def record(self, place: int, value: object) -> object:
        """Note a value on its way."""
        self._seen[place] = value
        return value

    def true(self, place: int, value: object) -> bool:
        """Note the value of the whole expression, and decide."""
        self._seen[place] = value
        return bool(value)

    def fail(self, test: int, words: Callable[[], object] | None) -> None:
        """The assertion does not hold."""
        raise Failed(_clipped(str(words())) if words is not None else self._explain(self._tests[test]))

    def values(self) -> dict[str, str]:
        """Sub-expression → clipped repr, without what only names code."""
        return {source: self.describe(value) for source, value in self._parts()[:_KEPT]}

    def metric(self) -> dict[str, Any] | None:
        """What the check's one comparison compared, where both sides are numbers."""
        test = self._tests[0] if self.sole and self._tests else None
        sides = self._sides(test) if test else None
        if test is None or sides is None or test.operator not in _DIRECTIONS:
            return None
        numbers = [_number(side) for side in sides]
        if None in numbers:
            return None
        value, target = reversed(numbers) if test.flipped else numbers
        kind = _FLIPPED[test.operator] if test.flipped else test.operator
        return {"value": value, "target": target, "direction": _DIRECTIONS[kind]}

    def _sides(self, test: _Test) -> tuple[object, object] | None:
        """Values of both sides of a comparison, when both were evaluated."""
        if test.left is None or test.right is None:
            return None
        known = [side for side in (test.left, test.right) if side.literal or side.place in self._seen]
        values = [side.value if side.literal else self._seen[side.place] for side in known]
        return (values[0], values[1]) if len(values) == 2 else None  # noqa: PLR2004 - both

    def _explain(self, test: _Test) -> str:
        sides = self._sides(test)
        hint = _first_difference(*sides) if sides else ""
        if sides and test.operator is ast.Eq and test.left and test.right and test.left.literal != test.right.literal:
            value, expected = reversed(sides) if test.flipped else sides
            name = test.right.source if test.flipped else test.left.source
            hint = _first_difference(value, expected)
            return f"{name} gave {self.describe(value)}, expected {self.describe(expected)}{hint}"
        parts = [f"{source} = {self.describe(value, _IN_LINE)}" for source, value in self._parts(test.place)[:_SHOWN]]
        whole = self.describe(self._seen.get(test.place), _IN_LINE)
        return f"{test.source} is {whole}{'; ' if parts else ''}{', '.join(parts)}{hint}"

    def _parts(self, whole: int = -1) -> list[tuple[str, object]]:
        """Outermost values first: they say most about why the whole is what it is."""
        named: dict[str, object] = {}
        for place, value in sorted(self._seen.items(), key=itemgetter(0)):
            if place != whole and not isinstance(value, _CODE):
                named.setdefault(self._sources[place], value)
        return list(named.items())


class _Instrument(ast.NodeTransformer):
    """Sends the values of an assertion's sub-expressions through the recorder."""

    def __init__(self, recorder: _Recorder, *, inside: bool = False) -> None:
        self._recorder, self._inside = recorder, inside

    def visit_Assert(self, node: ast.Assert) -> list[ast.stmt]:
        """Decide, and on failure explain, instead of raising a bare AssertionError."""
        test = _Test(self._recorder.source(node.test), self._recorder.place(node.test))
        comparison = node.test if isinstance(node.test, ast.Compare) and len(node.test.ops) == 1 else None
        sides = (
            [_Side(each, self._recorder.source(each)) for each in (comparison.left, *comparison.comparators)]
            if comparison
            else []
        )
        decided = _call(_TRUE, ast.Constant(test.place), _Instrument(self._recorder, inside=True).parts(node.test))
        if comparison:
            for side, wrapped in zip(sides, (comparison.left, *comparison.comparators), strict=True):
                side.place = _place_of(wrapped)
            test.operator, (test.left, test.right) = type(comparison.ops[0]), sides
        empty = ast.arguments(posonlyargs=[], args=[], kwonlyargs=[], kw_defaults=[], defaults=[])
        words = ast.Lambda(empty, node.msg) if node.msg else ast.Constant(None)
        failing = ast.Expr(_call(_FAIL, ast.Constant(self._recorder.test(test)), words))
        branch = ast.If(ast.UnaryOp(ast.Not(), decided), [failing], [])
        return [ast.copy_location(each, node) for each in (ast.Expr(_call(_BEGIN)), branch)]

    def visit(self, node: ast.AST) -> Any:
        """Wrap expressions inside an assertion; look for assertions elsewhere."""
        if not self._inside or not isinstance(node, ast.expr):
            return super().visit(node)
        if isinstance(node, _OPAQUE) or isinstance(getattr(node, "ctx", None), ast.Store) or _is_literal(node):
            return node
        if isinstance(node, _TRANSPARENT):
            return self.generic_visit(node)
        place = self._recorder.place(node)
        return ast.copy_location(_call(_RECORD, ast.Constant(place), self.parts(node)), node)

    def parts(self, node: ast.expr) -> ast.expr:
        """The expression with its parts wrapped, itself not. The name of what is called is no value of interest."""
        if isinstance(node, ast.Name | ast.Constant | ast.JoinedStr):  # positions inside a JoinedStr are wrong on 3.11
            return node
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            node.args = [self.visit(each) for each in node.args]
            node.keywords = [ast.keyword(each.arg, self.visit(each.value)) for each in node.keywords]
            return node
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            node.func.value = self.visit(node.func.value)
            node.args = [self.visit(each) for each in node.args]
            node.keywords = [ast.keyword(each.arg, self.visit(each.value)) for each in node.keywords]
            return node
        self.generic_visit(node)
        return node


def _place_of(node: ast.expr) -> int:
    """Where a wrapped expression is recorded; -1 for one that was left as it is."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == _RECORD:
        assert isinstance(node.args[0], ast.Constant)
        return int(node.args[0].value)  # type: ignore[arg-type] # written by us as a number
    return -1


def _call(name: str, *arguments: ast.expr) -> ast.Call:
    return ast.Call(ast.Name(name, ast.Load()), list(arguments), [])


def _is_literal(node: ast.expr) -> bool:
    if not isinstance(node, _CONSTANT):
        return False
    try:
        ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return False
    return True


def _number(value: object) -> float | None:
    """A finite real number as a float, or None."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return None
    try:
        number = float(value)
    except (OverflowError, ValueError, TypeError):
        return None
    return number if math.isfinite(number) else None


def _clipped(text: str) -> str:
    return text if len(text) <= _WORDS else f"{text[:_WORDS]}..."


def _first_difference(left: object, right: object) -> str:
    """Where two long strings part, or nothing."""
    if type(left) is not str or type(right) is not str or max(len(left), len(right)) < _LONG or left == right:
        return ""
    left, right = left[:_SEARCHED], right[:_SEARCHED]
    at = next((at for at, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), min(len(left), len(right)))
    near = slice(max(0, at - 10), at + 20)
    return f"; first difference at {at}: {left[near]!r} instead of {right[near]!r}"
