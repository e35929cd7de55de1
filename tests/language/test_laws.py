"""Laws of the language, over generated cells."""

import ast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_loops.core.recipe import Recipe
from jupyter_loops.errors import CellError
from jupyter_loops.language import parse
from jupyter_loops.language.rules import is_hidden

PIECES = st.sampled_from(
    [
        "import math",
        "limit = 3",
        "def helper(n):\n    return n + 1",
        "class Box: ...",
        "@tool\ndef look(n):\n    return n",
        "x: int",
        "y: str",
        "def f(n: int) -> int:\n    '''Doc.'''",
        "z = x",
        "z2 = z",
        "for i in range(2):\n    assert x > i",
        "assert x == limit, f'{x!r} {{}}'",
        "assert f(1) and y and x",
        "maximize(x)",
        "with hidden:\n    s = 1\n    assert x > s",
        "print('{a} {{b}}')",
        "class Stack:\n    n: int\n    def push(self, item): ...",
        "with raises(E) as e:\n    f(Stack())",
        "np.testing.assert_equal(f(1), await x)",
        "for n in bad:\n    with raises(E):\n        f(n)",
    ]
)


@given(st.lists(PIECES, max_size=12))
@settings(max_examples=300, deadline=None)
def test_every_statement_lands_in_exactly_one_place(pieces):
    source = "\n".join(["'a goal'", *pieces])
    try:
        recipe = parse(source)
    except CellError:
        return
    body = ast.parse(source).body[1:]
    expected = [ast.unparse(one) for node in body for one in (node.body if is_hidden(node) else [node])]
    assert sorted(_landed(recipe)) == sorted(expected)


def _landed(recipe: Recipe) -> list[str]:
    texts = [recipe.setup, *(target.source for target in recipe.targets), *(tool.source for tool in recipe.tools)]
    texts += [text for check in recipe.checks for text in (check.prelude, check.source)]
    return [ast.unparse(node) for text in texts for node in ast.parse(text).body]


@given(st.lists(PIECES, max_size=12))
@settings(max_examples=200, deadline=None)
def test_setup_statements_stand_on_the_lines_they_have_in_the_cell(pieces):
    source = "\n".join(["'a goal'", *pieces])
    try:
        recipe = parse(source)
    except CellError:
        return
    lines = source.splitlines()
    for node in ast.parse(recipe.setup).body:
        start = min([node.lineno, *(mark.lineno for mark in getattr(node, "decorator_list", []))])
        assert ast.unparse(node).splitlines()[0] == ast.unparse(ast.parse(_block(lines, start - 2))).splitlines()[0]


def _block(lines, start):
    end = start + 1
    while end < len(lines) and lines[end].startswith(" "):
        end += 1
    return "\n".join(lines[start:end])


@given(st.text(max_size=200) | st.lists(st.sampled_from(list("'\"():=\n\t x1@!%\\{}#\0\r")), max_size=60).map("".join))
@settings(max_examples=500, deadline=None)
def test_any_text_is_a_recipe_or_a_cell_error(text):
    for source in (text, f"'goal'\nx: int\nassert x\n{text}"):
        assert isinstance(_read(source), Recipe | CellError)


def _read(source):
    try:
        return parse(source)
    except CellError as error:
        return error


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=80))
@settings(max_examples=200, deadline=None)
def test_a_literal_survives_byte_for_byte(text):
    literal = repr(text)
    recipe = parse(f"'goal'\nx: str\nassert x != {literal}")
    assert recipe.checks[0].source == f"assert x != {literal}"


def test_deep_nesting_is_a_cell_error():
    deep = "(" * 5000 + ")" * 5000
    chain = "1" + "+1" * 20000
    for text in (deep, chain, "-" * 3000 + "1"):
        with pytest.raises(CellError):
            parse(f"'goal'\nx: int\nassert x == {text}")
