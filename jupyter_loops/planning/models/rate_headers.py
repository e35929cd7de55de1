"""What a provider's headers say of its rate limits: how long to wait where nothing is left.

OpenAI and most compatible servers: `x-ratelimit-remaining-requests`, `x-ratelimit-reset-requests` ("6m0s", "120ms"),
and the same for tokens. Anthropic: `anthropic-ratelimit-requests-remaining`, `anthropic-ratelimit-requests-reset` (a
time in RFC 3339), and the same for tokens.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime

_KINDS = ("requests", "tokens", "input-tokens", "output-tokens")
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_LONGEST = 300.0  # seconds; a header may say anything


def rate_pause(headers: Mapping[str, str], now: datetime | None = None) -> float:
    """Seconds until calls are allowed again; 0 where some are left, or nothing is known. Names in lower case."""
    pauses = [0.0]
    for kind in _KINDS:
        for remaining, reset in (
            (f"x-ratelimit-remaining-{kind}", f"x-ratelimit-reset-{kind}"),
            (f"anthropic-ratelimit-{kind}-remaining", f"anthropic-ratelimit-{kind}-reset"),
        ):
            if headers.get(remaining, "").strip() == "0":
                pauses.append(_seconds(headers.get(reset, ""), now or datetime.now(UTC)))
    return min(max(pauses), _LONGEST)


def _seconds(text: str, now: datetime) -> float:
    text = text.strip().lower()
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return float(text)
    if text and not _PART.sub("", text):
        return sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(text))
    try:
        then = datetime.fromisoformat(text.upper())
    except ValueError:
        return 0.0
    return max((then.replace(tzinfo=then.tzinfo or UTC) - now).total_seconds(), 0.0)
