"""A process of its own that restricts itself, and then does what a text says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = str(Path(__file__).parents[2])
PRELUDE = f"""
import sys
sys.path.insert(0, {ROOT!r})
from jupyter_loops.execution.child import landlock, privileges, seccomp
def attempt(work):
    try:
        came = work()
        print('done', came)
    except BaseException as error:
        print(type(error).__name__, getattr(error, 'errno', error))
"""


def run_in(restriction: str, text: str, folder: Path) -> list[str]:
    """What the text prints, a line each, once `restriction` holds; with what it says on stderr at the end."""
    program = f"{PRELUDE}\n{restriction}\n{text}\n"
    said = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, cwd=folder, check=False
    )
    return [*said.stdout.splitlines(), *said.stderr.splitlines()[-1:]]
