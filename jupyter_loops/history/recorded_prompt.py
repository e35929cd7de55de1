"""The prompts of a run as they were sent, from the history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jupyter_loops.core.message import Counting, Part

# One row a call. A text that was forgotten is NULL.
QUERY = """
SELECT call, iteration, purpose, model, coalesce(counting, 'estimate') AS counting, prompt_tokens, cached_tokens,
       coalesce(estimated, true) AS estimated, parts,
       list_transform(messages, lambda m: {'role': m.role, 'sha': m.sha}) AS messages
FROM calls WHERE run_id = $run AND ($iteration IS NULL OR iteration = $iteration) ORDER BY call
"""
TEXTS = "SELECT sha, text FROM texts WHERE sha IN (SELECT unnest($shas))"
FORGOTTEN = "(forgotten)"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class RecordedPrompt:
    """What one call asked: the messages as they were sent, and the tokens of each part."""

    call: int  # counts from 1 in the run
    iteration: int
    purpose: str  # plan, repair, judge
    model: str
    messages: tuple[tuple[str, str], ...]  # role and text
    parts: tuple[Part, ...]
    counting: Counting  # of the parts' tokens
    tokens: int | None  # of the whole prompt, as it was billed; None while the call goes on
    cached: int  # of them, that the provider had cached
    estimated: bool  # `tokens` were counted here

    def __repr__(self) -> str:
        """One line, without the messages."""
        return f"<RecordedPrompt {self._lines()[0]}, {sum(part.tokens for part in self.parts):,} tokens>"

    def __str__(self) -> str:
        """The tokens of each part, then the messages."""
        blocks = [f"[{role}]\n{text}" for role, text in self.messages]
        return "\n\n".join(["\n".join(self._lines()), *blocks])

    def _lines(self) -> Sequence[str]:
        how = "by the model's tokenizer" if self.counting is Counting.TOKENIZER else "estimated, rather too many"
        lines = [f"call {self.call}, round {self.iteration}, {self.purpose} · {self.model}"]
        width = max([len(part.name) for part in self.parts] or [0])
        for part in self.parts:
            cut = f"   {part.dropped:,} left out" if part.dropped else ""
            lines.append(f"  {part.name:<{width}}  {part.tokens:>7,}{cut}")
        lines.append(f"  {sum(part.tokens for part in self.parts):,} tokens in parts, {how}")
        if self.tokens is not None:
            whose = "estimated" if self.estimated else "as the model counted"
            share = f", {self.cached:,} of them from its cache ({self.cached / self.tokens:.0%})" if self.cached else ""
            lines.append(f"  {self.tokens:,} tokens in the whole prompt, {whose}{share}")
        return lines


def of(row: Mapping[str, Any], texts: Mapping[str, str | None]) -> RecordedPrompt:
    """A row of QUERY with the texts of TEXTS."""
    parts = row["parts"] or ()
    return RecordedPrompt(
        call=row["call"],
        iteration=row["iteration"],
        purpose=row["purpose"] or "",
        model=row["model"] or "",
        messages=tuple((each["role"] or "", texts.get(each["sha"]) or FORGOTTEN) for each in row["messages"] or ()),
        parts=tuple(Part(name=each["name"], tokens=each["tokens"], dropped=each["dropped"] or 0) for each in parts),
        counting=Counting(row["counting"]),
        tokens=row["prompt_tokens"],
        cached=row["cached_tokens"] or 0,
        estimated=row["estimated"],
    )
