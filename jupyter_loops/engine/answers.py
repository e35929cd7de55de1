"""Answers that a run paid for before its kernel died. The resumed run uses them instead of asking again."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from jupyter_loops.core.events import CallFinished, CallStarted
from jupyter_loops.core.message import Completion, Prompt
from jupyter_loops.core.redaction import clean
from jupyter_loops.core.tool import ToolCall

from .prompt_retention import PromptRetention

PLANS = frozenset({"plan", "repair"})  # purposes of a call that asks for a candidate


class Answers:
    """The answers of one unfinished round; each is used once."""

    def __init__(self, paid: Sequence[tuple[CallStarted, CallFinished]] = ()) -> None:
        self._paid = list(paid)

    def __bool__(self) -> bool:
        """Whether one is left."""
        return bool(self._paid)

    def take(self, iteration: int, purpose: str, prompt: Callable[[], Prompt]) -> Completion | None:
        """The answer to this question, or None.

        A plan matches whatever its prompt says of the remaining time and money. Any other call, such as a judge's,
        matches only when its prompt is the same.
        """
        for pair in self._paid:
            call, answer = pair
            plan = purpose in PLANS and call.purpose in PLANS
            if call.iteration == iteration and (plan or (call.purpose == purpose and _same(call, prompt()))):
                self._paid.remove(pair)
                return _completion(answer)
        return None


def _same(call: CallStarted, prompt: Prompt) -> bool:
    """Whether the prompt of this call was the same, however much of it is on record."""
    messages: list[dict[str, str]] = clean([message.said for message in prompt.messages])
    return any(
        call.messages == [message | {"content": how.written(message["content"])} for message in messages]
        for how in PromptRetention
    )


def _completion(answer: CallFinished) -> Completion:
    return Completion(
        text=answer.text,
        prompt_tokens=answer.prompt_tokens,
        completion_tokens=answer.completion_tokens,
        cached_tokens=answer.cached_tokens,
        reasoning_tokens=answer.reasoning_tokens,
        finish_reason=answer.finish_reason,
        seconds=answer.seconds,
        first_token_seconds=answer.first_token_seconds,
        model=answer.answered_by,
        estimated=answer.estimated,
        calls=tuple(ToolCall(**call) for call in answer.calls),
    )
