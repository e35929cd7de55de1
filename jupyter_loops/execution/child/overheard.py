"""What a check listens to while it calls: `redirect_stdout`, `catch_warnings`, `pytest.warns`, `capsys`.

The candidate prints and warns in a process of its own; where the check listens, both are brought back with the answer.
"""

from __future__ import annotations

import io
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from typing import Any

PRINTS, WARNS = 8, 16  # flags of a call
_STREAMS = ("stdout", "stderr")


class Listening:
    """The examiner's side."""

    def __init__(self) -> None:
        self._streams = [getattr(sys, name) for name in _STREAMS]
        self._filters = warnings.filters  # a copy takes its place while somebody catches warnings

    def flags(self) -> int:
        """What is listened to now."""
        printed = sys.stdout is not self._streams[0] or sys.stderr is not self._streams[1]
        return PRINTS * printed | WARNS * (warnings.filters is not self._filters)

    def hear(self, extra: dict[str, Any], decode_error: Callable[[Any], BaseException]) -> None:
        """Print and warn here. What is said is only text, and the kind of a warning."""
        for name, usual, text in zip(_STREAMS, self._streams, items(extra, "printed"), strict=False):
            if type(text) is str and text and getattr(sys, name) is not usual:
                getattr(sys, name).write(text)
        for graph in items(extra, "warned"):
            warning = decode_error(graph)
            if isinstance(warning, Warning) and warnings.filters is not self._filters:
                warnings.warn(warning, stacklevel=2)


@contextmanager
def overheard(flags: int, captured: dict[str, Any], encode_error: Callable[[BaseException], Any]) -> Iterator[None]:
    """The candidate's side: put into `heard` what is printed and warned meanwhile, as far as it is asked for."""
    with ExitStack() as stack:
        if flags & PRINTS:
            streams = [stack.enter_context(redirect(io.StringIO())) for redirect in (redirect_stdout, redirect_stderr)]
            stack.callback(lambda: captured.update(printed=tuple(stream.getvalue() for stream in streams)))
        if flags & WARNS:
            caught = stack.enter_context(warnings.catch_warnings(record=True))
            warnings.simplefilter("always")
            stack.callback(
                lambda: captured.update(warned=[encode_error(_instance(warning)) for warning in caught or ()])
            )
        yield


def items(extra: dict[str, Any], name: str) -> Sequence[Any]:
    """What a candidate says in this place; nothing where that is no sequence."""
    content = extra.get(name)
    return content if type(content) in {list, tuple} else ()  # type: ignore[return-value] # just seen


def _instance(caught: warnings.WarningMessage) -> BaseException:
    return caught.message if isinstance(caught.message, Warning) else UserWarning(caught.message)
