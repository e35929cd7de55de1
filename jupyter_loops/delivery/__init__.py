"""What a run leaves in the notebook: its targets as they were examined, and nothing else."""

from .binding import Change, Delivered
from .deliver import deliver
from .recheck import Outcome, recheck

__all__ = ["Change", "Delivered", "Outcome", "deliver", "recheck"]
