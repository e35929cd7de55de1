"""What a run leaves in a real shell, what can be asked of it there, and how it is taken back."""

import inspect
import os
import time
import traceback

import pytest

FRAME = '''
"""Sort the rows by day."""
import pandas as pd
raw = pd.DataFrame({"day": pd.to_datetime(["2026-01-02", "2026-01-01"]), "n": [1, 2], "s": ["x", "é"]})
tidy: pd.DataFrame

assert list(tidy["n"]) == [2, 1]
'''
FRAME_ANSWER = (
    '```python\ntidy = raw.sort_values("day").set_index("day")\ntidy["s"] = tidy["s"].astype("category")\n```'
)


def run(shell, text):
    result = shell.run_cell(text)
    assert result.success, result.error_before_exec or result.error_in_exec
    return result.result


def test_a_function_tells_its_source_everywhere(shell, capsys, cell):
    answer = "```python\nimport math\n\ndef double(n: int) -> int:\n    # half\n    return math.floor(n * 2)\n```"
    run(shell, cell(answer))
    double = shell.user_ns["double"]
    source = "def double(n: int) -> int:\n    # half\n    return math.floor(n * 2)\n"

    assert inspect.getsource(double) == source
    with pytest.raises(TypeError) as caught:
        double("x")
    assert "return math.floor(n * 2)" in "".join(traceback.format_exception(caught.value))
    capsys.readouterr()
    run(shell, "double??")
    shown = capsys.readouterr().out
    assert "return math.floor(n * 2)" in shown
    assert "# half" in shown
    result = shell.run_cell("double('x')")
    assert not result.success
    assert "return math.floor(n * 2)" in capsys.readouterr().out, "the shell's own traceback shows the line"
    assert "math" not in shell.user_ns, "nothing else of the candidate's module arrives"


def test_a_frame_arrives_as_it_was_and_is_taken_back(shell, cell):
    pd = pytest.importorskip("pandas")
    shell.user_ns["tidy"] = "mine"
    run(shell, cell(FRAME_ANSWER, name="sorting", body=FRAME))
    tidy, sorting = shell.user_ns["tidy"], shell.user_ns["sorting"]

    assert list(tidy.index) == [pd.Timestamp("2026-01-01"), pd.Timestamp("2026-01-02")]
    assert tidy.index.name == "day"
    assert isinstance(tidy["s"].dtype, pd.CategoricalDtype)
    assert "tidy: DataFrame (was str)" in [str(change) for change in sorting.diff]

    sorting.undo()
    assert shell.user_ns["tidy"] == "mine"
    assert sorting.diff == []
    assert sorting.undo() == []


def test_undo_is_a_word_of_its_own_and_says_what_it_did(shell, cell, right):
    run(shell, "double = 'before'")
    run(shell, cell(right))
    assert run(shell, "%loops undo twice") == "twice: took back double"
    assert shell.user_ns["double"] == "before"
    assert "twice" in shell.user_ns, "the run stays at hand"

    result = shell.run_cell("%loops undo twice")
    assert "twice has bound nothing in this notebook" in str(result.error_in_exec)


def test_a_name_that_was_bound_anew_is_left_alone(shell, cell, right):
    run(shell, cell(right))
    run(shell, "double = 'mine now'")

    assert run(shell, "%loops undo") == "twice: took back nothing; left double, bound anew since"
    assert shell.user_ns["double"] == "mine now"


def test_a_new_name_is_gone_again_and_so_is_the_setup_that_came_with_it(shell, cell):
    body = "import math as m\nclass P:\n    x = 1\n\ndef f(n: int) -> P:\n    'Doc.'\n\nassert f(1).x == 1"
    run(shell, cell("```python\ndef f(n):\n    m.sqrt(1)\n    return P()\n```", name="go", body=body))
    assert {change.name for change in shell.user_ns["go"].diff} == {"m", "P", "f"}

    assert run(shell, "%loops undo go") == "go: took back P, m, f"
    assert not {"m", "P", "f"} & shell.user_ns.keys()


def test_the_whole_module_arrives_and_prints_nothing(shell, cell, capsys):
    answer = "```python\nimport math\nTABLE = {}\ndef fill():\n    TABLE['two'] = 2\nfill()\n"
    answer += "def double(n: int) -> int:\n    return n * TABLE['two']\n\nHALVES = [1 / n for n in (1, 2)]\n```"
    run(shell, cell(answer))

    double = shell.user_ns["double"]
    assert double(4) == 8
    assert inspect.getsource(double).startswith("def double")
    assert double.__module__.startswith("jupyter_loops_delivered.twice_")
    assert double.__globals__["HALVES"] == [1.0, 0.5]
    assert not {"TABLE", "HALVES", "math"} & shell.user_ns.keys()


def test_the_checks_are_run_again_on_what_the_notebook_has(shell, cell, right, capsys):
    run(shell, cell(right))
    table = run(shell, "%loops verify-delivery twice")
    assert [row[:2] for row in table.rows] == [("double(2) == 4", "pass"), ("double(-3) == -6", "pass")]

    run(shell, "double = abs")
    result = shell.run_cell("%loops verify-delivery")
    assert "2 of 2 checks of twice fail on what the notebook has" in str(result.error_in_exec)
    assert "double(-3) == -6  FAIL" in capsys.readouterr().out


PID = "```python\nimport os\n\ndef double(n):\n    return n * 2 if n < 9 else os.getpid()\n```"


@pytest.mark.parametrize("background", ["", "--background"])
def test_a_function_that_stays_in_the_sandbox_is_called_and_checked(shell, cell, background):
    run(shell, cell(PID, options=f"--deliver sandboxed {background}"))
    shell.user_ns["twice"].wait(30)
    until = time.monotonic() + 30
    while "double" not in shell.user_ns and time.monotonic() < until:
        time.sleep(0.01)
    assert run(shell, "double(4)") == 8
    assert run(shell, "double(9)") != os.getpid()
    assert str(inspect.signature(shell.user_ns["double"])) == "(n: 'int') -> 'int'"

    table = run(shell, "%loops verify-delivery twice")
    assert [row[1] for row in table.rows] == ["pass", "pass"]
    run(shell, "double.close()")


def test_a_class_does_not_stay_in_the_sandbox(shell, cell):
    body = "class Box:\n    '''Holds one.'''\n    def get(self): ...\n\nassert Box().get() == 1"
    result = shell.run_cell(cell("", options="--deliver sandboxed", body=body))

    assert str(result.error_in_exec) == "--deliver sandboxed is for functions, and Box is a class: leave it away"


@pytest.mark.parametrize("stub", ["def f(n) -> Iterator[int]: ...", "async def f(n) -> 'AsyncIterator[int]': ..."])
def test_a_generator_does_not_stay_in_the_sandbox(stub, shell, cell):
    body = f"'Some numbers.'\nfrom collections.abc import Iterator\n\n{stub}\nassert f(1)"
    result = shell.run_cell(cell("", options="--deliver sandboxed", body=body))

    told = "--deliver sandboxed is for functions that return data, and f is a generator: leave it away"
    assert str(result.error_in_exec) == told
