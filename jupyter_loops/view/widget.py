"""The live view's Python side: traits for the state, one dispatch for a person's commands."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from jupyter_loops.errors import LoopError

from .clip import line
from .controls import Controls

STATIC = Path(__file__).parent / "static"
_LONGEST_HINT = 4000  # characters
_LONGEST_NAME = 200


class RunWidget(anywidget.AnyWidget):
    """One run. Python writes the traits, from one thread; the page sends messages `{id, do, value}`.

    `rounds` holds all rows, and a change sends only the changed ones: `{since, rev, rows}`, where `since` is the
    revision that they continue. A page that missed one asks for all (`refresh`); a new page gets all without asking.
    """

    _esm = STATIC / "run.js"
    _css = STATIC / "run.css"

    head = traitlets.Dict().tag(sync=True)
    rounds = traitlets.Dict().tag(sync=True)
    stream = traitlets.Unicode().tag(sync=True)
    ended = traitlets.Bool(default_value=False).tag(sync=True)
    clicks = traitlets.Unicode("none").tag(sync=True)  # live, late (while a cell runs), none

    def __init__(self, controls: Controls | None, refresh: Callable[[], None], **state: Any) -> None:
        """`refresh` is called when a page needs the full state; like all controls it only sets a flag."""
        self.all_rounds = state.get("rounds", {})  # for a page that has just loaded
        super().__init__(**state)
        self.reloaded = False  # True once a page has taken it over that did not see the cell start
        self._refresh = refresh
        self._deeds = {} if controls is None else deeds(controls)
        self.on_msg(self._on_message)

    def get_state(self, key: Any = None, drop_defaults: bool = False) -> dict[str, Any]:
        """The traits named by `key`, or for a new page all of them, with all rounds."""
        state: dict[str, Any] = super().get_state(key, drop_defaults)
        if key is not None:
            return state
        self.reloaded = True
        return {**state, "rounds": self.all_rounds}

    def _on_message(self, _widget: object, message: object, _buffers: object) -> None:
        number = message.get("id") if isinstance(message, dict) else None
        try:
            self._do(message)
        except (LoopError, TypeError, ValueError, KeyError, AttributeError) as error:
            self.send({"id": number, "error": line(error)})
        else:
            self.send({"id": number, "ok": True})

    def _do(self, message: object) -> None:
        if not isinstance(message, dict):
            raise TypeError("a message has to be an object")
        deed = str(message.get("do"))
        if deed == "refresh":
            self._refresh()
        elif deed in self._deeds:
            self._deeds[deed](message.get("value"))
        else:
            raise ValueError(f"unknown request: {line(deed, 40)}")


def deeds(controls: Controls) -> dict[object, Callable[[Any], None]]:
    """What a page may ask of a run: name of the request → act on its value. Raises ValueError, LoopError."""
    return {
        "stop": lambda _: controls.stop(),
        "pause": lambda _: controls.pause(),
        "resume": lambda _: controls.resume(),
        "step": lambda _: controls.step(),
        "hint": lambda value: controls.hint(_hint(value)),
        "set": lambda value: controls.set(**_settings(value)),
        "approve": lambda value: controls.approve(*_word(value)),
        "reject": lambda value: controls.reject(*_word(value)),
        "raise_budget": lambda value: controls.raise_budget(**_limits(value)),
    }


def _hint(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("a hint needs words")
    return value.strip()[:_LONGEST_HINT]


def _word(value: object) -> tuple[str, int]:
    """A comment, and the number of the approval that it belongs to."""
    if not isinstance(value, dict) or not isinstance(value.get("comment"), str) or type(value.get("number")) is not int:
        raise ValueError("an answer names the approval that it is for")
    return value["comment"].strip()[:_LONGEST_HINT], value["number"]


def _limits(value: object) -> dict[str, float]:
    allowed = {"usd", "tokens", "seconds", "iterations", "calls"}
    if not isinstance(value, dict) or not value or not value.keys() <= allowed:
        raise ValueError(f"a budget names some of {', '.join(sorted(allowed))}")
    limits = {name: float(limit) for name, limit in value.items()}
    if not all(0 < limit < float("inf") for limit in limits.values()):
        raise ValueError("a limit is a positive number")
    return limits


def _settings(value: object) -> dict[str, Any]:
    if not isinstance(value, dict) or not value or not value.keys() <= {"model", "temperature"}:
        raise ValueError("what can be set here: model, temperature")
    model, temperature = value.get("model"), value.get("temperature")
    if model is not None and not (isinstance(model, str) and 0 < len(model) <= _LONGEST_NAME):
        raise ValueError("a model has a name")
    return {name: setting for name, setting in (("model", model), ("temperature", temperature)) if setting is not None}
