"""What providers do wrong, and what a run makes of it: the table, and how one of its rows is played for real.

Used by test_providers.py, and by tests/benchmarks/faults.py, which prints it with what came out.
"""

from __future__ import annotations

import email.utils
import json
import socket
import time
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any

from jupyter_loops.assemble import Adapters, Options, launch
from jupyter_loops.core.budget import Price
from jupyter_loops.engine.recovery import POLICIES
from jupyter_loops.errors import ErrorClass
from jupyter_loops.execution.sandbox import ZygoteSandbox
from jupyter_loops.language import parse
from tests.endpoint import KEY, Endpoint, Manners

CELL = '''
def double(n: int) -> int:
    """Twice n."""

assert double(2) == 4
'''
ANSWER = ("```python\n", "def double(n):\n", "    return n", " + n\n", "```")
GOOD = Manners(words=ANSWER, usage={"prompt_tokens": 60, "completion_tokens": 20, "total_tokens": 80})
HUGE = replace(GOOD, words=("x" * 10_000,) * 1000)
FILTERED = replace(GOOD, words=(), finish_reason="content_filter")
HTML = Manners(body="<p>hello", headers={"content-type": "text/html"})
MUTE = replace(GOOD, choices=False, finish_reason=None)
PRICE = Price(prompt=1e-6, completion=4e-6)
CALL_SECONDS, IDLE_SECONDS = 2.4, 1.0  # short, so that a hang is a matter of a second here

NOTHING, PROMPT, PIECES, BILLED, GUESSED = "nothing", "the prompt", "prompt and pieces", "as billed", "as counted"


def refusal(status: int, message: str, **more: str) -> Manners:
    return Manners(status=status, body=json.dumps({"error": {"message": message, **more}}))


@dataclass(frozen=True)
class Row:
    """A fault, and what is expected of it."""

    name: str
    acts: tuple[Manners, ...]
    kind: ErrorClass | None  # of the first call; None: it was answered
    charge: str  # of the first call
    end: str = "verified"
    calls: int = 2
    rounds: int = 1
    modes: tuple[bool, ...] = (True, False)  # streaming, in one piece
    options: dict[str, Any] = field(default_factory=dict)
    nobody: bool = False  # nobody listens at the address

    @property
    def action(self) -> str:
        return "use" if self.kind is None else str(POLICIES[self.kind].action)

    @property
    def tries(self) -> int:
        return 1 if self.kind is None else POLICIES[self.kind].retries + 1


T, R, O, A, B, F, M = (  # noqa: E741
    ErrorClass.TRANSIENT,
    ErrorClass.RATE_LIMITED,
    ErrorClass.CONTEXT_OVERFLOW,
    ErrorClass.AUTH,
    ErrorClass.BAD_REQUEST,
    ErrorClass.REFUSED,
    ErrorClass.MALFORMED,
)
STREAM, WHOLE = (True,), (False,)
LYING = {"prompt_tokens": 60, "completion_tokens": 50_000, "total_tokens": 50_060}
OVERFLOWS = {
    "OpenAI": (400, "This model's maximum context length is 8192 tokens. However, your messages resulted in 9001"),
    "Anthropic": (400, "prompt is too long: 208310 tokens > 200000 maximum"),
    "Google": (400, "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576)."),
    "Mistral": (400, "Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum"),
    "llama.cpp": (400, "request (9001 tokens) exceeds the available context size (4096 tokens), try increasing it"),
    "TGI": (422, "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4097. Given: 5000"),
    "Bedrock": (400, "Input is too long for requested model."),
    "too large": (413, "Request entity too large"),
}
TABLE = (
    Row("429 without Retry-After", (refusal(429, "slow down"),), R, NOTHING),
    Row("429 with Retry-After: 1", (replace(refusal(429, "slow down"), headers={"retry-after": "1"}),), R, NOTHING),
    Row(
        "429 with a date an hour away",
        (replace(refusal(429, "x"), headers={"retry-after": email.utils.formatdate(time.time() + 3600, usegmt=True)}),),
        *(R, NOTHING, "budget_time", 1, 1),
    ),
    *(Row(f"{status}", (refusal(status, "oops"),), T, NOTHING) for status in (500, 502, 503, 529)),
    Row("500 for good", (refusal(500, "oops"),) * 9, T, NOTHING, "error", 5, 1, WHOLE),
    Row("connection refused", (), T, NOTHING, "error", 5, 1, WHOLE, nobody=True),
    Row("reset before the answer", (Manners(reset=True),), T, PROMPT, modes=WHOLE),
    Row("reset in mid-stream", (replace(GOOD, reset=True),), T, PIECES, modes=STREAM),
    Row("hang before headers", (Manners(silent=True),), T, PROMPT),
    Row("hang in mid-stream", (replace(GOOD, stall=True),), T, PIECES, modes=STREAM),
    Row("slow drip", (replace(GOOD, drip=0.6),), T, PIECES, modes=STREAM),
    Row("truncated SSE", (replace(GOOD, cut=True),), T, PIECES, modes=STREAM),
    Row("no end of the stream", (replace(GOOD, finish_reason=None, usage=None, done=False),), T, PIECES, modes=STREAM),
    Row("malformed JSON in a stream", (replace(GOOD, garbled=True),), M, PIECES, modes=STREAM),
    Row("malformed JSON", (Manners(body="{ not json"),), M, PROMPT, modes=WHOLE),
    Row("wrong content type", (HTML,), M, PROMPT, modes=WHOLE),
    Row("empty choices", (replace(GOOD, choices=False),), M, PIECES, modes=WHOLE),
    Row("empty choices in a stream", (MUTE,), None, BILLED, "verified", 2, 2, STREAM),
    Row("usage missing", (replace(GOOD, usage=None),), None, GUESSED, calls=1),
    Row("usage lying", (replace(GOOD, usage=LYING),), None, GUESSED, calls=1),
    *(Row(f"context: {who}", (refusal(*said),), O, NOTHING, modes=WHOLE) for who, said in OVERFLOWS.items()),
    Row("context: for good", (refusal(*OVERFLOWS["OpenAI"]),) * 9, O, NOTHING, "error", 3, 1, WHOLE),
    Row("401", (refusal(401, "Invalid API Key"),), A, NOTHING, "error", 1),
    Row("403 quota", (refusal(403, "quota is used up", code="insufficient_quota"),), A, NOTHING, "error", 1),
    Row("429 without credit", (refusal(429, "Your credit balance is too low"),), A, NOTHING, "error", 1, 1, WHOLE),
    Row(
        "content filter, refused",
        (refusal(400, "The response was filtered by our content management policy", code="content_filter"),),
        *(F, NOTHING, "refused", 1),
    ),
    Row("content filter, empty answer", (FILTERED,), None, BILLED, "refused", 1),
    Row("duplicate chunks", (replace(GOOD, twice=True),), None, BILLED, "verified", 2, 2, STREAM),
    Row("10 MB answer", (HUGE,), M, PIECES, modes=WHOLE),
    Row("10 MB answer in a stream", (HUGE,), None, GUESSED, "verified", 2, 2, STREAM),
)


_numbers = count()


class Ear:
    """Keeps what a run says; that there is one makes the run stream."""

    def __init__(self) -> None:
        self.events: list[Any] = []
        self.ledger: list[tuple[dict[str, float], dict[str, float]]] = []

    def heard(self, record: Any) -> None:
        self.events.append(record.event)

    def text(self, run: str, piece: str) -> None:
        pass

    def spent(self, run: str, usage: Any, reserved: Any) -> None:
        self.ledger.append((dict(usage), dict(reserved)))

    def preparing(self, run: str, step: str) -> None:
        pass


@dataclass(frozen=True)
class Played:
    """A run that met its faults."""

    run: Any
    ear: Ear
    seconds: float
    asked: int  # requests that the server saw

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.run.history.records(self.run.id) if event["kind"] == kind]


def begin(endpoint: Endpoint, room: str, acts: tuple[Manners, ...], history: Path, *, streaming: bool, **options: Any):
    """Start a run whose model meets `acts`, and good answers after them."""
    endpoint.scripts[room].extend([*acts, *[GOOD] * 8])
    nobody = options.pop("nobody", False)
    base = f"http://127.0.0.1:{_closed_port()}/v1" if nobody else f"{endpoint.base}/{room}"
    model = endpoint.adapter("hosted_vllm/echo", api_base=base, api_key=KEY, price=PRICE, idle=IDLE_SECONDS)
    ear = Ear()
    chosen = Options(
        history=str(history),
        sandbox="process",
        fresh=True,
        **{"call_timeout": CALL_SECONDS, "time": 60, **options},
    )
    adapters = Adapters(model, ZygoteSandbox(isolation="process"))
    return launch(parse(CELL, room), chosen, None, [ear] if streaming else [], adapters), ear


def play(endpoint: Endpoint, row: Row, history: Path, *, streaming: bool) -> Played:
    """One row of the table, from start to end."""
    room = f"row{next(_numbers)}"
    began = time.perf_counter()
    run, ear = begin(endpoint, room, row.acts, history, streaming=streaming, nobody=row.nobody, **row.options)
    run.wait(45)
    return Played(run, ear, time.perf_counter() - began, endpoint.asked[room])


def charged(call: dict[str, Any]) -> str:
    """How a finished call was charged, in the table's words."""
    prompt, answer = call["prompt_tokens"], call["completion_tokens"]
    if not call["error"]:
        return GUESSED if call["estimated"] else BILLED
    return NOTHING if not prompt else PIECES if answer else PROMPT


def _closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


__all__ = ["CALL_SECONDS", "TABLE", "Played", "Row", "begin", "charged", "play"]
