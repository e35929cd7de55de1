"""The history: every run, made durable as it happens, and a database of all of them."""

from __future__ import annotations

import atexit
import os
import threading
from pathlib import Path

from .address import Address
from .history_file import OPENED
from .maintenance import HistoryMaintenance


class History(HistoryMaintenance):
    """One history and this process's journal for it. Thread-safe; costs nothing until it is used."""


def default_path() -> Path:
    """Where the history is: $JUPYTER_LOOPS_HISTORY, or the user's data folder."""
    return Address.of(None).home


_SHARED: dict[Path | str, History] = {}
_SHARING = threading.Lock()


def open_history(path: str | Path | None = None) -> History:
    """The history at that path or address, or the default one; the same object everywhere in this process."""
    history = History(path)
    key = history.path.resolve() if history.address.kind == "file" else history.address.text
    with _SHARING:
        return _SHARED.setdefault(key, history)


def _close_all() -> None:
    for history in list(OPENED):
        history.close()


def _before_fork() -> None:
    for history in list(OPENED):
        history.before_fork()


def _after_fork() -> None:
    global _SHARING  # noqa: PLW0603 - another thread may have had it
    _SHARING = threading.Lock()
    for history in list(OPENED):
        history.after_fork()


atexit.register(_close_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_child=_after_fork)
