"""What a provider sends, looked at line by line before LiteLLM reads it.

LiteLLM's patterns go over all of a body that is no JSON, on the engine's thread: about four seconds for each MB. So
what is no JSON, or larger than an answer can be, goes no further than here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from jupyter_loops.core.redaction import redact
from jupyter_loops.errors import ErrorClass, ModelError
from jupyter_loops.planning.tokens import estimate

from .token_usage import read

_EMPTY, _IDLE = 1000, 10_000  # pieces, and lines that are none, in a row that say nothing
_HINTS = 20  # informational responses before an answer
_CHOICES, _CALLS = 8, 200  # of one answer or piece: one is asked for
_MOST = 10**9  # tokens of one call that LiteLLM is told of
_TEXT_KEYS = frozenset(
    {*("content", "text", "refusal", "reasoning_content", "reasoning", "thinking", "arguments", "partial_json")}
)
_DEEPEST = 8
_SHOWN = 120  # characters of what cannot be read

current: ContextVar[ResponseFilter | None] = ContextVar("jupyter_loops_wire", default=None)


class BrokenResponseError(Exception):
    """The response is not read any further; the filter's `fault` has the reason."""


@dataclass(slots=True, kw_only=True)
class ResponseFilter:
    """One call's answer on its way, and what was wrong with it."""

    name: str  # of the model
    tokens: int  # of the longest answer
    streaming: bool
    fault: ModelError | None = None
    usages: list[Any] = field(default_factory=list)  # as the provider wrote them
    arrived: int = 0  # tokens of words, thoughts and calls, estimated
    pause: float = 0.0  # seconds that the headers ask to wait before the next call
    finished: bool = False  # the answer has said that it is whole
    _empty: int = 0  # in a row
    _idle: int = 0
    _informational: int = 0

    def refuse(
        self, how: str, kind: ErrorClass = ErrorClass.MALFORMED, *, taken_up: bool = True
    ) -> BrokenResponseError:
        """Record the fault, and return the exception to raise."""
        self.fault = ModelError(f"{self.name} {how}", kind, taken_up=taken_up)
        return BrokenResponseError(how)

    def charge(self) -> int:
        """Tokens that a call is charged where no answer comes of it: as many as were billed or have arrived."""
        return max(self.arrived, read(self.usages, self.arrived, self.tokens).completion)

    def unreadable(self, how: str) -> BrokenResponseError:
        """An answer whose length cannot be known is charged as the longest."""
        self.arrived = max(self.arrived, self.tokens)
        return self.refuse(how)

    def too_large(self, what: str, size: int) -> BrokenResponseError:
        """More than any answer of its length."""
        return self.unreadable(f"sent {what} of more than {size >> 20} MB")

    def informational(self) -> None:
        """Count one response with a status of 1xx. Raises BrokenResponseError."""
        self._informational += 1
        if self._informational > _HINTS:
            raise self.refuse(f"sent more than {_HINTS} informational responses (HTTP 1xx) and no answer")

    def line(self, line: bytes) -> bytes:
        """A line of a stream, as LiteLLM may have it. Raises BrokenResponseError."""
        is_event = line.startswith(b"data:")
        payload = (line[5:] if is_event else line).strip()
        if payload in {b"", b"[DONE]"} or not (is_event or payload.startswith(b"{")):
            self._idle += 1
            if self._idle > _IDLE:
                raise self.refuse(f"sent {_IDLE:,} lines in a row that say nothing")
            return line
        self._idle = 0
        value = self._read(payload)
        self._empty = self._empty + 1 if _says_nothing(value) else 0
        if self._empty > _EMPTY:
            raise self.refuse(f"sent {_EMPTY:,} pieces in a row that say nothing")
        fit = self._fit(value)
        return line if fit is None else (b"data: " if is_event else b"") + fit + b"\n"

    def body(self, body: bytes) -> bytes:
        """An answer in one piece, as LiteLLM may have it. Raises BrokenResponseError."""
        fit = self._fit(self._read(body))
        return body if fit is None else fit

    def _read(self, text: bytes) -> Any:
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            shown = " ".join(text[: 4 * _SHOWN].decode(errors="replace").split())
            raise self.refuse(f"sent an answer that cannot be read: {redact(shown)[:_SHOWN]}") from None
        self.arrived += sum(map(estimate, set(_words(value, _DEEPEST))))
        if most := _too_many(value):
            raise self.refuse(f"sent an answer with {most}")
        return value

    def _fit(self, value: Any) -> bytes | None:
        """The JSON without what LiteLLM would not take, and lose the answer for; None where it may stay."""
        if not isinstance(value, dict) or not isinstance(value.get("choices"), list):
            return None
        choices = [_plain_choice(choice) for choice in value["choices"] if _is_first(choice)]
        if any(isinstance(choice, dict) and not _is_readable(choice) for choice in choices):
            raise self.refuse("sent an answer that cannot be read: its content is no text")
        self.finished |= any(isinstance(choice, dict) and choice.get("finish_reason") for choice in choices)
        fit = value if choices == value["choices"] else {**value, "choices": choices}
        if value.get("usage") is not None:
            self.usages.append(value["usage"])
            fit = fit if _is_plain(value["usage"]) else {**fit, "usage": None}
        return None if fit is value else json.dumps(fit).encode()


def _is_first(choice: Any) -> bool:
    """One answer was asked for; pieces of further ones would be glued to it."""
    return not isinstance(choice, dict) or choice.get("index") in {0, None}


def _is_readable(choice: dict[str, Any]) -> bool:
    """Whether the message, or the piece of it, is one whose content is a text or missing."""
    messages = [choice[key] for key in ("message", "delta") if key in choice]
    if "delta" in choice and choice["delta"] is None:  # of a last piece
        return True
    return all(isinstance(message, dict) and isinstance(message.get("content"), str | None) for message in messages)


def _plain_choice(choice: Any) -> Any:
    """With the answer as one text, where it comes as a list of parts, and no end that is no word."""
    if isinstance(choice, dict) and not isinstance(choice.get("finish_reason"), str | None):
        choice = {**choice, "finish_reason": "stop"}
    for key in ("message", "delta"):
        message = choice.get(key) if isinstance(choice, dict) else None
        if isinstance(message, dict) and isinstance(message.get("content"), list):
            texts = [part.get("text") for part in message["content"] if isinstance(part, dict)]
            text = "".join(text for text in texts if isinstance(text, str))
            choice = {**choice, key: {**message, "content": text}}
    return choice


def _words(value: Any, depth: int) -> Iterator[str]:
    """What a model wrote in an answer or a piece of it, in whatever form its provider sends that."""
    if isinstance(value, list):
        for item in value if depth else ():
            yield from _words(item, depth - 1)
    elif isinstance(value, dict):
        for key, item in value.items() if depth else ():
            if isinstance(item, str):
                yield from [item] if key in _TEXT_KEYS else []
            else:
                yield from _words(item, depth - 1)


def _too_many(value: Any) -> str:
    """Names what an answer has too many of: choices or tool calls. Empty where there is no excess."""
    choices = value.get("choices") if isinstance(value, dict) else None
    if not isinstance(choices, list):
        return ""
    if len(choices) > _CHOICES:
        return f"{len(choices):,} choices"
    messages = [choice.get(key) for choice in choices if isinstance(choice, dict) for key in ("message", "delta")]
    calls = [
        message["tool_calls"]
        for message in messages
        if isinstance(message, dict) and isinstance(message.get("tool_calls"), list)
    ]
    return f"{most:,} calls of tools" if (most := max(map(len, calls), default=0)) > _CALLS else ""


def _says_nothing(value: Any) -> bool:
    """Whether a piece brings neither a word, a thought, a call, an end nor a bill."""
    if not isinstance(value, dict) or value.get("usage") or value.get("error"):
        return False
    choices = value.get("choices")
    if not isinstance(choices, list):
        return value.get("type") == "ping"
    return not any(isinstance(choice, dict) and _says(choice) for choice in choices)


def _says(choice: dict[str, Any]) -> bool:
    delta = choice.get("delta")
    words = [text for key, text in delta.items() if key != "role"] if isinstance(delta, dict) else [delta]
    return bool(choice.get("finish_reason") or choice.get("text") or any(words))


def _is_plain(usage: Any) -> bool:
    if not isinstance(usage, dict):
        return False
    numbers = [usage.get(name) for name in ("prompt_tokens", "completion_tokens", "total_tokens")]
    details = [usage.get(f"{name}_tokens_details") or {} for name in ("prompt", "completion")]
    if not all(isinstance(detail, dict) for detail in details):
        return False
    numbers += [number for detail in details for number in detail.values()]
    return all(number is None or (type(number) is int and 0 <= number < _MOST) for number in numbers)
