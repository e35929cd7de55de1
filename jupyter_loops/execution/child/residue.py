"""What a candidate leaves running when its own code is over, and what would run in the middle of its checks.

What is needed of the interpreter is taken by name before any candidate runs: `signal.getsignal` may lie afterwards.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from _thread import _count as count_threads
from contextlib import suppress
from sys import getprofile, gettrace, setprofile, settrace
from types import FunctionType
from typing import Any

_raw: Any = sys.modules["_signal"]
_getsignal, _signal, _kill, _waitpid = _raw.getsignal, _raw.signal, os.kill, os.waitpid
_waitid: Any = getattr(os, "waitid", None)
_setitimer: Any = getattr(_raw, "setitimer", None)
_KILL = getattr(_raw, "SIGKILL", signal.SIGTERM)
_CLOCKS = (0, 1, 2)  # real, virtual, of the processor
_ALL_CHILDREN = 1 << 30  # __WALL, linux/wait.h
_HOOKS = ("meta_path", "path_hooks")


class Residue:
    """Remembers what ran before the candidate did."""

    def __init__(self, names: dict[str, Any]) -> None:
        self._names, self._home = names, os.getpid()
        self.begin()

    def begin(self) -> None:
        """Remember what runs now, in the process of the candidate."""
        self._threads = count_threads()
        self._children = set(_children()) if os.getpid() == self._home else set()  # a fork is born without
        self._handlers = {number: _getsignal(number) for number in _SIGNALS}
        self._hooks = {name: list(getattr(sys, name)) for name in _HOOKS}

    def clear(self) -> tuple[list[str], int]:
        """Take away what can be taken away, and name it; threads cannot, and are counted."""
        found = [*self._clear_traces(), *self._clear_hooks(), *self._clear_signals(), *self._clear_children()]
        return found, count_threads() - self._threads

    def _clear_traces(self) -> list[str]:
        traced = [name for name, get in (("settrace", gettrace), ("setprofile", getprofile)) if get() is not None]
        settrace(None)
        setprofile(None)
        threading.settrace(None)
        threading.setprofile(None)
        return [f"sys.{name}" for name in traced]

    def _clear_hooks(self) -> list[str]:
        """Import hooks that the candidate wrote; those of a library that it imported stay."""
        found = []
        for name, before in self._hooks.items():
            hooks = getattr(sys, name)
            for hook in [hook for hook in hooks if not any(hook is each for each in before)]:
                if self._is_the_candidate_s(hook):
                    hooks[:] = [each for each in hooks if each is not hook]
                    found.append(f"sys.{name}")
        return found

    def _is_the_candidate_s(self, hook: object) -> bool:
        kind = hook if isinstance(hook, type) else type(hook)
        methods = [hook, *(each for base in type.mro(kind) for each in vars(base).values())]
        functions = [getattr(each, "__func__", each) for each in methods]
        return any(type(each) is FunctionType and each.__globals__ is self._names for each in functions)

    def _clear_signals(self) -> list[str]:
        for clock in _CLOCKS if _setitimer else ():  # before its handler: the default ends the process
            _setitimer(clock, 0)
        changed = [number for number, before in self._handlers.items() if _getsignal(number) is not before]
        for number in changed:
            with suppress(OSError, ValueError, TypeError):  # not ours to set, or set from C
                _signal(number, self._handlers[number])
        return [f"the handler of signal {number}" for number in changed]

    def _clear_children(self) -> list[str]:
        """Kill processes of the candidate's: they share its connection to the kernel."""
        killed = False
        while living := set(_children()) - self._children:
            for child in living:
                with suppress(OSError):  # it died first
                    killed = not _waitpid(child, os.WNOHANG)[0] or killed
                    _kill(child, _KILL)
                    _waitpid(child, 0)
        return ["a process that is still running"] if killed else []


_SIGNALS = tuple(sorted({*map(int, signal.valid_signals())} - {_KILL, getattr(_raw, "SIGSTOP", _KILL)}))


def _children() -> list[int]:
    found: list[int] = []
    if _has_none():
        return found
    with suppress(OSError):  # no /proc: the kernel of this machine kills what is left all the same
        for task in os.listdir("/proc/self/task"):  # noqa: PTH208 - start-up
            with open(f"/proc/self/task/{task}/children", "rb") as children:  # noqa: PTH123 - start-up
                found += map(int, children.read().split())
    return found


def _has_none() -> bool:
    """Whether there is surely no child: one question to the system, where a look at every thread would be many."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        _waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT | _ALL_CHILDREN)
    except ChildProcessError:
        return True
    except OSError:
        return False
    return False
