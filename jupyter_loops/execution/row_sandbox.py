"""The sandbox of one row of a map: its answers are examined in the batches that all rows share."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

from jupyter_loops.core.candidate import Candidate, Delivery, Exit, Observation, Verdict
from jupyter_loops.core.host_question import Answering, HostAnswer
from jupyter_loops.core.ports import Readiness, World
from jupyter_loops.core.recipe import Check, Recipe
from jupyter_loops.errors import SandboxError, SetupError

from .examination import positions
from .row_batches import RowBatches, RowExamination


class RowAttempt:
    """Satisfies `core.ports.Attempt`: one examination gives the verdicts of all layers."""

    def __init__(self, recipe: Recipe, result: RowExamination) -> None:
        self._recipe, self._result = recipe, result

    async def execute(self) -> Observation:
        """Whether the answer has the targets' types."""
        return self._result.observation

    async def examine(
        self, checks: Sequence[Check], answering: Answering | None = None
    ) -> tuple[list[Verdict], Observation]:
        """The verdicts of these checks; those that a failed layer left out have none."""
        del answering  # no check of such a recipe asks
        numbers = positions(self._recipe, checks)
        verdicts = [self._result.verdicts[number] for number in numbers if number in self._result.verdicts]
        return verdicts, self._result.observation

    async def test(self, tests: Sequence[str]) -> HostAnswer:
        """No recipe of rows in batches has tests."""
        raise SandboxError(f"no tests run here: {', '.join(tests)}")

    async def deliver(self) -> Delivery:
        """The targets' values."""
        return self._result.delivery


class RowSandbox:
    """Satisfies `core.ports.Sandbox` for one row."""

    def __init__(
        self, batches: RowBatches, readiness: Readiness, item: bytes, *, is_table_row: bool, digest: str
    ) -> None:
        """`digest` is the SHA-256 of the row's content."""
        self._batches, self._readiness, self._item = batches, readiness, item
        self._is_table_row, self._digest = is_table_row, digest

    async def open(self, world: World) -> Readiness:
        """Run the part of the set-up that reads the row. Raises SetupError."""
        self._recipe = world.recipe
        if self._batches.has_setup:
            result = await self._batches.examine(None, self._item, is_table_row=self._is_table_row)
            if result.observation.exit is not Exit.OK:
                fault = result.observation.fault
                raise SetupError(f"{fault.type}: {fault.message}" if fault else result.observation.exit.value)
        return replace(self._readiness, stdout="", notes=(), fingerprint=f"{self._readiness.fingerprint}{self._digest}")

    @asynccontextmanager
    async def attempt(self, candidate: Candidate) -> AsyncIterator[RowAttempt]:
        """The examination of one answer, in a process that no candidate has ever run in."""
        result = await self._batches.examine(candidate.text, self._item, is_table_row=self._is_table_row)
        yield RowAttempt(self._recipe, result)

    async def close(self) -> None:
        """The processes belong to all rows."""
