"""Finds the JSON in an answer: the value that fits the targets best, wherever it stands."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from jupyter_loops.core.recipe import Target, TargetKind
from jupyter_loops.errors import ErrorClass, ReplyError

from .answer_errors import check_length, nothing
from .fences import Block, Blocks
from .fit import Schema, fits
from .json_text import Found, inside, repaired, strict
from .thoughts import after_thoughts

_JSON = json.JSONEncoder(ensure_ascii=False)
_NONE: dict[str, Any] = {}


def read_data(answer: str, targets: Sequence[Target], *, schema: Schema | None = None, cut: bool = False) -> str:
    """JSON text of an object with one key for each target. Raises ReplyError.

    The JSON may be fenced, surrounded by prose, or slightly broken; a single target may come bare. `schema` is
    of the whole object, and chooses between several values; `cut` says that the answer was cut at its length limit.
    """
    check_length(answer)
    rest, blocks = after_thoughts(answer, Blocks(strict).of)
    properties = _of_targets(targets, schema)
    best = _best(_strict(rest, blocks), properties)
    if best is None or not _is_whole(best, properties):
        best = _repaired(rest, blocks, properties, cut=cut) or best
    if best is None and (word := _word(rest, targets)):
        best = {targets[0].name: word}
    if best is None:
        raise nothing(answer, rest, "is not JSON", f"give an object with {_keys(list(properties))}")
    if missing := [name for name in properties if name not in best]:
        raise ReplyError(f"the JSON object lacks {_keys(missing)}", ErrorClass.MALFORMED)
    return _JSON.encode({name: best[name] for name in properties})


def _of_targets(targets: Sequence[Target], schema: Schema | None) -> dict[str, Schema]:
    whole = schema or _NONE
    known, definitions = whole.get("properties", _NONE), whole.get("$defs", _NONE)
    return {target.name: {**known.get(target.name, _NONE), "$defs": definitions} for target in targets}


def _strict(rest: str, blocks: Sequence[Block[Found]]) -> list[Any]:
    """The values that parse, those in prose first, those in fences after them, the whole answer last."""
    whole = strict(rest)
    if whole is not None:
        return [whole.value]
    fenced = [block.value.value for block in blocks if block.value is not None]
    prose, at = [], 0
    for block in blocks:
        if block.value is not None:
            prose += inside(rest[at : block.start])
            at = block.end
    return [*prose, *inside(rest[at:]), *fenced]


def _best(values: Sequence[Any], properties: Mapping[str, Schema]) -> dict[str, Any] | None:
    """Of the values the one with the most targets, of those that of the best types and fewest other keys, the last."""
    ranked = [
        (_rank(form, properties), form is value, -len(form), place, form)
        for place, value in enumerate(values)
        for form in _forms(value, properties)
    ]
    return max(ranked, key=lambda each: each[:-1])[-1] if ranked else None


def _forms(value: Any, properties: Mapping[str, Schema]) -> list[dict[str, Any]]:
    """The value as an object of targets, and as the single target itself."""
    if len(properties) == 1:
        bare = dict.fromkeys(properties, value)
        return [value, bare] if isinstance(value, dict) and value.keys() & properties.keys() else [bare]
    return [value] if isinstance(value, dict) else []


def _rank(value: dict[str, Any], properties: Mapping[str, Schema]) -> tuple[int, int]:
    there = [name for name in properties if name in value]
    said = [fits(value[name], properties[name]) for name in there]
    return len(there), said.count(True) - said.count(False)


def _is_whole(value: dict[str, Any], properties: Mapping[str, Schema]) -> bool:
    return all(name in value and fits(value[name], properties[name]) is not False for name in properties)


def _repaired(
    rest: str, blocks: Sequence[Block[Found]], properties: Mapping[str, Schema], *, cut: bool
) -> dict[str, Any] | None:
    """What a repair of broken JSON gives, where it has every target; nothing where the answer was cut."""
    texts = [block.text for block in blocks if block.value is None] or [rest]
    values = [] if cut else [found.value for text in texts if (found := repaired(text, list(properties)))]
    best = _best(values, properties)
    return best if best is not None and _is_whole(best, properties) else None


def _word(rest: str, targets: Sequence[Target]) -> str:
    """A single answer that is no JSON: right for a word out of a few or for a text."""
    [target, *others] = targets
    if others or (target.kind is TargetKind.DATA and not target.annotation.startswith("Literal")):
        return ""
    return rest.strip().strip("`'\"")


def _keys(names: Sequence[str]) -> str:
    return f"the key{'s' if len(names) > 1 else ''} {', '.join(names)}"
