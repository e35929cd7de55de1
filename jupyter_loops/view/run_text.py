"""A run as plain text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .amounts import brief, usd
from .clip import clean, line

SIGNS = {"pass": "✓", "fail": "✕", "done": "•", "cut": "\u2013", "live": "◌", "open": "·"}
NONE = "\u2013"  # an en dash: nothing to say
_SHOWN = 20


def headline(picture: Mapping[str, Any]) -> str:
    """One line: what the run is doing, and what it has spent of what it may."""
    gauges = picture["gauges"]
    spent = " · ".join(gauges[name]["text"] for name in ("usd", "seconds"))
    tokens, rounds = gauges["tokens"]["text"], gauges["iterations"]["text"]
    unit = "round" if rounds == "1" else "rounds"
    return line(f"{picture['name']}: {picture['headline']} · {rounds} {unit} · {tokens} tokens · {spent}")


def text(picture: Mapping[str, Any]) -> str:
    """The headline, why the run ended, how candidates are kept apart, and a line for each of the newest rounds."""
    end = picture["termination"]
    lines = [headline(picture)]
    lines += [end["message"]] if end and end["message"] else []
    lines += [f"sandbox {picture['isolation']}"] if picture["isolation"] else []
    lines += [picture["startup"]] if picture.get("startup") else []
    lines += [picture["forecast"]["text"]] if picture.get("forecast") else []
    lines += [breaker(row) for row in picture.get("breakers", ())]
    lines += [_round(row) for row in picture["rounds"][-_SHOWN:]]
    return clean("\n".join(lines))


def breaker(row: Mapping[str, Any]) -> str:
    """A breaker that is not closed, in one line."""
    how = f"left alone for {brief(row['pause'])}" if row["state"] == "open" else "one call asks whether it is back"
    return f"breaker of {row['model']} for {row['fault']}: {row['state'].replace('_', '-')}, {how}"


def outcome(row: Mapping[str, Any]) -> str:
    """The score of a round where it has one and its checks passed, else how many of them did."""
    if row.get("score") is not None and row["mark"] == "pass":
        return f"{row['score']:.6g}"
    return f"{row.get('passed', 0)}/{row['total']}" if row.get("total") else NONE


def _round(row: Mapping[str, Any]) -> str:
    cost = f"{usd(row.get('usd', 0.0))}, {brief(row.get('seconds', 0.0))}"
    why = line(row.get("why") or row.get("state") or "")
    best = "★" if row.get("best") and row.get("score") is not None else " "
    return f"{row['n']:>4} {SIGNS.get(row['mark'], '?')} {outcome(row):>7}{best} {why}  ({cost})"
