import re
from textwrap import dedent

import pytest

from jupyter_loops.core.recipe import CheckKind, TargetKind
from jupyter_loops.errors import CellError
from jupyter_loops.language import parse

SLUG = '''\
def slugify(text: str) -> str:
    """Lower-case ASCII words joined by single hyphens."""
    ...

assert slugify("Hello World") == "hello-world"
assert slugify("  a, b & c! ") == "a-b-c"

with hidden:                       # run, but never shown to the model
    assert slugify("Ünïcode tëst") == "unicode-test"
'''

MUG = '''\
"""Name a mug that keeps coffee warm and give it a tagline."""
class Product(BaseModel):
    name: str
    tagline: str

mug: Product                       # a bare annotation is a target

assert len(mug.name) <= 20
assert "warm" in mug.tagline.lower()
assert judge(mug, "Is the tagline truthful and free of clichés?") >= 0.7
assert approve(mug)
'''


def refusal(source):
    with pytest.raises(CellError) as caught:
        parse(dedent(source))
    return str(caught.value)


def test_the_slug_cell_of_the_design_is_read_whole():
    recipe = parse(SLUG, "slug")

    assert recipe.name == "slug"
    assert recipe.goal == "Lower-case ASCII words joined by single hyphens."
    assert [(target.name, target.kind, target.line) for target in recipe.targets] == [
        ("slugify", TargetKind.FUNCTION, 2)
    ]
    assert [check.name for check in recipe.visible] == [
        'slugify("Hello World") == "hello-world"',
        'slugify("  a, b & c! ") == "a-b-c"',
    ]
    assert [(check.source, check.line) for check in recipe.hidden] == [
        ('assert slugify("Ünïcode tëst") == "unicode-test"', 10)
    ]
    assert recipe.setup == ""
    assert recipe.uses == frozenset()
    assert recipe.source == SLUG


def test_the_mug_cell_of_the_design_is_read_whole():
    recipe = parse(MUG)

    assert recipe.goal.startswith("Name a mug")
    assert [(target.kind, target.annotation) for target in recipe.targets] == [(TargetKind.DATA, "Product")]
    assert recipe.uses == {"BaseModel"}
    assert recipe.setup.splitlines()[2] == "class Product(BaseModel):"
    assert [check.layer for check in recipe.checks] == ["checks", "checks", "judge", "approval"]


@pytest.mark.parametrize(
    ("annotation", "kind"),
    [
        ("str", TargetKind.TEXT),
        ('"str"', TargetKind.TEXT),
        ("DataFrame", TargetKind.FRAME),
        ("pd.DataFrame", TargetKind.FRAME),
        ("pandas.DataFrame", TargetKind.FRAME),
        ("list[dict[str, int]]", TargetKind.DATA),
        ("Literal['a', 'b']", TargetKind.DATA),
        ("int", TargetKind.DATA),
    ],
)
def test_a_bare_annotation_says_how_its_target_is_produced(annotation, kind):
    (target,) = parse(f"'a goal'\nx: {annotation}\nassert x").targets
    assert target.kind is kind
    assert target.annotation == annotation.strip('"')


def test_an_async_stub_is_a_target_and_a_def_with_a_body_is_setup():
    recipe = parse('async def fetch(url):\n    "Get it."\ndef helper(x):\n    return x\nassert fetch and helper(1)')
    assert [target.name for target in recipe.targets] == ["fetch"]
    assert recipe.setup == "\n\n\ndef helper(x):\n    return x\n"


def test_an_empty_class_is_setup():
    recipe = parse("'go'\nclass Oops(Exception): ...\nx: int\nassert x != Oops")
    assert recipe.setup.strip() == "class Oops(Exception): ..."


def test_setup_keeps_the_line_numbers_of_the_cell():
    recipe = parse("'go'\n\nimport math; tau = 6\nx: float\n\nlimit = (\n  1,\n)\nassert x < math.pi < limit[0]")
    assert recipe.setup.splitlines() == ["", "", "", "import math; tau = 6", "", "", "limit = (", "  1,", ")"]


def test_a_compound_statement_with_asserts_is_one_check_named_by_its_first_line():
    recipe = parse("'go'\nf: int\nfor n in range(3):\n    if n:\n        assert f > n\n    assert f\nassert f == 3")
    assert [check.name for check in recipe.checks] == ["for n in range(3):", "f == 3"]
    assert recipe.checks[0].source == "for n in range(3):\n    if n:\n        assert f > n\n    assert f"


def test_an_assert_in_a_def_does_not_make_the_def_a_check():
    recipe = parse("'go'\nx: int\ndef positive(n):\n    assert n > 0\n    return True\nassert positive(x)")
    assert [check.name for check in recipe.checks] == ["positive(x)"]
    assert "def positive" in recipe.setup


def test_what_needs_a_target_waits_for_the_next_check_also_at_second_hand():
    recipe = parse(
        dedent(
            """\
            'go'
            def f(n: int) -> int: ...
            cases = [1, 2]
            got = []
            for case in cases:
                got.append(f(case))
            total = sum(got)
            size = 2
            assert total == 3
            assert len(got) == size
            """
        )
    )
    first, second = recipe.checks
    assert first.prelude == "for case in cases:\n    got.append(f(case))\ntotal = sum(got)"
    assert second.prelude == ""
    assert [line for line in recipe.setup.splitlines() if line] == ["cases = [1, 2]", "got = []", "size = 2"]


def test_hidden_statements_that_are_no_checks_are_hidden_preludes():
    recipe = parse("'go'\nx: str\nassert x\nwith hidden:\n    secret = '''a\n  b'''\n    assert x != secret")
    (hidden,) = recipe.hidden
    assert hidden.prelude == "secret = '''a\n  b'''"
    assert "secret" not in recipe.setup


def test_braces_and_odd_bytes_in_literals_survive():
    text = "{not a field} {{}} %s $x \\d é\u2028"
    recipe = parse(f"'go {text[:5]}'\nx: str\nassert x == '{text}'\n")
    assert recipe.checks[0].source == f"assert x == '{text}'"
    assert recipe.goal == "go {not "


def test_a_score_is_a_check_without_a_verdict():
    recipe = parse("'go'\nm: list[float]\nassert m\nmaximize(sum(m) / len(m))")
    (score,) = recipe.scores
    assert (score.name, score.kind, score.source) == (
        "sum(m) / len(m)",
        CheckKind.MAXIMIZE,
        "maximize(sum(m) / len(m))",
    )


def test_what_a_tool_reads_is_not_sent_to_the_sandbox():
    recipe = parse("'go'\nx: int\n@tool\ndef look(key: str) -> str:\n    return db[key]\nassert x")
    [tool] = recipe.tools

    assert (tool.name, tool.line, tool.uses) == ("look", 4, {"db", "key", "str"} - {"key", "str"})
    assert tool.source.startswith("@tool\ndef look")
    assert recipe.uses == set()


@pytest.mark.parametrize(
    ("cell", "wrong"),
    [
        ("'go'\nx: int\n@tool\ndef look(): ...\nassert look() == x", "line 4: `look` is a tool"),
        ("'go'\nx: int\n@tool\ndef look(): ...\ny = look()\nassert x == y", "line 4: `look` is a tool"),
        ("'go'\nx: int\n@tool\ndef x(): ...\nassert x", "line 4: `x` is a target"),
        ("'go'\nx: int\n@tool\ndef f(): ...\n@tool\ndef f(): ...\nassert x", "line 6: `f` is a tool twice"),
        (
            "'go'\nx: int\nwith hidden:\n    key = x\n    assert key\n@tool\ndef f(): return key\nassert x",
            "line 7: `key` is made for a hidden check",
        ),
    ],
)
def test_only_the_model_calls_a_tool(cell, wrong):
    with pytest.raises(CellError, match=re.escape(wrong)):
        parse(cell)


def test_uses_are_the_names_that_only_the_notebook_can_give():
    recipe = parse(
        dedent(
            """\
            'go'
            import math
            df = df.dropna()
            def helper(v): return other(v, inner) + math.e
            inner = 1
            def f(n: Number = DEFAULT) -> "str":
                '''Doc.'''
            for row in rows:
                last = row
            squares = [q * scale for q in range(3)]
            assert helper(f(last)) == expected and sum(squares)
            """
        )
    )
    assert recipe.uses == {"df", "other", "Number", "DEFAULT", "rows", "scale", "expected"}


def test_a_quoted_annotation_names_its_type():
    assert parse("'go'\nx: 'Product'\nassert x").uses == {"Product"}


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("", "the cell is empty"),
        ("# only a comment\n", "the cell is empty"),
        ("'go'\nassert 1", "nothing to produce: add a stub such as `def slugify"),
        ("'go'\ndef f(x):\n    return x\nassert f(1)", "line 3: nothing to produce: `f` has a body"),
        ("'go'\nmug: str", "line 3: nothing decides whether `mug` is right: add an assert"),
        ("'go'\na: int\nb: int\nassert a", "line 4: nothing decides whether `b` is right"),
        ("x: int\nassert x", "say what you want: start the cell with a string"),
        ("f'go {1}'\nx: int\nassert x", "line 2: the goal is a plain string"),
        ("'go'\nx: int\nassert x\ny = x + 1", "line 5: no check follows that would use this: y = x + 1"),
        ("'go'\nx: int\nassert x\nx = 3", "line 5: `x` is a target; set-up must not give it a value"),
        ("'go'\nx: int\nx: str\nassert x", "line 4: `x` is stated twice"),
        ("'go'\nx: int\nassert (x, 'positive')", "line 4: an assert of a tuple is always true"),
        ("'go'\nx: int\nassert x\nmaximize(x)\nminimize(x)", "line 6: a loop has one score"),
        ("'go'\nx: int\nassert x\nmaximize(x, 2)", "line 5: `maximize` is a top-level statement"),
        ("'go'\nx: int\nassert x\nwith hidden:\n    y = 1", "line 5: `with hidden:` holds no check"),
        ("'go'\nx: int\nassert x\nwith hidden:\n    y = 1\n    assert x\nassert y", "line 8: `y` is made for a hidden"),
        ("'go'\nx: int\nassert x\nwith hidden:\n    assert x\n    y = x", "line 7: no check follows"),
        ("'go'\nx: int\nassert x\nwith hidden:\n    maximize(x)", "line 6: a score is not hidden"),
        ("'go'\nassert x\nwith hidden:\n    x: int", "line 5: a target belongs at the top level"),
        ("'go'\nx: int\nfor i in 'ab':\n    with hidden:\n        assert x", "line 4: `hidden` stands alone"),
        ("'go'\nx: int\nhidden = 3\nassert x", "line 4: `hidden` is a word of the cell language"),
        ("'go'\nx: int\ny = judge('a', 'b')\nassert x", "line 4: `judge` belongs in an assert"),
        ("'go'\nx: 'a b'\nassert x", "line 3: the type of `x` is not Python: a b"),
        ("'go'\nx: int\nassert x ==\n", "line 4: invalid syntax: assert x =="),
        ("'go'\nx: int\nreturn 3", "line 4: 'return' outside function"),
        (
            "'go'\nx: int\n!ls\nassert x",
            "line 4: a loop's body is plain Python, so IPython syntax does not work here: !ls",
        ),
        ("'go'\n%time x\nassert x", "line 3: a loop's body is plain Python"),
        ("'go'\ny = !ls\nassert x", "line 3: a loop's body is plain Python"),
        ("%%time\n'go'", "line 2: another cell magic goes above %%loop"),
    ],
)
def test_a_mistake_gets_one_clear_line(source, said):
    message = refusal(source)
    assert message.startswith(said)
    assert "\n" not in message


def test_words_may_be_imported_from_jupyter_loops():
    recipe = parse("'go'\nfrom jupyter_loops import hidden\nx: int\nwith hidden:\n    assert x")
    assert len(recipe.hidden) == 1


def test_a_word_may_name_something_inside_a_function():
    recipe = parse("'go'\nx: int\ndef pick(tools):\n    return [tool for tool in tools]\nassert pick([x])")
    assert "for tool in tools" in recipe.setup
