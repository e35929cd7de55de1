"""What providers say when they refuse: the same status covers several things, and the words tell them apart."""

from __future__ import annotations

import re
from http import HTTPStatus

from jupyter_loops.errors import ErrorClass

_OVERFLOW = re.compile(  # OpenAI, Azure, vLLM, DeepSeek | llama.cpp | Anthropic | Google | Mistral | Cohere | Bedrock …
    r"context.{0,20}(length|size|window|limit)|maximum context|exceed_context|context_length_exceeded"
    r"|prompt is too long|input is too long|input length and .max_tokens"
    r"|input token count.{0,40}exceeds|too large for model with|too many tokens|maximum prompt length"
    r"|tokens.{0,20}\+.{0,20}max_new_tokens|range of input length|reduce the length of the messages",
    re.IGNORECASE,
)
NO_CREDIT = re.compile(
    r"insufficient_quota|insufficient[ _](balance|credit|funds)|credit balance|exceeded your current quota"
    r"|billing (hard limit|not active)|payment required|out of credits",
    re.IGNORECASE,
)
_FILTERED = re.compile(
    r"content[_ ]?(filter|policy)|content management policy|responsible ?ai|safety (system|setting|filter|polic)"
    r"|flagged as potentially|usage polic(y|ies)|blocked by|prohibited_content|data_inspection_failed",
    re.IGNORECASE,
)
_TOO_LONG = frozenset({400, 413, 422, 500})  # statuses under which providers say that a prompt is too long


def by_words(status: int | None, raw: str) -> ErrorClass | None:
    """What a refusal means whose status covers several things."""
    if status is None or status < HTTPStatus.BAD_REQUEST:
        return None
    if NO_CREDIT.search(raw):
        return ErrorClass.AUTH
    if status in _TOO_LONG and _OVERFLOW.search(raw):
        return ErrorClass.CONTEXT_OVERFLOW
    if status in {400, 403, 422, 451} and _FILTERED.search(raw):
        return ErrorClass.REFUSED
    return None
