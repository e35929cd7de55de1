"""The scripts of `make bench` come to their end; what needs real kernels or a model is left to `make bench-quick`."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent / "benchmarks"
SMALL = {
    "calibration": ["1"],
    "contention": ["10", "2"],
    "control": ["1"],
    "detection": ["1"],
    "history": ["20"],
    "ledger": ["50"],
    "overshoot": ["5"],
    "verification": ["2"],
}
PARTS = {"run", "kernel", "langgraph_peer", "target", "ablation"}  # of the scripts, and one that takes hours


def test_every_script_is_one_of_make_bench():
    spec = importlib.util.spec_from_file_location("run_benchmarks", HERE / "run.py")
    run = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(run)

    assert {path.stem for path in HERE.glob("*.py")} - PARTS == set(run.BENCHMARKS)


@pytest.mark.parametrize("name", SMALL)
def test_a_script_comes_to_its_end(name, tmp_path):
    script = [sys.executable, HERE / f"{name}.py", *SMALL[name]]
    environment = os.environ | {"PYTHONPATH": str(HERE.parents[1]), "TMPDIR": str(tmp_path)}
    done = subprocess.run(script, env=environment, capture_output=True, text=True, timeout=170, check=False)

    assert "Traceback" not in done.stderr, done.stderr
    assert done.stdout.strip()
