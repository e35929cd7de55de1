"""Output that a check captures during a call: `redirect_stdout`, `catch_warnings`, `pytest.warns`, `capsys`.

The candidate prints and warns in its own process. Where the check captures, the answer carries both.
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
        self._filters = warnings.filters  # a copy replaces it while warnings are caught

    def flags(self) -> int:
        """What the check captures now."""
        printed = sys.stdout is not self._streams[0] or sys.stderr is not self._streams[1]
        return PRINTS * printed | WARNS * (warnings.filters is not self._filters)

    def replay(self, extra: dict[str, Any], decode_error: Callable[[Any], BaseException]) -> None:
        """Print and warn here. The candidate sends only text, and the class of a warning."""
        for name, usual, text in zip(_STREAMS, self._streams, items(extra, "printed"), strict=False):
            if type(text) is str and text and getattr(sys, name) is not usual:
                getattr(sys, name).write(text)
        for graph in items(extra, "warned"):
            warning = decode_error(graph)
            if isinstance(warning, Warning) and warnings.filters is not self._filters:
                warnings.warn(warning, stacklevel=2)


@contextmanager
def overheard(flags: int, captured: dict[str, Any], encode_error: Callable[[BaseException], Any]) -> Iterator[None]:
    """The candidate's side: put what is printed and warned into `captured`, as the flags ask."""
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
    """The sequence that a candidate sends under this name; empty for anything else."""
    content = extra.get(name)
    return content if type(content) in {list, tuple} else ()  # type: ignore[return-value] # just seen


def _instance(caught: warnings.WarningMessage) -> BaseException:
    return caught.message if isinstance(caught.message, Warning) else UserWarning(caught.message)
