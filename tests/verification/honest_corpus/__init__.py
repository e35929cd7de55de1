"""Honest cells with right answers, each of which uses one thing. None may be refused, none may be flaky."""

from __future__ import annotations

from pathlib import Path

from .problems import human_eval
from .tables import stated, used

_HERE = Path(__file__).parent
STDLIB = tuple(
    entry
    for name in ("values", "text", "files", "machine")
    for entry in used((_HERE / f"stdlib_{name}.txt").read_text(encoding="utf-8"))
)
LANGUAGE, CONCURRENCY, LIBRARIES = (
    tuple(stated((_HERE / f"{name}.txt").read_text(encoding="utf-8")))
    for name in ("language", "concurrency", "libraries")
)
HUMAN_EVAL = tuple(human_eval())
HONEST = STDLIB + LANGUAGE + CONCURRENCY + LIBRARIES
