"""Refuses the candidate what would let it find its exam in memory: frames, other people's objects, trace functions.

An audit hook of the interpreter: it hears of these acts however they are spelled, and cannot be taken away. Libraries
may go on using them; only what the candidate asks for is refused, and remembered.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

from . import planted
from .callers import CANDIDATE, LIBRARY, NOBODY, Callers
from .fault import Sources
from .lent import EVENT, SINGLE, lend

_ACTS = (
    "gc.get_objects gc.get_referrers gc.get_referents sys._current_frames sys._current_exceptions sys.settrace"
    " sys.setprofile sys.addaudithook sys.monitoring.register_callback code.__new__ marshal.loads marshal.load"
)
_NEVER = frozenset(_ACTS.split())  # not through a library either
_FRAMES = frozenset({"tb_frame", "gi_frame", "cr_frame", "ag_frame"})
_INSIDES = frozenset({"__code__", "__defaults__", "__kwdefaults__"})
_ATTRIBUTES = frozenset({"object.__getattr__", "object.__setattr__", "object.__delattr__"})
_CODE = frozenset({"compile", "exec", "function.__new__"})
_HEARD = _NEVER | _ATTRIBUTES | _CODE | {"sys._getframe", "open", "import", EVENT}


def sentry(who: Callers, sources: Sources) -> tuple[Callable[[], None], list[str]]:
    """What posts it, so that it refuses from then on; and the list that fills with what was refused."""
    refused: list[str] = []
    busy, getframe, heard = [False], sys._getframe, _HEARD  # noqa: SLF001
    (put, lent), foreign, is_the_users = lend(who, refused.append), _foreign, sources.is_the_users

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if (event not in heard and not event.startswith("ctypes.")) or busy[0]:
            return
        busy[0] = True
        try:
            if event == EVENT:
                name, box, passed = arguments
                lent(name, box, passed, getframe(2))
                return
            what = foreign(event, arguments, getframe(1), who, is_the_users)
        finally:
            busy[0] = False
        if what:
            refused.append(what)
            if not event.startswith("ctypes."):  # which many a library needs at a distance; it is told, though
                raise PermissionError(f"{what} is not for candidates")

    def post() -> None:
        put()
        sys.addaudithook(hook)

    return post, refused


def _foreign(
    event: str, arguments: tuple[Any, ...], frame: FrameType, who: Callers, is_the_users: Callable[[str], bool]
) -> str:
    """The act in a few words where the candidate asks for it; empty where it is harmless, or somebody else's."""
    if event in _CODE:
        if event == "compile":
            made = planted.source(arguments, frame, who.is_library_s)
        else:
            made = planted.borrows(arguments[0], is_the_users) and (
                _never(who, frame, event) or planted.by_loader(frame, who.is_library_s)
            )
        return "a borrowed file name" if made else ""
    if event in _NEVER:
        made = event == "marshal.loads" and planted.bytecode(frame, who.is_library_s)
        return event if made or _never(who, frame, event) else ""
    if event == "import":
        return _module(arguments[0], arguments[1], who)
    what, act = _act(event, arguments)
    return what if what and who.asker(frame, act) in {CANDIDATE, NOBODY} else ""


def _never(who: Callers, frame: FrameType, event: str) -> bool:
    """Whether it is refused through libraries, too: they may when the candidate is not among their callers."""
    asker = who.asker(frame, event.rpartition(".")[2])
    return asker in {CANDIDATE, NOBODY} or (asker == LIBRARY and who.has_candidate(frame))


def _module(name: str, file: object, who: Callers) -> str:
    if name in SINGLE:
        return f"a second {name}"
    return "" if file is None or who.is_library_s(file) else "native code of its own"


def _act(event: str, arguments: tuple[Any, ...]) -> tuple[str, str]:
    """The act in a few words, empty when it is harmless, and what a library has to name that asks for it."""
    if event == "sys._getframe":
        return event, "_getframe"
    if event in _ATTRIBUTES:
        name, reads = arguments[1], event == "object.__getattr__"
        if name not in (_FRAMES if reads else _INSIDES):
            return "", ""
        return (name if reads else f"changing {name}"), name
    if event == "open":
        return "its own memory" if _is_memory(arguments[0]) else "", ""
    return event, ""


def _is_memory(path: object, follow: Callable[[str], str] = os.path.realpath) -> bool:
    path = os.fsdecode(path) if type(path) in {str, bytes} else ""  # type: ignore[arg-type] # it is a path
    whole = follow(path) if os.path.islink(path) else path  # noqa: PTH114 - start-up
    return whole.startswith("/proc") and whole.endswith("/mem")
