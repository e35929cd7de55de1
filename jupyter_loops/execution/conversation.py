"""Sends an order to a child and handles its messages until the order is done."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from jupyter_loops.core.candidate import Exit

from . import border, received_figures
from .channel import Channel, GarbageError

Hear = Callable[[dict[str, Any], list[bytes]], None]
Reply = Callable[[dict[str, Any]], Awaitable[None]]
OVER = frozenset({Exit.DIED, Exit.GARBAGE, Exit.OUTPUT})  # the candidate's process has ended
_EXAMINER_EXITS = OVER | {Exit.OK, Exit.RAISED, Exit.INVALID, Exit.MEMORY}  # an examiner may report these


Sent = tuple[dict[str, Any], Sequence[int], bytes]  # an order, its descriptors, its blob


async def converse(channel: Channel, order: Sent, last: str, hear: Hear | None, reply: Reply | None) -> dict[str, Any]:
    """Send the order, and receive until the message `last`. Raises GarbageError, HungUpError, OversizedError."""
    await channel.send(*order)
    while True:
        message, blobs = await channel.receive()
        if order[0].get("token") != message.get("token"):
            raise GarbageError("a message without the token")
        kind = border.field(message, "said", str)
        if kind == "ask" and reply is not None:
            await reply(message)
            continue
        if hear is not None and message.get("exit", "ok") == "ok" and (kind != "examined"):
            hear(message, blobs)
        if kind == last:
            return _checked(message, blobs)


def _checked(reply: dict[str, Any], blobs: list[bytes]) -> dict[str, Any]:
    if border.field(reply, "exit", str) not in _EXAMINER_EXITS:
        raise GarbageError("exit")
    used = border.field(reply, "usage", dict)
    border.fault(reply.get("fault"))
    usage = {name: border.number(used, name) for name in ("cpu_seconds", "peak_bytes")}
    drawn = () if reply["said"] in {"delivered", "called"} else received_figures.read(reply, blobs)
    return reply | {"usage": usage, "figures": drawn}
