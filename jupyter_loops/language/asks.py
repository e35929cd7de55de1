"""What a check asks of a model, a person or a test file, read from its calls.

The rubric and the tests have to stand in the cell or in the notebook: what decides a verdict must not come out
of the sandbox, where a candidate could have changed it.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence

from jupyter_loops.core.recipe import Ask, Word
from jupyter_loops.errors import CellError

from .source import Source, one_line

_WORDS = frozenset(Word)
_USE = {
    Word.JUDGE: 'judge takes a value and a rubric: judge(answer, "Is it polite?")',
    Word.APPROVE: "approve takes one value: approve(answer)",
    Word.PYTEST: 'pytest takes test files or node ids as literal strings: pytest("tests/test_x.py")',
}


def asks(source: Source, check: ast.stmt, setup: Sequence[ast.stmt], *, hidden: bool) -> tuple[Ask, ...]:
    """The calls of a check that ask somebody else, in `ast.walk`'s order. Raises CellError."""
    line = source.line(check)
    calls = [node for node in ast.walk(check) if is_ask(node)]
    _only_called(check, calls, line)
    found = tuple(_ask(source, call, setup, line) for call in calls)
    if hidden and any(ask.word is Word.APPROVE for ask in found):
        raise CellError("a person's comment is meant for the model, so `approve` cannot be hidden", line)
    return found


def is_ask(node: ast.AST) -> bool:
    """Whether this is a call of one of the words; `pytest.raises(...)` is not."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _WORDS


def reads_module(node: ast.AST) -> bool:
    """Whether `pytest` is read as the module, too."""
    called = {id(call.func) for call in ast.walk(node) if isinstance(call, ast.Call)}
    names = (each for each in ast.walk(node) if isinstance(each, ast.Name) and each.id == Word.PYTEST)
    return any(id(name) not in called for name in names)


def _only_called(check: ast.stmt, calls: Sequence[ast.AST], line: int) -> None:
    called = {id(call.func) for call in calls if isinstance(call, ast.Call)}
    for node in ast.walk(check):
        if isinstance(node, ast.Name) and node.id in {Word.JUDGE, Word.APPROVE} and id(node) not in called:
            raise CellError(f"`{node.id}` has to be called where it stands: {_USE[Word(node.id)]}", line)


def _ask(source: Source, call: ast.AST, setup: Sequence[ast.stmt], line: int) -> Ask:
    assert isinstance(call, ast.Call)
    assert isinstance(call.func, ast.Name)
    word = Word(call.func.id)
    text = one_line(source.segment(call))
    if word is Word.PYTEST:
        return Ask(word=word, source=text, tests=_tests(call, line))
    value, *rest = _arguments(call, word, line)
    asked = one_line(source.segment(value))
    if word is Word.APPROVE:
        return Ask(word=word, source=text, value=asked)
    rubric, name = _rubric(rest[0], setup, line)
    return Ask(word=word, source=text, value=asked, rubric=rubric, rubric_name=name)


def _arguments(call: ast.Call, word: Word, line: int) -> list[ast.expr]:
    wanted = ("value", "rubric") if word is Word.JUDGE else ("value",)
    given = dict(zip(wanted, call.args, strict=False))
    given |= {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg is not None}
    starred = any(isinstance(argument, ast.Starred) for argument in call.args)
    if starred or tuple(sorted(given)) != tuple(sorted(wanted)) or len(call.args) + len(call.keywords) != len(wanted):
        raise CellError(_USE[word], line)
    return [given[name] for name in wanted]


def _tests(call: ast.Call, line: int) -> tuple[str, ...]:
    tests = tuple(each.value for each in call.args if isinstance(each, ast.Constant) and isinstance(each.value, str))
    if not tests or len(tests) != len(call.args) or call.keywords or not all(_is_path(test) for test in tests):
        raise CellError(_USE[Word.PYTEST], line)
    return tests


def _is_path(test: str) -> bool:
    return bool(test.strip()) and not test.startswith("-")


def _rubric(node: ast.expr, setup: Sequence[ast.stmt], line: int) -> tuple[str, str]:
    """The rubric's text, or the name of the notebook that holds it."""
    text = _text(node)
    if text is None and isinstance(node, ast.Name):
        given = [_given(statement, node.id) for statement in setup if _gives(statement, node.id)]
        if not given:
            return "", node.id
        text = _text(given[0]) if len(given) == 1 else None
    if text is None:
        raise CellError("the rubric of `judge` is a string, or the name of one that is not computed", line)
    return text, ""


def _text(node: ast.expr | None) -> str | None:
    found = node.value if isinstance(node, ast.Constant) else None
    return found if isinstance(found, str) and found.strip() else None


def _gives(statement: ast.stmt, name: str) -> bool:
    stored = (node for node in ast.walk(statement) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store))
    return any(node.id == name for node in stored)


def _given(statement: ast.stmt, name: str) -> ast.expr | None:
    """The value of a plain `NAME = …`."""
    if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
        return None
    target = statement.targets[0]
    return statement.value if isinstance(target, ast.Name) and target.id == name else None
