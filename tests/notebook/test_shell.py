"""The magics in a shell without a kernel, as terminal IPython is."""

import json
import time

import plotly.graph_objects as go
import pytest

from jupyter_loops.notebook import awaited_execution
from jupyter_loops.notebook.loops_magic import CHARTS
from jupyter_loops.view.charts import KINDS


def run(shell, text):
    result = shell.run_cell(text)
    return result.error_before_exec or result.error_in_exec


def until(true, seconds=20.0):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("%%loop\n'go'\nx: int\nassert x", "UsageError: %%loop: give the loop a name"),
        ("%%loop x --iteration 3\n'go'", "UsageError: %%loop: unknown option --iteration; did you mean --iterations?"),
        ("%%loop x --usd none --time none -n none\n'go'\nx: int\nassert x", "UsageError: %%loop: a run needs at least"),
        ("%%loop x -b --insert\n'go'\nx: int\nassert x", "UsageError: %%loop: --insert needs a cell that waits"),
        (
            "%%loop x --sandbox process --image y\n'go'\nx: int\nassert x",
            "UsageError: %%loop: --image is for --sandbox container",
        ),
        ("%%loop x\n   \n", "UsageError: %%loop: the cell is empty"),
        ("%%loop x", "UsageError: %%loop: the cell is empty"),
        ("%%loop", "UsageError: %%loop: give the loop a name"),
        (
            "%%loop x\n'go'\nx: int\nassert x\nx == 1",
            "UsageError: %%loop: line 5: no check follows that would use this",
        ),
        ("%%loop x --dry-run --stop-if 'p <'\n'go'\nx: int\nassert x", "UsageError: %%loop: --stop-if got 'p <'"),
        (
            "y = 1\n%%loop x\n'go'",
            "UsageError: %%loop has to be the first line of its cell; only remarks",
        ),
        ("# mine\n%%loop x \\\n -n 1\n'go'\nx: int\nassert x ==", "UsageError: %%loop: line 6: invalid syntax"),
        ("%%loop x\nx: int\nassert x", "UsageError: %%loop: say what you want"),
        ("%%loop x\n'go'\nassert 1", "UsageError: %%loop: nothing to produce"),
        ("%%loop x\n'go'\nx: int", "UsageError: %%loop: line 3: nothing decides whether `x` is right"),
        ("%%loop x\n'go'\nx: int\nassert x ==", "UsageError: %%loop: line 4: invalid syntax: assert x =="),
        ("%%loop x\n'go'\nx: int\nassert x == misspelt", "PreflightError: line 4: the check reads `misspelt`"),
        ("%%loop x\n'go'\nx: int\nassert judge(x) > 0", "UsageError: %%loop: line 4: judge takes a value and a rubric"),
        (
            "%%loop x --model script:none.json\n'go'\nx: int\nassert x",
            "PreflightError: cannot read the script none.json",
        ),
        ("%loop x", "UsageError: a loop needs a body"),
        ("%loops stpo", "UsageError: %loops: unknown subcommand stpo; did you mean stop?"),
        ("%loops stop nobody", "UsageError: %loops: no run is called nobody"),
        ("%loops list --sort me", "UsageError: %loops: --sort"),
        ("%loop_sql", "UsageError: %loop_sql: there is no SQL"),
        ("%loop_sql SELECT $missing", "UsageError: %loop_sql: $missing is bound to the variable missing"),
        ("%loop_sql DELETE FROM runs", "UsageError: DELETE would change the history"),
    ],
)
def test_a_mistake_fails_the_cell_with_one_line(shell, capsys, text, said):
    error = run(shell, text)
    shown = capsys.readouterr()
    assert error is not None
    assert (shown.out + shown.err).strip().startswith(said)
    assert (shown.out + shown.err).strip().count("\n") == 0


def test_a_loop_blocks_binds_and_is_found_again(shell, capsys, cell, wrong, right):
    assert run(shell, cell(wrong, right)) is None
    assert shell.user_ns["double"](21) == 42
    assert shell.user_ns["twice"].termination.verified
    assert "verified" in capsys.readouterr().out

    shell.run_cell("%loops")
    assert "twice" in capsys.readouterr().out
    assert run(shell, "%loops stop twice") is not None
    assert "twice has ended already" in capsys.readouterr().err


def test_a_tool_of_the_cell_and_one_of_the_notebook_are_called_on_live_objects(shell, tmp_path):
    script = tmp_path / "script.json"
    script.write_text(json.dumps([[{"tool": "look"}, {"tool": "size", "arguments": {"text": "abcd"}}], "```\n5\n```"]))
    assert (
        run(shell, "import threading\ngate = threading.Lock(); seen = []\ndef size(text: str): return len(text)")
        is None
    )
    cell = f"%%loop n_of --model script:{script} --tools size --fresh\n'A number.'\nn: int\n@tool\ndef look():\n"
    cell += "    with gate: seen.append(threading.current_thread().name)\nassert n == 5"

    assert run(shell, cell) is None  # the lock, which no sandbox could be sent, stays here
    assert shell.user_ns["n"] == 5
    assert shell.user_ns["seen"] == ["tool look"]
    assert run(shell, "%%loop x --tools nothing\n'A number.'\nn: int\nassert n") is not None


def test_a_candidate_may_use_what_the_goal_speaks_of_and_no_check_reads(shell, cell):
    assert run(shell, "factors = {'two': 2}; import threading; gate = threading.Lock(); a = 5") is None
    body = "'Double it with `factors`; a gate is there too.'\ndef double(n: int) -> int: ...\nassert double(2) == 4"
    answers = ["def double(n):\n    with gate:\n        return 4", "def double(n):\n    return n * factors['two']"]
    code = [f"```python\n{answer}\n```" for answer in answers]

    shown = str(shell.run_cell(cell(*code, body=body, options="--dry-run")).result)
    assert "factors: dict with 1 keys: 'two'" in shown
    assert "- a:" not in shown
    assert run(shell, cell(*code, body=body)) is None
    assert shell.user_ns["double"](21) == 42
    [(why,)] = shell.run_cell("%loop_sql --to rows SELECT why FROM iterations WHERE iteration = 1").result
    assert "'gate' (_thread.lock) cannot be sent to the sandbox" in why


def test_a_target_wins_its_name_over_the_run(shell, cell, right):
    assert run(shell, cell(right, name="double")) is None
    assert shell.user_ns["double"](2) == 4
    from jupyter_loops.runs import find

    assert find("double").termination.verified


def test_braces_reach_the_cell_as_they_are(shell, cell):
    body = "'Say {this} and {{that}}.'\ntext: str\nassert text == '{this}' + '{{that}}'"
    assert run(shell, cell("{this}{{that}}", body=body)) is None
    assert shell.user_ns["text"] == "{this}{{that}}"


def test_help_is_printed_and_nothing_runs(shell, capsys, cell, right):
    assert run(shell, cell(right, options="--help")) is None
    assert "-n, --iterations COUNT" in capsys.readouterr().out
    assert "twice" not in shell.user_ns


def test_a_bare_loop_shows_an_example_the_limits_and_the_runs(shell, capsys):
    run(shell, "%loop")
    shown = capsys.readouterr().out
    assert "%%loop slug" in shown
    assert "at most $1, 600 s, 10 rounds" in shown
    assert "no runs yet" in shown


def test_a_dry_run_spends_nothing(shell, cell, right):
    shown = str(shell.run_cell(cell(right, options="--dry-run")).result)
    assert "assert double(2) == 4" in shown
    assert "double(-3)" not in shown
    assert shell.run_cell("%loop_sql --to rows SELECT count(*) FROM calls").result == [(0,)]


def test_ctrl_c_stops_the_run_and_fails_the_cell(shell, cell, right, monkeypatch):
    real, calls = awaited_execution.wait, []

    def interrupted_once(futures, timeout=None):
        calls.append(timeout)
        if len(calls) == 1:
            real(futures, 1.0)
            raise KeyboardInterrupt
        return real(futures, timeout)

    monkeypatch.setattr(awaited_execution, "wait", interrupted_once)
    error = run(shell, cell(right, delay=60))
    assert str(error).startswith("twice is not verified: interrupted")
    assert shell.user_ns["twice"].termination.reason == "interrupted"


def test_a_remark_above_and_a_name_in_another_form_are_found_again(shell, cell, right):
    assert run(shell, f"# mine\n\n{cell(right, name='ﬁt', options='# quick')}") is None
    assert shell.user_ns["fit"].termination.verified
    assert run(shell, "%loops show ﬁt") is None
    assert shell.run_cell("%loop_sql --to rows SELECT $ﬁt = run_id FROM runs").result == [(True,)]


@pytest.mark.parametrize("option", ["--fallback", "--escalate", "--judge-model"])
def test_a_dry_run_checks_every_model(shell, cell, right, option):
    error = run(shell, cell(right, options=f"--dry-run {option} nosuch/model"))
    assert "nosuch" in str(error)


def test_an_unknown_option_in_python_names_the_nearest(shell):
    from jupyter_loops import Loop
    from jupyter_loops.errors import OptionError

    with pytest.raises(OptionError, match="no option is called iteration; did you mean iterations"):
        Loop.from_cell("'go'\nx: int\nassert x").run(iteration=3)


def test_sql_binds_values_joins_frames_and_assigns(shell, cell, wrong, right):
    import pandas as pd

    run(shell, cell(wrong, right))
    shell.user_ns |= {"n": 2, "labels": pd.DataFrame({"iteration": [1, 2], "label": ["first", "{second}"]})}
    shell.run_cell(
        "%%loop_sql --to rows found <<\n"
        "SELECT label, passed FROM iterations JOIN labels USING (iteration) WHERE run_id = $run AND iteration = $n"
    )
    assert shell.user_ns["found"] == [("{second}", 2)]
    frame = shell.run_cell("%loop_sql --to df SELECT * FROM run_summary").result
    assert list(frame.loop) == ["twice"]


def test_frames_of_all_kinds_and_names_are_tables(shell, cell, right):
    import polars as pl
    import pyarrow as pa

    run(shell, cell(right))
    frame = pl.DataFrame({"n": [1, 2]})
    shell.user_ns |= {"été": frame, "fit": frame.lazy(), "batch": pa.record_batch({"n": [1, 2]}), "runs": frame}
    for name in ("été", "ﬁt", "batch"):
        assert shell.run_cell(f"%loop_sql --to rows SELECT sum(n) FROM {name}").result == [(3,)]
    assert "runs is the history's table, and not your frame runs" in str(shell.run_cell("%loop_sql FROM runs").result)


def test_sql_draws_a_chart_and_gives_a_relation(shell, cell, wrong, right):
    run(shell, cell(wrong, right))
    drawn = shell.run_cell("%loop_sql --chart line --x iteration --y passed SELECT iteration, passed FROM iterations")
    assert list(drawn.result.data[0].y) == [0.0, 2.0] or list(drawn.result.data[0].x) == [1, 2]
    relation = shell.run_cell("%loop_sql --to rel SELECT iteration FROM iterations").result
    assert sorted(relation.filter("iteration > 1").fetchall()) == [(2,)]
    failed = shell.run_cell("%loop_sql --chart bar SELECT loop FROM runs").error_in_exec
    assert str(failed) == "%loop_sql: a chart needs a column of numbers for --y"


def test_the_history_is_kept_by_the_words_of_loops(shell, cell, wrong, right, tmp_path):
    run(shell, cell(wrong, right))
    assert "One round" in repr(shell.run_cell("%loops schema").result)
    assert "checks that passed" in repr(shell.run_cell("%loops schema iterations").result)
    assert str(shell.run_cell("%loops schema nope").error_in_exec).startswith("%loops: there is no table nope")
    assert shell.run_cell("%loops du").result.dicts()[0]["loop"] == "twice"
    assert shell.run_cell("%loops prune --older 1d").result.startswith("0 runs deleted")
    assert str(shell.run_cell("%loops prune --older 90").error_in_exec).startswith("%loops: --older got '90'")
    assert "tables with" in shell.run_cell(f"%loops export {tmp_path}/out --as csv").result
    assert shell.run_cell(f"%loops export twice {tmp_path}/twice.jsonl").result.endswith("twice.jsonl")
    assert shell.run_cell(f"%loops import {tmp_path}/twice.jsonl").result.endswith("is here")
    assert (
        str(shell.run_cell("%loops import nowhere.duckdb").error_in_exec) == "%loops: there is no file nowhere.duckdb"
    )


def test_a_value_is_bound_and_never_pasted(shell):
    shell.user_ns["name"] = "x' OR 1 = 1 --"
    assert shell.run_cell("%loop_sql --to rows SELECT $name AS it").result == [("x' OR 1 = 1 --",)]


def test_sql_shows_part_of_the_rows_and_has_them_all(shell):
    result = shell.run_cell("%loop_sql --limit 2 SELECT * FROM range(1000)").result
    assert "2 of" in repr(result)
    assert len(result) == 1000


def test_an_sql_error_carries_duckdbs_caret(shell, capsys):
    run(shell, "%loop_sql SELECT looop FROM runs")
    shown = capsys.readouterr().err
    assert shown.startswith("UsageError: Binder Error")
    assert "^" in shown


def test_a_hint_and_a_new_limit_reach_a_run_that_goes_on(shell, cell, right, capsys):
    run(shell, cell(right, options="-b", delay=3.0))
    twice = shell.user_ns["twice"]
    until(lambda: twice.state == "plan")
    assert run(shell, '%loops hint twice "think of two"') is None
    assert run(shell, "%loops raise-budget twice --usd 3 --time 20m") is None
    assert run(shell, "%loops pause") is None
    assert run(shell, "%loops resume twice") is None
    assert "running" in str(shell.run_cell("%loops").result)
    assert run(shell, "%loops stop") is None
    assert twice.wait(10).reason == "stopped"
    assert (twice.budget.usd, twice.budget.seconds) == (3.0, 1200.0)


def test_a_chart_is_a_figure_of_the_run(shell, cell, wrong, right):
    run(shell, cell(wrong, right))
    figure = shell.run_cell("%loops chart progress twice").result
    assert isinstance(figure, go.Figure)
    assert shell.run_cell("%loops chart").result.data


def test_the_list_tells_how_many_there_are_searches_and_sorts(shell, cell, right, wrong):
    for name, answers in (("apple", [right]), ("pear", [wrong, right]), ("plum", [wrong, wrong, right])):
        shell.run_cell(cell(*answers, name=name, options="--fresh"))
    listed = shell.run_cell("%loops list --limit 2 --sort rounds").result
    assert [row[:1] + row[2:5] for row in listed.rows] == [("plum", "3", "2/2", "▂▂█"), ("pear", "2", "2/2", "▂█")]
    assert "2 of 3 runs: %loops list --limit 3 shows all" in repr(listed)
    assert [row[0] for row in shell.run_cell("%loops list PEA").result.rows] == ["pear"]
    assert "no run has 'fig' in its name" in repr(shell.run_cell("%loops list fig").result)
    assert 'style="text-align:right;white-space:nowrap">3</td>' in listed._repr_html_()


def test_every_chart_is_drawn_from_the_history_of_a_real_run(shell, cell, right, wrong):
    shell.run_cell(cell(wrong, right, options="--fresh"))
    shell.user_ns["twice"].history.flush()
    for kind in KINDS:
        drawn = shell.run_cell(f"%loops chart {kind} {'' if kind == 'days' else 'twice'}").result  # days: of models
        assert drawn.data, kind
        assert kind == "days" or "twice" in drawn.layout.title.text
    assert tuple(KINDS) == CHARTS
    assert shell.run_cell("%loops chart stops").result.data[0].x == (1,)
