"""Models behind an OpenAI-compatible server: embedded ones, and those of `--api-base`. LiteLLM is not imported.

Faults, streaming, usage, schemas and tools are those of `provider.py`; only the way on which a request leaves differs.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from jupyter_loops.core.message import Message
from jupyter_loops.core.tool import Calling, Offer
from jupyter_loops.planning.tokens import estimate

from . import prompted_tools
from .features import TOOLS
from .provider import ABOUT_TOOLS, PER_MESSAGE, LiteLLMModel
from .response_limits import bound_httpx

if TYPE_CHECKING:
    import httpx

_KEYS = {  # prefixes of names that LiteLLM has for such servers, and where their keys are
    "": "OPENAI_API_KEY",
    "openai": "OPENAI_API_KEY",
    "custom_openai": "OPENAI_API_KEY",
    "hosted_vllm": "HOSTED_VLLM_API_KEY",
    "lm_studio": "LM_STUDIO_API_KEY",
    "llamafile": "LLAMAFILE_API_KEY",
}
_LITELLM_ONLY = frozenset(
    {"api_base", "api_key", "timeout", "num_retries", "max_retries", "extra_body", "_skip_mcp_handler"}
)
_CONNECTIONS = 200  # at the same time
_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[bool, httpx.AsyncClient]] = WeakKeyDictionary()
_PRICES = "model_prices_and_context_window_backup.json"  # LiteLLM's own file


def speaks_openai(name: str) -> bool:
    """Whether a model of this name, on a server of the user's, is asked in OpenAI's form."""
    prefix, slash, _ = name.partition("/")
    return not slash or prefix in _KEYS or not _is_provider(prefix)


def _is_provider(prefix: str) -> bool:
    """Whether LiteLLM has a provider of that name; `org/model` is how servers themselves name models."""
    return any(entry.get("litellm_provider") == prefix for entry in _listed().values())


class OpenAIServerModel(LiteLLMModel):
    """A model of a server that answers `POST {api_base}/chat/completions`."""

    def count(self, messages: Sequence[Message], tools: Sequence[Offer] = ()) -> int:
        """Prompt tokens, rather too many than too few."""
        messages = prompted_tools.plain_messages(messages, tools)
        return sum(estimate(message.content) + PER_MESSAGE for message in messages) + (ABOUT_TOOLS if tools else 0)

    async def tokenized(self, texts: Sequence[str]) -> list[int] | None:  # noqa: ARG002  # not in OpenAI's protocol
        """None."""
        return None

    def calling(self) -> Calling:
        """As was said, or by the server's own tool calls until it refuses them."""
        return self._calling or (Calling.PROMPTED if TOOLS in self._refused else Calling.NATIVE)

    def _resolve(self) -> None:
        prefix, slash, model = self._model.partition("/")
        if slash and prefix in _KEYS:
            self._model = model
        else:
            prefix = ""
        self._key = self._key or os.environ.get(_KEYS[prefix])
        self._provider = prefix or "openai"
        if self._price is None:
            self._entry()  # the map is read here, and not on the engine's thread

    def _entry(self) -> dict[str, Any]:
        entry = _listed().get(self._model, {}) if self._provider == "openai" else {}
        return entry if entry.get("litellm_provider") == "openai" else {}

    def _takes_schema(self) -> bool:
        return True

    async def _send(self, request: dict[str, Any]) -> Any:
        import httpx

        client = await shared_client(secure=str(self._base).startswith("https:"))
        body = {key: value for key, value in request.items() if key not in _LITELLM_ONLY}
        body |= request.get("extra_body", {})
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        sending = client.build_request(
            "POST", f"{str(self._base).rstrip('/')}/chat/completions", json=body, headers=headers
        )
        try:
            response = await client.send(sending, stream=True)
        except httpx.TransportError as error:
            raise _broken(error) from error
        if response.status_code >= HTTPStatus.BAD_REQUEST:
            raise RefusedError(response.status_code, await response.aread(), response.headers)
        kind = response.headers.get("content-type", "")
        if body.get("stream") and not kind.startswith("application/json"):
            return EventStream(response)
        try:
            reply = _Node(json.loads(await response.aread()))
        finally:
            await response.aclose()
        if reply.error:
            raise RefusedError(HTTPStatus.OK, json.dumps(reply.error).encode(), response.headers)
        return UnstreamedReply(reply) if body.get("stream") else reply


def _broken(error: httpx.TransportError) -> ConnectionError:
    """A fault of the connection, in the words that all clients have for it."""
    import httpx

    how = "connection error" if isinstance(error, httpx.ConnectError) else "server disconnected"
    return ConnectionError(f"{how}: {error or type(error).__name__}")


class RefusedError(Exception):
    """The server's answer was an error."""

    def __init__(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.message = body.decode(errors="replace")
        super().__init__(self.message)
        self.status_code, self.litellm_response_headers = status, dict(headers)


class _Node(dict[str, Any]):
    """A JSON object whose missing members are None."""

    def __getattr__(self, name: str) -> Any:
        return _node(self.get(name))

    def model_dump(self) -> dict[str, Any]:
        """Itself."""
        return self


def _node(value: Any) -> Any:
    if isinstance(value, dict):
        return _Node(value)
    return [_node(item) for item in value] if isinstance(value, list) else value


class EventStream:
    """The pieces of an answer as they arrive, each one a server-sent event."""

    def __init__(self, response: httpx.Response) -> None:
        self._response = response
        self.chunks: list[_Node] = []
        self.received_finish_reason: str | None = None

    async def __aiter__(self) -> AsyncIterator[_Node]:
        import httpx

        try:
            async for line in self._response.aiter_lines():
                payload = line.removeprefix("data:").strip() if line.startswith("data:") else ""
                if payload == "[DONE]":
                    self.received_finish_reason = self.received_finish_reason or "stop"
                    return
                if payload:
                    yield self._take(json.loads(payload))
        except httpx.TransportError as error:
            raise _broken(error) from error

    def _take(self, value: Any) -> _Node:
        chunk = _Node(value if isinstance(value, dict) else {})
        if chunk.error:
            raise RefusedError(HTTPStatus.OK, json.dumps(chunk.error).encode(), self._response.headers)
        if not self.chunks or chunk.usage:  # the first names the model, the last has the usage
            self.chunks.append(chunk)
        reason = chunk.choices[0].finish_reason if chunk.choices else None
        self.received_finish_reason = reason or self.received_finish_reason
        return chunk

    async def aclose(self) -> None:
        """Close the connection, so that the server stops."""
        await self._response.aclose()


class UnstreamedReply:
    """An answer in one piece, from a server that was asked for a stream and does not stream."""

    def __init__(self, reply: _Node) -> None:
        choice = reply.choices[0] if reply.choices else _Node()
        self._piece = _Node({**reply, "choices": [{**choice, "delta": choice.get("message") or {}}]})
        self.chunks, self.received_finish_reason = [self._piece], choice.finish_reason or "stop"

    async def __aiter__(self) -> AsyncIterator[_Node]:
        yield self._piece

    async def aclose(self) -> None:
        """It is over already."""


async def shared_client(*, secure: bool) -> httpx.AsyncClient:
    """One client of the running loop for all models; without TLS no certificates are read."""
    clients = _clients.setdefault(asyncio.get_running_loop(), {})
    if secure not in clients:
        clients[secure] = await asyncio.to_thread(_make_client, secure)
    return clients[secure]


def _make_client(secure: bool) -> httpx.AsyncClient:
    import httpx

    bound_httpx()
    limits = httpx.Limits(max_connections=_CONNECTIONS, max_keepalive_connections=_CONNECTIONS)
    return httpx.AsyncClient(verify=secure, timeout=None, limits=limits)  # noqa: S113 - `complete` bounds a call


@cache
def _listed() -> dict[str, dict[str, Any]]:
    """LiteLLM's map of models, read without importing it."""
    spec = importlib.util.find_spec("litellm")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder) / _PRICES
        if path.is_file():
            listed: dict[str, dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
            return listed
    return {}
