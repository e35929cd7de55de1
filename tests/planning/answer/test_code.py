from __future__ import annotations

import ast

import pytest

from jupyter_loops.errors import ErrorClass, ReplyError
from jupyter_loops.planning.answer.read_python import read_code

DOUBLE = "def double(n):\n    return 2 * n\n"


@pytest.mark.parametrize(
    "answer",
    [
        f"```python\n{DOUBLE}```",
        f"```py\n{DOUBLE}```",
        f"```\n{DOUBLE}```",
        f"~~~python\n{DOUBLE}~~~",
        f"Sure! Here it is:\n\n```python\n{DOUBLE}```\n\nIt doubles its argument.",
        f"```python\n{DOUBLE}",
        DOUBLE,
        f"Here is the code:\n{DOUBLE}\nThis function doubles its argument.",
        "   ```python\n   def double(n):\n       return 2 * n\n   ```",
        "```python\n>>> def double(n):\n...     return 2 * n\n```",
        f"<think>```python\ndef double(n): return 0\n```</think>\n```python\n{DOUBLE}```",
        f"```python\n{DOUBLE}print(double(2))  # 4\nassert double(1) == 2\n```",
        f"```python\n{DOUBLE}\nresult = double(3)\nprint(result)\n```",
        f'```python\n{DOUBLE}\nif __name__ == "__main__":\n    print(double(int(input())))\n```',
        f"```python\n{DOUBLE}\nfor n in range(3):\n    print(double(n))\n```",
        f"```bash\npip install it\n```\n```python\n{DOUBLE}```\nUse it:\n```python\nprint(double(4))\n```",
        f"First try:\n```python\ndef double(n):\n    return n\n```\nBetter:\n```python\n{DOUBLE}```",
    ],
)
def test_the_definition_is_found_however_it_is_wrapped(answer):
    assert read_code(answer, ["double"]).strip() == DOUBLE.strip()


def test_what_the_definition_needs_stays():
    source = (
        "import sys\nfrom math import *\n\nsys.setrecursionlimit(5000)\nTABLE = {1: 2}\n\n\n"
        "class Box:\n    pass\n\n\ndef helper(n):\n    return TABLE.get(n)\n\n\n"
        "# doubles\ndef double(n):\n    return helper(n)\n"
    )
    assert read_code(f"```python\n{source}```", ["double"]) == source


def test_import_lines_of_other_blocks_are_kept():
    code = read_code(
        "```python\nimport math\n```\nand\n```python\ndef double(n):\n    return math.floor(2 * n)\n```", ["double"]
    )

    assert code.startswith("import math\n")
    assert "def double" in code


def test_two_targets_in_two_blocks_are_merged():
    code = read_code(
        "```python\ndef one():\n    return 1\n```\n```python\ndef two():\n    return one() + 1\n```", ["one", "two"]
    )
    space: dict[str, object] = {}
    exec(code, space)

    assert space["two"]() == 2


def test_a_trial_of_one_target_that_another_target_needs_stays():
    code = read_code("```python\ndef one():\n    return 1\ntable = one()\n```", ["one", "table"])

    assert "table = one()" in code


STACK = "class Stack(list):\n    def push(self, item):\n        self.append(item)\n"


def test_examples_with_an_object_of_a_class_are_left_out():
    example = "s = Stack()\ns.push(1)\nother = Stack(s)\nfor n in range(3):\n    s.push(n)\nprint(s.pop())\n"

    assert read_code(f"```python\n{STACK}\n{example}```", ["Stack"]) == STACK


def test_an_object_that_something_lasting_uses_stays_as_it_is():
    lasting = (
        "base = Stack()\nbase.push(1)\nshared = Stack(base)\nshared.push(2)\n\n\ndef top():\n    return shared[-1]\n"
    )
    code = f"{STACK}\n\n{lasting}"

    assert read_code(f"```python\n{code}```", ["Stack", "top"]) == code


def test_code_that_does_not_parse_is_left_for_the_verification_to_refuse():
    broken = "def double(n):\n    return 2 *"
    assert read_code(f"```python\n{broken}\n```", ["double"]) == f"{broken}\n"


def test_a_wrong_name_is_left_for_the_verification_to_refuse():
    assert "def twice" in read_code("```python\ndef twice(n):\n    return 2 * n\n```", ["double"])


@pytest.mark.parametrize(
    "answer", ["", "It is easy.", "```bash\nrm -rf /\n```", "<think>def double(n): return 2", "\x00"]
)
def test_an_answer_without_code_is_told_what_is_wanted(answer):
    with pytest.raises(ReplyError, match="defines double") as caught:
        read_code(answer, ["double"])

    assert caught.value.kind is ErrorClass.MALFORMED


def test_a_statement_that_shares_its_line_with_an_example_is_kept_whole():
    code = read_code("```python\ndef double(n): return 2 * n\nx = 1; print(double(x))\n```", ["double"])

    assert {node.name for node in ast.parse(code).body if isinstance(node, ast.FunctionDef)} == {"double"}
