"""Reads `Verified() | Iterations(20) | Usd(0.5) & Plateau(3)`. The text is parsed, never run."""

from __future__ import annotations

import ast
import difflib
import re

from jupyter_loops.core.condition import Condition
from jupyter_loops.core.stop_conditions import CONDITIONS, Time, Verified
from jupyter_loops.core.syntax_tree import parse_expression

_LONGEST = 500  # characters
_FORM = "conditions such as Verified() | Iterations(20) | Usd(0.5) & Plateau(3)"
_TIME = re.compile(r"(\d+(?:\.\d+)?)(s|m|h)")
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0}


def read_until(text: str) -> Condition:
    """The condition that a text states. Raises ValueError with one line that says what to write."""
    if len(text) > _LONGEST:
        raise ValueError(f"{_FORM}, in {_LONGEST} characters at most")
    try:
        tree = parse_expression(text.strip())
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ValueError(_FORM) from None
    return _read(tree.body)


def _read(node: ast.expr) -> Condition:
    match node:
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return _read(left) | _read(right)
        case ast.BinOp(left=left, op=ast.BitAnd(), right=right):
            return _read(left) & _read(right)
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]):
            return _condition(name, args)
        case ast.Name(id=name):
            raise ValueError(f"a call: write {name}()" if name in CONDITIONS else _unknown(name))
        case ast.BoolOp(op=op):
            word, sign = ("and", "&") if isinstance(op, ast.And) else ("or", "|")
            raise ValueError(f"{sign} instead of `{word}`")
        case _:
            raise ValueError(_FORM)


def _condition(name: str, args: list[ast.expr]) -> Condition:
    if name not in CONDITIONS:
        raise ValueError(_unknown(name))
    kind = CONDITIONS[name]
    if kind is Verified:
        if args:
            raise ValueError("Verified() without a value")
        return Verified()
    try:
        (argument,) = args
        return kind(_number(kind, argument))  # type: ignore[call-arg]  # each but Verified takes one number
    except ValueError:
        example = '300 or "5m"' if kind is Time else "0.9" if name == "Score" else "3"
        raise ValueError(f"one number above 0 in {name}, such as {name}({example})") from None


def _number(kind: type[Condition], node: ast.expr) -> float:
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return number
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)):
            return -number
        case ast.Constant(value=str() as text) if kind is Time and (duration := _TIME.fullmatch(text)):
            return float(duration[1]) * _SECONDS[duration[2]]
        case _:
            raise ValueError


def _unknown(name: str) -> str:
    near = difflib.get_close_matches(name.title(), CONDITIONS, n=1)
    return f"{_FORM}; there is no {name[:40]}" + (f", did you mean {near[0]}?" if near else "")
