"""The configurable default of each option, from its one declaration."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from traitlets import Bool, Float, Int, List, TraitType, Unicode

from jupyter_loops.options import Options

_KINDS: dict[str, type[TraitType[Any, Any]]] = {"bool": Bool, "float": Float, "int": Int, "str": Unicode}


def option_traits() -> dict[str, TraitType[Any, Any]]:
    """Name of an option → its trait, which `%config LoopMagics` lists."""
    return {
        declared.name: _trait(str(declared.type), declared.default, declared.metadata["spec"]["help"])
        for declared in fields(Options)
    }


def _trait(annotation: str, default: object, text: str) -> TraitType[Any, Any]:
    words = annotation.split(" | ")
    settings: dict[str, Any] = {"help": text, "allow_none": "None" in words}
    kind = _KINDS.get(words[0])
    if kind is None:
        start: Any = None if default is None else list(default)  # type: ignore[call-overload]  # a sequence of names
        return List(Unicode(), start, **settings).tag(config=True)
    return kind(default, **settings).tag(config=True)
