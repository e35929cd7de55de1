"""What an answer used: what the provider says, as far as it can be right, and otherwise what arrived."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_FEWER = 4  # times as many tokens as were billed are estimated where the bill cannot be right
_MORE = 2  # times as many are billed as arrived, where more is no longer believed without a sum


@dataclass(frozen=True, slots=True)
class TokenUsage:
    """Tokens of one call; `prompt` is None where nobody said it."""

    prompt: int | None
    completion: int
    cached: int = 0
    reasoning: int = 0
    estimated: bool = False


def read(usages: Sequence[Any], arrived: int, room: int) -> TokenUsage:
    """The dearest reading that can be right.

    `usages` are what the provider said, once or piece by piece; `arrived` is an estimate of all words, thoughts and
    calls that came, `room` the most tokens that the answer was allowed.
    """
    reports = [_named(usage) for usage in usages if isinstance(usage, Mapping)]
    prompt, completion, total = (_most(reports, f"{name}_tokens") for name in ("prompt", "completion", "total"))
    cached = _most([_part(usage, "prompt") for usage in reports], "cached_tokens") or 0
    reasoning = _most([*reports, *(_part(usage, "completion") for usage in reports)], "reasoning_tokens") or 0
    likely = max(room, _MORE * arrived)
    sure = completion is not None and completion * _FEWER >= arrived
    answer = completion if completion is not None and sure else arrived
    remainder = total - (prompt or 0) if total is not None and prompt else 0
    if answer < remainder and (remainder <= likely or remainder == answer + reasoning):
        answer = remainder  # thoughts are billed, and only the sum has them
    elif reasoning > answer:
        sure, answer = False, answer + reasoning if answer + reasoning <= likely else answer
    sure = sure and prompt is not None and 0 < prompt >= cached
    return TokenUsage(prompt or None, answer, min(cached, prompt or 0) if sure else 0, min(reasoning, answer), not sure)


def _named(usage: Mapping[str, Any]) -> Mapping[str, Any]:
    """Under OpenAI's names, where it comes under Anthropic's, whose input is without what a cache read or wrote."""
    parts = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
    if _count(usage.get("prompt_tokens")) is None and _count(usage.get("input_tokens")) is not None:
        usage = {**usage, "prompt_tokens": sum(_count(usage.get(part)) or 0 for part in parts)}
    if _count(usage.get("completion_tokens")) is None and "output_tokens" in usage:
        details = usage.get("output_tokens_details")
        usage = {**usage, "completion_tokens": usage["output_tokens"], "completion_tokens_details": details}
    return usage


def _most(usages: Sequence[Mapping[str, Any]], name: str) -> int | None:
    numbers = [number for usage in usages if (number := _count(usage.get(name))) is not None]
    return max(numbers, default=None)


def _part(usage: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    details = usage.get(f"{name}_tokens_details")
    return details if isinstance(details, Mapping) else {}


def _count(value: Any) -> int | None:
    """A number of tokens, whole and not negative, however it is written."""
    if isinstance(value, str) and value.strip().isdecimal() and len(value) < 40:  # noqa: PLR2004  # digits
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        return None
    return math.ceil(value)
