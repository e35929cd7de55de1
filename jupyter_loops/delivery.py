"""What a run leaves in the notebook: its targets, and nothing else of the child's world."""

from __future__ import annotations

import ast
import builtins
import linecache
from collections.abc import Iterable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any

from jupyter_loops.core.candidate import Candidate, CandidateKind, Delivery
from jupyter_loops.core.recipe import Recipe, Target, TargetKind
from jupyter_loops.execution.crossing.packing import unpack
from jupyter_loops.language.needed import needed

_ABSENT = object()


@dataclass(frozen=True, slots=True)
class Change:
    """One name of the notebook, before and after."""

    name: str
    before: object
    after: object

    def __str__(self) -> str:
        was = "new" if self.before is _ABSENT else f"was {type(self.before).__name__}"
        return f"{self.name}: {type(self.after).__name__} ({was})"


@dataclass(slots=True)
class Delivered:
    """The names that a run bound, and what was there before."""

    namespace: MutableMapping[str, Any]
    changes: list[Change] = field(default_factory=list)

    def undo(self) -> list[Change]:
        """Put back what was there, except where somebody has bound the name anew since; what was put back."""
        undone = []
        for change in reversed(self.changes):
            if self.namespace.get(change.name, _ABSENT) is not change.after:
                continue
            undone.append(change)
            if change.before is _ABSENT:
                del self.namespace[change.name]
            else:
                self.namespace[change.name] = change.before
        self.changes = []
        return undone[::-1]

    def bind(self, name: str, value: object) -> None:
        """Bind one name."""
        self.changes.append(Change(name, self.namespace.get(name, _ABSENT), value))
        self.namespace[name] = value


def deliver(
    recipe: Recipe, candidate: Candidate, delivery: Delivery, namespace: MutableMapping[str, Any], label: str
) -> Delivered:
    """Bind the verified targets of `recipe` in `namespace`.

    Set-up statements that a target needs (its classes, imports and helpers) run here as the cell's own code
    would have. The candidate's code runs in a module of its own, named `label`, from which only functions
    are taken; data comes from the delivery and is validated against its type.
    """
    delivered = Delivered(namespace)
    try:
        _bind_all(recipe, candidate, delivery, label, delivered)
    except BaseException:
        delivered.undo()  # all of them or none
        raise
    return delivered


def _bind_all(recipe: Recipe, candidate: Candidate, delivery: Delivery, label: str, delivered: Delivered) -> None:
    namespace = delivered.namespace
    _run_setup(recipe, candidate, delivered)
    functions = [target for target in recipe.targets if target.kind is TargetKind.FUNCTION]
    if functions and candidate.kind is CandidateKind.CODE:
        made = _run_candidate(candidate.text, {target.name for target in functions}, namespace, label)
        for target in functions:
            delivered.bind(target.name, made[target.name])
    for target in recipe.targets:
        if target.name in delivery.objects:
            delivered.bind(target.name, unpack(delivery.objects[target.name]))
        elif target.name in delivery.values:
            delivered.bind(target.name, _validated(target, delivery.values[target.name], namespace))


def _run_setup(recipe: Recipe, candidate: Candidate, delivered: Delivered) -> None:
    """Run the set-up statements that the targets reach, directly or through one another, in their order."""
    tree = ast.parse(recipe.setup)
    wanted = _reads([ast.parse(target.annotation or "None") for target in recipe.targets])
    if candidate.kind is CandidateKind.CODE:
        wanted |= _reads([ast.parse(candidate.text)])
    needed: set[int] = set()
    while True:
        more = {n for n, node in enumerate(tree.body) if n not in needed and _binds(node) & wanted}
        if not more:
            break
        needed |= more
        wanted |= _reads(tree.body[n] for n in more)
    scope = dict(delivered.namespace)
    for number in sorted(needed):
        node = tree.body[number]
        exec(compile(ast.Module([node], []), f"<loop {recipe.name}>", "exec"), scope)  # noqa: S102  # the user's own
    for name in sorted({name for number in needed for name in _binds(tree.body[number])}):
        if name in scope:
            delivered.bind(name, scope[name])


def _run_candidate(text: str, names: set[str], namespace: Mapping[str, Any], label: str) -> dict[str, Any]:
    """Run what the targets need of verified code, in a module of its own, its source at hand for tracebacks.

    What a candidate does besides, to files or to the screen, it has done in the sandbox, and does not do again here.
    """
    filename = f"<{label}>"
    linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
    tree = ast.parse(text)
    uses = _reads([tree])
    scope: dict[str, Any] = {name: namespace[name] for name in uses if name in namespace}
    scope["__name__"] = "__main__"  # so that cloudpickle carries the function to workers by value
    program = compile(ast.Module(needed(tree.body, names), []), filename, "exec", dont_inherit=True)
    exec(program, scope)  # noqa: S102  # verified, and asked for by the user
    return scope


def _validated(target: Target, value: Any, namespace: MutableMapping[str, Any]) -> Any:
    from pydantic import TypeAdapter

    annotation = eval(target.annotation, dict(namespace))  # noqa: S307  # the user's own annotation
    return TypeAdapter(annotation).validate_python(value)


def _reads(nodes: Iterable[ast.AST]) -> set[str]:
    names = {
        name.id
        for node in nodes
        for name in ast.walk(node)
        if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Load)
    }
    return names - set(dir(builtins))


def _binds(node: ast.stmt) -> set[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.Import | ast.ImportFrom):
        return {(alias.asname or alias.name).split(".")[0] for alias in node.names}
    return {name.id for name in ast.walk(node) if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)}
