"""Reads from the calls of a check what it asks of a model, a person or a test file.

The rubric and the tests have to be in the cell or in the notebook. They decide a verdict, so they must not come from
the sandbox, where a candidate could have changed them.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence

from jupyter_loops.core.recipe import Ask, Word
from jupyter_loops.errors import CellError

from .source import Source, single_line

_WORDS = frozenset(Word)
_USE = {
    Word.JUDGE: 'judge takes a value and a rubric: judge(answer, "Is it polite?")',
    Word.APPROVE: "approve takes one value: approve(answer)",
    Word.PYTEST: 'pytest takes test files or node ids as literal strings: pytest("tests/test_x.py")',
}


def asks(source: Source, check: ast.stmt, setup: Sequence[ast.stmt], *, hidden: bool) -> tuple[Ask, ...]:
    """The calls of a check that ask a model, a person or a test file, in the order of `ast.walk`. Raises CellError."""
    line = source.line(check)
    calls = [node for node in ast.walk(check) if is_ask(node)]
    _only_called(check, calls, line)
    requests = tuple(_ask(source, call, setup, line) for call in calls)
    if hidden and any(ask.word is Word.APPROVE for ask in requests):
        raise CellError("a person's comment is meant for the model, so `approve` cannot be hidden", line)
    return requests


def is_ask(node: ast.AST) -> bool:
    """Whether this is a call of one of the words. `pytest.raises(...)` is not."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _WORDS


def reads_module(node: ast.AST) -> bool:
    """Whether `pytest` is also read as the module."""
    called = {id(call.func) for call in ast.walk(node) if isinstance(call, ast.Call)}
    names = (name for name in ast.walk(node) if isinstance(name, ast.Name) and name.id == Word.PYTEST)
    return any(id(name) not in called for name in names)


def _only_called(check: ast.stmt, calls: Sequence[ast.AST], line: int) -> None:
    called = {id(call.func) for call in calls if isinstance(call, ast.Call)}
    for node in ast.walk(check):
        if isinstance(node, ast.Name) and node.id in {Word.JUDGE, Word.APPROVE} and id(node) not in called:
            raise CellError(f"`{node.id}` has to be called directly: {_USE[Word(node.id)]}", line)


def _ask(source: Source, call: ast.AST, setup: Sequence[ast.stmt], line: int) -> Ask:
    assert isinstance(call, ast.Call)
    assert isinstance(call.func, ast.Name)
    word = Word(call.func.id)
    text = single_line(source.segment(call))
    if word is Word.PYTEST:
        return Ask(word=word, source=text, tests=_tests(call, line))
    value, *remaining = _arguments(call, word, line)
    value_source = single_line(source.segment(value))
    if word is Word.APPROVE:
        return Ask(word=word, source=text, value=value_source)
    rubric, name = _rubric(remaining[0], setup, line)
    return Ask(word=word, source=text, value=value_source, rubric=rubric, rubric_name=name)


def _arguments(call: ast.Call, word: Word, line: int) -> list[ast.expr]:
    parameters = ("value", "rubric") if word is Word.JUDGE else ("value",)
    arguments = dict(zip(parameters, call.args, strict=False))
    arguments |= {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg is not None}
    starred = any(isinstance(argument, ast.Starred) for argument in call.args)
    count = len(call.args) + len(call.keywords)
    if starred or count != len(parameters) or set(arguments) != set(parameters):
        raise CellError(_USE[word], line)
    return [arguments[name] for name in parameters]


def _tests(call: ast.Call, line: int) -> tuple[str, ...]:
    constants = [argument.value for argument in call.args if isinstance(argument, ast.Constant)]
    tests = tuple(value for value in constants if isinstance(value, str))
    if not tests or len(tests) != len(call.args) or call.keywords or not all(_is_path(test) for test in tests):
        raise CellError(_USE[Word.PYTEST], line)
    return tests


def _is_path(test: str) -> bool:
    return bool(test.strip()) and not test.startswith("-")


def _rubric(node: ast.expr, setup: Sequence[ast.stmt], line: int) -> tuple[str, str]:
    """The rubric's text, or else the name in the notebook that holds it."""
    text = _text(node)
    if text is None and isinstance(node, ast.Name):
        values = [_assigned_value(statement, node.id) for statement in setup if _binds_name(statement, node.id)]
        if not values:
            return "", node.id
        text = _text(values[0]) if len(values) == 1 else None
    if text is None:
        raise CellError("the rubric of `judge` is a string, or the name of one that is not computed", line)
    return text, ""


def _text(node: ast.expr | None) -> str | None:
    content = node.value if isinstance(node, ast.Constant) else None
    return content if isinstance(content, str) and content.strip() else None


def _binds_name(statement: ast.stmt, name: str) -> bool:
    stored = (node for node in ast.walk(statement) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store))
    return any(node.id == name for node in stored)


def _assigned_value(statement: ast.stmt, name: str) -> ast.expr | None:
    """The value of a plain `NAME = …`."""
    if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
        return None
    target = statement.targets[0]
    return statement.value if isinstance(target, ast.Name) and target.id == name else None
