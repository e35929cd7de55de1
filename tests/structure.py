"""What the names and the shape of the package are like, in figures: `python tests/structure.py`."""

# ruff: noqa: T201 - a script prints

from __future__ import annotations

import ast
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "jupyter_loops"
# Words of a story, where the field has a noun or a verb. As part of a longer name they count as well.
NARRATIVE = frozenset(
    """
    said told kept given found seen asked made taken known left held wanted begun came coming gone heard brought lent
    went spoken telling turned beside whole rest ours theirs again anew aside away somebody nobody errand chores cargo
    hoard travel news supply spare nursery strike bury strays desk landing past standing pace reins pursuit opening
    twin crown insist each one some own
    """.split()  # noqa: SIM905 - a list of them would be longer
)
MOST_ATTRIBUTES = 12
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")


def trees() -> Iterator[tuple[Path, str, ast.Module]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        yield path.relative_to(PACKAGE), text, ast.parse(text)


def identifiers(tree: ast.AST) -> Iterator[str]:
    """Every name that is defined: functions, classes, arguments, variables and attributes that are set."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.arg(arg=name) | ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                yield name


def narrative(tree: ast.AST) -> list[str]:
    """The defined names that hold a word of a story."""
    return [name for name in identifiers(tree) if NARRATIVE & {word.lower() for word in _WORD.findall(name)}]


def repeated_classes() -> dict[str, list[str]]:
    """Public class names that are used more than once, with their files."""
    places: defaultdict[str, list[str]] = defaultdict(list)
    for path, _, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(str(path))
    return {name: files for name, files in places.items() if len(files) > 1}


def repeated_files() -> dict[str, list[str]]:
    """File names that are used more than once."""
    places: defaultdict[str, list[str]] = defaultdict(list)
    for path, _, _ in trees():
        if path.name != "__init__.py":
            places[path.name].append(str(path))
    return {name: files for name, files in places.items() if len(files) > 1}


def attributes(node: ast.ClassDef) -> set[str]:
    """The attributes of a class: fields that are declared, and what its methods set on `self`."""
    declared = {
        each.target.id for each in node.body if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name)
    }
    set_on_self = {
        each.attr
        for each in ast.walk(node)
        if isinstance(each, ast.Attribute)
        and isinstance(each.ctx, ast.Store)
        and isinstance(each.value, ast.Name)
        and each.value.id == "self"
    }
    return declared | set_on_self


def main() -> None:
    lines, anys, words, wide = 0, 0, Counter[str](), []
    rooms: Counter[str] = Counter()
    for path, text, tree in trees():
        lines += len(text.splitlines())
        anys += sum(isinstance(node, ast.Name) and node.id == "Any" for node in ast.walk(tree))
        names = narrative(tree)
        words.update(names)
        rooms[str(path.parent)] += len(names)
        wide += [
            f"{node.name} {len(attributes(node))}"
            for node in ast.walk(tree)
            if isinstance(node, ast.ClassDef) and len(attributes(node)) > MOST_ATTRIBUTES
        ]
    print(f"{lines:,} lines")
    print(f"narrative identifiers per 1,000 lines: {1000 * words.total() / lines:.1f}")
    print(f"  most: {', '.join(f'{name} {count}' for name, count in words.most_common(25))}")
    print(f"  by folder: {', '.join(f'{room} {count}' for room, count in rooms.most_common(12))}")
    print(f"public class names used more than once: {len(repeated_classes())}")
    print(f"file names used more than once: {len(repeated_files())}")
    print(f"Any per 1,000 lines: {1000 * anys / lines:.1f}")
    print(f"classes with more than {MOST_ATTRIBUTES} attributes: {len(wide)}: {', '.join(wide)}")


if __name__ == "__main__":
    main()
