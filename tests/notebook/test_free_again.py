"""A cell that is run again costs nothing, until something it depends on is another: cell, check, helper, data."""

import pytest

RIGHT = "```python\ndef scaled(n: int) -> int:\n    return n * factor()\n```"
CELL = '''%%loop again {options}
def scaled(n: int) -> int:
    """The number times the factor."""
    ...

assert scaled(1) == factor() and {check}'''
HELPER = "def factor():\n    return {value}"


@pytest.fixture
def tokens(shell, script):
    """Run the cell in a notebook with a helper and a DataFrame; gives the tokens it took."""
    import pandas as pd

    model = script(*[RIGHT] * 9)

    def run(*, helper=2, rows=(1, 2), check="len(frame) < 9", options=""):
        shell.run_cell(HELPER.format(value=helper))
        shell.user_ns["frame"] = pd.DataFrame({"x": list(rows)})
        result = shell.run_cell(CELL.format(options=f"{model} {options}", check=check))
        assert result.success
        assert shell.user_ns["again"].termination.reason == "verified"
        return shell.user_ns["again"].usage.tokens

    return run


def test_the_same_cell_and_the_same_inputs_cost_nothing(tokens, shell):
    assert tokens() > 0
    assert tokens() == 0
    assert shell.user_ns["scaled"](3) == 6


@pytest.mark.parametrize(
    "changed",
    [{"rows": (1, 3)}, {"rows": (1, 2, 2)}, {"helper": 3}, {"check": "len(frame) < 8"}, {"options": "--fresh"}],
    ids=["a value in the DataFrame", "a row more", "a helper", "a check", "a wish"],
)
def test_what_changed_is_noticed(tokens, changed):
    assert tokens() > 0
    assert tokens(**changed) > 0
    if "options" not in changed:
        assert tokens(**changed) == 0
        assert tokens() == 0  # the first question has its answer still


def test_another_model_and_other_limits_ask_the_same_question(tokens):
    assert tokens() > 0
    assert tokens(options="--usd 2 --iterations 3") == 0
