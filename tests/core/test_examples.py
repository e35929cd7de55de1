"""Examples are left out; every other byte and every line number stays."""

import ast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_loops.core.examples import without_examples

DEFINED = "def slugify(s):\n    return s\n"


@pytest.mark.parametrize(
    "example",
    [
        'print(slugify("x"))  # x',
        'slugify("x")',
        "pprint(slugify('x'))",
        "import doctest\ndoctest.testmod()",
        'assert slugify("x") == "x", "wrong"',
        'result = slugify("x")\nprint(result)',
        'first: str = slugify("x")',
        'if __name__ == "__main__":\n    import sys\n    main(sys.argv)',
        "if '__main__' == __name__:\n    run()",
        'for s in ["a", "b"]:\n    got = slugify(s)\n    print(got)',
        'try:\n    slugify(1)\nexcept TypeError:\n    print("raised")\nelse:\n    pass\nfinally:\n    print("done")',
        'with open("x") as f:\n    print(slugify(f.read()))',
        "if True:\n    assert slugify('x')\nelse:\n    print('no')",
        "while True:\n    print(slugify('x'))\n    break",
        "print('''a\nb''')",
    ],
)
def test_an_example_goes_and_the_lines_after_it_keep_their_numbers(example):
    later = "\n\ndef later():\n    return slugify('y')\n"
    blank = "\n".join(line if line == "import doctest" else "" for line in example.split("\n"))

    assert without_examples(f"{DEFINED}\n{example}{later}", ["slugify"]) == f"{DEFINED}\n{blank}{later}"


@pytest.mark.parametrize(
    "needed",
    [
        "register(slugify)",
        "TABLE.update(a=slugify)",
        "app.add(slugify)",
        "TABLE['a'] = slugify('x')",
        "first = slugify('x')\ndef later():\n    return first",
        "if __name__ != '__main__':\n    setup()",
        "if __name__ == '__main__':\n    run()\nelse:\n    setup()",
        "for s in 'ab':\n    TABLE[s] = slugify(s)",
        "import sys\nassert sys.version_info > (3,)",
        "try:\n    import numpy\nexcept ImportError:\n    numpy = None",
        "sys.setrecursionlimit(5000)",
        "x = 1; print(slugify(x))",
        "'''A docstring.'''",
        "def print(x):\n    TABLE.append(x)\nprint(1)",
        "print(limit := 3)\ndef later():\n    return limit",
    ],
)
def test_what_something_else_needs_stays_byte_for_byte(needed):
    text = f"{DEFINED}{needed}\n"

    assert without_examples(text, ["slugify"]) == text


def test_a_target_that_only_a_main_block_binds_stays():
    text = "if __name__ == '__main__':\n    table = make()\n"

    assert without_examples(text, ["table"]) == text


def test_blank_lines_of_examples_at_the_end_go():
    assert without_examples(f"{DEFINED}\n\nprint(slugify('x'))\n", ["slugify"]) == DEFINED
    assert without_examples("def f(): pass\r\nf()\r\n", ["f"]) == "def f(): pass\r\n"


def test_strings_keep_tabs_separators_and_form_feeds():
    text = 'def f():\n    return """\t\u2028\x0c\x1c\u200b\n\n\n```"""\nf()\nX = "\u2029"\n'

    assert without_examples(text, ["f"]) == text.replace("f()\nX", "\nX")


PIECES = st.sampled_from(
    [
        "def f():\n    return '''\n\t\u2028```\n'''",
        "def g():\n    return result",
        "result = f()",
        "other = f()",
        "print(result)",
        "print(f()); x = 1",
        "f()",
        "for x in 'ab':\n    y = f()\n    print(y)",
        "y = x",
        "assert f() == 2",
        "if __name__ == '__main__':\n    z = f()",
        "w = z",
        "# a comment",
        "",
    ]
)


@given(st.lists(PIECES, max_size=10), st.sampled_from(["\n", "\r\n"]))
@settings(max_examples=300, deadline=None)
def test_leaving_out_twice_is_leaving_out_once_and_the_rest_is_untouched(pieces, line_end):
    text = "".join(piece + line_end for piece in pieces)
    left = without_examples(text, ["f"])
    before, after = ast.parse(text).body, ast.parse(left).body

    assert without_examples(left, ["f"]) == left
    kept = {(node.lineno, ast.dump(node)) for node in after}
    assert kept <= {(node.lineno, ast.dump(node)) for node in before}
