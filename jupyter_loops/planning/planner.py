"""The planner: turns a run's memory into a prompt, and an answer into a candidate."""

from __future__ import annotations

from collections.abc import Collection

from jupyter_loops.core.candidate import Candidate, CandidateKind
from jupyter_loops.core.memory import Memory
from jupyter_loops.core.message import Message, Prompt, Sampling
from jupyter_loops.core.recipe import Recipe, TargetKind

from .answer_reading import ReadingOrder, read
from .outline import Schema, outline, together
from .prompt_parts import sections
from .sampling import Schedule
from .window import GAP, Section, fit

MODERATE = 8000  # prompt tokens where the model's window is not known, and the most in any window
CARRIED = frozenset({"best", "last", "change", "failures", "rejected", "left"})  # parts that come from earlier rounds
_LEAST = 256  # prompt tokens that a short window still gives to the question

_CODE = (
    "You are an expert Python programmer. Answer with one ```python block that has the complete code, and nothing else."
)
_DATA = "Answer with one JSON object and nothing else."
_TEXT = "Answer with the text itself and nothing else."


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
    ) -> None:
        """`imports` is the rule for imports in words, empty where there is none; `tools` are names of tools."""
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
        instructions = Section(name="instructions", text=_instructions(recipe), rank=0)
        body = sections(recipe, memory, sketch)
        if carried is not None:
            body = [part.within(0) if part.name in CARRIED - carried else part for part in body]
        if self._imports and recipe.asks_for_code:
            body.insert(0, Section(name="imports", text=f"Rule: {self._imports}.", rank=1, allowance=200))
        parts = fit([instructions, *body], self._allowed(memory, window))
        shown = [part.rendered for part in parts[1:] if part.text]
        messages = (Message("system", parts[0].rendered), Message("user", GAP.join(shown)))
        return Prompt(messages=messages, parts=tuple(part.part for part in parts), schema=schema)

    def sampling(self, memory: Memory) -> Sampling:
        """How to ask in this round."""
        return self._schedule.at(memory)

    async def read(self, recipe: Recipe, text: str, *, cut: bool = False) -> Candidate:
        """The candidate in an answer. Raises ReplyError, whose message is feedback for the model.

        `cut` says that the answer was cut at its length limit.
        """
        of, schema, _ = self._shape
        order = ReadingOrder(
            form="code" if recipe.asks_for_code else "text" if _plain(recipe) else "data",
            targets=recipe.targets,
            setup=recipe.setup if recipe.asks_for_code else "",
            schema=schema if of is not None and of[0] == recipe else None,
            cut=cut,
            tools=tuple(self._tools),
        )
        kind = CandidateKind.CODE if recipe.asks_for_code else CandidateKind.DATA
        return Candidate(kind=kind, text=await read(order, text))

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
        return _CODE
    return _TEXT if _plain(recipe) else _DATA
