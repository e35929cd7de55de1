"""Whether a class has the bases and the methods that its stub promises."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator, Mapping

from jupyter_loops.core.names import bindings
from jupyter_loops.core.recipe import Target
from jupyter_loops.core.syntax_tree import parse_module

from .signature_match import Function, as_asynchronous, fits, header

_SHOWN = 3  # mismatches in a message
_NO_METHODS = frozenset({"object", "ABC", "Generic", "Protocol"})  # bases that a class may have or not
_KINDS = {"classmethod": "a classmethod", "staticmethod": "a staticmethod", "": "a plain method"}
_NAMED = frozenset({"__init__", "__new__", "__call__"})  # special methods whose parameters callers may name
_Members = dict[str, ast.stmt]


def class_mismatch(target: Target, module: Mapping[str, ast.stmt]) -> str:
    """Empty when the class may stand in for the stub, else one line that says what is required.

    `module` holds what the candidate's code binds.
    """
    stub, definition = parse_module(target.source).body[0], module.get(target.name)
    assert isinstance(stub, ast.ClassDef)
    if definition is None:
        return f"the code does not define it; it has to be a class with {_listed(stub)}"
    if not isinstance(definition, ast.ClassDef):
        return f"it is not a class statement; it has to be a class with {_listed(stub)}"
    family = list(_family(definition, module, set()))
    wrong = [*_bases_missing(stub, family), *_methods_wrong(stub, family, module)]
    more = f"; and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
    return "; ".join(wrong[:_SHOWN]) + more


def _family(node: ast.ClassDef, module: Mapping[str, ast.stmt], visited: set[str]) -> Iterator[ast.ClassDef]:
    """The class and those that it inherits from, as far as the candidate's code defines them."""
    yield node
    visited.add(node.name)
    for name in _bases(node):
        base = module.get(name)
        if isinstance(base, ast.ClassDef) and name not in visited:
            yield from _family(base, module, visited)


def _bases_missing(stub: ast.ClassDef, family: list[ast.ClassDef]) -> Iterator[str]:
    inherited = {name for node in family for name in _bases(node)} | _NO_METHODS
    yield from (f"it has to inherit from `{name}`" for name in _bases(stub) if name not in inherited)


def _methods_wrong(stub: ast.ClassDef, family: list[ast.ClassDef], module: Mapping[str, ast.stmt]) -> Iterator[str]:
    members: _Members = {}
    for node in reversed(family):
        members |= _members(node)
    resolved = _NO_METHODS | {*_bases(stub)} | {name for name, node in module.items() if isinstance(node, ast.ClassDef)}
    inherits = any(name not in resolved for node in family for name in _bases(node))
    for name, expected in _members(stub).items():
        if not isinstance(expected, Function):
            continue
        if name in members:
            yield from _differs(name, expected, members[name])
        elif not (inherits or _is_generated(expected, family)):
            yield f"it lacks `{_written(expected)}`"


def _is_generated(expected: Function, family: list[ast.ClassDef]) -> bool:
    """Special methods that Python or a class decorator writes."""
    if expected.name == "__init__" and ast.unparse(expected.args) == "self":
        return True
    return _is_special(expected.name) and any(node.decorator_list for node in family)


def _differs(name: str, expected: Function, actual: ast.stmt) -> Iterator[str]:
    """One line where a method is not what its stub says; an assignment such as `__radd__ = __add__` is trusted."""
    if not isinstance(actual, Function):
        if isinstance(actual, ast.ClassDef):
            yield f"`{name}` has to be `{_written(expected)}`"
        return
    kind = _kind(expected)
    if _kind(actual) != kind:
        yield f"`{name}` has to be {_KINDS.get(kind, f'a {kind}')}"
    elif not as_asynchronous(expected, actual):
        yield f"only one of them is async; `{name}` has to be `{_written(expected)}`"
    elif not _same_parameters(expected, actual, kind):
        yield f"the code says `{header(actual)}`; `{name}` has to be `{_written(expected)}`"


def _same_parameters(expected: Function, actual: Function, kind: str) -> bool:
    if kind.startswith("property") or (_is_special(expected.name) and expected.name not in _NAMED):
        return True  # Python calls these, and by position
    if kind == "staticmethod":
        return fits(expected.args, actual.args)
    return fits(_without_first(expected.args), _without_first(actual.args))


def _without_first(arguments: ast.arguments) -> ast.arguments:
    """The parameters after `self` or `cls`, whose name is free."""
    parameters = copy.copy(arguments)
    parameters.posonlyargs = arguments.posonlyargs[1:]
    parameters.args = arguments.args if arguments.posonlyargs else arguments.args[1:]
    return parameters


def _members(node: ast.ClassDef) -> _Members:
    """What the class body binds; the setter of `x` is `x.setter`."""
    pairs = bindings(node.body)
    return {f"{name}.{role}" if (role := _role(statement)) else name: statement for name, statement in pairs}


def _role(statement: ast.stmt) -> str:
    marks = statement.decorator_list if isinstance(statement, Function) else []
    return next(
        (mark.attr for mark in marks if isinstance(mark, ast.Attribute) and mark.attr in {"setter", "deleter"}), ""
    )


def _kind(method: Function) -> str:
    if role := _role(method):
        return f"property {role}"
    marks = {ast.unparse(mark).partition("(")[0].rpartition(".")[2] for mark in method.decorator_list}
    if marks & {"property", "cached_property", "abstractproperty", "getter"}:
        return "property"
    return next((mark for mark in ("classmethod", "staticmethod") if mark in marks), "")


def _bases(node: ast.ClassDef) -> list[str]:
    """The last names of the bases: `Generic` of `typing.Generic[T]`."""
    return [ast.unparse(base).partition("[")[0].rpartition(".")[2] for base in node.bases]


def _listed(stub: ast.ClassDef) -> str:
    return ", ".join(f"`{_written(method)}`" for method in _members(stub).values() if isinstance(method, Function))


def _written(method: Function) -> str:
    marks = "".join(f"@{ast.unparse(mark)} " for mark in method.decorator_list)
    return f"{marks}{header(method)}"


def _is_special(name: str) -> bool:
    return name.startswith("__") and name.endswith("__")
