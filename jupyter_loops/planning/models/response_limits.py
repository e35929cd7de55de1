"""Bounds on what arrives over HTTP: size, inflated size, lines, headers, and who sends it."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import zlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from jupyter_loops.errors import ErrorClass

from .rate_headers import rate_pause
from .response_filter import ResponseFilter, current

if TYPE_CHECKING:
    import httpx

_PIECE = 4096  # bytes that LiteLLM gets at a time; other runs have their turn in between
_INFLATED = 65_536  # bytes at a time
_HEADERS = 65_536  # bytes
_REFUSAL = 4096  # bytes that are read of one
_BASE, _MOST = 1 << 20, 4 << 20  # bytes of an answer in one piece or of a line: for a short answer, and at most
_PER_TOKEN = 64  # bytes of it for each token of the answer
_INFORMATIONAL = frozenset({100, *range(102, 200)})  # status codes; 101 ends the protocol
_GRACE = 2.0  # seconds for the usage and the end of a stream, once the answer is finished
_STREAM, _PER_EVENT = 4 << 20, 2048  # bytes of a stream, and for each token


def install() -> None:
    """Put the bounds around each way on which LiteLLM sends; calls that are not ours pass as before."""
    from litellm.llms.custom_httpx import aiohttp_transport

    bound_httpx()
    transport = getattr(aiohttp_transport, "LiteLLMAiohttpTransport", None)
    if transport is not None:
        _bound(transport)
    with contextlib.suppress(ImportError):
        from aiohttp.client_proto import ResponseHandler

        _bound_informational(ResponseHandler, "read", lambda pair: getattr(pair[0], "code", None))


@functools.cache
def bound_httpx() -> None:
    """Put the bounds around httpx; once."""
    import httpx

    _bound(httpx.AsyncHTTPTransport)
    with contextlib.suppress(ImportError):  # a later httpcore may have moved it
        from httpcore._async.http11 import AsyncHTTP11Connection

        _bound_informational(AsyncHTTP11Connection, "_receive_event", lambda event: getattr(event, "status_code", None))


def _bound_informational(connection: Any, method: str, status_of: Callable[[Any], Any]) -> None:
    """Refuse a flood of informational responses (1xx), over which the clients pass without a pause."""
    receive = getattr(connection, method, None)
    if receive is None:
        return

    @functools.wraps(receive)
    async def counted(self: Any, *args: Any, **named: Any) -> Any:
        event = await receive(self, *args, **named)
        wire = current.get()
        if wire is not None and status_of(event) in _INFORMATIONAL:
            wire.informational()
        return event

    setattr(connection, method, counted)


def _bound(transport: Any) -> None:
    send = transport.handle_async_request

    @functools.wraps(send)
    async def bounded(self: Any, request: httpx.Request) -> httpx.Response:
        wire = current.get()
        if wire is None or "bounded" in request.extensions:
            response: httpx.Response = await send(self, request)
            return response
        request.extensions = {**request.extensions, "bounded": True}
        request.headers["accept-encoding"] = "identity"
        return _checked(wire, request, await send(self, request))

    transport.handle_async_request = bounded


def _checked(wire: ResponseFilter, request: httpx.Request, response: httpx.Response) -> httpx.Response:
    import httpx

    wire.pause = rate_pause({name.lower(): value for name, value in response.headers.items()})
    if sum(len(name) + len(value) for name, value in response.headers.raw) > _HEADERS:
        raise wire.refuse("sent too many headers")
    if "location" in response.headers and response.status_code in range(300, 400):
        target = request.url.join(response.headers["location"])
        if (target.scheme, target.host, target.port) != (request.url.scheme, request.url.host, request.url.port):
            where = f"{target.scheme}://{target.host}"
            raise wire.refuse(f"sends on to {where}, which is not followed", ErrorClass.BAD_REQUEST, taken_up=False)
    headers = [
        (name, value)
        for name, value in response.headers.raw
        if name.lower() not in {b"content-encoding", b"content-length"}
    ]

    class Stream(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            async for piece in _pieces(wire, response):
                yield piece
                await asyncio.sleep(0)

        async def aclose(self) -> None:
            await response.aclose()

    return httpx.Response(response.status_code, headers=headers, stream=Stream(), extensions=response.extensions)


async def _pieces(wire: ResponseFilter, response: httpx.Response) -> AsyncGenerator[bytes]:
    arriving = _inflated(wire, response)
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if response.status_code >= HTTPStatus.BAD_REQUEST:
        yield await _start(arriving)
    elif wire.streaming and kind in {"text/event-stream", "application/x-ndjson", "", "text/plain"}:
        async for lines in _lines(wire, arriving):
            yield lines
    else:
        body = bytearray()
        async for piece in arriving:
            body += piece
            if len(body) > min(_BASE + _PER_TOKEN * wire.tokens, _MOST):
                raise wire.too_large("an answer", len(body))
        yield wire.body(bytes(body))


async def _start(arriving: AsyncIterator[bytes]) -> bytes:
    """The beginning of a refusal, as far as it is read."""
    body = bytearray()
    async for piece in arriving:
        body += piece
        if len(body) >= _REFUSAL:
            break
    return bytes(body[:_REFUSAL])


async def _lines(wire: ResponseFilter, arriving: AsyncIterator[bytes]) -> AsyncGenerator[bytes]:
    """Whole lines, a few at a time."""
    partial, ready, total = bytearray(), bytearray(), 0
    async for piece in _until_finished(wire, arriving):
        total += len(piece)
        if total > _STREAM + _PER_EVENT * wire.tokens:
            raise wire.too_large("a stream", total)
        *lines, tail = piece.split(b"\n")
        for line in lines:
            ready += wire.line(bytes(partial) + line + b"\n")
            partial.clear()
            if len(ready) >= _PIECE:
                yield bytes(ready)
                ready.clear()
        partial += tail
        if len(partial) > min(_BASE + _PER_TOKEN * wire.tokens, _MOST):
            raise wire.too_large("a line", len(partial))
        if ready:
            yield bytes(ready)
            ready.clear()
    if partial:
        yield wire.line(bytes(partial))


async def _until_finished(wire: ResponseFilter, arriving: AsyncIterator[bytes]) -> AsyncGenerator[bytes]:
    """The pieces. Once the answer is finished, a server that keeps the line open is not waited for."""
    pieces = aiter(arriving)
    while True:
        try:
            async with asyncio.timeout(_GRACE if wire.finished else None):
                piece = await anext(pieces)
        except (StopAsyncIteration, TimeoutError) as end:
            if isinstance(end, TimeoutError) and not wire.finished:
                raise
            return
        yield piece


async def _inflated(wire: ResponseFilter, response: httpx.Response) -> AsyncGenerator[bytes]:
    """The bytes as they are meant; nobody was asked to compress them, and some do."""
    how = response.headers.get("content-encoding", "identity").strip().lower()
    stream: Any = response.stream
    if how in {"identity", ""}:
        async for piece in stream:
            yield piece
        return
    if how not in {"gzip", "x-gzip", "deflate"}:
        raise wire.unreadable(f"sent an answer that is compressed by {how[:40]}")
    inflate = zlib.decompressobj(zlib.MAX_WBITS | 32)
    async for piece in stream:
        try:
            for part in _inflate(inflate, piece):
                yield part
        except zlib.error:
            raise wire.unreadable("sent an answer that is compressed, and cannot be inflated") from None


def _inflate(inflate: Any, piece: bytes) -> Iterator[bytes]:
    while piece and not inflate.eof:
        yield inflate.decompress(piece, _INFLATED)
        piece = inflate.unconsumed_tail
