"""The errors for values that cannot cross.

Refusal
├── UnsendableError    the sender does not describe the value
│   └── NotPlainError  the value is not of plain types: describe it as a graph
└── UnreadableError    what arrived is no value that the receiver rebuilds
"""

from __future__ import annotations


class Refusal(Exception):
    """A value cannot cross the border."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class UnsendableError(Refusal):
    """The value cannot be sent, for a reason that whoever made it can act on."""


class NotPlainError(UnsendableError):
    """The value holds something other than exact builtin atoms and containers."""


class UnreadableError(Refusal):
    """What arrived is not an encoding that the receiver accepts."""
