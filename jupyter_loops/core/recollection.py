"""What earlier runs and a person left for the runs of a loop."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Recollection:
    """Texts that a prompt shows as data."""

    guidance: tuple[str, ...] = ()  # notes of a person on the loop, oldest first
    lessons: tuple[str, ...] = ()  # what mended a failed check in earlier runs
    episodes: tuple[str, ...] = ()  # checks that failed in earlier runs, those of the most similar goals first
    functions: tuple[str, ...] = ()  # verified code of other cells with the same signature, which fails here
