"""The embedded model `local`: no account, no network, no cost. It is small, and does not pretend otherwise."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from jupyter_loops.core.budget import Price
from jupyter_loops.core.message import Completion, Message, Prompt, Sampling
from jupyter_loops.core.tool import Calling, Offer
from jupyter_loops.planning.tokens import estimate

from . import server, spoken
from .client import load, preload
from .fetch import path
from .provider import LiteLLMModel

_FREE = Price(prompt=0.0, completion=0.0, source="local")
LONGEST = 512  # tokens of an answer: where it goes on for longer, it repeats itself
_PER_MESSAGE = 6  # <|im_start|>, the role, line ends, <|im_end|>


class EmbeddedModel:
    """SmolLM2-135M behind a llama.cpp server in this process, which all runs share."""

    name = "local"
    endpoint = "this process"

    def __init__(self, *, file: Path | None = None, price: Price | None = None) -> None:
        self._file = file
        self._price = price or _FREE
        self._remote: LiteLLMModel | None = None

    async def open(self) -> None:
        """Start the server while LiteLLM is being imported. Raises ModelError where it cannot run."""
        await self._open()

    async def complete(
        self, prompt: Prompt, sampling: Sampling, on_text: Callable[[str], None] | None = None
    ) -> Completion:
        """Answer once, through the same HTTP path as any other model."""
        sampling = replace(sampling, max_tokens=min(sampling.max_tokens, LONGEST))
        return await (await self._open()).complete(prompt, sampling, on_text)

    def count(self, messages: Sequence[Message], tools: Sequence[Offer] = ()) -> int:  # noqa: ARG002  # it takes none
        """Prompt tokens, rather too many than too few."""
        messages = spoken.told(messages, ())
        return sum(estimate(message.content) + _PER_MESSAGE for message in messages)

    def price(self) -> Price | None:
        """Nothing, unless a price was given to try budgets out."""
        return self._price

    def calling(self) -> Calling:
        """Not at all. Its template has no place for tools, and told of them in words it never calls one."""
        return Calling.NEVER

    def window(self) -> int | None:
        """Tokens of context for one call."""
        return server.WINDOW

    async def _open(self) -> LiteLLMModel:
        if self._remote is None:
            preload()
            endpoint = await asyncio.to_thread(server.start, self._file or path())
            await asyncio.to_thread(load)
            self._remote = LiteLLMModel(
                f"hosted_vllm/{server.NAME}",
                api_base=endpoint.base,
                api_key=endpoint.key,
                price=self._price,
                window=server.WINDOW,
                title=self.name,
                calling=Calling.NEVER,
                stop=["\n```\n"],  # a closed code block; what it says after that is explanation
            )
        return self._remote
