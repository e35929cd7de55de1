"""The planner: turns a run's memory into a prompt, and an answer into a candidate."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from jupyter_loops.core.candidate import Candidate, CandidateKind
from jupyter_loops.core.memory import Memory
from jupyter_loops.core.message import Message, Part, Prompt, Sampling
from jupyter_loops.core.ports import PromptLayout
from jupyter_loops.core.recipe import Recipe, TargetKind
from jupyter_loops.errors import PreflightError, PromptError

from . import templates
from .answer.edits import editable
from .answer_reading import ReadingOrder, read
from .outline import Schema, outline, together
from .prompt_parts import sections
from .sampling import Schedule
from .tokens import estimate
from .transcript import STEP, transcript
from .transcript import TOKENS as ROLLING
from .window import GAP, Section, fit

MODERATE = 8000  # prompt tokens where the model's window is not known, and the most in any window
# Parts that come from earlier rounds.
CARRIED = frozenset({"best", "last", "edits", "change", "failures", "general", "rejected", "left"})
LEAST_ANSWER = 64  # tokens that a layout's prompt has to leave for an answer
_WHOLE = {"goal": "goal", "targets": "target with its docstring"}  # parts that are sent whole or not at all
_LEAST = 256  # prompt tokens that a short window still gives to the question


class PromptPlanner:
    """Builds a fresh context every round, with a small carry-over. So the cost of a round does not grow."""

    def __init__(
        self,
        *,
        temperature: float | None = None,
        max_tokens: int | None = None,
        seed: int | None = None,
        timeout: float | None = None,
        imports: str = "",
        tools: Collection[str] = (),
        rolling: bool = False,
        layout: PromptLayout | None = None,
    ) -> None:
        """`imports` is the rule for imports in words, empty where there is none; `tools` are names of tools.

        `rolling` shows the rounds as a transcript. `layout` makes messages of the parts, instead of the planner.
        """
        self._rolling, self._layout = rolling, layout
        self._schedule = Schedule(temperature=temperature, max_tokens=max_tokens, seed=seed, timeout=timeout)
        self._imports, self._tools = imports, tools
        self._shape: tuple[tuple[Recipe, object] | None, Schema | None, str] = (
            None,
            None,
            "",
        )  # of what, the schema, its sketch

    def prompt(
        self, recipe: Recipe, memory: Memory, window: int | None, carried: frozenset[str] | None = None
    ) -> Prompt:
        """The prompt of this round. Its parts state what was cut to fit into the window.

        Of the parts that come from earlier rounds only the `carried` have a text; None is all of them.
        """
        schema, sketch = self._answer_schema(recipe, memory)
        first, middle, last = sections(recipe, memory, sketch)
        first = (Section(name="instructions", text=_instructions(recipe), rank=-1), *self._rule(recipe), *first)
        allowed = self._allowed(memory, window)
        if self._rolling and memory.rounds:
            messages, parts = _rolling(first, middle, last, memory, min(allowed, ROLLING))
        else:
            if carried is not None:
                middle = tuple(part.within(0) if part.name in CARRIED - carried else part for part in middle)
            parts = _with_whole_attempts(fit([*first, *middle, *last], allowed))
            messages = [Message("system", parts[0].rendered), Message("user", _joined(parts[1:]))]
        return Prompt(messages=tuple(messages), parts=tuple(part.part for part in parts), schema=schema)

    async def arranged(self, prompt: Prompt, window: int | None) -> Prompt:
        """The prompt in the messages of the user's own layout, and what the layout left out. Raises PromptError."""
        if self._layout is None:
            return prompt
        messages = tuple(await self._layout({part.name: part.text for part in prompt.parts}))
        text = GAP.join(message.content for message in messages)
        tokens, most = estimate(text), MODERATE if window is None else window - LEAST_ANSWER
        if tokens > most:
            raise PromptError(f"{self._layout.title} makes a prompt of about {tokens:,} tokens, and {most:,} fit")
        parts = tuple(part if part.text in text else part.left_out for part in prompt.parts)
        own = Part(name="layout", tokens=max(tokens - sum(part.tokens for part in parts), 0))
        return replace(prompt, messages=messages, parts=(*parts, own))

    async def preflight(
        self, recipe: Recipe, memory: Memory, window: int | None, carried: frozenset[str] | None = None
    ) -> None:
        """Make the first prompt. Raises PreflightError where the question does not fit, or the layout fails."""
        prompt = self.prompt(recipe, memory, window, carried)
        if cut := [part for part in prompt.parts if part.name in _WHOLE and part.dropped]:
            largest = max(cut, key=lambda part: part.dropped)
            room = self._allowed(memory, window)
            whose = "" if window is None else f" of the model's window of {window:,}"
            raise PreflightError(
                f"the {_WHOLE[largest.name]} takes about {largest.tokens + largest.dropped:,} tokens, and a prompt has "
                f"{room:,}{whose}: shorten it, or put what is long into data that the code reads"
            )
        try:
            await self.arranged(prompt, window)
        except PromptError as error:
            raise PreflightError(str(error)) from None

    def sampling(self, memory: Memory) -> Sampling:
        """How to ask in this round."""
        return self._schedule.at(memory)

    async def read(self, recipe: Recipe, text: str, *, cut: bool = False, attempts: Sequence[str] = ()) -> Candidate:
        """The candidate in an answer. Raises ReplyError, whose message is feedback for the model.

        `cut` says that the answer was cut at its length limit. An answer in code may edit one of the `attempts` that
        are long enough; an EditError says that its edits do not fit.
        """
        of, schema, _ = self._shape
        order = ReadingOrder(
            form="code" if recipe.asks_for_code else "text" if _plain(recipe) else "data",
            targets=recipe.targets,
            setup=recipe.setup if recipe.asks_for_code else "",
            schema=schema if of is not None and of[0] == recipe else None,
            cut=cut,
            tools=tuple(self._tools),
            attempts=tuple(attempts) if any(map(editable, attempts)) else (),
        )
        kind = CandidateKind.CODE if recipe.asks_for_code else CandidateKind.DATA
        return Candidate(kind=kind, text=await read(order, text))

    def _rule(self, recipe: Recipe) -> list[Section]:
        if not (self._imports and recipe.asks_for_code):
            return []
        return [Section(name="imports", text=f"Rule: {self._imports}.", rank=1, allowance=200)]

    def _answer_schema(self, recipe: Recipe, memory: Memory) -> tuple[Schema | None, str]:
        """The schema of the answer and its sketch, computed once for all rounds."""
        of, schema, sketch = self._shape
        if of != (recipe, memory.schemas):
            schema = _schema(recipe, memory)
            sketch = "" if schema is None else outline(schema)
            self._shape = ((recipe, memory.schemas), schema, sketch)
        return schema, sketch

    def _allowed(self, memory: Memory, window: int | None) -> int:
        if window is None:
            return MODERATE
        answer = self.sampling(memory).max_tokens
        return min(max(window - answer, window // 2, _LEAST), MODERATE)


def _rolling(
    first: Sequence[Section], middle: Sequence[Section], last: Sequence[Section], memory: Memory, allowed: int
) -> tuple[list[Message], list[Section]]:
    """The messages and the parts of a prompt with the newest rounds as they were."""
    recent = [each.candidate for each in memory.rounds[-STEP:]]
    told = {"last", "edits", "change", "failures", "rejected"} | ({"best"} if memory.best in recent else set())
    middle = [part for part in middle if part.name not in told]
    parts = fit([*first, *last, *middle], allowed * 3 // 4)
    shown = transcript(memory.rounds, allowed - sum(part.tokens for part in parts))
    stated, asked = parts[: len(first)], parts[len(first) : len(first) + len(last)]
    tail = parts[len(first) + len(last) :]
    question = Message("user", _joined([*stated[1:], shown.condensed, *asked]))
    messages = [Message("system", stated[0].rendered), question, *shown.messages(_joined(tail))]
    return messages, [*stated, shown.condensed, *asked, shown.rounds, *tail]


def _with_whole_attempts(parts: list[Section]) -> list[Section]:
    """Without the offer to edit, where no attempt is shown whole."""
    whole = any(part.name in {"last", "best"} and editable(part.text) and not part.dropped for part in parts)
    return [part for part in parts if part.name != "edits" or (whole and not part.dropped)]


def _joined(parts: Sequence[Section]) -> str:
    return GAP.join(part.rendered for part in parts if part.text)


def _plain(recipe: Recipe) -> bool:
    """Whether the whole answer is the target: a single text."""
    return len(recipe.targets) == 1 and recipe.targets[0].kind is TargetKind.TEXT


def _schema(recipe: Recipe, memory: Memory) -> Schema | None:
    if recipe.asks_for_code or _plain(recipe):
        return None
    text: Schema = {"type": "string"}
    schemas = memory.schemas
    return together(
        {
            target.name: text if target.kind is TargetKind.TEXT else dict(schemas.get(target.name, {}))
            for target in recipe.targets
        }
    )


def _instructions(recipe: Recipe) -> str:
    if recipe.asks_for_code:
        return templates.CODE
    return templates.TEXT if _plain(recipe) else templates.DATA
