"""What a page may ask of a run: a person's commands, and the full state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jupyter_loops.errors import LoopError

from .clip import line
from .controls import Controls

_LONGEST_HINT = 4000  # characters
_LONGEST_NAME = 200
Words = Callable[[str], str]  # command → what it will do, and when
Row = Callable[[int], dict[str, Any] | None]  # number of a round → the round with its texts


class PageRequests:
    """Carries out messages `{id, do, value}`. Each gets one answer: `{id, ok, note, round}`, or `{id, error}`."""

    def __init__(
        self,
        controls: Controls | None,
        refresh: Callable[[], None],
        words: Words = lambda _: "",
        row: Row = lambda _: None,
    ) -> None:
        """`refresh` is called when a page needs the full state; like all controls it only sets a flag."""
        self._refresh, self._words, self._row = refresh, words, row
        self._commands = {} if controls is None else _commands(controls)

    def answer(self, message: object) -> dict[str, Any]:
        """Do what a message asks for. May be called from any thread."""
        number = message.get("id") if isinstance(message, dict) else None
        try:
            if isinstance(message, dict) and message.get("do") == "round":
                return {"id": number, "ok": True, "round": self._row(int(message["value"]))}
            note = self._do(message)
        except (LoopError, TypeError, ValueError, KeyError, AttributeError) as error:
            return {"id": number, "error": line(error)}
        return {"id": number, "ok": True, **({"note": note} if note else {})}

    def _do(self, message: object) -> str:
        if not isinstance(message, dict):
            raise TypeError("a message has to be an object")
        command = str(message.get("do"))
        if command in {"refresh", "seen"}:
            if command == "refresh":
                self._refresh()
            return ""
        if command not in self._commands:
            raise ValueError(f"unknown request: {line(command, 40)}")
        note = self._words(command)
        self._commands[command](message.get("value"))
        return note


def _commands(controls: Controls) -> dict[object, Callable[[Any], None]]:
    return {
        "stop": lambda _: controls.stop(),
        "finish": lambda _: controls.finish(),
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
