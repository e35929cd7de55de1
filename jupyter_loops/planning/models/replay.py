"""A model that replays a script: for tests, benchmarks and replays of a run."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import replace
from itertools import count
from pathlib import Path

from jupyter_loops.core.budget import Price
from jupyter_loops.core.message import Completion, Message, Prompt, Sampling
from jupyter_loops.core.tool import Calling, Offer, ToolCall
from jupyter_loops.errors import ErrorClass, LoopError, ModelError, PreflightError
from jupyter_loops.planning.tokens import estimate

Answer = str | Completion | LoopError | tuple[ToolCall, ...]

_numbers = count(1)
_WORDS = re.compile(r"\S*\s*")
_FREE = Price(prompt=0.0, completion=0.0, source="local")


class ReplayModel:
    """Gives the answers in order; an error among them is raised in its turn.

    `delay` is the seconds that each answer takes; when streaming they pass between its words.
    """

    def __init__(
        self,
        answers: Iterable[Answer],
        *,
        delay: float = 0.0,
        price: Price | None = _FREE,
        name: str = "replay",
        window: int | None = None,
    ) -> None:
        self.name, self.delay = name, delay
        self.endpoint = f"replay {next(_numbers)}"
        self.asked: list[Prompt] = []  # every prompt so far, for whoever wants to look
        self._answers: Iterator[Answer] = iter(answers)
        self._price, self._window = price, window

    @classmethod
    def from_file(cls, path: Path, *, price: Price | None = None, answered: int = 0) -> ReplayModel:
        """Read a script: a JSON list of answers, or an object with `answers` and `delay`.

        An answer is a text, `{"tool": NAME, "arguments": {…}}` for a call of a tool, or a list of those, or
        `{"error": CLASS, "message": TEXT}` for a call that fails; the first `answered` are skipped.
        """
        try:
            script = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise PreflightError(f"cannot read the script {path.name}: {error}") from error
        script = script if isinstance(script, dict) else {"answers": script}
        answers = script.get("answers")
        if not isinstance(answers, list):
            raise PreflightError(f"the script {path.name} is not a JSON list of answers")
        answers = [_answer(answer, path.name) for answer in answers[answered:]]
        model = cls(answers, delay=script.get("delay", 0.0), price=price or _FREE, name=f"script:{path.name}")
        model.endpoint = str(path)
        return model

    async def open(self) -> None:
        """There is nothing to open."""

    async def complete(
        self, prompt: Prompt, sampling: Sampling, on_text: Callable[[str], None] | None = None
    ) -> Completion:
        """Give the next answer; `sampling` bounds its time and nothing else."""
        self.asked.append(prompt)
        answer = next(self._answers, None)
        if answer is None:
            raise ModelError("the script has no answer left", ErrorClass.BAD_REQUEST)
        if isinstance(answer, LoopError):
            raise answer
        started = time.perf_counter()
        try:
            async with asyncio.timeout(sampling.timeout) if self.delay else nullcontext():
                await self._speak(_text(answer), on_text)
        except TimeoutError:
            raise ModelError(
                f"{self.name} did not answer within {sampling.timeout:g} s", ErrorClass.TRANSIENT
            ) from None
        seconds = time.perf_counter() - started
        if isinstance(answer, Completion):
            return answer if answer.seconds else replace(answer, seconds=seconds)
        return self._completion(prompt, answer, seconds)

    def count(self, messages: Sequence[Message], tools: Sequence[Offer] = ()) -> int:
        """Estimated tokens of the messages, and of the tools."""
        offered = sum(estimate(f"{offer} {offer.description}") for offer in tools)
        return sum(estimate(message.said["content"]) for message in messages) + offered

    async def tokenized(self, texts: Sequence[str]) -> list[int] | None:  # noqa: ARG002  # it has no tokenizer
        """None."""
        return None

    def calling(self) -> Calling:
        """As the script says."""
        return Calling.NATIVE

    def price(self) -> Price | None:
        """What the script was given."""
        return self._price

    def window(self) -> int | None:
        """What the script was given."""
        return self._window

    def varies(self) -> bool:
        """No: it says what is written."""
        return False

    def carried(self) -> frozenset[str] | None:
        """All."""
        return None

    def _completion(self, prompt: Prompt, answer: str | tuple[ToolCall, ...], seconds: float) -> Completion:
        text, calls = (answer, ()) if isinstance(answer, str) else ("", answer)
        return Completion(
            text=text,
            calls=calls,
            prompt_tokens=self.count(prompt.messages, prompt.tools),
            completion_tokens=estimate(text) + sum(estimate(str(call)) for call in calls),
            seconds=seconds,
            model=self.name,
            estimated=True,
        )

    async def _speak(self, text: str, on_text: Callable[[str], None] | None) -> None:
        if on_text is None:
            await asyncio.sleep(self.delay)
            return
        words = [word for word in _WORDS.findall(text) if word] if self.delay else [text]
        for word in words:
            await asyncio.sleep(self.delay / len(words))
            on_text(word)


def _text(answer: str | tuple[ToolCall, ...] | Completion) -> str:
    if isinstance(answer, Completion):
        return answer.text
    return answer if isinstance(answer, str) else ""


def _answer(written: object, script: str) -> Answer:
    match written:
        case str():
            return written
        case {"error": str(kind), "message": str(message)} if kind in set(ErrorClass):
            return ModelError(message, ErrorClass(kind))
        case {"tool": str()} | [{"tool": str()}, *_]:
            calls = written if isinstance(written, list) else [written]
            return tuple(
                ToolCall(id=f"call_{n}", name=str(call.get("tool")), arguments=json.dumps(call.get("arguments", {})))
                for n, call in enumerate(calls)
            )
    raise PreflightError(f"the script {script} has an answer that is neither a text nor an error with a message")
