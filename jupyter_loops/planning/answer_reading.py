"""Reads an answer: directly where that is quick, else in a separate process, so as not to block the run's thread.

A thread would block as well: Python's parser holds the GIL.
"""

from __future__ import annotations

import asyncio
import json
import pickle
import subprocess
import sys
from dataclasses import dataclass

from jupyter_loops.core.fence import fenced
from jupyter_loops.core.recipe import Target
from jupyter_loops.errors import EditError, ErrorClass, ReplyError

from .answer.answer_errors import check_length
from .answer.edits import edited
from .answer.fit import Schema
from .answer.patience import Impatient, patience
from .answer.read_json import read_data
from .answer.read_plain_text import read_text
from .answer.read_python import read_code
from .answer.written_calls import begins_call

_QUICK = 0.015  # seconds; one step that cannot be interrupted may add to it
_SHORT = {"code": 100_000, "data": 200_000, "text": 200_000}  # characters that such a step takes 40 ms for, at most
_LONG = 60.0  # seconds that an answer may be read for
_A_CALL = (
    "the answer is the call of a tool, which cannot be read or comes too late: call it in the form that was told, "
    "or give the answer itself"
)
_MAIN = "import sys; sys.path[:] = {path!r}; from jupyter_loops.planning.answer_reading import main; main()"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingOrder:
    """What to read from an answer."""

    form: str  # code, data, text
    targets: tuple[Target, ...]
    setup: str = ""
    schema: Schema | None = None
    cut: bool = False  # the answer was, at its length limit
    tools: tuple[str, ...] = ()  # whose calls are no answer
    attempts: tuple[str, ...] = ()  # that code may edit instead of being whole

    def read(self, answer: str) -> str:
        """The candidate's text. Raises ReplyError."""
        if self.tools and begins_call(answer, self.tools):
            raise ReplyError(_A_CALL, ErrorClass.MALFORMED)
        if self.form == "code":
            if self.attempts and (whole := edited(answer, self.attempts)) is not None:
                answer = fenced(whole.rstrip("\n"), "python")
            return read_code(answer, [target.name for target in self.targets], setup=self.setup, cut=self.cut)
        if self.form == "text":
            return read_text(answer, self.targets[0].name, cut=self.cut)
        return read_data(answer, self.targets, schema=self.schema, cut=self.cut)


async def read(order: ReadingOrder, answer: str) -> str:
    """The candidate's text; see the module about time. Raises ReplyError."""
    check_length(answer)
    if len(answer) <= _SHORT[order.form]:
        try:
            with patience(_QUICK):
                return order.read(answer)
        except Impatient:
            pass
    return await _read_in_process(order, answer)


async def _read_in_process(order: ReadingOrder, answer: str) -> str:
    process = subprocess.Popen(  # noqa: S603, ASYNC220 - our own words; it is waited for on a thread
        [sys.executable, "-I", "-c", _MAIN.format(path=sys.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    )
    try:
        stdout, _ = await asyncio.to_thread(process.communicate, pickle.dumps((order, answer)), _LONG)
    except subprocess.TimeoutExpired:
        raise ReplyError(
            f"the answer could not be read within {_LONG:g} s: answer with less", ErrorClass.MALFORMED
        ) from None
    finally:
        process.kill()
    if process.returncode:
        raise ReplyError("reading the answer ended in a crash: answer with something simpler", ErrorClass.MALFORMED)
    text, message, kind, of_edits = json.loads(stdout)
    if message:
        raise (EditError if of_edits else ReplyError)(message, ErrorClass(kind))
    return str(text)


def main() -> None:
    """The entry point of the separate process."""
    order, answer = pickle.load(sys.stdin.buffer)  # noqa: S301 - of the kernel's own making
    try:
        result = order.read(answer), "", "", False
    except ReplyError as error:
        result = "", error.message, error.kind, isinstance(error, EditError)
    sys.stdout.write(json.dumps(result))
