"""Kernels that are killed at random points: the whole proof, with 300 of them, is `tests/benchmarks/kills.py`."""

import subprocess
import sys
from pathlib import Path

KERNELS, FORKS = "4", "20"
SCRIPT = Path(__file__).parents[1] / "benchmarks/kills.py"


def test_whenever_a_kernel_is_killed_nothing_is_lost_and_nothing_is_paid_for_twice():
    said = subprocess.run(
        [sys.executable, SCRIPT, KERNELS, FORKS], capture_output=True, text=True, check=False, timeout=170
    )

    assert said.returncode == 0, said.stderr
    assert f"{KERNELS} kills of" in said.stdout
    assert f"{FORKS} kills of" in said.stdout
    assert "Traceback" not in said.stderr
