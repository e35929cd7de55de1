"""What can be chosen for a run: one declaration an option, and the readers of its values."""

from .option_spec import Option
from .options import FORMER, OPTION_SPECS, Options

__all__ = ["FORMER", "OPTION_SPECS", "Option", "Options"]
