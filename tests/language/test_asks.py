"""What a check asks of a judge, a person or a test file is read from the cell."""

import pytest

from jupyter_loops.core.candidate import Layer
from jupyter_loops.core.recipe import Word
from jupyter_loops.errors import CellError
from jupyter_loops.language import parse


def checks(*lines):
    return parse("\n".join(["'go'", "x: str", *lines])).checks


def test_a_judge_has_a_value_and_a_rubric():
    (check,) = checks("assert judge(x.strip(), 'Is it polite?') >= 0.7")

    (ask,) = check.asks
    assert (ask.word, ask.value, ask.rubric, ask.rubric_name) == (Word.JUDGE, "x.strip()", "Is it polite?", "")
    assert ask.source == "judge(x.strip(), 'Is it polite?')"
    assert check.layer is Layer.JUDGE


def test_keywords_and_several_calls_are_read_in_the_order_of_the_walk():
    (check,) = checks("assert judge(value=x, rubric='a') + judge(x[0], 'b') > 1")

    assert [(ask.value, ask.rubric) for ask in check.asks] == [("x", "a"), ("x[0]", "b")]


def test_a_rubric_may_be_a_constant_of_the_cell_or_of_the_notebook():
    (check, other) = checks(
        "RUBRIC = 'Is it short?'", "assert judge(x, RUBRIC) > 0", "assert judge(x, HOUSE_STYLE) > 0"
    )

    assert (check.asks[0].rubric, check.asks[0].rubric_name) == ("Is it short?", "")
    assert (other.asks[0].rubric, other.asks[0].rubric_name) == ("", "HOUSE_STYLE")


def test_a_check_stands_in_the_layer_of_the_dearest_word_in_it():
    assert [
        check.layer for check in checks("assert x", "assert judge(x, 'r') and approve(x)", "assert approve(x)")
    ] == [
        Layer.CHECKS,
        Layer.APPROVAL,
        Layer.APPROVAL,
    ]
    hidden, judged = checks("with hidden:", "    assert x", "    assert judge(x, 'r')")
    assert (hidden.layer, judged.layer, judged.hidden) == (Layer.HIDDEN, Layer.JUDGE, True)


def test_a_pytest_check_decides_by_itself_and_leaves_the_module_alone():
    recipe = parse("'go'\ndef f(): ...\nassert pytest('tests/test_f.py', 'tests/test_g.py::test_one')")
    (check,) = recipe.checks
    assert check.asks[0].tests == ("tests/test_f.py", "tests/test_g.py::test_one")
    assert check.layer is Layer.CHECKS
    assert recipe.uses == frozenset()

    loop = "for n in 1, 2:\n    with pytest.raises(ValueError): f(n)\n    assert n"
    recipe = parse(f"'go'\ndef f(): ...\nassert pytest('t.py')\n{loop}")
    assert recipe.uses == {"pytest"}
    recipe = parse("'go'\nimport pytest\ndef f(): ...\nassert pytest('t.py')\nassert f() == pytest.approx(1)")
    assert recipe.uses == frozenset()


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["assert judge(x) > 0"], "line 4: judge takes a value and a rubric"),
        (["assert judge(x, 'a', 'b') > 0"], "line 4: judge takes a value and a rubric"),
        (["assert judge(*x) > 0"], "line 4: judge takes a value and a rubric"),
        (["assert judge(x, rubrik='a') > 0"], "line 4: judge takes a value and a rubric"),
        (["assert judge(x, '') > 0"], "line 4: the rubric of `judge` is a string"),
        (["assert judge(x, f'is it {x}?') > 0"], "line 4: the rubric of `judge` is a string"),
        (["r = 'a' + str(2)", "assert judge(x, r) > 0"], "line 5: the rubric of `judge` is a string"),
        (["r = 'a'", "r = 'b'", "assert judge(x, r) > 0"], "line 6: the rubric of `judge` is a string"),
        (["assert approve()"], "line 4: approve takes one value"),
        (["assert approve(x, 'why')"], "line 4: approve takes one value"),
        (["assert all(map(approve, x))"], "line 4: `approve` has to be called directly"),
        (["assert x", "with hidden:", "    assert approve(x)"], "line 6: a person's comment is meant for the model"),
        (["assert pytest()"], "line 4: pytest takes test files"),
        (["assert pytest(x)"], "line 4: pytest takes test files"),
        (["assert pytest('-p', 'evil')"], "line 4: pytest takes test files"),
        (["assert pytest('t.py', x=1)"], "line 4: pytest takes test files"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_one_line(lines, message):
    with pytest.raises(CellError) as caught:
        checks(*lines)
    assert str(caught.value).startswith(message)
