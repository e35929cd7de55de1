"""What goes to a model, and what comes back."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from .redaction import clean, redact
from .tool import Offer, ToolCall


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: str  # system, user, assistant, or tool
    content: str
    calls: tuple[ToolCall, ...] = ()  # that an assistant asks for
    answers: str = ""  # of a tool: the id of the call

    @property
    def redacted(self) -> Message:
        """The turn without secrets."""
        calls = tuple(replace(call, arguments=redact(call.arguments)) for call in self.calls)
        return replace(self, content=redact(self.content), calls=calls)

    @property
    def said(self) -> dict[str, str]:
        """Role and words for the record, calls among the words."""
        if not self.calls:
            return {"role": self.role, "content": self.content}
        return {"role": self.role, "content": "\n".join(filter(None, [self.content, *map(str, self.calls)]))}


class Counting(StrEnum):
    """Where a number of tokens is from."""

    TOKENIZER = "tokenizer"  # the model's own: exact
    ESTIMATE = "estimate"  # rather too many than too few


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A named part of a prompt, with what it cost and what had to go."""

    name: str
    tokens: int
    dropped: int = 0  # tokens left out because the allowance was short
    text: str = field(default="", repr=False)  # as it stands in a message; not on record, the messages are

    @property
    def left_out(self) -> Part:
        """The part where nothing of it was sent."""
        return replace(self, tokens=0, dropped=self.dropped + self.tokens, text="")

    @property
    def counted(self) -> dict[str, Any]:
        """The part as it goes on record."""
        return {"name": self.name, "tokens": self.tokens, "dropped": self.dropped}


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """What the model is asked, and which parts it is made of."""

    messages: tuple[Message, ...]
    parts: tuple[Part, ...] = ()
    counting: Counting = Counting.ESTIMATE  # of the parts' tokens
    schema: dict[str, Any] | None = None  # JSON schema of the answer; None for free text
    tools: tuple[Offer, ...] = ()
    may_call: bool = True  # False: the tools were called often enough, and an answer is wanted

    @property
    def tokens(self) -> int:
        """Prompt tokens, all parts together."""
        return sum(part.tokens for part in self.parts)

    @property
    def redacted(self) -> Prompt:
        """The prompt as it may leave: without secrets."""
        return replace(
            self,
            messages=tuple(message.redacted for message in self.messages),
            schema=clean(self.schema),
            tools=tuple(offer.redacted for offer in self.tools),
        )


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
    calls: tuple[ToolCall, ...] = ()  # of tools, which are to be made before there is an answer
    pause: float = 0.0  # seconds until calls are allowed again, where the provider's headers say that none are left
    regained: tuple[str, ...] = ()  # parts of the request that were refused once, and are taken again

    @property
    def tokens(self) -> int:
        """Prompt and completion tokens together."""
        return self.prompt_tokens + self.completion_tokens
