"""Reads the tables of this folder. An entry begins with `== `.

Of the standard library: modules, a signature, the body that uses them, then checks (`?`) and hidden ones (`!`). The
modules are imported by the candidate, once at its top and once within its function. Elsewhere: name, library, first
Python; the cell; `--`; the right answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from textwrap import indent

from exam import Entry

_HEAD = re.compile(r"(?P<name>.*?)(?: \| needs (?P<needs>\w+))?(?: \| since 3\.(?P<since>\d+))?")


def stated(table: str) -> Iterator[Entry]:
    """Entries whose cell and answer are written out."""
    for head, text in _parts(table):
        match = _HEAD.fullmatch(head)
        assert match
        cell, answer = text.split("\n--\n")
        since = (3, int(match["since"] or 11))
        yield Entry(name=match["name"], cell=cell + "\n", candidate=answer, needs=match["needs"] or "", since=since)


def used(table: str) -> Iterator[Entry]:
    """Two entries a use of modules."""
    for head, text in _parts(table):
        modules, signature = head.split(": ")
        lines = text.splitlines()
        body = indent("\n".join(line for line in lines if line[:2] not in {"? ", "! "}), "    ")
        cell = _cell(f"def {signature}:\n", modules, lines)
        imports = "".join(f"import {module}\n" for module in modules.split(", "))
        name = f"{modules}, {signature}"
        yield Entry(name=name, cell=cell, candidate=f"{imports}\ndef {signature}:\n{body}\n")
        inside = indent(imports, "    ")
        yield Entry(name=f"{name}, imported inside", cell=cell, candidate=f"def {signature}:\n{inside}{body}\n")


def _cell(stub: str, modules: str, lines: list[str]) -> str:
    visible = "".join(f"assert {line[2:]}\n" for line in lines if line.startswith("? "))
    hidden = "".join(f"    assert {line[2:]}\n" for line in lines if line.startswith("! "))
    return f'{stub}    """With {modules}."""\n\n{visible}\nwith hidden:\n{hidden}'


def _parts(table: str) -> Iterator[tuple[str, str]]:
    for part in re.split(r"^== ", table, flags=re.MULTILINE)[1:]:
        head, _, text = part.partition("\n")
        yield head, text.strip("\n")
