"""Who asks for an act: the user's own code, a library, the candidate.

A library that was only handed a function, to call it, asks for somebody else. So of the libraries only code that names
the act is taken for its asker, and not what is known to hand on what it gets.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from itertools import islice
from types import CodeType, FrameType
from typing import Any, NamedTuple

from .fault import Sources

USER, LIBRARY, CANDIDATE, NOBODY = "user", "library", "candidate", "nobody"
_OURSELVES, _IMPORT = "ourselves", "import"

_FRAME_WORDS = "_getframe currentframe stack getouterframes walk_stack extract_stack format_stack"
_TRACEBACK_WORDS = "tb_frame walk_tb _walk_tb_with_full_positions getinnerframes trace"
_NAMES = {"_getframe": frozenset(_FRAME_WORDS.split()), "tb_frame": frozenset(_TRACEBACK_WORDS.split())}
_LENDING = (  # whole files, and single functions of them
    "inspect.py bdb.py pdb.py asyncio/base_tasks.py ctypes/__init__.py traceback.py:walk_stack traceback.py:walk_tb"
    " traceback.py:_walk_tb_with_full_positions logging/__init__.py:<lambda> signal.py:signal"
)
_LENDERS = tuple(_LENDING.split())
_IMPORTS = "_find_and_load"  # below this frame of the import system a module is made ready, whoever wants it
_HERE = os.path.dirname(os.path.dirname(os.path.dirname(__file__))) + os.sep  # noqa: PTH120 - start-up


class Callers(NamedTuple):
    """Functions, and not methods: a candidate may replace what a class has, but not what these hold."""

    asker: Callable[[FrameType | None, str], str]
    has_candidate: Callable[[FrameType | None], bool]
    beyond: Callable[[FrameType | None, int], bool]
    is_library_s: Callable[[object], bool]


def callers(names: dict[str, Any], sources: Sources, roots: tuple[str, ...]) -> Callers:
    """What reads the stack. The libraries are what can be imported now, and the user's tests in `roots`."""
    places = (sys.prefix, sys.base_prefix, sys.exec_prefix, os.__file__ + "/..", sys.pycache_prefix, *sys.path, *roots)
    libraries = tuple({os.path.abspath(place) + os.sep for place in places if place})  # noqa: PTH100 - start-up
    kind = _kinds(names, sources.is_the_users, ("<frozen", *libraries))

    def asker(frame: FrameType | None, act: str) -> str:
        """Who asks, from the frame on that does it. With an empty `act` libraries need not name it."""
        for each in _up(frame):
            who = kind(each)
            if who == _OURSELVES and each is frame:
                return USER
            if who in {USER, CANDIDATE} or (who == LIBRARY and _asks(each.f_code, act)):
                return who
            if who == _IMPORT:
                return LIBRARY
        return NOBODY

    def has_candidate(frame: FrameType | None) -> bool:
        """Whether the candidate's own code is among the callers, up to an import."""
        return next((who for who in map(kind, _up(frame)) if who in {CANDIDATE, _IMPORT}), NOBODY) == CANDIDATE

    def beyond(frame: FrameType | None, depth: int) -> bool:
        """Whether so many frames up is somebody who has called the candidate."""
        kinds = [kind(each) for each in islice(_up(frame), depth + 1)]
        return len(kinds) > depth and CANDIDATE in kinds and kinds[-1] in {USER, _OURSELVES}

    def is_library_s(path: object) -> bool:
        """Whether a file was there before the candidate."""
        return type(path) is str and path.startswith(libraries)

    return Callers(asker, has_candidate, beyond, is_library_s)


def _kinds(
    names: dict[str, Any], is_the_users: Callable[[str], bool], libraries: tuple[str, ...]
) -> Callable[[FrameType], str]:
    def kind(frame: FrameType) -> str:
        file = frame.f_code.co_filename
        if frame.f_globals is names or (file.startswith("<") and not file.startswith("<frozen")):
            return USER if is_the_users(file) else CANDIDATE
        if file.startswith(_HERE):
            return _OURSELVES
        if file.startswith("<frozen") and frame.f_code.co_name == _IMPORTS:
            return _IMPORT
        return LIBRARY if file.startswith(libraries) else CANDIDATE

    return kind


def _up(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _asks(code: CodeType, act: str) -> bool:
    file = code.co_filename
    if file.startswith("<frozen") or file.endswith(_LENDERS) or f"{file}:{code.co_name}".endswith(_LENDERS):
        return False
    return not act or not _NAMES.get(act, frozenset((act,))).isdisjoint(code.co_names)
