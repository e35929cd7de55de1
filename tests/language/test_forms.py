"""Checks as test files write them."""

import pytest

from jupyter_loops.errors import CellError
from jupyter_loops.language import parse

STUB = "'go'\ndef f(x): ...\n"


def read(text):
    recipe = parse(STUB + text)
    return [(check.name, check.source, check.hidden) for check in recipe.checks]


def refusal(text):
    with pytest.raises(CellError) as caught:
        parse(STUB + text)
    return str(caught.value)


def test_a_test_function_is_a_check_that_calls_it():
    test = "def test_one():\n    y = f(1)\n    assert y == 2"
    assert read(test) == [("test_one", f"{test}\ntest_one()", False)]


def test_an_async_test_is_awaited_and_a_property_test_fills_its_parameters_in():
    assert parse(STUB + "async def test_a():\n    assert await f(1)").checks[0].source.endswith("\nawait test_a()")
    assert read("@given(st.integers())\ndef test_b(n):\n    assert f(n) > n")[0][0] == "test_b"


def test_a_test_that_the_cell_calls_itself_runs_where_it_is_called():
    recipe = parse(STUB + "def test_one(n=1):\n    assert f(n) == 2\ntest_one()\ntest_one(2)")
    assert [check.name for check in recipe.checks] == ["test_one()", "test_one(2)"]
    assert recipe.checks[0].prelude == "def test_one(n=1):\n    assert f(n) == 2"


def test_a_helper_named_as_a_test_stays_what_it_is():
    recipe = parse(
        STUB + "def test_data():\n    return [1]\ndef helper():\n    assert f(1)\nhelper()\nassert f(test_data())"
    )
    assert "def test_data" in recipe.setup
    assert [check.name for check in recipe.checks] == ["f(test_data())"]


@pytest.mark.parametrize(
    "statement",
    [
        "np.testing.assert_allclose(f(1), 2)",
        "pd.testing.assert_frame_equal(f(1), expected)",
        "assert_series_equal(f(1), expected)",
        "unittest.TestCase().assertEqual(f(1), 2)",
        "await assert_soon(f(1))",
        "pytest.raises(ValueError, f, -1)",
    ],
)
def test_the_call_of_an_assertion_on_a_target_is_a_check(statement):
    assert read(statement) == [(statement, statement, False)]


def test_an_assertion_about_the_setup_alone_stays_setup():
    recipe = parse(STUB + "np.testing.assert_equal(a, b)\nassert f(1)")
    assert recipe.setup.strip() == "np.testing.assert_equal(a, b)"


@pytest.mark.parametrize(
    "call", ["pytest.raises(ValueError)", "pt.warns(UserWarning)", "case.assertRaises(E)", "raises(E)"]
)
def test_a_block_that_expects_an_exception_is_a_check(call):
    block = f"with {call}:\n    f(-1)"
    assert read(block) == [(f"with {call}: f(-1)", block, False)]


def test_the_exception_of_a_block_is_there_for_later_checks():
    recipe = parse(STUB + "with raises(E) as error:\n    f(-1)\ntext = str(error.value)\nassert 'negative' in text")
    assert recipe.checks[1].prelude == "text = str(error.value)"
    assert recipe.uses == {"raises", "E"}


@pytest.mark.parametrize(
    "block",
    [
        "for n in bad:\n    with raises(E):\n        f(n)",
        "try:\n    f(-1)\nexcept ValueError:\n    pass\nelse:\n    raise AssertionError('no error')",
        "try:\n    f(-1)\n    pytest.fail('no error')\nexcept ValueError:\n    pass",
        "if strict:\n    np.testing.assert_equal(f(1), 2)\n    np.testing.assert_equal(f(2), 4)",
    ],
)
def test_a_compound_statement_is_a_check_in_whatever_form_it_decides(block):
    assert [source for _, source, _ in read(block)] == [block]


def test_every_form_may_be_hidden():
    recipe = parse(
        STUB
        + "assert f(1)\nwith hidden:\n    want = 2\n    def test_h():\n        assert f(1) == want\n"
        + "    assert_equal(f(1), want)\n    with raises(E):\n        f(-1)"
    )
    assert [check.name for check in recipe.hidden] == ["test_h", "assert_equal(f(1), want)", "with raises(E): f(-1)"]
    assert recipe.hidden[0].prelude == "want = 2"
    assert recipe.hidden[0].source == "def test_h():\n    assert f(1) == want\ntest_h()"


@pytest.mark.parametrize(
    "test",
    [
        "@pytest.mark.parametrize('n', [1])\ndef test_one(n):\n    assert f(n)",
        "def test_one():\n    f(1)",
        "class TestF:\n    def test_one(self):\n        assert f(1)",
        "class Tests(unittest.TestCase):\n    def test_one(self):\n        self.assertEqual(f(1), 2)",
    ],
)
def test_a_test_that_nothing_would_run_is_refused(test):
    message = refusal(f"{test}\nassert f(2)")
    assert "would never run: a test function takes no parameters and asserts something" in message


def test_checks_and_what_they_need_may_await():
    recipe = parse("'go'\nasync def fetch(n): ...\ngot = await fetch(0)\nassert await fetch(1) == 2 and got\n")
    assert recipe.checks[0].prelude == "got = await fetch(0)"
    assert recipe.checks[0].source == "assert await fetch(1) == 2 and got"
    assert [check.name for check in parse(STUB + "async for n in f(3):\n    assert n").checks] == [
        "async for n in f(3):"
    ]


@pytest.mark.parametrize(
    "statement",
    [
        "data = await load()",
        "async with session:\n    pass",
        "rows = [r async for r in load()]",
        "def g(x=await y):\n    return x",
    ],
)
def test_setup_does_not_await(statement):
    assert refusal(f"{statement}\nassert f(1)").startswith(
        "line 4: only checks may await; in set-up write `asyncio.run"
    )


def test_a_function_of_the_setup_may_await():
    assert "async def load" in parse(STUB + "async def load():\n    await sleep(1)\nassert f(load)").setup


@pytest.mark.parametrize("text", ["yield 1", "return await f(1)", "lambda: await f(1)", "def g():\n    await f(1)"])
def test_what_no_notebook_takes_is_still_refused(text):
    assert refusal(f"{text}\nassert f(1)").startswith("line ")


def test_a_word_makes_a_deciding_block_a_check():
    recipe = parse(STUB + "for text in texts:\n    assert_polite(judge(text, 'Polite?'))\nassert f(1)")
    assert [check.name for check in recipe.checks] == [
        "for text in texts: assert_polite(judge(text, 'Polite?'))",
        "f(1)",
    ]
    assert recipe.checks[0].asks[0].rubric == "Polite?"


def test_what_a_target_was_handed_is_looked_at_afterwards():
    body = "from unittest.mock import Mock\nm, n = Mock(), Mock()\nn.assert_not_called()\n"
    body += "def f(call) -> None: 'Calls it.'\nassert f(m) is None\nm.assert_called_once_with(1)"

    assert [check.name for check in parse(body, "cell").checks] == ["f(m) is None", "m.assert_called_once_with(1)"]
    assert "n.assert_not_called()" in parse(body, "cell").setup
