"""A real OpenAI-compatible endpoint on loopback, whose manners a test chooses."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from jupyter_loops.core.message import Message, Prompt
from jupyter_loops.planning.models.provider import LiteLLMModel

KEY = "sk-test-0123456789abcdef"


@dataclass
class Manners:
    """How the endpoint answers, and what it was asked."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: str | None = None  # instead of an answer
    words: tuple[str, ...] = ("Hello", " there", ".")
    usage: dict[str, object] | None = field(
        default_factory=lambda: {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
    )
    finish_reason: str | None = "stop"
    done: bool = True  # whether a stream says that it is over
    stall: bool = False  # after the first word, or before an answer in one piece
    break_off: bool = False  # after the first word
    requests: list[dict[str, object]] = field(default_factory=list)
    authorization: list[str] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)  # ends a stall
    hung_up: threading.Event = field(default_factory=threading.Event)  # the client closed the connection


@dataclass(frozen=True)
class Endpoint:
    base: str
    manners: Manners

    def model(self, **options: object) -> LiteLLMModel:
        return LiteLLMModel("hosted_vllm/echo", api_base=self.base, api_key=KEY, **options)  # type: ignore[arg-type]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    manners: Manners

    def log_message(self, *args: object) -> None:
        """Be silent."""

    def do_POST(self) -> None:
        manners = self.manners
        request = json.loads(self.rfile.read(int(self.headers["content-length"])))
        manners.requests.append(request)
        manners.authorization.append(self.headers.get("authorization", ""))
        if manners.status != 200 or manners.body is not None:
            self._send(manners.body if manners.body is not None else '{"error": {"message": "no"}}')
        elif request.get("stream"):
            self._stream(request)
        else:
            if manners.stall:
                manners.released.wait(20)
            message = {"role": "assistant", "content": "".join(manners.words)}
            choice = {"index": 0, "message": message, "finish_reason": manners.finish_reason}
            self._send(json.dumps(self._frame("chat.completion", [choice]) | {"usage": manners.usage}))

    def _frame(self, kind: str, choices: list[dict[str, object]]) -> dict[str, object]:
        return {"id": "1", "object": kind, "created": 1, "model": "echo-1", "choices": choices}

    def _send(self, body: str) -> None:
        self.send_response(self.manners.status)
        for name, value in {"content-type": "application/json", **self.manners.headers}.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body.encode())))
        self.end_headers()
        self.wfile.write(body.encode())

    def _stream(self, request: dict[str, object]) -> None:
        manners = self.manners
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        try:
            for number, word in enumerate(manners.words):
                self._event([{"index": 0, "delta": {"content": word}, "finish_reason": None}])
                if number == 0 and manners.stall:
                    self._wait_for_the_client_to_go()
                if number == 0 and manners.break_off:
                    self.close_connection = True
                    self.connection.close()
                    return
            if manners.finish_reason:
                self._event([{"index": 0, "delta": {}, "finish_reason": manners.finish_reason}])
            if manners.usage is not None:
                self._event([], usage=manners.usage)
            if manners.done:
                self._chunk("data: [DONE]\n\n")
            self._chunk("")
        except OSError:
            manners.hung_up.set()

    def _wait_for_the_client_to_go(self) -> None:
        while not self.manners.released.wait(0.02):
            self._chunk(": waiting\n\n")

    def _event(self, choices: list[dict[str, object]], **more: object) -> None:
        self._chunk(f"data: {json.dumps(self._frame('chat.completion.chunk', choices) | more)}\n\n")

    def _chunk(self, text: str) -> None:
        self.wfile.write(f"{len(text.encode()):x}\r\n{text}\r\n".encode())
        self.wfile.flush()


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    manners = Manners()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"manners": manners}))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield Endpoint(f"http://127.0.0.1:{server.server_address[1]}/v1", manners)
    manners.released.set()
    server.shutdown()
    server.server_close()


@pytest.fixture
def question() -> Prompt:
    return Prompt(messages=(Message("system", "Be brief."), Message("user", "Say hello.")))
