"""A candidate of our own and its check, in one process: what is done for each candidate, done before one comes.

In the fork server, often enough for the interpreter to specialise the code and to remember what it has looked up: its
forks inherit that. In a fork that waits, once: it copies each page when it is first used, and to do so while the model
is still thinking halves the time that a small candidate takes.
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

OFTEN = 20  # performances after which everything is specialised
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
    """Perform once, on two empty stages: the examiner's and the candidate's."""
    answers: deque[bytes] = deque()
    kept = {name: os.environ[name] for name in _HOME if name in os.environ}
    process: Any = CandidateProcess(stages[1], _Near(answers), figures, classes, lambda _: None)  # type: ignore[arg-type] # a link
    remote = CandidateClient(_Near(answers, process), classes, {})  # type: ignore[arg-type] # same
    Examiner(stages[0], _Script(check), examine, CandidateChild(0, remote), figures).serve()  # type: ignore[arg-type] # a wire
    os.environ.update(kept)


class _Near:
    """Either end of a link within one process: what the examiner sends is done before it is received."""

    has_frame = False

    def __init__(self, answers: deque[bytes], process: Any = None) -> None:
        self._answers, self._process = answers, process

    def send(self, frame: bytes) -> None:
        """To the process at once, or for the examiner to take."""
        if self._process is None:
            self._answers.append(frame)
        else:
            self._process._take(frame)  # noqa: SLF001 - in the place of its own loop

    def receive(self) -> bytes:
        """The next answer."""
        return self._answers.popleft()


class _Script:
    """In the place of the wire to the kernel: its orders, and nobody who hears the answers."""

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
        """As the wire does, but to nobody."""
        encode(message)

    hold = send
