"""Functions that the interpreter tells no audit hook enough of: candidates and libraries get stand-ins.

A stand-in asks the hook, which alone holds the original: there is no way from the one to the other.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

from .callers import CANDIDATE, LIBRARY, NOBODY, Callers

EVENT = "jupyter_loops.lent"
SINGLE = frozenset({"_signal", "_imp"})  # modules of which nobody gets a second one, with the originals
_STAND_IN = """\
def {name}(*arguments):
    box = []
    audit("jupyter_loops.lent", "{name}", box, arguments)
    return box[0]
"""
_NAMES = ("signal", "create_builtin", "_getframe")
_CODE = {name: compile(_STAND_IN.format(name=name), __file__, "exec") for name in _NAMES}  # once, for all forks
Refuse = Callable[[str], None]
Answering = Callable[[str, list[object], tuple[Any, ...], FrameType], None]


def lend(callers: Callers, refuse: Refuse) -> tuple[Callable[[], None], Answering]:
    """Make the stand-ins: what puts them in place, and what answers them."""
    places = {"signal": sys.modules["_signal"], "create_builtin": sys.modules["_imp"], "_getframe": sys}
    originals = {name: getattr(module, name) for name, module in places.items()}
    rules = {"signal": _may_set_handler, "create_builtin": _may_create, "_getframe": _may_get_frame}
    made = []
    for name, module in places.items():
        namespace: dict[str, Any] = {"audit": sys.audit, "__name__": module.__name__}  # not this module's
        exec(_CODE[name], namespace)  # noqa: S102 - our own words
        made.append((vars(module), name, namespace[name]))

    def put() -> None:
        for table, name, stand_in in made:
            table[name] = stand_in

    def answer(name: str, box: list[object], arguments: tuple[Any, ...], asking: FrameType) -> None:
        rules[name](callers, refuse, arguments, asking)
        box.append(_above(asking, *arguments) if name == "_getframe" else originals[name](*arguments))

    return put, answer


def _above(frame: FrameType | None, depth: int = 0) -> FrameType:
    for _ in range(depth):
        frame = frame.f_back if frame is not None else None
    if frame is None:
        raise ValueError("call stack is not deep enough")
    return frame


def _may_set_handler(callers: Callers, refuse: Refuse, arguments: tuple[Any, ...], asking: FrameType) -> None:
    """A handler would get the frame of the check. asyncio and others can do without, where it is a ValueError."""
    who = callers.asker(asking, "signal")
    if callable(arguments[-1]) and (who in {CANDIDATE, NOBODY} or callers.has_candidate(asking)):
        if who != LIBRARY:
            refuse("a signal handler")
        raise ValueError("signal handlers are not for candidates")


def _may_create(_callers: Callers, refuse: Refuse, arguments: tuple[Any, ...], _asking: FrameType) -> None:
    name = getattr(arguments[0], "name", "")
    if name in SINGLE:
        refuse(f"a second {name}")
        raise PermissionError(f"a second {name} is not for candidates")


def _may_get_frame(callers: Callers, refuse: Refuse, arguments: tuple[Any, ...], asking: FrameType) -> None:
    """For libraries that a candidate calls, the stack ends with the candidate."""
    if callers.asker(asking, "_getframe") in {CANDIDATE, NOBODY}:
        refuse("sys._getframe")
        raise PermissionError("sys._getframe is not for candidates")
    if callers.beyond(asking, *arguments or (0,)):
        raise ValueError("call stack is not deep enough")
