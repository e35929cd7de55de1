"""Options → a ready run. The only room that knows every adapter."""

from .adapters import Adapters
from .again import fork, replay, resume
from .options import Options
from .parts import Person
from .preview import DryRun, dry_run
from .start import launch, pursue
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
