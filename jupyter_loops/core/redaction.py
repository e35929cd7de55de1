"""Takes the shapes of known secrets out of text before it is stored or shown to a model."""

from __future__ import annotations

import re
from typing import Any

_SHAPES = (
    r"sk-[A-Za-z0-9_-]{16,}",  # OpenAI, Anthropic, OpenRouter
    r"(?:AKIA|ASIA)[A-Z0-9]{16}",  # AWS
    r"gh[pousr]_[A-Za-z0-9]{20,}",  # GitHub
    r"github_pat_[A-Za-z0-9_]{20,}",
    r"glpat-[A-Za-z0-9_-]{16,}",  # GitLab
    r"hf_[A-Za-z0-9]{20,}",  # Hugging Face
    r"AIza[A-Za-z0-9_-]{30,}",  # Google
    r"gsk_[A-Za-z0-9]{20,}",  # Groq
    r"xox[abprs]-[A-Za-z0-9-]{10,}",  # Slack
    r"(?<=[Bb]earer )[A-Za-z0-9._~+/=-]{12,}",
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)",
)
_SECRET = re.compile("|".join(_SHAPES))
_MARK = "[redacted]"


def redact(text: str) -> str:
    """The text with every known key shape replaced by a mark."""
    return _SECRET.sub(_MARK, text)


def clean(value: Any) -> Any:
    """JSON with every text in it redacted; the same object where there was nothing to redact."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, dict):
        return {key: clean(item) for key, item in value.items()}
    if isinstance(value, list):
        return [clean(item) for item in value]
    return value
