"""All tools of one run."""

from __future__ import annotations

import inspect
import time
from collections.abc import Awaitable, Iterable, Mapping

from jupyter_loops.core.recipe import Recipe
from jupyter_loops.core.tool import Offer, ToolCall, ToolResult
from jupyter_loops.errors import PreflightError
from jupyter_loops.execution.child.portray import portray
from jupyter_loops.execution.child.value_text import describe

from .scope import define
from .tool_function import ToolFunction
from .tool_thread import ToolThread

PATIENCE = 60.0  # seconds


class FunctionToolbox:
    """Looks a call's tool up, reads its arguments, makes it, and puts what comes of it into words.

    The functions are held here: a tool that deletes its own name is still there the next time. Calls are made one
    at a time. One that does not end keeps its tool busy, so that no more threads can pile up than there are tools.
    """

    def __init__(self, tools: Iterable[ToolFunction] = (), patience: float | None = PATIENCE) -> None:
        self._tools: dict[str, ToolFunction] = {}
        for tool in tools:
            if tool.offer.name in self._tools:
                raise PreflightError(f"two tools are called {tool.offer.name}")
            self._tools[tool.offer.name] = tool
        self.patience = patience
        self._under_way: dict[str, ToolThread] = {}

    @classmethod
    def of(
        cls, recipe: Recipe, chosen: Iterable[str], names: Mapping[str, object], patience: float | None = PATIENCE
    ) -> FunctionToolbox:
        """The tools that a cell defines, and those that are chosen among the notebook's names. PreflightError."""
        functions = [*define(recipe, names, recipe.tools).values()]
        for name in chosen:
            if name.startswith("mcp:"):
                raise PreflightError(
                    f"--tools {name}: tools of an MCP server cannot be called yet; call it in a function under @tool"
                )
            if name not in names:
                raise PreflightError(f"the tool {name} is not among the notebook's names: run the cell that defines it")
            functions.append(names[name])  # type: ignore[arg-type]  # Tool.of finds out whether it is a function
        return cls(map(ToolFunction.of, functions), patience)

    @property
    def offers(self) -> tuple[Offer, ...]:
        """What may be called."""
        return tuple(tool.offer for tool in self._tools.values())

    async def call(self, call: ToolCall) -> ToolResult:
        """Make the call. Whatever goes wrong is a result, except being cancelled."""
        tool = self._tools.get(call.name)
        if tool is None:
            names = ", ".join(self._tools)
            return ToolResult(text=f"there is no tool {call.name[:80]!r}; there is {names}", error="unknown")
        if (before := self._under_way.get(call.name)) and before.busy:
            return ToolResult(text=f"{call.name} has not come back from an earlier call; do without", error="busy")
        try:
            arguments = tool.read(call.arguments)
        except ValueError as error:
            return ToolResult(text=str(error), error="arguments")
        return await self._make(tool, arguments)

    async def _make(self, tool: ToolFunction, arguments: dict[str, object]) -> ToolResult:
        def words() -> object:
            value = tool.function(**arguments)
            return _portrayed(value) if inspect.isawaitable(value) else portray(value)[1]

        thread = self._under_way[tool.offer.name] = ToolThread(words, tool.offer.name)
        began = time.perf_counter()
        try:
            text, raised = await thread.outcome(self.patience)
        except TimeoutError:
            late = f"it did not come back within {self.patience:g} s"
            return ToolResult(text=late, error="timeout", seconds=time.perf_counter() - began)
        seconds = time.perf_counter() - began
        if raised is not None:
            return ToolResult(text=f"it raised {describe(raised, 500)}", error="raised", seconds=seconds)
        return ToolResult(text=str(text), seconds=seconds)


async def _portrayed(value: Awaitable[object]) -> str:
    return portray(await value)[1]
