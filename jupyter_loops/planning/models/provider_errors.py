"""Sorts what can go wrong with a call into error classes, each with one line that says what to do."""

from __future__ import annotations

import difflib
import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

from jupyter_loops.core.redaction import redact
from jupyter_loops.errors import ErrorClass, ModelError

from .client import load
from .refusal_words import NO_CREDIT, by_words

_DEEPEST = 8  # errors that led to one another
_LONGEST = 200  # characters of a provider's own words
_READ = 16_384  # characters of an answer that are looked at

_BY_TYPE = {  # LiteLLM's exceptions, the more special first where they inherit from each other
    "ContextWindowExceededError": ErrorClass.CONTEXT_OVERFLOW,
    "ContentPolicyViolationError": ErrorClass.REFUSED,
    "RejectedRequestError": ErrorClass.REFUSED,
    "APIResponseValidationError": ErrorClass.MALFORMED,
    "JSONSchemaValidationError": ErrorClass.MALFORMED,
    "JSONDecodeError": ErrorClass.MALFORMED,
    "Timeout": ErrorClass.TRANSIENT,
    "MidStreamFallbackError": ErrorClass.TRANSIENT,
}
_BY_STATUS = {
    401: ErrorClass.AUTH,
    402: ErrorClass.AUTH,
    403: ErrorClass.AUTH,
    408: ErrorClass.TRANSIENT,
    409: ErrorClass.TRANSIENT,
    413: ErrorClass.CONTEXT_OVERFLOW,
    425: ErrorClass.TRANSIENT,
    429: ErrorClass.RATE_LIMITED,
}

_UNREADABLE = re.compile(
    r"unable to get json response|response with no 'choices'|invalid response object|error parsing chunk"
    r"|expecting value|jsondecodeerror|error building chunks|list index out of range|invalid json",
    re.IGNORECASE,
)
_UNREACHED = re.compile(
    r"connect(ion)? (error|refused|call failed)|cannot connect|connecterror|name or service|name resolution"
    r"|nodename|network is unreachable|temporary failure|all connection attempts failed",
    re.IGNORECASE,
)
_BROKEN_OFF = re.compile(
    r"server disconnected|connection reset|reset by peer|incomplete chunked|peer closed|payload is not completed"
    r"|not enough data|timed? ?out",
    re.IGNORECASE,
)


def classify(error: Exception, name: str, *, api_base: str | None = None, api_key: str | None = None) -> ModelError:
    """The ModelError of a failed call. `name` and `api_base` are the person's choice."""
    raw = _raw(error)[:_READ]
    message = _provider_message(redact(raw, api_key)) or type(error).__name__
    status, causes = _status(error), _causes(error)
    broken_off = bool(_BROKEN_OFF.search(causes))
    unreached = not broken_off and bool(_UNREACHED.search(causes))
    if status == HTTPStatus.INTERNAL_SERVER_ERROR and (unreached or broken_off):
        status = None  # LiteLLM makes one up where there was no answer
    kind = _kind(error, status, raw)
    line = _line(kind, name, message, status) if not unreached else _unreachable(name, api_base)
    taken_up = status in {None, HTTPStatus.OK} and not unreached
    return ModelError(redact(line, api_key), kind, retry_after(_headers(error)), status, taken_up)


def retry_after(headers: Mapping[str, str], now: float | None = None) -> float | None:
    """Seconds to wait that the provider asks for, whether in seconds, milliseconds or as a date."""
    if (milliseconds := headers.get("retry-after-ms", "")).strip().isdigit():
        return int(milliseconds) / 1000
    value = headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d+(\.\d+)?", value):
        return float(value)
    try:
        then = parsedate_to_datetime(value).timestamp()
    except ValueError:
        return None
    return max(then - (time.time() if now is None else now), 0.0)


def unknown_model(name: str) -> ModelError:
    """LiteLLM knows no provider for the name; say which names are near."""
    chat_models = [key for key, entry in load().model_cost.items() if entry.get("mode") in {"chat", "responses"}]
    near = difflib.get_close_matches(name, ["local", *chat_models], n=3, cutoff=0.6)
    advice = (
        f"did you mean {' or '.join(near)}?" if near else "use a LiteLLM name such as anthropic/… or ollama/…, or local"
    )
    return ModelError(f"no model is called {name}: {advice}", ErrorClass.BAD_REQUEST)


def missing_key(name: str, variables: list[str]) -> ModelError:
    """No key for the model's provider is in the environment."""
    return ModelError(f"no key for {name}: set {' or '.join(variables)}", ErrorClass.AUTH)


def _kind(error: Exception, status: int | None, raw: str) -> ErrorClass:
    """By the words of the answer, then by LiteLLM's type, then by the status: the type alone is too coarse."""
    if kind_by_words := by_words(status, raw):
        return kind_by_words
    names = {cls.__name__ for cls in type(error).__mro__}
    if named := next((kind for name, kind in _BY_TYPE.items() if name in names), None):
        return named
    if _UNREACHED.search(raw) or _BROKEN_OFF.search(raw):
        return ErrorClass.TRANSIENT
    if status == HTTPStatus.OK or _UNREADABLE.search(raw):
        return ErrorClass.MALFORMED
    if status is None:
        return ErrorClass.TRANSIENT if isinstance(error, OSError) else ErrorClass.BAD_REQUEST
    return _BY_STATUS.get(
        status, ErrorClass.TRANSIENT if status >= HTTPStatus.INTERNAL_SERVER_ERROR else ErrorClass.BAD_REQUEST
    )


def _line(kind: ErrorClass, name: str, message: str, status: int | None) -> str:
    answered = f" ({status})" if status else ""
    if kind is ErrorClass.AUTH and (status == HTTPStatus.TOO_MANY_REQUESTS or NO_CREDIT.search(message)):
        return f"the account for {name} has no credit left{answered}: {message}"
    if kind is ErrorClass.AUTH and status == HTTPStatus.FORBIDDEN:
        return f"the account for {name} may not do that{answered}: {message}"
    openings = {
        ErrorClass.AUTH: f"the key for {name} was refused{answered}: ",
        ErrorClass.RATE_LIMITED: f"{name} is rate limited{answered}: ",
        ErrorClass.CONTEXT_OVERFLOW: f"the prompt is too long for {name}: ",
        ErrorClass.REFUSED: f"{name} refused to answer: ",
        ErrorClass.TRANSIENT: f"{name} failed for the moment{answered}: ",
        ErrorClass.MALFORMED: f"{name} sent an answer that cannot be read: ",
    }
    return openings.get(kind, f"{name} cannot take the request{answered}: ") + message


def _unreachable(name: str, api_base: str | None) -> str:
    where = api_base or f"the provider of {name}"
    return f"cannot reach {where}: is it running, and is there a network?"


def _provider_message(raw: str) -> str:
    """The provider's own words, on one line, without LiteLLM's wrapping."""
    text = re.sub(r"^(LiteLLM: ?|litellm\.\w+: ?|\w+Error: ?|\w+Exception - ?)+", "", " ".join(raw.split()))
    if inner := re.search(r"""["']message["']: ?["'](.+?)["'][,}]""", text):
        text = inner[1]
    return text[:_LONGEST]


def _raw(error: Exception) -> str:
    """All that was said: the exception's message, or the body of a raw HTTP answer."""
    if type(error).__name__ == "HTTPStatusError":  # of httpx, whose message is the status and an address
        response: Any = getattr(error, "response", None)
        return str(response.text) or str(error)
    return str(getattr(error, "message", None) or error)


def _causes(error: BaseException | None) -> str:
    """The messages of all errors that led to this one: an SDK's own "Connection error." is too vague to classify."""
    messages: list[str] = []
    while error is not None and len(messages) < _DEEPEST:
        messages.append(str(error))
        error = error.__cause__ or error.__context__
    return "\n".join(messages)


def _status(error: Exception) -> int | None:
    status = getattr(error, "status_code", None) or getattr(getattr(error, "response", None), "status_code", None)
    return status if isinstance(status, int) else None


def _headers(error: Exception) -> dict[str, str]:
    response: Any = getattr(error, "response", None)
    headers = getattr(error, "litellm_response_headers", None) or getattr(response, "headers", None) or {}
    return {str(key).lower(): str(value) for key, value in dict(headers).items()}
