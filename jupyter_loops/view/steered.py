"""What a person did with a run, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .amounts import clock, count, usd
from .clip import line

_PLAIN = {
    "pause": "paused the run",
    "resume": "let the run go on",
    "step": "asked for one round",
    "finish": "asked the run to end after this round",
    "stop": "stopped the run",
    "approve": "approved",
    "reject": "rejected",
    "hint": "gave a hint",
    "set": "set",
    "budget": "set the budget to",
}


def steered(action: str, value: object) -> str:
    """One line, such as `a person set the budget to $0.60`."""
    words = f"a person {_PLAIN.get(action, line(action, 40))}"
    if isinstance(value, Mapping):
        write = _limit if action == "budget" else _setting
        return line(f"{words} {', '.join(write(str(name), each) for name, each in value.items())}")
    return words if value is None or action == "stop" else line(f"{words}: {value}")


def _limit(name: str, value: Any) -> str:
    if not isinstance(value, int | float):
        return f"no limit of {name}"
    written = {"usd": usd(value), "tokens": f"{count(value)} tokens", "seconds": clock(value)}
    return written.get(name, f"{value:g} {'rounds' if name == 'iterations' else name}")


def _setting(name: str, value: object) -> str:
    return f"{name.replace('_', ' ')} {'as planned' if value is None else value}"
