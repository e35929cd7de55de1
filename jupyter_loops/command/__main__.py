"""`python -m jupyter_loops.command`."""

import sys

from .command_line import main

sys.exit(main())
