"""`jupyter loops` in processes of its own, as a terminal starts it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys

import nbformat
import pytest

from tests.kernels import RIGHT, ROOT, WRONG

CELL = '''%%loop {name} --model script:{script} --price 3,15 --no-raise
def double(n: int) -> int:
    """Twice the number."""

assert double(2) == 4
'''


@pytest.fixture
def loops(tmp_path):
    """`loops("ls")`: the command's outcome, with a history of its own."""

    def run(*words, status=0, **variables):
        env = os.environ | {
            "JUPYTER_LOOPS_HISTORY": str(tmp_path / "history.duckdb"),
            "PYTHONPATH": str(ROOT),
            "IPYTHONDIR": str(tmp_path / "ipython"),
            **variables,
        }
        command = [sys.executable, "-m", "jupyter_loops.command", *map(str, words)]
        done = subprocess.run(command, capture_output=True, text=True, env=env, cwd=tmp_path, check=False, timeout=170)
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout if status == 0 else done.stdout + done.stderr

    return run


@pytest.fixture
def notebook(tmp_path):
    """Write a notebook whose cells of loops are answered by scripts; a plain text is a cell as it is."""

    def write(*cells):
        node = nbformat.v4.new_notebook()
        node.cells.append(nbformat.v4.new_code_cell("%load_ext jupyter_loops"))
        for number, cell in enumerate(cells):
            source = cell
            if isinstance(cell, list):
                script = tmp_path / f"script{number}.json"
                script.write_text(json.dumps(cell))
                source = CELL.format(name=f"loop{number}", script=script)
            node.cells.append(nbformat.v4.new_code_cell(source))
        path = tmp_path / "work.ipynb"
        nbformat.write(node, path)
        return path

    return write


def test_a_notebook_runs_with_progress_and_is_written_with_its_outputs(loops, notebook, tmp_path):
    path = notebook([WRONG, RIGHT], "double(21)")

    text = loops("run", path)
    written = nbformat.read(tmp_path / "work.executed.ipynb", as_version=4)

    assert "[2/3] %%loop loop0" in text
    assert re.search(r"loop0: verified", text)
    assert "3 of 3 cells; written to" in text
    assert written.cells[2].outputs[0]["data"]["text/plain"] == "42"
    assert nbformat.read(path, as_version=4).cells[2].outputs == []  # the notebook itself is as it was


def test_a_notebook_that_fails_keeps_what_was_done_and_goes_on_for_nothing(loops, notebook, tmp_path):
    path = notebook([RIGHT], "1 / 0", "print('never')")

    text = loops("run", path, status=1)
    again = loops("run", path, status=1)

    assert "2 of 4 cells" in text
    assert "failed: ZeroDivisionError: division by zero; the same command goes on from what is verified" in text
    written = nbformat.read(tmp_path / "work.executed.ipynb", as_version=4)
    assert written.cells[1].execution_count == 2
    assert written.cells[3].execution_count is None
    rows = json.loads(loops("sql", "SELECT tokens FROM runs ORDER BY started_at", "--as", "json"))
    assert [row["tokens"] > 0 for row in rows] == [True, False], again


def test_a_notebook_has_a_budget_for_all_its_runs(loops, notebook):
    path = notebook([WRONG, RIGHT], [WRONG, RIGHT])

    loops("run", path, "--usd", "0.0000001", "--keep-going")
    rows = json.loads(loops("sql", "SELECT stop_reason, message, usd FROM runs", "--as", "json"))

    assert [row["stop_reason"] for row in rows] == ["budget_usd"] * 2
    assert "this notebook's $1e-07 (--usd of jupyter loops run)" in rows[0]["message"]
    assert sum(row["usd"] for row in rows) == 0


def test_an_interrupted_notebook_keeps_what_was_done(notebook, tmp_path):
    path = notebook("print('done')", "import time; time.sleep(100)")
    command = [sys.executable, "-m", "jupyter_loops.command", "run", str(path)]
    env = os.environ | {"JUPYTER_LOOPS_HISTORY": str(tmp_path / "history.duckdb"), "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env) as process:
        while "[3/3]" not in process.stdout.readline():
            pass
        process.send_signal(signal.SIGINT)
        text, _ = process.communicate(timeout=60)

    assert process.returncode == 1
    assert "2 of 3 cells" in text
    assert "failed: the kernel died, or was interrupted; the same command goes on" in text
    assert nbformat.read(tmp_path / "work.executed.ipynb", as_version=4).cells[1].outputs[0]["text"] == "done\n"


def test_what_cannot_be_run_is_one_line(loops, tmp_path):
    (tmp_path / "broken.ipynb").write_text("{")

    assert "there is no notebook missing.ipynb" in loops("run", "missing.ipynb", status=1)
    assert "cannot be read as a notebook" in loops("run", "broken.ipynb", status=1)
    assert "--usd must be more than 0" in loops("run", "broken.ipynb", "--usd", "0", status=1)


def test_what_cannot_run_is_one_line(loops, notebook, tmp_path):
    path = notebook("import time; time.sleep(60)")
    assert "there is no kernel ir; --kernel takes python3" in loops("run", path, "--kernel", "ir", status=1)
    assert "there is no folder nowhere" in loops("run", path, "--output", "nowhere/x.ipynb", status=1)
    assert not path.with_suffix(".executed.ipynb").exists()
    assert "failed: a cell took longer than --time 2 s;" in loops("run", path, "--time", "2", status=1)


def test_progress_has_the_headline_of_a_map(loops, notebook, tmp_path):
    (tmp_path / "answers.json").write_text('{"answers": ["1", "2"]}')
    cell = '%%loop ns --over [1, 2] --concurrency 1 --model script:answers.json\n"x"\nn: int\nassert n == row'

    assert "\n      ns: 2 of 2 rows, 2 verified, 0 failed\n" in loops("run", notebook(cell))


def test_a_cell_that_is_meant_to_raise_is_no_failure(loops, tmp_path):
    cell = nbformat.v4.new_code_cell("1 / 0", metadata={"tags": ["raises-exception"]})
    nbformat.write(nbformat.v4.new_notebook(cells=[cell, nbformat.v4.new_code_cell("2")]), tmp_path / "meant.ipynb")

    assert "2 of 2 cells" in loops("run", "meant.ipynb")


def test_a_magic_of_an_extension_that_is_not_loaded_is_named(loops, tmp_path):
    node = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("%%loop x\n1")])
    nbformat.write(node, tmp_path / "bare.ipynb")

    assert "failed: UsageError: Cell magic `%%loop` not found" in loops("run", "bare.ipynb", status=1)


def test_the_words_of_the_history_are_those_of_the_notebook(loops, notebook, tmp_path):
    loops("run", notebook([WRONG, RIGHT]))

    assert "loop0  verified  2" in re.sub(r" +", "  ", loops("ls"))
    assert "loop0: verified" in loops("show", "loop0")
    assert loops("sql", "SELECT iteration, passed FROM iterations WHERE run_id = $run ORDER BY 1", "--as", "csv") == (
        "iteration,passed\n1,0\n2,1\n"
    )
    assert loops("sql", "SELECT 1 AS a") == "a\n─\n1\n1 row\n"
    assert "loop0" in loops("du")
    assert "One round." in loops("schema")
    assert "every run is as it was written" in loops("verify")
    assert "written to" in loops("export", "loop0", tmp_path / "run.jsonl")
    assert "tables with" in loops("export", tmp_path / "tables")
    assert "0 runs would go" in loops("prune", "--older", "90d", "--dry-run")
    assert "say how old: jupyter loops prune --older 90d" in loops("prune", status=1)
    assert "unknown option --oldre" in loops("prune", "--oldre", "90d", status=1)
    assert 'Referenced column "nope"' in loops("sql", "SELECT nope", status=1)
    assert "no run is called nothing" in loops("show", "nothing", status=1)
    assert "local:1.5b" in loops("model")


def test_the_history_is_prometheus_text(loops, notebook):
    loops("run", notebook([WRONG, RIGHT]))

    samples = dict(line.rsplit(" ", 1) for line in loops("metrics").splitlines() if not line.startswith("#"))

    (runs,) = [name for name in samples if name.startswith("jupyter_loops_runs_total")]
    assert 'loop="loop0",model="script:' in runs
    assert runs.endswith('stop_reason="verified"}')
    assert samples['jupyter_loops_rounds_total{loop="loop0"}'] == "2"
    assert samples["jupyter_loops_running"] == "0"


def test_prometheus_reads_it(loops, notebook):
    from prometheus_client.parser import text_string_to_metric_families

    loops("run", notebook([WRONG, RIGHT]))
    families = {family.name: family for family in text_string_to_metric_families(loops("metrics") + "\n")}

    assert families["jupyter_loops_cost_usd"].samples[0].value > 0
    assert families["jupyter_loops_tokens"].type == "counter"


def test_doctor_gives_json_a_table_and_a_status(loops):
    findings = json.loads(loops("doctor", "--environment", "--json"))
    table = loops("doctor", "--environment", "--table")
    broken = loops("doctor", "--environment", "--json", status=1, JUPYTER_LOOPS_MODEL="script:nowhere.json")

    assert [one["item"] for one in findings] == [
        "versions",
        "kernel",
        "policy",
        "isolation",
        "model",
        "history",
        "disk",
        "clock",
    ]
    assert "observed" in table.splitlines()[0]
    assert [one["item"] for one in json.loads(broken) if one["state"] == "fail"] == ["model"]


def test_the_skill_is_installed_where_an_agent_looks(loops, tmp_path):
    said = loops("install-skill", tmp_path / "skills")
    text = (tmp_path / "skills" / "jupyter-loops" / "SKILL.md").read_text()

    assert str(tmp_path / "skills" / "jupyter-loops" / "SKILL.md") in said
    assert text.startswith("---\nname: jupyter-loops\ndescription: ")


def test_help_names_every_command(loops):
    text = loops("--help")

    for word in [
        "run",
        "ls",
        "show",
        "sql",
        "export",
        "verify",
        "prune",
        "doctor",
        "model",
        "metrics",
        "serve-history",
        "install-skill",
        "repair",
    ]:
        assert re.search(rf"^    {word} ", text, re.MULTILINE), word
    assert "invalid choice: 'lss'" in loops("lss", status=2)
