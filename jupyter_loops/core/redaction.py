"""Takes the shapes of known secrets out of text before it is stored or shown to a model."""

from __future__ import annotations

import re
from typing import Any

# A character of each shape, what it begins with, and the shape: most texts are done with after a look for the first.
_SHAPES = (
    ("-", ("sk-",), r"sk-[A-Za-z0-9_-]{16,}"),  # OpenAI, Anthropic, OpenRouter
    ("A", ("AKIA", "ASIA"), r"(?:AKIA|ASIA)[A-Z0-9]{16}"),  # AWS
    ("_", ("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), r"gh[pousr]_[A-Za-z0-9]{20,}"),  # GitHub
    ("_", ("github_pat_",), r"github_pat_[A-Za-z0-9_]{20,}"),
    ("-", ("glpat-",), r"glpat-[A-Za-z0-9_-]{16,}"),  # GitLab
    ("_", ("hf_",), r"hf_[A-Za-z0-9]{20,}"),  # Hugging Face
    ("A", ("AIza",), r"AIza[A-Za-z0-9_-]{30,}"),  # Google
    ("_", ("gsk_",), r"gsk_[A-Za-z0-9]{20,}"),  # Groq
    ("-", ("xox",), r"xox[abprs]-[A-Za-z0-9-]{10,}"),  # Slack
    (" ", ("earer ",), r"(?<=[Bb]earer )[A-Za-z0-9._~+/=-]{12,}"),
    ("-", ("-----BEGIN ",), r"-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"),
)
_BEGINNINGS = {
    mark: tuple(begin for one, begins, _ in _SHAPES if one == mark for begin in begins) for mark, _, _ in _SHAPES
}
_SECRET = re.compile("|".join(shape for *_, shape in _SHAPES))
_SHORTEST = 13  # characters; no shape is shorter
_MARK = "[redacted]"


def redact(text: str) -> str:
    """The text with every known key shape replaced by a mark."""
    for mark, beginnings in _BEGINNINGS.items():
        if mark in text and any(beginning in text for beginning in beginnings):
            return _SECRET.sub(_MARK, text)
    return text


def clean(value: Any) -> Any:
    """JSON with every text in it redacted; the same object where there was nothing to redact."""
    if isinstance(value, str):
        return value if len(value) < _SHORTEST else redact(value)
    if isinstance(value, dict):
        cleaned = {key: new for key, item in value.items() if (new := clean(item)) is not item}
        return value | cleaned if cleaned else value
    if isinstance(value, list):
        changed = {n: new for n, item in enumerate(value) if (new := clean(item)) is not item}
        return [changed.get(n, item) for n, item in enumerate(value)] if changed else value
    return value
