"""An answer that is heard piece by piece."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .tool_call_assembler import ToolCallAssembler


class StalledStreamError(Exception):
    """The answer stopped coming."""


@dataclass(slots=True)
class StreamAccumulator:
    """What has arrived of an answer."""

    on_text: Callable[[str], None]
    room: int  # characters
    pieces: list[str] = field(default_factory=list)
    thoughts: list[str] = field(default_factory=list)  # that come apart from the answer
    calls: ToolCallAssembler = field(default_factory=ToolCallAssembler)  # of tools
    first: float | None = None  # when it began, or its thoughts did
    full: bool = False

    async def listen(self, stream: Any, idle: float) -> None:
        """Take the pieces as they come, until the last or as many as there is room for.

        Raises StalledStreamError where the answer, once begun, stands still for `idle` seconds.
        """
        try:
            async with asyncio.timeout(None) as standstill:
                async for chunk in stream:
                    self.take(chunk)
                    if self.full:
                        return
                    if self.first is not None:  # a model may think for long before it begins
                        standstill.reschedule(asyncio.get_running_loop().time() + idle)
        except TimeoutError as error:
            if standstill.expired():
                raise StalledStreamError from error
            raise

    def take(self, chunk: Any) -> None:
        """Append one piece, and pass it on."""
        delta = chunk.choices[0].delta if chunk.choices else None
        tool_calls = getattr(delta, "tool_calls", None) or ()
        thought = thoughts_of(delta)
        if self.first is None and delta and (delta.content or tool_calls or thought):
            self.first = time.perf_counter()
        if thought:
            self.thoughts.append(thought[: self.room])
        for piece in tool_calls:
            self._call(piece)
        if delta and delta.content:
            piece = delta.content[: self.room]
            self.room -= len(piece)
            self.full = len(piece) < len(delta.content)
            self.pieces.append(piece)
            self.on_text(piece)

    def _call(self, piece: Any) -> None:
        """A piece of a call; its arguments come bit by bit, and take up room as words do."""
        function = piece.function
        texts = [str(text or "") for text in (piece.id, function and function.name, function and function.arguments)]
        fitted = [self._fitting(text) for text in texts]
        self.calls.take(getattr(piece, "index", None) or 0, *fitted)
        self.on_text(texts[2] or texts[1])

    def _fitting(self, text: str) -> str:
        fitted = text[: self.room]
        self.room -= len(fitted)
        self.full = self.full or len(fitted) < len(text)
        return fitted


def thoughts_of(message: Any) -> str:
    """The thoughts that a reasoning model sends beside its answer, under either of their two names."""
    thoughts = getattr(message, "reasoning_content", None) or getattr(message, "reasoning", None)
    return thoughts if isinstance(thoughts, str) else ""


def answered(text: str, thoughts: str, *, calls: bool) -> str:
    """The answer; where there is none, the thoughts in tags, so that nothing that was paid for is lost."""
    return text if text or calls or not thoughts else f"<think>{thoughts}</think>"
