"""An order to a child, and what it says until it has done it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from jupyter_loops.core.candidate import Exit

from . import border, received_figures
from .channel import Channel, GarbageError

Hear = Callable[[dict[str, Any], list[bytes]], None]
Reply = Callable[[dict[str, Any]], Awaitable[None]]
OVER = frozenset({Exit.DIED, Exit.GARBAGE, Exit.OUTPUT})  # the candidate's process is no more
_SAID = OVER | {Exit.OK, Exit.RAISED, Exit.INVALID, Exit.MEMORY}  # what an examiner says


Sent = tuple[dict[str, Any], Sequence[int], bytes]  # an order, its descriptors, its blob


async def converse(channel: Channel, order: Sent, last: str, hear: Hear | None, reply: Reply | None) -> dict[str, Any]:
    """Send the order, and listen until `last` is said. Raises Garbage, HungUp, Oversized."""
    await channel.send(*order)
    while True:
        message, blobs = await channel.receive()
        if order[0].get("token") != message.get("token"):
            raise GarbageError("a message without the token")
        said = border.field(message, "said", str)
        if said == "ask" and reply is not None:
            await reply(message)
            continue
        if hear is not None and message.get("exit", "ok") == "ok" and (said != "examined"):
            hear(message, blobs)
        if said == last:
            return _checked(message, blobs)


def _checked(reply: dict[str, Any], blobs: list[bytes]) -> dict[str, Any]:
    if border.field(reply, "exit", str) not in _SAID:
        raise GarbageError("exit")
    used = border.field(reply, "usage", dict)
    border.fault(reply.get("fault"))
    usage = {name: border.number(used, name) for name in ("cpu_seconds", "peak_bytes")}
    drawn = () if reply["said"] in {"delivered", "called"} else received_figures.read(reply, blobs)
    return reply | {"usage": usage, "figures": drawn}
