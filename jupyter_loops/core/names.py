"""Which names a statement reads, and which it binds.

Reads are of two sorts: those that happen when the statement runs, and those in function bodies,
which happen when somebody calls the function. Only names of the cell's own scope count.
"""

from __future__ import annotations

import ast
import copy
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence

from .mutation import IN_PLACE

_Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
_Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
_NONE: frozenset[str] = frozenset()
_ANY = ast.Pass()  # the statement around an expression that stands alone


def _nothing() -> None:
    pass


def reads(node: ast.AST) -> set[str]:
    """Every name of the enclosing scope that the node may look up, at once or later."""
    return {name for name, _ in _reads(node, _NONE, _NONE, later=False)}


def reads_now(node: ast.AST) -> set[str]:
    """The names that are looked up while the node runs."""
    return {name for name, later in _reads(node, _NONE, _NONE, later=False) if not later}


def binds(node: ast.AST) -> set[str]:
    """The names that the node gives a value in its own scope, or that functions in it declare `global` and give one."""
    return {name for name, _ in _gives(node)} | set(_assigned_globals(node))


def bindings(body: Sequence[ast.stmt]) -> Iterator[tuple[str, ast.stmt]]:
    """Each name with a statement that gives it a value, those inside if, for, with and try among them, in order."""
    return (binding for outer in body for binding in _gives(outer))


def named_by(node: ast.AST) -> Iterator[str]:
    """The names that this one node binds, without what is below it."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        yield node.id
    elif isinstance(node, ast.alias) and node.name != "*":
        yield (node.asname or node.name).partition(".")[0]
    elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
        yield node.name
    elif isinstance(node, ast.MatchMapping) and node.rest:
        yield node.rest


def imports_star(node: ast.AST) -> bool:
    """Whether the node holds a `from x import *`, which may bind anything."""
    return any(isinstance(child, ast.alias) and child.name == "*" for child in ast.walk(node))


def wants(statements: Sequence[ast.stmt], before_each: Callable[[], None] = _nothing) -> set[str]:
    """The names that statements, run in order, need to exist beforehand.

    Reads in function bodies are looked up when everything is defined, others when their turn comes:
    `df = df.dropna()` wants `df`. `before_each` is called for each statement, and may raise.
    """
    at_once = [_without_annotations(statement) for statement in statements] if _postpones(statements) else statements
    later, everything = set[str](), set[str]()
    for statement, bare in zip(statements, at_once, strict=True):
        before_each()
        found = set(_reads(statement, _NONE, _NONE, later=False))
        now = {name for name, is_later in found if not is_later} if bare is statement else reads_now(bare)
        later |= {name for name, _ in found} - now
        everything |= binds(statement)
    return _in_order(at_once, set()) | (later - everything)


def _postpones(statements: Sequence[ast.stmt]) -> bool:
    """Whether annotations are looked up later than where they stand."""
    return sys.version_info >= (3, 14) or any(
        isinstance(statement, ast.ImportFrom)
        and statement.module == "__future__"
        and statement.names[0].name == "annotations"
        for statement in statements
    )


def _without_annotations(statement: ast.stmt) -> ast.stmt:
    bare = copy.deepcopy(statement)
    for node in ast.walk(bare):
        if isinstance(node, ast.AnnAssign):
            node.annotation = ast.Constant(None)
        elif isinstance(node, ast.arg):
            node.annotation = None
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            node.returns = None
    return bare


def changes(node: ast.AST) -> set[str]:
    """The names whose values a statement may change in place: `d[k] = 1`, `xs.append(1)`, `shuffle(xs)`."""
    return {name for child in ast.walk(node) for name in _changes(child)}


def _changes(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Attribute | ast.Subscript) and not isinstance(node.ctx, ast.Load):
        yield from root(node)
    elif isinstance(node, ast.AugAssign):
        yield from root(node.target)
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        if isinstance(node.value.func, ast.Attribute):
            yield from root(node.value.func)
        for argument in node.value.args:
            yield from root(argument)
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and _is_in_place(node.func.attr, node):
        yield from root(node.func)


def _is_in_place(method: str, call: ast.Call) -> bool:
    return method in IN_PLACE or any(keyword.arg == "inplace" for keyword in call.keywords)


def root(node: ast.expr) -> Iterator[str]:
    """The name at the left end of `name.a[0].b`, if there is one."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    if isinstance(node, ast.Name):
        yield node.id


def _in_order(statements: Iterable[ast.stmt], bound: set[str]) -> set[str]:
    """Names read before they are bound; `bound` grows by what the statements bind."""
    needed: set[str] = set()
    for statement in statements:
        blocks = _blocks(statement)
        if not blocks:
            walrus = {node.target.id for node in ast.walk(statement) if isinstance(node, ast.NamedExpr)}
            needed |= reads_now(statement) - bound - walrus
            bound |= binds(statement)
            continue
        inside = {id(child) for block in blocks for child in block}
        header = [child for child in _pieces(statement) if id(child) not in inside]
        for child in header:
            needed |= reads_now(child) - bound
        bound |= {name for child in header for name in _binds(child)}
        bound |= {handler.name for handler in getattr(statement, "handlers", []) if handler.name}
        for block in blocks:
            needed |= _in_order(block, bound)
    return needed


def _blocks(statement: ast.stmt) -> list[list[ast.stmt]]:
    """The bodies of a compound statement that runs in this scope, in order."""
    if isinstance(statement, _Function | ast.ClassDef):
        return []
    parts = [statement, *getattr(statement, "handlers", []), *getattr(statement, "cases", [])]
    blocks = [getattr(part, name, []) for part in parts for name in ("body", "orelse", "finalbody")]
    return [block for block in blocks if block]


def _pieces(statement: ast.stmt) -> Iterator[ast.AST]:
    """The parts of a compound statement, those of its handlers and cases among them."""
    for child in ast.iter_child_nodes(statement):
        if isinstance(child, ast.ExceptHandler | ast.match_case):
            yield from ast.iter_child_nodes(child)
        else:
            yield child


def _reads(
    node: ast.AST, local: frozenset[str], in_class: frozenset[str], *, later: bool
) -> Iterator[tuple[str, bool]]:
    """Pairs of name and whether it is read later; `in_class` names are invisible to functions inside."""
    if isinstance(node, ast.Name):
        if isinstance(node.ctx, ast.Load) and node.id not in local and node.id not in in_class:
            yield node.id, later
        return
    if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name) and node.target.id not in local | in_class:
        yield node.target.id, later
    if isinstance(node, _Function):
        yield from _reads_function(node, local, in_class, later=later)
    elif isinstance(node, ast.ClassDef):
        yield from _reads_class(node, local, in_class, later=later)
    elif isinstance(node, _Comprehension):
        yield from _reads(node.generators[0].iter, local, in_class, later=later)
        inside = local | {name for generator in node.generators for name in _binds(generator.target)}
        for child in ast.iter_child_nodes(node):
            yield from _reads(child, inside, in_class, later=later)
    else:
        for child in ast.iter_child_nodes(node):
            yield from _reads(child, local, in_class, later=later)


def _reads_function(
    node: _Function, local: frozenset[str], in_class: frozenset[str], *, later: bool
) -> Iterator[tuple[str, bool]]:
    arguments = node.args
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    named += [argument for argument in (arguments.vararg, arguments.kwarg) if argument]
    outside: list[ast.expr | None] = [*arguments.defaults, *arguments.kw_defaults]
    outside += [argument.annotation for argument in named]
    body: list[ast.AST] = [node.body] if isinstance(node, ast.Lambda) else list(node.body)
    parameters = {argument.arg for argument in named} | _type_parameters(node)
    if not isinstance(node, ast.Lambda):
        outside += [*node.decorator_list, node.returns]
    for expression in filter(None, outside):
        yield from _reads(expression, local | _type_parameters(node), in_class, later=later)
    shared = _declared_global(body)
    inside = frozenset((local | parameters | {name for child in body for name in _binds(child)}) - shared)
    for child in body:
        yield from _reads(child, inside, _NONE, later=True)


def _reads_class(
    node: ast.ClassDef, local: frozenset[str], in_class: frozenset[str], *, later: bool
) -> Iterator[tuple[str, bool]]:
    inner = frozenset({name for statement in node.body for name in _binds(statement)} | _type_parameters(node))
    for child in (*node.decorator_list, *node.bases, *node.keywords):
        yield from _reads(child, local, in_class, later=later)
    for statement in node.body:
        yield from _reads(statement, local, inner, later=later)


def _type_parameters(node: ast.AST) -> set[str]:
    return {parameter.name for parameter in getattr(node, "type_params", [])}


def _declared_global(body: Iterable[ast.AST]) -> set[str]:
    return {name for child in body for node in ast.walk(child) if isinstance(node, ast.Global) for name in node.names}


def _binds(node: ast.AST) -> Iterator[str]:
    """The names that are local to the scope the node stands in: those it gives a value, deletes or declares."""
    for child in _same_scope(node):
        yield from named_by(child)
        if isinstance(child, ast.Name) and isinstance(child.ctx, ast.Del):
            yield child.id


def _gives(node: ast.AST, statement: ast.stmt = _ANY) -> Iterator[tuple[str, ast.stmt]]:
    """Name and the statement that gives it a value; a bare annotation gives none."""
    statement = node if isinstance(node, ast.stmt) else statement
    if isinstance(node, ast.AnnAssign) and node.value is None:
        return
    yield from ((name, statement) for name in named_by(node))
    for child in _children(node):
        yield from _gives(child, statement)


def _same_scope(node: ast.AST) -> Iterator[ast.AST]:
    """The node and what is below it in the same scope, in the order of the text."""
    yield node
    for child in _children(node):
        yield from _same_scope(child)


def _children(node: ast.AST) -> Iterable[ast.AST]:
    """What is just below the node in the same scope."""
    if isinstance(node, _Function | ast.ClassDef):
        return _around(node)
    return _inside_comprehension(node) if isinstance(node, _Comprehension) else ast.iter_child_nodes(node)


def _around(node: _Function | ast.ClassDef) -> list[ast.expr]:
    """The expressions of a definition that are evaluated where it stands."""
    if isinstance(node, ast.ClassDef):
        return [*node.decorator_list, *node.bases, *(keyword.value for keyword in node.keywords)]
    defaults = [*node.args.defaults, *(default for default in node.args.kw_defaults if default)]
    return defaults if isinstance(node, ast.Lambda) else [*node.decorator_list, *defaults]


def _inside_comprehension(node: ast.AST) -> Iterator[ast.AST]:
    """The targets of `:=` in a comprehension, which belong to the scope around it."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.NamedExpr):
            yield child.target
        if not isinstance(child, ast.Lambda):
            yield from _inside_comprehension(child)


def _assigned_globals(node: ast.AST) -> Iterator[str]:
    """The names that functions and classes inside the node declare global and give a value."""
    if not any(isinstance(child, ast.Global) for child in ast.walk(node)):
        return
    for child in ast.walk(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            declared = {name for part in _scope(child) if isinstance(part, ast.Global) for name in part.names}
            if declared:
                yield from declared & {name for part in child.body for name, _ in _gives(part)}


def _scope(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> Iterator[ast.AST]:
    for statement in node.body:
        yield from _same_scope(statement)
