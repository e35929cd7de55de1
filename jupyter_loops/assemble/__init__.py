"""Builds a run from its options. The only package that imports every adapter."""

from jupyter_loops.options import Options

from .adapters import Adapters
from .collaborators import Person
from .continued import fork, replay, resume
from .launch import launch, pursue
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
