"""How much of a prompt is put on record: all of it, its hash, or nothing."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from enum import StrEnum

from jupyter_loops.core.events import CallStarted, ToolCallFinished


class PromptRetention(StrEnum):
    """Which part of a prompt the journal and the listeners get."""

    FULL = "full"
    HASH = "hash"  # SHA-256 of each message: proves what was asked to whoever has it
    OFF = "off"

    def of(self, event: CallStarted) -> CallStarted:
        """The event as it goes on record."""
        if self is PromptRetention.FULL:
            return event
        messages = [message | {"content": self.written(message["content"])} for message in event.messages]
        return replace(event, messages=messages)

    def result(self, event: ToolCallFinished) -> ToolCallFinished:
        """The event as it goes on record. Without a tool's result, a resumed run calls the tool again."""
        return event if self is PromptRetention.FULL else replace(event, result=self.written(event.result), kept=False)

    def written(self, text: str) -> str:
        """What stands for a message."""
        if self is PromptRetention.OFF:
            return ""
        return text if self is PromptRetention.FULL else f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
