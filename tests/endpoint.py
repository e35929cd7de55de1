"""A real OpenAI-compatible endpoint on loopback, whose manners a test chooses, request by request."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import threading
import time
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from jupyter_loops.planning.models.provider import LiteLLMModel

KEY = "sk-test-0123456789abcdef"


@dataclass
class Manners:
    """How the endpoint answers, and what it was asked."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: str | bytes | None = None  # instead of an answer
    events: Sequence[dict[str, object] | bytes] | None = None  # of a stream, instead of words; bytes as they are
    words: tuple[str, ...] = ("Hello", " there", ".")
    thoughts: str = ""  # sent as reasoning, apart from the words
    calls: tuple[tuple[str, str], ...] = ()  # of tools, instead of words: name, arguments
    usage: dict[str, object] | None = field(
        default_factory=lambda: {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
    )
    finish_reason: str | None = "stop"
    done: bool = True  # whether a stream says that it is over
    leaves: bool = False  # after the events, without an end
    stall: bool = False  # after the first word, or before an answer in one piece
    silent: bool = False  # not even headers
    drip: float = 0.0  # seconds before each word
    break_off: bool = False  # after the first word, with an orderly end of the connection
    reset: bool = False  # after the first word, or before an answer in one piece, with a TCP reset
    cut: bool = False  # in the middle of the second word's event
    garbled: bool = False  # the second word's event is no JSON
    informational: int = 0  # responses with the status 103 before the answer
    twice: bool = False  # each event is sent twice
    choices: bool = True
    requests: list[dict[str, object]] = field(default_factory=list)
    authorization: list[str] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)  # ends a stall
    hung_up: threading.Event = field(default_factory=threading.Event)  # the client closed the connection


@dataclass(frozen=True)
class Endpoint:
    """The server's address, how it answers by default, and what it is to do first."""

    base: str
    manners: Manners
    scripts: dict[str, deque[Manners]] = field(default_factory=lambda: defaultdict(deque))  # by room
    asked: dict[str, int] = field(default_factory=lambda: defaultdict(int))  # requests, by room
    adapter: type[LiteLLMModel] = LiteLLMModel

    def model(self, room: str = "", *acts: Manners, **options: object) -> LiteLLMModel:
        """A model whose requests are met by `acts` in order, and then by the default manners."""
        self.scripts[room].extend(acts)
        base = f"{self.base}/{room}" if room else self.base
        return self.adapter("hosted_vllm/echo", api_base=base, api_key=KEY, **options)  # type: ignore[arg-type]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    endpoint: Endpoint
    act: Manners

    def log_message(self, *args: object) -> None:
        """Be silent."""

    def handle(self) -> None:
        with contextlib.suppress(OSError):  # a reset is one of the manners
            super().handle()

    def finish(self) -> None:
        with contextlib.suppress(OSError):
            super().finish()

    def do_POST(self) -> None:
        room = self.path.removeprefix("/v1/").removesuffix("chat/completions").strip("/")
        script, default = self.endpoint.scripts[room], self.endpoint.manners
        self.endpoint.asked[room] += 1
        act = self.act = script.popleft() if script else default
        request = json.loads(self.rfile.read(int(self.headers["content-length"])))
        default.requests.append(request)
        default.authorization.append(self.headers.get("authorization", ""))
        self.wfile.write(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * act.informational)
        if act.silent:
            default.released.wait(20)
            self.close_connection = True
        elif act.status != 200 or act.body is not None:
            self._send(act.body if act.body is not None else '{"error": {"message": "no"}}')
        elif request.get("stream"):
            self._stream()
        else:
            self._whole()

    def _whole(self) -> None:
        act = self.act
        if act.stall:
            self.endpoint.manners.released.wait(20)
        if act.reset or act.break_off:
            self._reset() if act.reset else self._leave()
            return
        time.sleep(act.drip * len(act.words))
        message: dict[str, object] = {"role": "assistant", "content": "".join(act.words)}
        if act.thoughts:
            message["reasoning_content"] = act.thoughts
        if act.calls:
            message = {"role": "assistant", "content": None, "tool_calls": _asked(act.calls)}
        choice = {"index": 0, "message": message, "finish_reason": act.finish_reason}
        choices = [choice] if act.choices else []
        self._send(json.dumps(self._frame("chat.completion", choices) | {"usage": act.usage}))

    def _frame(self, kind: str, choices: list[dict[str, object]]) -> dict[str, object]:
        return {"id": "1", "object": kind, "created": 1, "model": "echo-1", "choices": choices}

    def _send(self, body: str | bytes) -> None:
        body = body.encode() if isinstance(body, str) else body
        self.send_response(self.act.status)
        for name, value in {"content-type": "application/json", **self.act.headers}.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self) -> None:
        act = self.act
        self.send_response(200)
        self.send_header("content-type", act.headers.get("content-type", "text/event-stream"))
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        try:
            if act.events is not None:
                for event in act.events:
                    self._raw(event if isinstance(event, bytes) else f"data: {json.dumps(event)}\n\n".encode())
                if act.leaves:
                    self._leave()
                    return
                self._chunk("data: [DONE]\n\n")
                self._chunk("")
                return
            self._words()
            if self.close_connection:
                return
            if act.finish_reason:
                self._event([{"index": 0, "delta": {}, "finish_reason": act.finish_reason}])
            if act.usage is not None:
                self._event([], usage=act.usage)
            if act.done:
                self._chunk("data: [DONE]\n\n")
            self._chunk("")
        except OSError:
            act.hung_up.set()

    def _words(self) -> None:
        act = self.act
        if act.thoughts:
            self._event([{"index": 0, "delta": {"reasoning_content": act.thoughts}, "finish_reason": None}])
        for place, (name, arguments) in enumerate(act.calls):
            half = len(arguments) // 2
            for piece in (
                {"name": name, "arguments": ""},
                {"arguments": arguments[:half]},
                {"arguments": arguments[half:]},
            ):
                call: dict[str, object] = {"index": place, "function": piece}
                call |= {"id": f"call-{place}", "type": "function"} if "name" in piece else {}
                self._event([{"index": 0, "delta": {"tool_calls": [call]}, "finish_reason": None}])
        for number, word in enumerate(() if act.calls else act.words):
            time.sleep(act.drip)
            if number == 1 and act.cut:
                self._chunk('data: {"id": "1", "choices": [{"index": 0, "del')
                self._leave()
                return
            if number == 1 and act.garbled:
                self._chunk('data: {"id": "1", "choices": [{"index": 0, "del\n\n')
                continue
            self._event([{"index": 0, "delta": {"content": word}, "finish_reason": None}] if act.choices else [])
            if number == 0 and act.stall:
                self._wait_for_the_client_to_go()
            if number == 0 and (act.break_off or act.reset):
                self._reset() if act.reset else self._leave()
                return

    def _leave(self) -> None:
        self.close_connection = True
        self.connection.close()

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._leave()

    def _wait_for_the_client_to_go(self) -> None:
        while not self.endpoint.manners.released.wait(0.02):
            self._chunk(": waiting\n\n")

    def _event(self, choices: list[dict[str, object]], **more: object) -> None:
        for _ in range(2 if self.act.twice else 1):
            self._chunk(f"data: {json.dumps(self._frame('chat.completion.chunk', choices) | more)}\n\n")

    def _chunk(self, text: str) -> None:
        self._raw(text.encode())

    def _raw(self, content: bytes) -> None:
        self.wfile.write(b"%x\r\n%b\r\n" % (len(content), content))
        self.wfile.flush()


def _asked(calls: tuple[tuple[str, str], ...]) -> list[dict[str, object]]:
    return [
        {"id": f"call-{place}", "type": "function", "function": {"name": name, "arguments": arguments}}
        for place, (name, arguments) in enumerate(calls)
    ]


@contextlib.contextmanager
def serving(adapter: type[LiteLLMModel] = LiteLLMModel) -> Iterator[Endpoint]:
    """An endpoint for as long as the block lasts, whose models are asked through `adapter`."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    endpoint = Endpoint(f"http://127.0.0.1:{server.server_address[1]}/v1", Manners(), adapter=adapter)
    server.RequestHandlerClass = type("Handler", (_Handler,), {"endpoint": endpoint})
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # a client that goes away is one of the tests
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield endpoint
    finally:
        endpoint.manners.released.set()
        server.shutdown()
        server.server_close()
