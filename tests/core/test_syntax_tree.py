from __future__ import annotations

import ast
import gc
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from jupyter_loops.core.syntax_tree import parse_expression, parse_module

TEXT = "".join(
    f"def f{n}(xs):\n    return [x * {n} + 1 for x in xs if x and (1, (2, [3, {{4: 5}}]))]\n" for n in range(99)
)


def test_threads_parse_at_once_while_finalizers_switch_between_them():
    """`ast.parse` itself raises SystemError here, on CPython 3.11 and 3.12."""

    def switch(*_: object) -> None:
        time.sleep(0)

    gc.callbacks.append(switch)
    try:
        with ThreadPoolExecutor(4) as threads:
            trees = list(threads.map(parse_module, [TEXT] * 80))
    finally:
        gc.callbacks.remove(switch)

    assert {len(tree.body) for tree in trees} == {99}


def test_what_is_no_python_raises_as_ever():
    assert ast.dump(parse_expression("1 + x")) == ast.dump(ast.parse("1 + x", mode="eval"))
    for parse in (parse_module, parse_expression):
        with pytest.raises(SyntaxError):
            parse("1 +")
