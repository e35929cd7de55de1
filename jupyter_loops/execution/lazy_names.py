"""The notebook's other names, each sent when a candidate first reads it.

What the set-up and the checks read is sent before the run; a candidate may name more. It gets what can travel, is
not too large and is no secret; of the rest it is told why it is not there.
"""

from __future__ import annotations

import ast
import builtins
import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from jupyter_loops.core.candidate import Candidate, CandidateKind
from jupyter_loops.core.names import wants
from jupyter_loops.core.redaction import redact
from jupyter_loops.errors import PreflightError

from .namespace_payload import NamespacePayload, pack
from .secrecy import STAY, why_secret

_MOST = 1 << 30  # bytes of all names that candidates ask for in one run
_LONGEST = 1 << 18  # characters of a candidate that is worth reading for names
_NEVER = {*dir(builtins), "In", "Out", "exit", "quit", "get_ipython"}  # IPython's own, and what each has anyway


class LazyNames:
    """Packs names once each, and remembers which cannot come and why."""

    def __init__(
        self,
        offered: Mapping[str, object],
        sent: Iterable[str],
        folder: Path | None = None,
        given: Iterable[str] = (),
    ) -> None:
        """`given` are names that are handed over whatever they hold."""
        self._offered, self._folder = offered, folder  # where files lie whose descriptors cannot be handed on
        self._known, self._given = set(sent), frozenset(given)
        self._left = _MOST
        self.cargoes: list[NamespacePayload] = []
        self.absent: dict[str, str] = {}  # name → why it is not there

    def close(self) -> None:
        """Free the memory."""
        for cargo in self.cargoes:
            cargo.close()
        self.cargoes.clear()

    def drop(self, cargoes: Sequence[NamespacePayload], why: str) -> None:
        """What the sandbox could not take is absent from now on."""
        for cargo in cargoes:
            self.cargoes.remove(cargo)
            self.absent |= dict.fromkeys(cargo.names, why)
            cargo.close()

    def wanted(self, candidate: Candidate) -> list[str]:
        """Names of the notebook that the candidate reads and that nobody has asked for yet."""
        if candidate.kind is not CandidateKind.CODE or len(candidate.text) > _LONGEST:
            return []
        words = set(re.findall(r"[^\W\d_]\w*", candidate.text)) - self._known - _NEVER
        possible = {word for word in words if word in self._offered}
        return sorted(possible & _reads(candidate.text)) if possible else []

    def pack(self, names: list[str]) -> list[NamespacePayload]:
        """Pack what can come; the rest is absent. Not for the thread of an event loop."""
        return [cargo for name in names if (cargo := self._pack(name)) is not None]

    def _pack(self, name: str) -> NamespacePayload | None:
        self._known.add(name)
        value = self._offered.get(name)
        if name not in self._given and (why := why_secret(name, value)):
            self.absent[name] = why
            return None
        try:
            cargo = pack({name: value}, self._folder and self._folder / f"name-{len(self._known)}", self._left)
        except PreflightError as error:
            self.absent[name] = str(error)
            return None
        if name not in self._given and _holds_secret(cargo):
            cargo.close()
            self.absent[name] = f"it holds what looks like a key, and {STAY.format(name)}"
            return None
        self._left -= cargo.size
        self.cargoes.append(cargo)
        return cargo


def _reads(text: str) -> set[str]:
    """The names that a program needs to exist beforehand; none of one that is no Python."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return wants(ast.parse(text).body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()


def _holds_secret(cargo: NamespacePayload) -> bool:
    cargo.file.seek(0)
    stream = cargo.file.read(cargo.pickled).decode("latin-1")
    return redact(stream) != stream
