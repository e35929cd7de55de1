"""Wrong candidates that want to be verified, as parts that can be put together, and exams that they must not pass."""

from __future__ import annotations

from pathlib import Path

from honest_corpus.tables import stated

from .exams import EXAMS, RIGHT
from .tricks import ACTS, PREFIXES, composed
from .values import VALUES

WHOLE = tuple(stated((Path(__file__).parent / "whole.txt").read_text(encoding="utf-8")))
SMALL = VALUES["right for small numbers"]  # what can be seen is right, so that the trick decides about the rest
ALONE = {
    **{f"{name} first": composed([prefix], [], SMALL) for name, prefix in PREFIXES.items()},
    **{f"{name}, in the function": composed([], [act], SMALL) for name, act in ACTS.items()},
    **{f"returns {name}": composed([], [], value) for name, value in VALUES.items()},
}

__all__ = ["ACTS", "ALONE", "EXAMS", "PREFIXES", "RIGHT", "VALUES", "WHOLE", "composed"]
