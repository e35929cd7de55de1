"""Finds the JSON, or the text, in an answer."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Sequence
from typing import Any

from jupyter_loops.core.recipe import Target, TargetKind
from jupyter_loops.errors import ErrorClass, ReplyError

from .code import fences, without_thoughts

_JSON = json.JSONEncoder(ensure_ascii=False)
_QUOTES = {'"': '"', "'": "'", "“": "”", "«": "»"}
_ONE_FENCE = re.compile(r"\A\s*```[^\n]*\n(.*?)\n?```\s*\Z", re.DOTALL)


def read_data(answer: str, targets: Sequence[Target]) -> str:
    """JSON text of an object with one key for each target. Raises ReplyError.

    The JSON may be fenced, surrounded by prose, or slightly broken; a single target may come bare. Its
    types are not looked at here.
    """
    answer = without_thoughts(answer)
    names = [target.name for target in targets]
    found = _found(answer)
    if len(names) == 1 and not (isinstance(found, dict) and set(found) == set(names)):
        inner = found.get(names[0]) if isinstance(found, dict) and names[0] in found else found
        found = {names[0]: _bare(answer, targets[0]) if inner is None else inner}
    if not isinstance(found, dict):
        raise ReplyError(f"the answer is not a JSON object with {_keys(names)}", ErrorClass.MALFORMED)
    if missing := [name for name in names if name not in found]:
        raise ReplyError(f"the JSON object lacks {_keys(missing)}", ErrorClass.MALFORMED)
    return _JSON.encode({name: found[name] for name in names})


def read_text(answer: str, name: str) -> str:
    """JSON text of an object whose one key holds the answer itself, without fence or quotes around it."""
    text = without_thoughts(answer)
    if fenced := _ONE_FENCE.match(text):
        text = fenced[1]
    text = text.strip()
    if len(text) > 1 and _QUOTES.get(text[0]) == text[-1] and text[0] not in text[1:-1]:
        text = text[1:-1]
    if not text:
        raise ReplyError("the answer is empty", ErrorClass.MALFORMED)
    return _JSON.encode({name: text})


def _found(answer: str) -> Any:
    """The last fenced JSON, or else the first in the text; None when there is none."""
    for text in [*reversed([text for _, text in fences(answer)]), answer]:
        with contextlib.suppress(ValueError, RecursionError):
            return json.loads(text)
    start = re.search(r"[\[{]", answer)
    return _repaired(answer[start.start() :]) if start else None


def _repaired(text: str) -> Any:
    import json_repair

    with contextlib.suppress(RecursionError):  # brackets may be nested as deep as an answer is long
        with contextlib.suppress(ValueError):
            return json.JSONDecoder().raw_decode(text)[0]
        return json_repair.loads(text) or None
    return None


def _bare(answer: str, target: Target) -> str:
    """A single answer that is no JSON: right for a word out of a few, feedback for anything else."""
    word = answer.strip().strip("`'\"")
    if target.kind is TargetKind.DATA and not target.annotation.startswith("Literal"):
        raise ReplyError(f"the answer is not JSON: give an object with {_keys([target.name])}", ErrorClass.MALFORMED)
    if not word:
        raise ReplyError("the answer is empty", ErrorClass.MALFORMED)
    return word


def _keys(names: Sequence[str]) -> str:
    return f"the key{'s' if len(names) > 1 else ''} {', '.join(names)}"
