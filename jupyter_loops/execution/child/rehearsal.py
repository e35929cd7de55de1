"""A candidate of our own and its check, on an empty stage: what is done for a candidate, done before one comes.

In the zygote, often enough for the interpreter to specialise the code and to remember what it has looked up: its forks
inherit that. In a fork that waits, once: it copies each page when it is first used, and to do so while the model is
still thinking halves the time that a small candidate takes.
"""

from __future__ import annotations

import os
from typing import Any

from .wire import encode

OFTEN = 20  # performances after which everything is specialised
_TEXT = "def rehearsed(number):\n    return number * number + 1\n"


class Script:
    """In the place of the wire to the kernel: its orders, and nobody who hears the answers."""

    def __init__(self, check: dict[str, Any]) -> None:
        here = os.getcwd()  # noqa: PTH109 - start-up
        self._orders: list[dict[str, Any]] = [
            {"do": "examine", "token": "", "checks": [check], "all": False},
            {"do": "execute", "token": "", "kind": "code", "text": _TEXT, "scratch": here},
        ]

    def receive(self) -> tuple[dict[str, Any], list[int], bytes]:
        """The next order. EOFError after the last."""
        if not self._orders:
            raise EOFError
        return self._orders.pop(), [], b""

    def send(self, message: dict[str, Any], _blobs: tuple[bytes, ...] = ()) -> None:
        """As the wire does, but to nobody."""
        encode(message)

    hold = send
