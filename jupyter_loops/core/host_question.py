"""What a check asks of somebody outside of the sandbox, and what comes back."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from .recipe import Ask


@dataclass(frozen=True, slots=True, kw_only=True)
class HostQuestion:
    """A call of judge, approve or pytest, reached while its check is examined. The text is untrusted."""

    check: int  # the check's number in the recipe, from 1
    site: int  # which of the check's calls, from 0
    ask: Ask
    kind: str = ""  # how the value was put into words: text, json, code, table, repr
    text: str = ""  # the value, clipped

    @property
    def digest(self) -> str:
        """SHA-256 of the value as it was put into words: the same one needs no second answer."""
        return hashlib.sha256(f"{self.kind}\n{self.text}".encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class HostAnswer:
    """What the call evaluates to, and why."""

    value: float | bool
    note: str = ""  # one line: a reason, a comment, what failed
    details: dict[str, str] = field(default_factory=dict)  # test → how it failed


Answering = Callable[[HostQuestion], Awaitable[HostAnswer]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """A value that waits for a person."""

    run: str
    iteration: int
    number: int  # counts from 1 in the run, so that a late click does not answer the next one
    check: str
    kind: str
    value: str  # as text
    before: str = ""  # what the notebook has now, as text
    diff: str = ""  # lines that begin with ' ', + or -; empty where there was nothing before
