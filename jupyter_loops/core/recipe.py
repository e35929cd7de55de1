"""A recipe: what a %%loop cell states, read and frozen."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import cached_property

from .candidate import Layer


class TargetKind(StrEnum):
    """How a target is produced, and how its value comes back."""

    FUNCTION = "function"  # code; comes back as source
    CLASS = "class"  # code; comes back as source
    DATA = "data"  # JSON validated against the annotation's schema
    TEXT = "text"  # str
    FRAME = "frame"  # code that builds it: a frame, an array, a figure


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A name that the loop has to produce."""

    name: str
    kind: TargetKind
    source: str  # the stub, or the bare annotation, as written
    annotation: str = ""  # source of the type; empty for functions and classes
    doc: str = ""
    line: int = 1  # in the cell, the %%loop line being line 1


class CheckKind(StrEnum):
    """What a check asks."""

    ASSERT = "assert"
    MAXIMIZE = "maximize"
    MINIMIZE = "minimize"


class Word(StrEnum):
    """What a check may ask of somebody outside of the sandbox."""

    JUDGE = "judge"  # a model grades a value, 0 to 1
    APPROVE = "approve"  # a person accepts a value
    PYTEST = "pytest"  # the user's own tests pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One call of a `Word` in a check. What may decide its outcome is read from the cell, never from the sandbox."""

    word: Word
    source: str  # the call, as written
    value: str = ""  # source of the value that is asked about
    rubric: str = ""  # of a judge
    rubric_name: str = ""  # the name in the notebook that holds the rubric, where it is not in the cell
    tests: tuple[str, ...] = ()  # of pytest: files, folders or node ids


@dataclass(frozen=True, kw_only=True)
class Check:
    """One statement that decides whether a candidate is good, named by its source.

    `prelude` holds the statements since the previous check that need a target, and therefore run
    just before this one and not with the set-up.
    """

    name: str  # the asserted expression's source, or the first line of a compound statement
    source: str  # the whole statement
    kind: CheckKind = CheckKind.ASSERT
    hidden: bool = False
    prelude: str = ""
    line: int = 1
    asks: tuple[Ask, ...] = ()  # in the order in which `ast.walk` meets the calls

    def asks_for(self, word: Word) -> bool:
        """Whether somebody else has a say."""
        return any(ask.word is word for ask in self.asks)

    @cached_property
    def layer(self) -> Layer:
        """Where it stands among the layers: what costs money comes after what is free, a person comes last."""
        if self.asks_for(Word.APPROVE):
            return Layer.APPROVAL
        if self.asks_for(Word.JUDGE):
            return Layer.JUDGE
        if self.kind is not CheckKind.ASSERT:
            return Layer.METRICS
        return Layer.HIDDEN if self.hidden else Layer.CHECKS


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolSpec:
    """A function of the user's that runs in the kernel: a tool of the planner, or the maker of its prompts."""

    name: str
    source: str  # decorators included
    line: int = 1
    uses: frozenset[str] = frozenset()  # names that it reads: of the set-up, or of the notebook


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What to produce, and how to tell that it is right. The text of a cell, read.

    Every round asks what follows from it, so that is worked out once.
    """

    name: str
    goal: str
    targets: tuple[Target, ...]
    checks: tuple[Check, ...] = ()
    setup: str = ""  # runs before any candidate; keeps the cell's line numbers by blank lines
    tools: tuple[ToolSpec, ...] = ()
    prompt: ToolSpec | None = None  # makes the messages of each round
    uses: frozenset[str] = frozenset()  # names of the notebook that set-up and checks read
    source: str = ""  # the cell body, verbatim

    def __hash__(self) -> int:
        return hash((self.name, self.source))

    @cached_property
    def visible(self) -> tuple[Check, ...]:
        """The checks that the model may see."""
        return tuple(check for check in self.checks if not check.hidden)

    @cached_property
    def hidden(self) -> tuple[Check, ...]:
        """The checks that the model only learns the outcome of."""
        return tuple(check for check in self.checks if check.hidden)

    @cached_property
    def without_person(self) -> tuple[Check, ...]:
        """The checks that need no person, hidden ones last."""
        return tuple(sorted((c for c in self.checks if c.layer is not Layer.APPROVAL), key=lambda check: check.hidden))

    def on(self, layer: Layer) -> tuple[Check, ...]:
        """The checks of one layer."""
        return self._by_layer.get(layer, ())

    @cached_property
    def _by_layer(self) -> dict[Layer, tuple[Check, ...]]:
        layers = dict.fromkeys(check.layer for check in self.checks)
        return {layer: tuple(check for check in self.checks if check.layer is layer) for layer in layers}

    @cached_property
    def examined_layers(self) -> tuple[tuple[Check, ...], ...]:
        """The checks that code alone decides, in the order in which they run; a layer that fails is the last."""
        return tuple(filter(None, (self.on(layer) for layer in (Layer.CHECKS, Layer.METRICS, Layer.HIDDEN))))

    @cached_property
    def asserts(self) -> frozenset[int]:
        """The numbers, from 1, of the checks that pass or fail."""
        return frozenset(n for n, check in enumerate(self.checks, 1) if check.kind is CheckKind.ASSERT)

    @cached_property
    def asks(self) -> bool:
        """Whether somebody outside of the sandbox has a say."""
        return any(check.asks for check in self.checks)

    @cached_property
    def scores(self) -> tuple[Check, ...]:
        """The checks that have a score to improve instead of a verdict."""
        return tuple(check for check in self.checks if check.kind is not CheckKind.ASSERT)

    @cached_property
    def asks_for_code(self) -> bool:
        """Whether a candidate is Python code; otherwise it is JSON or plain text."""
        return any(target.kind not in {TargetKind.DATA, TargetKind.TEXT} for target in self.targets)

    def fingerprint(self) -> str:
        """SHA-256 over everything that decides what would be produced; equal recipes have equal ones."""
        parts = [
            self.goal,
            self.setup,
            [asdict(target) | {"line": 0} for target in self.targets],
            [asdict(check) | {"line": 0} for check in self.checks],
            [tool.source for tool in self.tools],
            *([self.prompt.source] if self.prompt else []),
        ]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
