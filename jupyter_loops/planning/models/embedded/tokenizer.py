"""The tokenizer of an embedded model, asked through its server."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from http import HTTPStatus

from jupyter_loops.planning.models.openai_server import shared_client

from .server import Endpoint

_REMEMBERED = 2048  # texts; most parts of a prompt are those of the round before
_PATIENCE = 2.0  # seconds, after which a number of tokens stays an estimate


class ServerTokenizer:
    """Counts tokens exactly; a text that was counted before is not sent again."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._counted: dict[bytes, int] = {}  # by the SHA-256 of the text

    async def count(self, texts: Sequence[str]) -> list[int] | None:
        """Tokens of each text; None where the server does not answer in time."""
        import httpx

        try:
            async with asyncio.timeout(_PATIENCE):
                return list(await asyncio.gather(*map(self._count, texts)))
        except (TimeoutError, httpx.HTTPError, ValueError, KeyError):
            return None

    async def _count(self, text: str) -> int:
        key = hashlib.sha256(text.encode("utf-8", "replace")).digest()
        if key not in self._counted:
            self._counted[key] = await self._ask(text)
            while len(self._counted) > _REMEMBERED:
                del self._counted[next(iter(self._counted))]
        return self._counted[key]

    async def _ask(self, text: str) -> int:
        client = await shared_client(secure=False)
        address = f"{self._endpoint.base.removesuffix('/v1')}/tokenize"
        headers = {"Authorization": f"Bearer {self._endpoint.key}"}
        reply = await client.post(address, json={"content": text}, headers=headers)
        if reply.status_code != HTTPStatus.OK:
            raise ValueError(reply.text)
        return len(reply.json()["tokens"])
