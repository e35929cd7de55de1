"""An answer of several blocks is read as a person would put it together."""

from __future__ import annotations

import pytest

from jupyter_loops.planning.answer.read_python import read_code

RIGHT = "def f(n):\n    return 'a'\n"
STACK = """class Stack:
    def __init__(self):
        self.items = []
    def push(self, item):
        self.items.append(item)
    def pop(self):
        return self.items.pop()
"""


def read(*blocks, names=("f",)):
    """What the code that was read binds."""
    answer = "\n\nthen\n\n".join(f"```python\n{block.rstrip()}\n```" for block in blocks)
    known = {"__name__": "module"}
    exec(read_code(answer, names), known)
    return known


@pytest.mark.parametrize(
    "later",
    [
        "from solution import f\n\nprint(f(1))",
        "import pytest\nfrom solution import f\n\ndef test_f():\n    assert f(1) == 'a'",
        'def f(n: int) -> str:\n    """x"""\n    ...',
        'def f(n: int) -> str:\n    """x"""',
        "def f(n):\n    pass",
        "f(1)",
    ],
)
def test_what_only_shows_a_target_replaces_nothing(later):
    assert read(RIGHT, later)["f"](1) == "a"


def test_a_later_whole_definition_corrects_the_earlier():
    assert read("def f(n):\n    return 'b'", RIGHT)["f"](1) == "a"


def test_a_later_definition_from_what_was_is_joined():
    assert read(RIGHT, "_old = f\ndef f(n):\n    return _old(n) * n")["f"](3) == "aaa"


@pytest.mark.parametrize(
    "later",
    [
        "class Stack:\n    # ... existing code ...\n    def pop(self):\n        return self.items.pop()",
        "s = Stack()\ns.push(1)\nprint(s.pop())",
        "class Stack(Stack):\n    def pop(self):\n        return self.items.pop()",
        "def _pop(self):\n    return self.items.pop()\nStack.pop = _pop",
    ],
)
def test_a_class_stays_whole(later):
    stack = read(STACK, later, names=("Stack",))["Stack"]()
    stack.push(7)

    assert stack.pop() == 7


def test_a_class_in_two_parts_is_one():
    begun = STACK.partition("    def pop")[0]
    stack = read(begun, "class Stack(Stack):\n    def pop(self):\n        return self.items.pop()", names=("Stack",))
    one = stack["Stack"]()
    one.push(7)

    assert one.pop() == 7


@pytest.mark.parametrize("later", ["TABLE[1] = 'a'", "TABLE.update({1: 'a'})", "TABLE |= {1: 'a'}"])
def test_a_block_that_fills_a_table_belongs_to_it(later):
    assert read("TABLE = {}\ndef f(n):\n    return TABLE[n]", later)["f"](1) == "a"


def test_a_block_that_registers_belongs_to_the_registry():
    first = "TABLE = {}\ndef reg(n):\n    return lambda g: TABLE.setdefault(n, g)\ndef f(n):\n    return TABLE[n]()"

    assert read(first, "@reg(1)\ndef one():\n    return 'a'")["f"](1) == "a"


def test_files_of_one_program_are_joined():
    assert (
        read("# helpers.py\ndef g():\n    return 'a'", "# main.py\nfrom helpers import g\ndef f(n):\n    return g()")[
            "f"
        ](1)
        == "a"
    )


@pytest.mark.parametrize(
    "block",
    [
        "%matplotlib inline\n!pip install numpy\ndef f(n):\n    return 'a'",
        "def f(n):\n\u00a0\u00a0\u00a0\u00a0return 'a'",
        "%%time\ndef f(n):\n    return 'a'",
    ],
)
def test_what_a_notebook_takes_is_python(block):
    assert read(block)["f"](1) == "a"


def test_a_string_keeps_what_looks_like_a_magic():
    text = 'def f(n):\n    return """\n%d\n!x\n\u00a0"""\n'

    assert read(text)["f"](1) == "\n%d\n!x\n\u00a0"
