"""Code that bears the name of a file, and does not stand there: a candidate would pass for a library."""

from __future__ import annotations

from collections.abc import Callable
from types import FrameType
from typing import Any

_CHECKS = ("<check ", "<before check ")  # names that checks are compiled under, those to come among them


_table = type.__dict__["__dict__"].__get__  # a class's own attributes, whatever its metaclass says
_lineage = type.__dict__["__mro__"].__get__


def borrows(code: object, is_the_users: Callable[[str], bool]) -> bool:
    """Whether code that is to run bears a name that is not for generated code."""
    name = getattr(code, "co_filename", None)
    return type(name) is str and (not name.startswith("<") or name.startswith(_CHECKS) or is_the_users(name))


def by_loader(frame: FrameType, is_library_s: Callable[[object], bool]) -> bool:
    """Whether the import system runs what a loader of the candidate's has made."""
    above = frame.f_back
    if above is None or above.f_code.co_name != "exec_module" or not above.f_code.co_filename.startswith("<frozen"):
        return False
    kinds = _lineage(type(above.f_locals.get("self")))
    maker = next((_table(kind)["get_code"] for kind in kinds if "get_code" in _table(kind)), None)
    file = getattr(getattr(maker, "__code__", None), "co_filename", "")
    return maker is not None and not (file.startswith("<frozen") or is_library_s(file))


def bytecode(frame: FrameType, is_library_s: Callable[[object], bool]) -> bool:
    """Whether the import system loads bytecode that stands in no file of a library."""
    if not frame.f_code.co_filename.startswith("<frozen"):
        return False
    known = frame.f_locals
    if "bytecode_path" in known:
        return known["bytecode_path"] is not None and not _stands(known["bytecode_path"], known["data"], is_library_s)
    return not is_library_s(known.get("pathname"))  # of a zip file


def source(arguments: tuple[Any, ...], frame: FrameType, is_library_s: Callable[[object], bool]) -> bool:
    """Whether the import system compiles a tree, or under a library's name what its file does not say."""
    text, name = arguments
    if not frame.f_code.co_filename.startswith("<frozen"):
        return False
    return type(text) is not bytes or (is_library_s(name) and not _stands(name, text, is_library_s))


def _stands(path: object, content: Any, is_library_s: Callable[[object], bool], read: Any = open) -> bool:
    if not is_library_s(path):
        return False
    try:
        with read(path, "rb") as file:
            return bool(file.read().endswith(content))
    except OSError:
        return False
