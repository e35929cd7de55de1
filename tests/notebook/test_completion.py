import pytest
from IPython.core.completer import provisionalcompleter

from jupyter_loops.notebook.completion import candidates
from jupyter_loops.notebook.sql_completion import fitting


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("%%loop slug --it", ["--iterations"]),
        ("%%loop slug --ti", ["--time", "--timeout"]),
        ("%loops sto", ["stop"]),
        ("%loops chart co", ["compare", "cost"]),
        ("%%loop slug --sandbox l", ["landlock"]),
        ("%%loop slug -m ", ["local", "local:1.5b", "local:smol"]),
        ("%loops list --sort t", ["tokens"]),
        ("%loops set --model local:s", ["local:smol"]),
        ("%loops model ", ["fetch", "local", "local:1.5b", "local:smol", "rm"]),
        ("%%loop", []),
        ("x = foo(--i", []),
    ],
)
def test_what_fits_at_the_end_of_a_line(text, found):
    assert candidates(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [("--over ", ["frame", "rows"]), ("--over ro", ["rows"]), ("--models local:s", ["local:smol"]), ("--key ", [])],
)
def test_what_fits_behind_an_option_of_a_map(text, found):
    names = {"rows": [1], "frame": {}, "text": "x", "number": 1, "_hidden": [], "list": list}
    assert candidates(f"%%loop x {text}", names) == found


def test_the_shell_offers_it(shell):
    line = "%%loop slug --iter"
    with provisionalcompleter():
        assert "--iterations" in [found.text for found in shell.Completer.completions(line, len(line))]


def test_run_names_are_offered(shell, cell, right):
    shell.run_cell(cell(right))
    assert "twice" in candidates("%loops show tw")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("%loop_sql --l", ["--limit"]),
        ("%loop_sql --to ", ["arrow", "chart", "df", "rel", "rows"]),
        ("%loop_sql --chart b", ["bar", "box"]),
        ("%loop_sql SELECT * FROM run", ["run_summary", "runs"]),
        ("%loop_sql SELECT * FROM lab", ["labels"]),
        ("%loop_sql SELECT * FROM iterations AS i WHERE i.pas", ["i.passed"]),
        ("%loop_sql SELECT * FROM latency WHERE ttft_", ["ttft_p50", "ttft_p95"]),
        ("%loop_sql FROM runs WHERE run_id = $r", ["$run"]),
        ("%%loop_sql\nSELECT p95\nFROM laten", ["latency"]),
    ],
)
def test_what_fits_in_sql(text, found):
    import pandas as pd

    assert fitting(text, text, {"labels": pd.DataFrame(), "_hidden": 1}) == found


def test_the_columns_of_a_table_named_below_are_offered(shell):
    cell = "%%loop_sql\nSELECT best_pro\nFROM iteration_progress"
    with provisionalcompleter():
        offered = [found.text for found in shell.Completer.completions(cell, cell.index("\nFROM"))]
    assert "best_progress" in offered


def test_a_bound_name_is_offered_after_its_dollar(shell):
    shell.user_ns["my_model"] = "local"
    line = "%loop_sql FROM calls WHERE model = $my_m"
    with provisionalcompleter():
        (found,) = [found for found in shell.Completer.completions(line, len(line)) if "my_model" in found.text]
    assert line[: found.start] + found.text == "%loop_sql FROM calls WHERE model = $my_model"


@pytest.mark.parametrize("line", ["%loops ", "%%loop slug --model ", "%loop_sql SELECT * FROM ", "%loops chart c"])
def test_no_other_names_drown_the_answer(shell, line):
    with provisionalcompleter():
        offered = {found.text for found in shell.Completer.completions(line, len(line))}
    assert offered
    assert not offered & {"and", "if", "%cd", "%%!", "README.md", "pyproject.toml"}


def test_the_magic_behind_a_cell_is_not_offered(shell):
    with provisionalcompleter():
        offered = {found.text for found in shell.Completer.completions("%%lo", 4)}
    assert offered == {"%%loop", "%%loop_sql"}
