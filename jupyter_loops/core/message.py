"""What goes to a model, and what comes back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: str  # system, user or assistant
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A named part of a prompt, with what it cost and what had to go."""

    name: str
    tokens: int
    dropped: int = 0  # tokens left out because the allowance was short


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """What the model is asked, and which parts it is made of."""

    messages: tuple[Message, ...]
    parts: tuple[Part, ...] = ()
    schema: dict[str, Any] | None = None  # JSON schema of the answer; None for free text

    @property
    def tokens(self) -> int:
        """Estimated prompt tokens, all parts together."""
        return sum(part.tokens for part in self.parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How the model is to answer."""

    temperature: float | None = None
    max_tokens: int = 1024
    seed: int | None = None
    timeout: float = 60.0  # seconds for the whole call


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """A model's answer, with the provider's own usage where it gave one."""

    text: str
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    finish_reason: str = "stop"  # stop, length, content_filter, tool_calls
    seconds: float = 0.0
    first_token_seconds: float | None = None
    model: str = ""  # as the provider names it
    estimated: bool = False  # usage was counted here, because the provider sent none

    @property
    def tokens(self) -> int:
        """Prompt and completion tokens together."""
        return self.prompt_tokens + self.completion_tokens
