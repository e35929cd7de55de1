"""The words of the cell language, as real objects for linters and `.py` files.

A %%loop cell needs no import for them. Elsewhere `tool` marks a function, `seconds` times a call, and the others raise
an error that says where they belong.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from types import TracebackType
from typing import Any, NoReturn, ParamSpec, TypeVar

from jupyter_loops.errors import LoopError

WORDS = ("approve", "hidden", "judge", "maximize", "minimize", "seconds", "tool")

_Function = TypeVar("_Function", bound=Callable[..., Any])
_Arguments = ParamSpec("_Arguments")


def _outside(word: str) -> NoReturn:
    raise LoopError(f"`{word}` has a meaning only in a %%loop cell or in the source given to Loop.from_cell")


class _Hidden:
    """Checks in this block run on candidates that pass the visible ones, and are never shown to the model."""

    def __enter__(self) -> NoReturn:
        _outside("hidden")

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Never reached: entering raises."""

    def __repr__(self) -> str:
        return "hidden"


hidden = _Hidden()


def judge(value: object, rubric: str) -> float:  # noqa: ARG001  # linters read the signature
    """How well a model finds that `value` meets `rubric`, from 0 to 1."""
    _outside("judge")


def approve(value: object) -> bool:  # noqa: ARG001  # as above
    """Whether a person accepts `value`."""
    _outside("approve")


def pytest(*tests: str) -> bool:  # noqa: ARG001  # as above
    """Whether the tests (files, folders or node ids) pass with the candidate."""
    _outside("pytest")


def maximize(value: float) -> None:  # noqa: ARG001  # as above
    """A score to raise until a limit or a plateau ends the run."""
    _outside("maximize")


def minimize(value: float) -> None:  # noqa: ARG001  # as above
    """A score to lower until a limit or a plateau ends the run."""
    _outside("minimize")


def seconds(function: Callable[_Arguments, object], /, *args: _Arguments.args, **kwargs: _Arguments.kwargs) -> float:
    """The seconds that one call of `function` with these arguments takes, for an assert or a score.

    In a cell the call is timed where the candidate runs, so the time to send the arguments does not count.
    """
    began = perf_counter()
    function(*args, **kwargs)
    return perf_counter() - began


def prompt(function: _Function) -> _Function:
    """A function that makes the messages of each round, in the kernel: `@prompt` above a def in a cell.

    It takes a dict of the prompt's named parts (goal, checks, failures, …), each a text. It returns a text, or a list
    of `{"role": …, "content": …}`. Elsewhere it only marks the function.
    """
    return function


def tool(function: _Function) -> _Function:
    """A function that the model may call before it answers. It runs on a thread of the kernel, on live objects.

    Its arguments are validated against its type hints. Its docstring describes it to the model, and the model gets what
    it returns or raises. In a cell, put it above a def. Elsewhere it only marks the function, and `--tools NAME` or
    `Loop.run(tools=[…])` gives it to a loop.
    """
    function.__jupyter_loops_tool__ = True  # type: ignore[attr-defined]  # functions take attributes
    return function
