"""Finds the JSON in an answer: the value that fits the targets best, wherever it stands."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jupyter_loops.core.recipe import Target, TargetKind
from jupyter_loops.errors import ErrorClass, ReplyError

from .answer_errors import check_length, missing_answer
from .fences import Block, Blocks
from .fit import Schema, fits
from .json_text import ParsedJson, inside, repaired, strict
from .thoughts import after_thoughts

_JSON = json.JSONEncoder(ensure_ascii=False)
_NONE: dict[str, Any] = {}
_EXAMPLE = re.compile(
    r"\b(?:e\.g\.|(?:for )?example|for instance|such as|beispiel|ejemplo|exemple)[^.\n]*:?\s*\Z", re.IGNORECASE
)
_BEFORE = 200  # characters before a value that are looked at


@dataclass(frozen=True, slots=True)
class PlacedValue:
    """A value of an answer, and what its place says for it."""

    value: Any
    weight: int


def read_data(answer: str, targets: Sequence[Target], *, schema: Schema | None = None, cut: bool = False) -> str:
    """JSON text of an object with one key for each target. Raises ReplyError.

    The JSON may be fenced, surrounded by prose, or slightly broken; a single target may come bare. `schema` is
    of the whole object, and chooses between several values; `cut` says that the answer was cut at its length limit.
    """
    check_length(answer)
    reply, blocks = after_thoughts(answer, Blocks(strict).of)
    properties = _of_targets(targets, schema)
    best = _best(_strict(reply, blocks), properties)
    if best is None or not _is_complete(best, properties):
        best = _repaired(reply, blocks, properties, cut=cut) or best
    if best is None and (word := _word(reply, targets)):
        best = {targets[0].name: word}
    if best is None:
        raise missing_answer(answer, reply, "is not JSON", f"give an object with {_keys(list(properties))}")
    if missing := [name for name in properties if name not in best]:
        raise ReplyError(f"the JSON object lacks {_keys(missing)}", ErrorClass.MALFORMED)
    return _JSON.encode({name: best[name] for name in properties})


def _of_targets(targets: Sequence[Target], schema: Schema | None) -> dict[str, Schema]:
    schema = schema or _NONE
    types, definitions = schema.get("properties", _NONE), schema.get("$defs", _NONE)
    return {target.name: {**types.get(target.name, _NONE), "$defs": definitions} for target in targets}


def _strict(reply: str, blocks: Sequence[Block[ParsedJson]]) -> list[PlacedValue]:
    """The values that parse, those in prose first, those in fences after them, the whole answer last."""
    parsed = strict(reply)
    if parsed is not None:
        return [PlacedValue(parsed.value, 1)]
    prose, fenced, at = list[PlacedValue](), list[PlacedValue](), 0
    for block in blocks:
        if block.value is not None:
            prose += _in_prose(reply, at, block.start)
            fenced.append(PlacedValue(block.value.value, 1 - _is_example(reply[at : block.start])))
            at = block.end
    return [*prose, *_in_prose(reply, at, len(reply)), *fenced]


def _in_prose(reply: str, at: int, end: int) -> list[PlacedValue]:
    """The values between two places; one that begins its line has more weight than one in a sentence."""
    text, values, last = reply[at:end], list[PlacedValue](), 0
    for span in inside(text):
        line = text[max(text.rfind("\n", 0, span.start), text.rfind("\r", 0, span.start)) + 1 : span.start]
        values.append(PlacedValue(span.value, (not line.strip()) - _is_example(text[last : span.start])))
        last = span.end
    return values


def _is_example(before: str) -> bool:
    """Whether the sentence before a value says that it is an example."""
    return _EXAMPLE.search(before[-_BEFORE:]) is not None


def _best(values: Sequence[PlacedValue], properties: Mapping[str, Schema]) -> dict[str, Any] | None:
    """The value with the most targets. Ties go to the best types, the fewest other keys, the best place, the last."""
    ranked = [
        (_rank(form, properties), form is found.value, -len(form), found.weight, place, form)
        for place, found in enumerate(values)
        for form in _forms(found.value, properties)
    ]
    return max(ranked, key=lambda entry: entry[:-1])[-1] if ranked else None


def _forms(value: Any, properties: Mapping[str, Schema]) -> list[dict[str, Any]]:
    """The value as an object of targets, and as the single target itself."""
    if len(properties) == 1:
        bare = dict.fromkeys(properties, value)
        return [value, bare] if isinstance(value, dict) and value.keys() & properties.keys() else [bare]
    return [value] if isinstance(value, dict) else []


def _rank(value: dict[str, Any], properties: Mapping[str, Schema]) -> tuple[int, int]:
    there = [name for name in properties if name in value]
    results = [fits(value[name], properties[name]) for name in there]
    return len(there), results.count(True) - results.count(False)


def _is_complete(value: dict[str, Any], properties: Mapping[str, Schema]) -> bool:
    return all(name in value and fits(value[name], properties[name]) is not False for name in properties)


def _repaired(
    reply: str, blocks: Sequence[Block[ParsedJson]], properties: Mapping[str, Schema], *, cut: bool
) -> dict[str, Any] | None:
    """The repaired JSON, where it has every target. None where the answer was cut."""
    texts = [block.text for block in blocks if block.value is None] or [reply]
    values = (
        [] if cut else [PlacedValue(parsed.value, 0) for text in texts if (parsed := repaired(text, list(properties)))]
    )
    best = _best(values, properties)
    return best if best is not None and _is_complete(best, properties) else None


def _word(reply: str, targets: Sequence[Target]) -> str:
    """A bare word as the answer: valid for a `Literal` or a text."""
    [target, *others] = targets
    if others or (target.kind is TargetKind.DATA and not target.annotation.startswith("Literal")):
        return ""
    return reply.strip().strip("`'\"")


def _keys(names: Sequence[str]) -> str:
    return f"the key{'s' if len(names) > 1 else ''} {', '.join(names)}"
