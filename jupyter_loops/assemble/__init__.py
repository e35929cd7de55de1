"""Builds a run from its options. The only package that imports every adapter."""

from .adapters import Adapters
from .collaborators import Person
from .continued import fork, replay, resume
from .launch import launch, pursue
from .options import Options
from .preview import DryRun, dry_run
from .stored import broken_off, stored

__all__ = [
    "Adapters",
    "DryRun",
    "Options",
    "Person",
    "broken_off",
    "dry_run",
    "fork",
    "launch",
    "pursue",
    "replay",
    "resume",
    "stored",
]
