"""An event as the history stores it: JSON, in which the SHA-256 of a long text stands for the text.

The body is `Record.to_json()` in compact JSON, keys in the event's own order, where each text that a
model or a program wrote is replaced by {"text": sha256}. So a text is stored once however often it
is used, and can be forgotten without breaking the chain of hashes, which covers bodies only.
A number that JSON cannot represent is written {"float": "nan"}, "inf" or "-inf".
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import is_dataclass
from datetime import UTC
from functools import cache
from typing import Any

from jupyter_loops.core.events import Record, current_kind
from jupyter_loops.core.plain import plain

_LISTS = frozenset({"messages", "figures"})  # of objects with a "content"
# kind → where its texts are
PLACES: dict[str, tuple[tuple[str, ...], ...]] = {
    "run_started": (("source",),),
    "call_started": (("messages",),),
    "call_finished": (("text",),),
    "tool_call_finished": (("result",),),
    "candidate_proposed": (("text",),),
    "approval_requested": (("value",), ("diff",)),
    "candidate_executed": (("observation", "stdout"), ("observation", "stderr"), ("observation", "figures")),
}


def _plain(value: Any) -> Any:
    """One level of a dataclass as a dict; anything that is not JSON as its text."""
    if is_dataclass(value):
        return plain(value)
    if isinstance(value, set | frozenset):
        return sorted(map(str, value))
    return str(value)


def _finite(value: Any) -> Any:
    """The same value with numbers that JSON can represent."""
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": str(value)}
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return _finite(_plain(value))


def _dump(value: Any) -> bytes:
    """Compact JSON. pydantic's writer is quick; where it writes NaN or Infinity, the slower `json.dumps` is used."""
    try:
        encoded = _writer()(value, inf_nan_mode="constants", fallback=_plain)
        if b"NaN" not in encoded and b"Infinity" not in encoded:
            return encoded
    except (ValueError, TypeError):  # half a character, or nested too deeply
        pass
    return _bytes(json.dumps(_finite(value), ensure_ascii=False, separators=(",", ":"), allow_nan=False))


@cache
def _writer() -> Callable[..., bytes]:
    from pydantic_core import to_json  # loaded with the first event, not with the history

    return to_json


def _bytes(text: str) -> bytes:
    """Text in UTF-8, without the lone surrogates that a model can write and no database can keep."""
    return text.encode("utf-8", "replace")


def _replace(value: dict[str, Any], place: tuple[str, ...], take: Callable[[Any], Any]) -> None:
    *path, last = place
    for step in path:
        value[step] = value = dict(value[step]) if isinstance(value[step], dict) else plain(value[step])
    if last in _LISTS:
        items = [item if isinstance(item, dict) else plain(item) for item in value.get(last, ())]
        value[last] = [{**item, "content": take(item["content"])} for item in items]
    else:
        value[last] = take(value[last])


def encode(record: Record) -> tuple[bytes, dict[str, bytes]]:
    """The body of an event, and its texts by SHA-256; all in UTF-8."""
    event, texts = record.event, dict[str, bytes]()

    def take(text: str) -> Any:
        if not text:
            return text
        content = _bytes(text)
        sha = hashlib.sha256(content).hexdigest()
        texts[sha] = content
        return {"text": sha}

    at = record.at if record.at.tzinfo is UTC else record.at.astimezone(UTC)
    value: dict[str, Any] = {
        "run": record.run,
        "seq": record.seq,
        "at": at.isoformat(timespec="microseconds"),
        "kind": event.kind,
        **plain(event),
    }
    for place in PLACES.get(event.kind, ()):
        _replace(value, place, take)
    return _dump(value), texts


def chain(previous: str, body: bytes) -> str:
    """The hash of an event: SHA-256 over the previous event's hash (empty for the first) and the body."""
    return hashlib.sha256(previous.encode() + body).hexdigest()


def mentioned(body: Mapping[str, Any]) -> Iterator[str]:
    """The SHA-256 of every text that a body refers to."""
    digests: list[str] = []
    for place in PLACES.get(current_kind(body["kind"]), ()):
        _replace(dict(body), place, lambda mark: digests.append(mark["text"]) if isinstance(mark, dict) else None)
    yield from digests


def decode(body: str, texts: Mapping[str, str | None]) -> dict[str, Any]:
    """The event as `Record.to_json()` gives it; its kind is of today, and a forgotten text is empty."""
    value: dict[str, Any] = json.loads(body, object_hook=_float)
    value["kind"] = current_kind(value["kind"])
    for place in PLACES.get(value["kind"], ()):
        _replace(value, place, lambda mark: (texts.get(mark["text"]) or "") if isinstance(mark, dict) else mark)
    return value


def _float(value: dict[str, Any]) -> Any:
    return float(value["float"]) if value.get("float") in ("nan", "inf", "-inf") and len(value) == 1 else value
