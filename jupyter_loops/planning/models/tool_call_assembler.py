"""Calls of tools as endpoints stream them: with and without an index, an id, or a clear end."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from jupyter_loops.core.tool import ToolCall
from jupyter_loops.errors import ErrorClass, ModelError


@dataclass(slots=True)
class ToolCallAssembler:
    """The tool calls of an answer, as far as they have arrived."""

    _calls: list[dict[str, str]] = field(default_factory=list)  # id, name, arguments; in order
    _at: dict[int, dict[str, str]] = field(default_factory=dict)  # index → the call that goes on there

    def take(self, index: int, id_: str, name: str, arguments: str) -> None:
        """A piece of a call: of a new one where the id says so, or where the last one is complete and a name begins."""
        call = self._at.get(index)
        if call is None or (id_ and call["id"] and id_ != call["id"]) or (name and not id_ and _is_complete(call)):
            call = self._at[index] = {"id": "", "name": "", "arguments": ""}
            self._calls.append(call)
        call["id"], call["name"] = call["id"] or id_, call["name"] or name
        call["arguments"] += arguments

    def assembled(self, model: str) -> tuple[ToolCall, ...]:
        """The calls, each with an id of its own. Raises ModelError where two of them cannot be told apart."""
        named = [call for call in self._calls if call["name"]]
        if any(_is_two(call["arguments"]) for call in named):
            mixed = f"{model} sent calls of tools that cannot be told apart"
            raise ModelError(mixed, ErrorClass.MALFORMED, taken_up=True)
        return tuple(_numbered(named))


def _numbered(calls: Iterable[dict[str, str]]) -> Iterable[ToolCall]:
    ids = set[str]()
    for place, call in enumerate(calls):
        unique_id = call["id"] if call["id"] and call["id"] not in ids else f"call_{place}"
        ids.add(unique_id)
        yield ToolCall(id=unique_id, name=call["name"], arguments=call["arguments"])


def _is_complete(call: dict[str, str]) -> bool:
    read = _first(call["arguments"])
    return read is not None and isinstance(read[0], dict)


def _is_two(arguments: str) -> bool:
    read = _first(arguments)
    return read is not None and arguments[read[1] :].lstrip().startswith("{")


def _first(text: str) -> tuple[Any, int] | None:
    text_from = len(text) - len(text.lstrip())
    try:
        return json.JSONDecoder().raw_decode(text, text_from)
    except (ValueError, RecursionError):
        return None
