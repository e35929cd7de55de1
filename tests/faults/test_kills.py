"""Kernels that are killed at random points: the whole proof, with 200 kills, is `tests/benchmarks/kills.py`."""

import os
import subprocess
import sys
from pathlib import Path

KILLS = os.environ.get("JUPYTER_LOOPS_KILLS", "25")
SCRIPT = Path(__file__).parents[1] / "benchmarks/kills.py"


def test_whenever_a_process_is_killed_nothing_is_lost_and_nothing_is_paid_for_twice():
    said = subprocess.run([sys.executable, SCRIPT, KILLS], capture_output=True, text=True, check=False, timeout=170)

    assert said.returncode == 0, said.stderr
    assert f"{KILLS} kills" in said.stdout
    assert "Traceback" not in said.stderr
