"""The parse layer of data: a JSON object with one key a target. Types are validated in the sandbox."""

from __future__ import annotations

import json

from jupyter_loops.core.candidate import Layer, Verdict
from jupyter_loops.core.recipe import Recipe


def data(recipe: Recipe, text: str) -> Verdict:
    """Whether the text holds a value for every target, and nothing else."""
    message = _problem({target.name for target in recipe.targets}, text)
    return Verdict(
        check="the answer is a JSON object of the targets", layer=Layer.PARSE, passed=not message, message=message
    )


def _problem(required: set[str], text: str) -> str:
    try:
        value = json.loads(text)
    except ValueError as error:
        return f"not JSON: {error}"
    except RecursionError:
        return "not JSON: nested too deeply"
    if not isinstance(value, dict):
        return f"a JSON object is needed, and this is {_kind(value)}"
    missing, surplus = sorted(required - value.keys()), sorted(value.keys() - required)
    parts = [f"{word} {', '.join(map(repr, keys))}" for word, keys in (("lacks", missing), ("has no use for", surplus))]
    return "; ".join(part for part, keys in zip(parts, (missing, surplus), strict=True) if keys)[:300]


def _kind(value: object) -> str:
    names = {list: "an array", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")
