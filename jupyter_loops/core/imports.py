"""Which modules a candidate may import."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from .syntax_tree import parse_module

_SHOWN = 20  # names in a message


@dataclass(frozen=True, slots=True, kw_only=True)
class Imports:
    """Lists of dotted module names; a name stands for its submodules, too."""

    allowed: frozenset[str] | None = None  # None: all that are not denied
    denied: frozenset[str] = frozenset()

    @classmethod
    def of(cls, allowed: Iterable[str] | None, denied: Iterable[str], setup: str) -> Imports:
        """The lists as a person gave them; what the set-up imports is allowed as well."""
        if allowed is None:
            return cls(denied=frozenset(denied))
        nodes = list(ast.walk(parse_module(setup)))
        setup_modules = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
        setup_modules |= {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
        return cls(allowed=frozenset(allowed) | setup_modules, denied=frozenset(denied))

    def __bool__(self) -> bool:
        return self.allowed is not None or bool(self.denied)

    @property
    def rule(self) -> str:
        """What is allowed, in words for a model; empty where everything is."""
        allowed = "" if self.allowed is None else f"only {_listed(self.allowed)} may be imported"
        denied = f"{_listed(self.denied)} must not be imported" if self.denied else ""
        return "; ".join(filter(None, (allowed, denied)))

    def refuses(self, module: str) -> bool:
        """Whether an import of the module is against the lists."""
        return _within(module, self.denied) or (self.allowed is not None and not _within(module, self.allowed))

    def refusal(self, tree: ast.AST) -> str:
        """The first import in the code that is refused, in one line; empty when there is none."""
        for node in ast.walk(tree):
            for module in imported(node):
                if self.refuses(module):
                    line = getattr(node, "lineno", 1)
                    return f"line {line}: `{module}` must not be imported here: {self.rule}"
        return ""


def imported(node: ast.AST) -> Iterator[str]:
    """The modules that a statement or a call names; `from a import b` may name the module `a.b`, and is in `a`."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module:
        yield from (f"{node.module}.{alias.name}".removesuffix(".*") for alias in node.names)
    elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
        function = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if function in {"__import__", "import_module"} and isinstance(node.args[0].value, str):
            yield node.args[0].value


def _within(module: str, names: Iterable[str]) -> bool:
    return any(module == name or module.startswith(f"{name}.") for name in names)


def _listed(names: frozenset[str]) -> str:
    shown = sorted(names)[:_SHOWN]
    return (", ".join(shown) + (" …" if len(names) > _SHOWN else "")) or "nothing"
