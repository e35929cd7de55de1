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
    "cheating": [],
    "contention": ["10", "2"],
    "control": ["1"],
    "deeds": ["delete the file"],
    "detection": ["1"],
    "history": ["20"],
    "history_scale": ["20"],
    "ledger": ["50"],
    "overshoot": ["5"],
    "steps": [],
    "verification": ["2"],
}
PARTS = {"run", "results", "kernel", "langgraph_peer", "target"}  # of the scripts
PARTS |= {"ablation", "corpora"}  # one takes hours, the other reads what `make sweep` has written


def loaded(name):
    sys.path.append(str(HERE))
    spec = importlib.util.spec_from_file_location(f"benchmarks_{name}", HERE / f"{name}.py")
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_script_is_one_of_make_bench():
    assert {path.stem for path in HERE.glob("*.py")} - PARTS == set(loaded("run").BENCHMARKS)


def test_outcomes_of_the_corpora_are_a_table_by_level_and_python(tmp_path):
    honest, failure = "test_a_right_answer_is_verified_each_time", "<failure/>"
    cases = "".join(
        f'<testcase name="{honest}[{level}: a]">{outcome}</testcase>'
        for level, outcome in (("process", ""), ("process", ""), ("landlock", ""), ("landlock", failure))
    )
    (tmp_path / "new.xml").write_text(f"<testsuites><testsuite>{cases}</testsuite></testsuites>")
    corpora = loaded("corpora")

    assert corpora.rows({"3.13": corpora.counted(tmp_path / "new.xml")}) == [
        ["honest candidates, verified twice", "process", "2 of 2"],
        ["honest candidates, verified twice", "landlock", "1 of 2"],
    ]


@pytest.mark.parametrize("name", SMALL)
def test_a_script_comes_to_its_end(name, tmp_path):
    script = [sys.executable, HERE / f"{name}.py", *SMALL[name]]
    environment = os.environ | {"PYTHONPATH": str(HERE.parents[1]), "TMPDIR": str(tmp_path)}
    done = subprocess.run(script, env=environment, capture_output=True, text=True, timeout=170, check=False)

    assert "Traceback" not in done.stderr, done.stderr
    assert done.stdout.strip()


def run(*arguments):
    command = [sys.executable, HERE / "run.py", *arguments]
    environment = os.environ | {"PYTHONPATH": str(HERE.parents[1])}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=170, check=False)


def test_results_are_written_as_json_and_markdown_and_compared(tmp_path):
    done = run("--quick", "--to", tmp_path, "overshoot", "control")

    [path] = tmp_path.glob("*.json")
    assert "Traceback" not in done.stderr, done.stderr
    assert str(path) in done.stdout
    assert "| overshoot | 300 cases," in path.with_suffix(".md").read_text("utf-8")
    again = run("--compare", path, path)
    assert again.returncode == 0, again.stderr
    assert "| control |" not in again.stdout
    assert "within 10 %" in again.stdout


def test_a_comparison_tells_what_changed(tmp_path):
    results = loaded("results")

    def of(*lines):
        one = results.Benchmark(name="b", title="B", finished=True, seconds=1, load="load 1", lines=list(lines))
        return results.Results(began="2026", machine=["here"], benchmarks=[one])

    before = of("  a trip   2.00 ms   ✓ ≤ 4 ms", "  of 1,000 runs", "  once")
    after = of("  a trip   8.00 ms   ✕ ≤ 4 ms", "  of 1,050 runs", "  a new line 3")
    table = results.compared(before, after)

    assert "| b | a trip 8.00 ms | 2 → 8 (✓ ≤ 4 ms → ✕ ≤ 4 ms) | 4.00 x |" in table
    assert "| b | a new line 3 | only after | |" in table
    assert "1 other numbers are within 10 %" in table
    assert results.Results.read(before.write(tmp_path)) == before


def test_a_file_that_holds_no_results_is_refused_with_its_name(tmp_path):
    (tmp_path / "x.json").write_text("[]")
    done = run("--compare", tmp_path / "x.json", tmp_path / "x.json")

    assert done.returncode == 2
    assert "x.json holds no results of run.py" in done.stderr
