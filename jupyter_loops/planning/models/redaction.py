"""Keeps API keys out of anything that is shown or stored."""

from __future__ import annotations

import os
import re

_SHAPES = re.compile(
    r"""\b(?:sk|pk|rk|gsk|xai|hf|pplx|r8|key|tvly)[-_][A-Za-z0-9_*\-]{8,}
    | \bAIza[A-Za-z0-9_\-]{10,} | \bAKIA[A-Z0-9]{12,} | \beyJ[A-Za-z0-9_\-]{10,}\.[A-Za-z0-9_\-.]+
    | (?<=[Bb]earer\ )[^\s"']+""",
    re.VERBOSE,
)
_SECRET_NAME = re.compile(r"(?:KEY|TOKEN|SECRET|PASSWORD)$", re.IGNORECASE)
_SHORTEST = 8  # a shorter value is more likely a word than a key


def redact(text: str, *keys: str | None) -> str:
    """The text without anything that looks like a key, is one of `keys`, or is a secret of the environment."""
    secrets = [value for name, value in os.environ.items() if _SECRET_NAME.search(name)]
    for secret in sorted({*secrets, *(key for key in keys if key)}, key=len, reverse=True):
        if len(secret) >= _SHORTEST:
            text = text.replace(secret, "[key]")
    return _SHAPES.sub("[key]", text)
