"""Refuses the candidate what would let it find its exam in memory: frames, other people's objects, trace functions.

An audit hook of the interpreter: it hears of these acts however they are spelled, and cannot be taken away. Libraries
may go on using them; only what the candidate's own code asks for is refused, and remembered.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

from .fault import Sources

_ACTS = (
    "gc.get_objects gc.get_referrers gc.get_referents sys._getframe sys._current_frames sys._current_exceptions"
    " sys.settrace sys.setprofile sys.addaudithook sys.monitoring.register_callback code.__new__"
)
_ALWAYS = frozenset(_ACTS.split())
_FRAMES = frozenset({"tb_frame", "gi_frame", "cr_frame", "ag_frame"})
_INSIDES = frozenset({"__code__", "__defaults__", "__kwdefaults__"})
_LENDERS = frozenset({"walk_stack", "walk_tb", "_walk_tb_with_full_positions", "currentframe"})  # hand frames on
_LENDING = ("inspect.py", "ctypes/__init__.py")  # files full of such functions
_HEARD = _ALWAYS | {"object.__getattr__", "object.__setattr__", "object.__delattr__", "compile", "open"}


def post(names: dict[str, Any], sources: Sources) -> list[str]:
    """From now on refuse; the list that is returned fills with what was refused."""
    refused: list[str] = []
    heard, busy, is_foreign, ours = _HEARD, [False], _asker(names, sources), sources.is_the_users

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if (event not in heard and not event.startswith("ctypes.")) or busy[0]:
            return
        what = _what(event, arguments, ours)
        if not what:
            return
        busy[0] = True
        try:
            foreign = is_foreign(event)
        finally:
            busy[0] = False
        if foreign:
            refused.append(what)
        if foreign and not event.startswith("ctypes."):  # which many a library needs at a distance; it is told, though
            raise PermissionError(f"{what} is not for candidates")

    sys.addaudithook(hook)
    return refused


def _asker(names: dict[str, Any], sources: Sources) -> Callable[[str], bool]:
    getframe, ours = sys._getframe, sources.is_the_users  # noqa: SLF001 - who asks is what it is about

    def is_foreign(event: str) -> bool:
        """Whether the candidate's own code asks, or a function that hands on what it gets."""
        lending = (*_LENDING, "traceback.py") if event == "sys._getframe" else _LENDING
        frame: FrameType | None = getframe(2)
        while frame is not None:
            name, code = frame.f_code.co_filename, frame.f_code
            if name.startswith("<frozen"):
                return False
            if frame.f_globals is names or name.startswith("<"):
                return not ours(name)
            if code.co_name not in _LENDERS and not name.endswith(lending):
                return False
            frame = frame.f_back
        return False

    return is_foreign


def _what(event: str, arguments: tuple[Any, ...], ours: Any) -> str:
    """The act in a few words; empty when it is harmless."""
    if event in _ALWAYS:
        return event
    if event == "object.__getattr__":
        return arguments[1] if arguments[1] in _FRAMES else ""
    if event in {"object.__setattr__", "object.__delattr__"}:
        return f"changing {arguments[1]}" if arguments[1] in _INSIDES else ""
    if event == "compile":
        name = arguments[1]
        name = name.decode(errors="replace") if type(name) is bytes else name
        return "a borrowed file name" if type(name) is str and (not name.startswith("<") or ours(name)) else ""
    if event == "open":
        path = arguments[0]
        return "its own memory" if type(path) is str and path.startswith("/proc") and path.endswith("/mem") else ""
    return event if event.startswith("ctypes.") else ""
