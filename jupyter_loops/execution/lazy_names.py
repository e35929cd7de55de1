"""The notebook's other names, each sent when a candidate first reads it.

What the set-up and the checks read is sent before the run. A candidate may read more names. It gets those that can be
pickled, are not too large and are no secrets. For the others it gets the reason why they are absent.
"""

from __future__ import annotations

import builtins
import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from jupyter_loops.core.candidate import Candidate, CandidateKind
from jupyter_loops.core.names import wants
from jupyter_loops.core.redaction import redact
from jupyter_loops.core.syntax_tree import parse_module
from jupyter_loops.errors import PreflightError

from .namespace_payload import NamespacePayload, pack
from .secrecy import STAY, why_secret

_MOST = 1 << 30  # bytes of all names that candidates ask for in one run
_LONGEST = 1 << 18  # characters of a candidate; longer ones are not searched for names
_NEVER = {*dir(builtins), "In", "Out", "exit", "quit", "get_ipython"}  # builtins, and names of IPython


class LazyNames:
    """Packs each name once, and records which names are absent and why."""

    def __init__(
        self,
        offered: Mapping[str, object],
        sent: Iterable[str],
        folder: Path | None = None,
        exempt: Iterable[str] = (),
    ) -> None:
        """`exempt` are names that are sent even if they hold secrets."""
        self._offered, self._folder = offered, folder  # for files, where descriptors cannot be sent
        self._requested, self._exempt = set(sent), frozenset(exempt)
        self._remaining_bytes = _MOST
        self.payloads: list[NamespacePayload] = []
        self.absent: dict[str, str] = {}  # name → why it is absent

    def close(self) -> None:
        """Free the memory."""
        for payload in self.payloads:
            payload.close()
        self.payloads.clear()

    def drop(self, payloads: Sequence[NamespacePayload], why: str) -> None:
        """Mark names that the sandbox could not unpack as absent."""
        for payload in payloads:
            self.payloads.remove(payload)
            self.absent |= dict.fromkeys(payload.names, why)
            payload.close()

    def unsent(self, candidate: Candidate) -> list[str]:
        """Names of the notebook that this candidate is the first to read."""
        if candidate.kind is not CandidateKind.CODE or len(candidate.text) > _LONGEST:
            return []
        words = set(re.findall(r"[^\W\d_]\w*", candidate.text)) - self._requested - _NEVER
        possible = {word for word in words if word in self._offered}
        return sorted(possible & _reads(candidate.text)) if possible else []

    def pack(self, names: list[str]) -> list[NamespacePayload]:
        """Pack the names that can be sent, and record the others as absent. Do not call it on an event loop."""
        return [payload for name in names if (payload := self._pack(name)) is not None]

    def _pack(self, name: str) -> NamespacePayload | None:
        self._requested.add(name)
        value = self._offered.get(name)
        if name not in self._exempt and (why := why_secret(name, value)):
            self.absent[name] = why
            return None
        try:
            path = self._folder and self._folder / f"name-{len(self._requested)}"
            payload = pack({name: value}, path, self._remaining_bytes)
        except PreflightError as error:
            self.absent[name] = str(error)
            return None
        if name not in self._exempt and _holds_secret(payload):
            payload.close()
            self.absent[name] = f"it holds what looks like a key, and {STAY.format(name)}"
            return None
        self._remaining_bytes -= payload.size
        self.payloads.append(payload)
        return payload


def _reads(text: str) -> set[str]:
    """The names that a program reads and does not bind; empty if it is not Python."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return wants(parse_module(text).body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()


def _holds_secret(payload: NamespacePayload) -> bool:
    payload.file.seek(0)
    stream = payload.file.read(payload.pickled).decode("latin-1")
    return redact(stream) != stream
