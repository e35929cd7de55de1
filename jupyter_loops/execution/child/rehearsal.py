"""Runs a small candidate and its check in one process, before a candidate of the model arrives.

The fork server does so often enough for the interpreter to specialise the code and fill its caches, which the forks
inherit. A fork that waits does so once: it copies each page at first use, and to do so while the model is generating
halves the time of a small candidate.
"""

from __future__ import annotations

import os
from collections import deque
from typing import Any

from .candidate_child import CandidateChild
from .candidate_client import CandidateClient
from .candidate_process import CandidateProcess
from .candidate_world import CandidateWorld
from .drawn_figures import Figures
from .examiner_process import Examine, Examiner
from .kernel_connection import encode

OFTEN = 20  # runs after which everything is specialised
TARGET = {"name": "rehearsed", "kind": "function", "source": "def rehearsed(number): ..."}
_TEXT = "def rehearsed(number):\n    return number * number + 1\n"
_HOME = ("HOME", "TMPDIR")


def rehearse(
    stages: tuple[CandidateWorld, CandidateWorld],
    examine: Examine,
    figures: Figures,
    classes: Any,
    check: dict[str, Any],
) -> None:
    """Run once, in two empty worlds: the examiner's and the candidate's."""
    answers: deque[bytes] = deque()
    saved = {name: os.environ[name] for name in _HOME if name in os.environ}
    process: Any = CandidateProcess(stages[1], _Near(answers), figures, classes, lambda _: None)  # type: ignore[arg-type] # a link
    remote = CandidateClient(_Near(answers, process), classes, {})  # type: ignore[arg-type] # same
    Examiner(stages[0], _Script(check), examine, CandidateChild(0, remote), figures).serve()  # type: ignore[arg-type] # a wire
    os.environ.update(saved)


class _Near:
    """Either end of a link within one process: a request of the examiner's is performed when it is sent."""

    has_frame = False

    def __init__(self, answers: deque[bytes], process: Any = None) -> None:
        self._answers, self._process = answers, process

    def send(self, frame: bytes) -> None:
        """Have the process perform it at once, or queue it for the examiner."""
        if self._process is None:
            self._answers.append(frame)
        else:
            self._process._take(frame)  # noqa: SLF001 - in the place of its own loop

    def receive(self) -> bytes:
        """The next answer."""
        return self._answers.popleft()


class _Script:
    """In the place of the connection to the kernel: gives orders, and discards the answers."""

    def __init__(self, check: dict[str, Any]) -> None:
        here = os.getcwd()  # noqa: PTH109 - start-up
        self._orders: list[dict[str, Any]] = [
            {"do": "examine", "token": "", "checks": [check], "all": False},
            {"do": "execute", "token": "", "kind": "code", "text": _TEXT, "scratch": here, "module": ""},
        ]

    def receive(self) -> tuple[dict[str, Any], list[int], bytes]:
        """The next order. EOFError after the last."""
        if not self._orders:
            raise EOFError
        return self._orders.pop(), [], b""

    def send(self, message: dict[str, Any], _blobs: tuple[bytes, ...] = ()) -> None:
        """Encode the message as the connection does, and discard it."""
        encode(message)

    send_with_next = send
