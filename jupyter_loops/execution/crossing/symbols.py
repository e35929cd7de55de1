"""sympy's expressions: a head of its own by name, and arguments."""

from __future__ import annotations

import sys
from typing import Any

from .kind import Decoding, Encoding, Node, ValueKind, count, expect, fields, imported
from .refusal import UnreadableError

NAME = "sympy"
_HEADS = frozenset(
    [
        "Add",
        "Mul",
        "Pow",
        "Rational",
        "Integer",
        "Tuple",
        "Eq",
        "Ne",
        "Lt",
        "Le",
        "Gt",
        "Ge",
        "And",
        "Or",
        "Not",
        "Xor",
        "Implies",
        "ITE",
        "Piecewise",
        "ExprCondPair",
        "sin",
        "cos",
        "tan",
        "cot",
        "sec",
        "csc",
        "asin",
        "acos",
        "atan",
        "atan2",
        "sinh",
        "cosh",
        "tanh",
        "asinh",
        "acosh",
        "atanh",
        "exp",
        "log",
        "Abs",
        "sign",
        "floor",
        "ceiling",
        "Min",
        "Max",
        "sqrt",
        "factorial",
        "binomial",
        "gamma",
        "erf",
        "re",
        "im",
        "conjugate",
        "arg",
        "Derivative",
        "Integral",
        "Sum",
        "Product",
        "Limit",
        "Order",
        "FiniteSet",
        "Interval",
        "Union",
        "Intersection",
        "Complement",
        "ProductSet",
        "Mod",
        "Heaviside",
        "DiracDelta",
        "KroneckerDelta",
        "LambertW",
        "Subs",
        "Lambda",
        "Equality",
        "Unequality",
        "StrictLessThan",
        "LessThan",
        "StrictGreaterThan",
        "GreaterThan",
        "beta",
        "zeta",
        "besselj",
    ]
)
_CONSTANTS = (
    *("pi", "E", "I", "oo", "zoo", "nan", "true", "false"),
    *("EulerGamma", "GoldenRatio", "Catalan"),
)
_SINGLETONS = ("EmptySet", "Reals", "Integers", "Naturals", "Naturals0", "Rationals", "Complexes", "NegativeInfinity")
_EVALUATED = frozenset({"Add", "Mul", "Pow"})
_LONGEST = 200  # characters of a name


def describe(value: Any, _: Encoding) -> Node | None:
    """The node of an expression; None for other objects of sympy's."""
    sy = sys.modules["sympy"]
    if isinstance(value, sy.MatrixBase):
        sort = "ImmutableMatrix" if isinstance(value, sy.ImmutableMatrix) else "Matrix"
        return "sy.matrix", (sort, int(value.rows), int(value.cols)), list(value.flat())
    if not isinstance(value, sy.Basic):
        return None
    constant = _constant(sy, value)
    if constant is not None:
        return "sy.constant", constant, ()
    return _of_basic(sy, value)


def _of_basic(sy: Any, value: Any) -> Node | None:  # noqa: PLR0911
    name = type(value).__name__
    if isinstance(value, sy.Integer):
        return "sy.rational", (int(value.p), 1), ()
    if isinstance(value, sy.Rational):
        return "sy.rational", (int(value.p), int(value.q)), ()
    if isinstance(value, sy.Float):
        return "sy.float", (str(value), int(value._prec)), tuple(value._mpf_)  # noqa: SLF001
    if type(value) is sy.Symbol:
        assumptions = tuple((key, is_so) for key, is_so in value._assumptions_orig.items())  # noqa: SLF001
        return "sy.symbol", (value.name, assumptions), ()
    if name in _HEADS and _head(sy, name) is type(value):
        return "sy.node", name, list(value.args)
    if isinstance(value, sy.core.function.AppliedUndef):
        return "sy.applied", str(value.func), list(value.args)
    return None


def _head(sy: Any, name: str) -> Any:
    return sy.functions.elementary.piecewise.ExprCondPair if name == "ExprCondPair" else getattr(sy, name)


def _constant(sy: Any, value: Any) -> str | None:
    for name in _CONSTANTS:
        if getattr(sy, name) is value:
            return name
    return next((name for name in _SINGLETONS if getattr(sy.S, name) is value), None)


def _make_constant(name: Any, _: list[Any], __: Decoding) -> object:
    sy = imported("sympy")

    if name in _CONSTANTS:
        return getattr(sy, name)
    if name in _SINGLETONS:
        return getattr(sy.S, name)
    raise UnreadableError("sympy has no such constant")


def _make_float(payload: Any, children: list[Any], _: Decoding) -> object:
    sy = imported("sympy")

    _text, precision = fields(payload, str, int)
    sign, mantissa, exponent, bits = (int(expect(part, int)) for part in count(children, 4))
    if not 1 <= precision <= 100_000 or sign not in {0, 1} or mantissa < 0 or bits != mantissa.bit_length():  # noqa: PLR2004
        raise UnreadableError("a number of sympy's is none")
    return sy.Float._new((sign, mantissa, exponent, bits), precision)  # noqa: SLF001


def _make_symbol(payload: Any, _: list[Any], __: Decoding) -> object:
    sy = imported("sympy")

    name, assumptions = fields(payload, str, tuple)
    if len(name) > _LONGEST:
        raise UnreadableError("a symbol's name is too long")
    keywords = dict(fields(assumption, str, bool) for assumption in assumptions)
    return sy.Symbol(name, **keywords)


def _make_rational(payload: Any, _: list[Any], __: Decoding) -> object:
    sy = imported("sympy")

    return sy.Rational(*fields(payload, int, int))


def _basic(children: list[Any]) -> list[Any]:
    sy = imported("sympy")

    if not all(isinstance(child, sy.Basic) for child in children):
        raise UnreadableError("an argument is no expression")
    return children


def _make_node(name: Any, children: list[Any], _: Decoding) -> object:
    sy = imported("sympy")

    if expect(name, str) not in _HEADS:
        raise UnreadableError("sympy has no such expression")
    head, arguments = _head(sy, name), _basic(children)
    if name in _EVALUATED:
        return head(*arguments, evaluate=False)
    return sy.Basic.__new__(head, *arguments)


def _make_applied(name: Any, children: list[Any], _: Decoding) -> object:
    sy = imported("sympy")

    if len(expect(name, str)) > _LONGEST:
        raise UnreadableError("a function's name is too long")
    return sy.Function(name)(*_basic(children))


def _make_matrix(payload: Any, children: list[Any], _: Decoding) -> object:
    sy = imported("sympy")

    name, rows, columns = fields(payload, str, int, int)
    if name not in {"Matrix", "ImmutableMatrix"} or rows < 0 or columns < 0 or rows * columns != len(children):
        raise UnreadableError("a matrix of sympy's is none")
    return getattr(sy, name)(rows, columns, _basic(children))


def same(_value: Any, _other: Any, _pair: Any) -> bool | None:
    """Expressions never change."""
    return bool(_value == _other)


def put_back(_target: Any, _new: Any) -> bool:
    """Expressions never change."""
    return False


KINDS = {
    "sy.constant": ValueKind(_make_constant),
    "sy.rational": ValueKind(_make_rational),
    "sy.float": ValueKind(_make_float),
    "sy.symbol": ValueKind(_make_symbol),
    "sy.node": ValueKind(_make_node),
    "sy.applied": ValueKind(_make_applied),
    "sy.matrix": ValueKind(_make_matrix),
}
