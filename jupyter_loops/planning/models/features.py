"""Features that an endpoint refuses: learned from its refusal, and left out for the rest of the process.

The history stores the refusals, so that the next kernel does not send them again, see `remember`.

A request without the refused part is the same question: a schema is in the prompt's text as well, a system message
becomes the beginning of the user's, and an answer that is not streamed arrives in one piece.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from jupyter_loops.core.redaction import redact

SHORTER = "max_tokens"  # named max_completion_tokens from then on
SCHEMA, SYSTEM, SEED, TEMPERATURE, STOP = "a schema", "a system message", "a seed", "a temperature", "stop words"
USAGE, STREAM = "usage in the stream", "streaming"
TOOLS = "tool calls"  # described in the prompt from then on, see prompted_tools.py
BREAKS = 2  # answers that break off in a row before streaming is given up

_KEYS = {
    "response_format": SCHEMA,
    "seed": SEED,
    "temperature": TEMPERATURE,
    "stop": STOP,
    "stream_options": USAGE,
    "stream": STREAM,
    "tools": TOOLS,
    "tool_choice": TOOLS,
    "_skip_mcp_handler": TOOLS,
}
_NAMED = {  # how providers call it in a refusal; the more special first
    TOOLS: r"\btools?\b|tool[_ ]choice|function[_ ]call",
    SCHEMA: r"response_format|json_schema|structured output|response_schema|guided_json",
    USAGE: r"stream_options|include_usage",
    STREAM: r"\bstream(ing|ed)?\b",
    SYSTEM: r"system.{0,12}(role|message|prompt|instruction)|developer instruction|must alternate|role.{0,12}system",
    SEED: r"\bseed\b",
    TEMPERATURE: r"\btemperature\b",
    SHORTER: r"\bmax_tokens\b.*\bmax_completion_tokens\b",
    STOP: r"\bstop(_sequences| words?| sequences?)?\b",
}
_REFUSES = re.compile(
    r"not (be )?(support|allow|enabl|permit|implement|accept|available|recogni[sz]ed|valid)|unsupported|unknown"
    r"|unexpected|unrecogni[sz]ed|invalid|extra (inputs|fields)|must alternate|cannot be used|does ?n[o']t support"
    r"|deprecated|only the default",
    re.IGNORECASE,
)
_LONGEST = re.compile(  # an answer that is longer than a model writes
    r"max(imum)?[_ ]?((completion|output|new)[_ ])?tokens|(output|completion|generated) tokens", re.IGNORECASE
)
_TOO_LONG = re.compile(
    r"too (large|high|big|many)|at most|less than|<=|> ?\d|maximum|valid range|exceed|up to|limit", re.IGNORECASE
)
_STATUS = re.compile(r"code:? ?\d{3}\b|\(\d{3}\)|status.{0,9}\d{3}\b", re.IGNORECASE)
_LEAST = 16  # tokens; a smaller number is about something else
_LONGER, _OF_LONGER = "an answer of more than {} tokens", re.compile(r"an answer of more than (\d{1,9}) tokens")

Key = tuple[str, str]  # model, endpoint
_caps: dict[Key, int] = {}  # tokens of its longest answer
_refused: dict[Key, set[str]] = {}  # features
_retried: dict[Key, set[str]] = {}  # features that are sent anew, whatever the history remembers


def refused(model: str, endpoint: str) -> set[str]:
    """The features that an endpoint has refused; the set itself, to be added to."""
    return _refused.setdefault(_key(model, endpoint), set())


def cap(model: str, endpoint: str) -> int | None:
    """Tokens of the longest answer that an endpoint writes, where it has said so."""
    return _caps.get(_key(model, endpoint))


def longer(most: int) -> str:
    """The feature that an endpoint with such a cap does not take."""
    return _LONGER.format(most)


def remember(refusals: Iterable[Mapping[str, str]]) -> None:
    """Take over what other kernels learned: model, endpoint and feature of each refusal."""
    for refusal in refusals:
        key, feature = _key(refusal["model"], refusal["endpoint"]), refusal["feature"]
        if feature in _retried.get(key, ()):
            continue
        if most := _OF_LONGER.fullmatch(feature):
            _caps.setdefault(key, int(most[1]))
        else:
            _refused.setdefault(key, set()).add(feature)


def retry(model: str) -> list[str]:
    """Send a model's endpoints again what they refused; gives the features."""
    retried = set[str]()
    for key in {key for key in (*_refused, *_caps) if key[0] == model}:
        refused_features = _refused.get(key, set()) | ({longer(_caps.pop(key))} if key in _caps else set())
        _retried.setdefault(key, set()).update(refused_features)
        _refused.get(key, set()).clear()
        retried |= refused_features
    return sorted(retried)


def regained(model: str, endpoint: str, request: dict[str, Any]) -> tuple[str, ...]:
    """Features of a request that was answered, which had been refused before."""
    retried = _retried.get(_key(model, endpoint), set())
    if not retried:
        return ()
    requested = tokens(request)
    beyond = {feature for feature in retried if (most := _OF_LONGER.fullmatch(feature)) and requested > int(most[1])}
    return tuple(sorted(retried & _sent(request) | beyond))


def _key(model: str, endpoint: str) -> Key:
    """As the history has it."""
    return model, redact(endpoint)


def capped(model: str, endpoint: str, text: str, requested: int) -> int | None:
    """Learn from a refusal how long an answer may be; None where it is about something else."""
    if not (_LONGEST.search(text) and _TOO_LONG.search(text)):
        return None
    numbers = re.findall(r"\d[\d,]{0,9}", _STATUS.sub("", text))
    fitting = [number for digits in numbers if _LEAST <= (number := _number(digits)) < requested]
    if fitting:
        _caps[_key(model, endpoint)] = max(fitting)
    return max(fitting, default=None)


def _number(digits: str) -> int:
    return int(digits.replace(",", ""))


def tokens(request: dict[str, Any]) -> int:
    """Tokens of the longest answer that is asked for."""
    requested: int = request.get("max_tokens") or request["extra_body"]["max_completion_tokens"]
    return requested


def named(text: str, request: dict[str, Any]) -> str | None:
    """The feature of the request that a provider's refusal speaks of, or None."""
    if not _REFUSES.search(text):
        return None
    sent = _sent(request)
    return next(
        (name for name, pattern in _NAMED.items() if name in sent and re.search(pattern, text, re.IGNORECASE)), None
    )


def without(request: dict[str, Any], features: set[str]) -> dict[str, Any]:
    """The request with these features left out."""
    features = features | {USAGE} if STREAM in features else features
    reduced = {key: value for key, value in request.items() if _KEYS.get(key) not in features}
    if SHORTER in features:
        reduced["extra_body"] = {"max_completion_tokens": reduced.pop("max_tokens")}
    return {**reduced, "messages": _merge_system_messages(reduced["messages"])} if SYSTEM in features else reduced


def _sent(request: dict[str, Any]) -> set[str]:
    sent = {feature for key, feature in _KEYS.items() if request.get(key) is not None}
    sent |= {SHORTER} if "max_tokens" in request else set()
    return sent | ({SYSTEM} if any(turn["role"] == "system" for turn in request["messages"]) else set())


def _merge_system_messages(messages: list[dict[str, str]]) -> list[dict[str, str]]:
    """System messages at the head of the user's first."""
    system_texts = [turn["content"] for turn in messages if turn["role"] == "system"]
    turns = [turn for turn in messages if turn["role"] != "system"] or [{"role": "user", "content": ""}]
    first = {**turns[0], "content": "\n\n".join(filter(None, [*system_texts, turns[0]["content"]]))}
    return [first, *turns[1:]]
