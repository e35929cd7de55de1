"""Exceptions, reported with the messages and lines of the candidate and the cell, without frames of the library."""

from __future__ import annotations

import re
from collections.abc import Callable
from types import FrameType, FunctionType, ModuleType, TracebackType
from typing import Any

from .value_text import clip, describe, kind, message

CANDIDATE = "<candidate>"
_HEAD, _TAIL = 2, 4  # frames kept of a long traceback
_VALUES = 8  # locals of one frame
_DEEPEST = 10  # exceptions in a chain of causes
_SOCKET = ("/socket.py", "\\socket.py")
_OFFLINE = "candidates have no network: make what needs it a @tool, which runs in the notebook"


class SourceLines:
    """The texts that ran, by the filename that they were compiled under."""

    def __init__(self) -> None:
        self._lines: dict[str, list[str]] = {}
        self.online = True  # whether candidates have a network
        self.absent: dict[str, str] = {}  # names of the notebook that are not here, and why

    def add(self, filename: str, text: str, *, secret: bool = False) -> None:
        """Remember a text; `inspect.getsource` inside the child finds it too, unless it is secret."""
        self._lines[filename] = text.splitlines()
        if not secret:
            import linecache

            lines = [f"{line}\n" for line in self._lines[filename]]
            linecache.cache[filename] = (len(text), None, lines, filename)

    def is_the_users(self, filename: str) -> bool:
        """Whether a text of the cell's own was compiled under this name."""
        return filename in self._lines and filename != CANDIDATE

    def tell(self, error: BaseException) -> dict[str, Any]:
        """A Fault as JSON."""
        frames = self._frames(error.__traceback__)
        remote_fault = getattr(error, "__candidate_fault__", None)  # the report of the candidate's process
        if isinstance(remote_fault, dict):
            return remote_fault | {"frames": [*frames, *remote_fault.get("frames", ())][-_HEAD - _TAIL :]}
        if isinstance(error, SyntaxError) and error.filename in self._lines and not frames:
            frames = [self._frame(str(error.filename), "", error.lineno or 1, {})]
        return {"type": kind(error), "message": self._words(error), "frames": frames}

    def _frames(self, trace: TracebackType | None) -> list[dict[str, Any]]:
        located: list[tuple[FrameType, int]] = []
        while trace is not None:
            if trace.tb_frame.f_code.co_filename in self._lines:
                located.append((trace.tb_frame, trace.tb_lineno))
                if len(located) > _HEAD + _TAIL:
                    del located[_HEAD]
            trace = trace.tb_next
        return [
            self._frame(frame.f_code.co_filename, frame.f_code.co_qualname, line, self._values(frame, line))
            for frame, line in located
        ]

    def _values(self, frame: FrameType, line: int) -> dict[str, str]:
        """Locals of a function; of a module, which has too many, the names in the line."""
        if frame.f_code.co_name != "<module>":
            return _named(frame.f_locals, lambda _: True)
        lines = self._lines[frame.f_code.co_filename]
        mentioned = set(re.findall(r"\w+", lines[line - 1])) if 0 < line <= len(lines) else set()
        return _named(frame.f_globals, mentioned.__contains__)

    def _frame(self, filename: str, function: str, line: int, values: dict[str, str]) -> dict[str, Any]:
        lines = self._lines[filename]
        text = lines[line - 1].strip() if 0 < line <= len(lines) else ""
        where = "candidate" if filename == CANDIDATE else "check"
        return {"where": where, "function": function, "line": line, "text": clip(text, 300), "values": values}

    def _words(self, error: BaseException) -> str:
        words = message(error)
        if isinstance(error, ModuleNotFoundError) and error.name:
            return f"{words} (not installed here, and a loop never installs packages)"
        if isinstance(error, NameError) and isinstance(error.name, str) and error.name in self.absent:
            return f"{words}: {self.absent[error.name]}"
        return words if self.online or not _comes_of_a_socket(error) else f"{words} ({_OFFLINE})"


def _comes_of_a_socket(error: BaseException | None) -> bool:
    for _ in range(_DEEPEST):
        trace = error.__traceback__ if isinstance(error, OSError) else None
        while trace is not None:
            if trace.tb_frame.f_code.co_filename.endswith(_SOCKET):
                return True
            trace = trace.tb_next
        error = error and (error.__cause__ or error.__context__)
    return False


def _named(names: dict[str, Any], selects: Callable[[str], bool]) -> dict[str, str]:
    skipped = (ModuleType, FunctionType, type)
    selected = [
        (name, value)
        for name, value in names.items()
        if selects(name) and not name.startswith(("_", "@", ".")) and not isinstance(value, skipped)
    ]
    return {name: describe(value) for name, value in selected[:_VALUES]}
