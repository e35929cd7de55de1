"""A rolling transcript: the newest rounds as they were said, older ones in a line each.

Its beginning moves some rounds at a time, so that a provider's cache has most of the prompt of the round before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from jupyter_loops.core.candidate import CandidateKind
from jupyter_loops.core.fence import fence, item
from jupyter_loops.core.memory import PastRound
from jupyter_loops.core.message import Message
from jupyter_loops.core.redaction import redact

from .templates import AGAIN, CONDENSED, FAILED, UNREADABLE, UNUSABLE
from .window import GAP, Section

TOKENS = 4000  # of the whole prompt of a round
STEP = 4  # rounds that leave the window at once
_ONE = 1500  # tokens of one answer, and of one round's feedback
_CONDENSED = 400  # tokens of all rounds that left the window


@dataclass(frozen=True, slots=True)
class Exchange:
    """One round: what was answered, and what was said of it."""

    answer: Section
    feedback: Section

    @property
    def tokens(self) -> int:
        """Of both."""
        return self.answer.tokens + self.feedback.tokens


@dataclass(frozen=True, slots=True)
class Transcript:
    """The rounds in the window, oldest first, and those before it in short."""

    exchanges: tuple[Exchange, ...]
    condensed: Section
    dropped: int  # tokens of the rounds that are only there in short

    def messages(self, tail: str) -> list[Message]:
        """The exchanges as messages; the last one ends with `tail` and the question."""
        messages = []
        for number, exchange in enumerate(self.exchanges, 1):
            last = number == len(self.exchanges)
            end = [tail, AGAIN] if last else []
            messages.append(Message("assistant", exchange.answer.rendered))
            messages.append(Message("user", GAP.join(filter(None, [exchange.feedback.rendered, *end]))))
        return messages

    @property
    def rounds(self) -> Section:
        """All exchanges as one part of the prompt."""
        pieces = [piece.rendered for exchange in self.exchanges for piece in (exchange.answer, exchange.feedback)]
        return Section(name="transcript", text=GAP.join([*pieces, AGAIN]), dropped=self.dropped)


def transcript(rounds: Sequence[PastRound], room: int) -> Transcript:
    """The newest of the rounds that fit into `room` tokens: at least the last one, cut where it is larger."""
    exchanges = [_exchange(each) for each in rounds]
    taken, start = 0, len(exchanges)
    while start and (start == len(exchanges) or taken + exchanges[start - 1].tokens <= room - _CONDENSED):
        start -= 1
        taken += exchanges[start].tokens
    while 0 < start < len(exchanges) - 1 and rounds[start].iteration % STEP != 1:
        start += 1
    lines = [item(f"round {each.iteration}: {redact(each.why)}") for each in rounds[:start]]
    condensed = Section(name="earlier", before=f"{CONDENSED}\n", text="\n".join(lines), newest_last=True)
    shown = tuple(exchanges[start:])
    if shown and shown[-1].tokens > room:
        shown = (*shown[:-1], Exchange(shown[-1].answer.within(room // 2), shown[-1].feedback.within(room // 2)))
    dropped = sum(exchange.tokens for exchange in exchanges[:start])
    return Transcript(shown, condensed.within(min(_CONDENSED, max(room // 4, 0))), dropped)


def _exchange(each: PastRound) -> Exchange:
    if each.candidate is None:
        answer = Section(name="answer", text=UNREADABLE)
    else:
        text, marks = redact(each.candidate.text.strip()), fence(each.candidate.text)
        language = "python" if each.candidate.kind is CandidateKind.CODE else "json"
        answer = Section(name="answer", before=f"{marks}{language}\n", text=text, after=f"\n{marks}").within(_ONE)
    heading = FAILED if each.candidate is not None else UNUSABLE
    feedback = "\n".join(map(item, each.feedback or (each.why,)))
    return Exchange(answer, Section(name="feedback", before=f"{heading}\n", text=redact(feedback)).within(_ONE))
