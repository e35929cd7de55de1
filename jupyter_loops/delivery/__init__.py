"""What a run leaves in the notebook: its targets as they were examined, and nothing else."""

from .deliver import deliver
from .name_binding import Change, Delivered
from .recheck import RecheckOutcome, recheck

__all__ = ["Change", "Delivered", "RecheckOutcome", "deliver", "recheck"]
