"""The cell's `@prompt`: a function of the user's that makes a round's messages from its named parts, in the kernel."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from jupyter_loops.core.message import Message
from jupyter_loops.core.recipe import Recipe, ToolSpec
from jupyter_loops.errors import PromptError
from jupyter_loops.execution.child.value_text import describe

from .scope import define
from .tool_thread import ToolThread

PATIENCE = 10.0  # seconds
_ROLES = ("system", "user", "assistant")
_WANTED = 'a text, or a list of {"role": "system" or "user" or "assistant", "content": TEXT}'


class PromptFunction:
    """Calls the function on a thread of its own, and validates what it returns."""

    def __init__(self, spec: ToolSpec, function: Callable[..., Any], patience: float = PATIENCE) -> None:
        self.title = f"the @prompt function {spec.name}"
        self._spec, self._function, self._patience = spec, function, patience

    @classmethod
    def of(cls, recipe: Recipe, names: Mapping[str, object]) -> PromptFunction | None:
        """That of the cell, or None. Raises PreflightError."""
        spec = recipe.prompt
        return None if spec is None else cls(spec, define(recipe, names, (spec,))[spec.name])

    async def __call__(self, parts: Mapping[str, str]) -> list[Message]:
        """The messages for these parts, name → text. Raises PromptError with the line of the cell."""
        thread = ToolThread(lambda: self._function(dict(parts)), self._spec.name)
        try:
            returned, raised = await thread.outcome(self._patience)
        except TimeoutError:
            raise PromptError(f"{self.title} did not return within {self._patience:g} s{self._at()}") from None
        if raised is not None:
            there = f"; the parts of this round: {', '.join(parts)}" if isinstance(raised, KeyError) else ""
            raise PromptError(f"{self.title} raised {describe(raised, 200)}{self._at(raised)}{there}")
        messages = list(self._messages(returned))
        if not any(message.role == "user" and message.content.strip() for message in messages):
            raise PromptError(f"{self.title} returned no message of the user{self._at()}: it returns {_WANTED}")
        return messages

    def _messages(self, returned: object) -> Iterator[Message]:
        if isinstance(returned, str):
            yield Message("user", returned)
            return
        if not isinstance(returned, Sequence):
            raise PromptError(f"{self.title} returned {_short(returned)}{self._at()}: it returns {_WANTED}")
        for each in returned:
            role, content = (each.get("role"), each.get("content")) if isinstance(each, Mapping) else (None, None)
            if role not in _ROLES or not isinstance(content, str):
                raise PromptError(f"{self.title} returned a message {_short(each)}{self._at()}: it returns {_WANTED}")
            yield Message(role, content)

    def _at(self, raised: BaseException | None = None) -> str:
        """The line of the cell: the last of the function's own that was reached, or where it begins."""
        code = self._function.__code__
        frames = traceback.extract_tb(raised.__traceback__) if raised else []
        own = [frame for frame in frames if frame.filename == code.co_filename]
        if not own:
            return f" (line {self._spec.line})"
        line = self._spec.line + (own[-1].lineno or 0) - code.co_firstlineno
        return f" (line {line}: {(own[-1].line or '').strip()})"


def _short(value: object) -> str:
    return f"{value!r:.60}" if isinstance(value, str | int | float | Mapping | None) else f"a {type(value).__name__}"
