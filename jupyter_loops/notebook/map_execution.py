"""The execution of one %%loop cell with --over or --parallel: launch, wait, show, leave the results."""

from __future__ import annotations

import ast
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar

from jupyter_loops.errors import LoopError, OptionError, PreflightError
from jupyter_loops.nearest import nearest
from jupyter_loops.run_groups import RunGroup

from .awaited_execution import AwaitedExecution
from .map_output import MapOutput

G = TypeVar("G", bound=RunGroup)
_QUERY = re.compile(r"\s*(select|from|with|values)\s", re.IGNORECASE)


@dataclass(slots=True, kw_only=True)
class MapExecution(AwaitedExecution[G]):
    """A map, or attempts: the panel, and the options of the first line."""

    GRACE: ClassVar[float] = 10.0
    shell: Any
    name: str
    begin: Callable[[Callable[[], None]], G]  # starts the map that calls when something has changed
    raises: bool = True
    then: Callable[[G], object] = lambda _: None  # what a good end leaves in the notebook
    run: G = field(init=False)
    output: MapOutput = field(init=False)

    def start(self) -> None:
        """Launch, and open the panel. Raises PreflightError, OptionError before anything is shown."""
        self.output = MapOutput(in_kernel=hasattr(self.shell, "kernel"))
        self.run = self.begin(self.output.changed)
        self.output.open(self.run)
        self.shell.user_ns[self.name] = self.run

    def leave(self) -> G:
        """Return at once; the panel goes on."""
        ending = threading.Thread(target=self._finish_late, name="jupyter-loops end", daemon=True)
        self.run.future.add_done_callback(lambda _: ending.start())
        return self.run

    def finish(self) -> G:
        """Show the end. Raises the error or NotVerified."""
        self._show_end()
        if self.run.future.cancelled():
            raise LoopError(f"{self.name} was stopped before it began")
        if self.run.error is not None:
            raise self.run.error
        if self.raises:
            self.run.check()
        self.then(self.run)
        return self.run

    def _show_end(self) -> None:
        self.output.close(began=self.run.began)


def rows_of(text: str, namespace: Mapping[str, Any], loop: str = "") -> object:
    """What --over names: a name or expression of the notebook, or a query over files. Raises OptionError.

    The rows must not be called as the `loop` is, whose run would take their name.
    """
    if _QUERY.match(text):
        import duckdb

        try:
            return duckdb.sql(text)
        except duckdb.Error as error:
            raise OptionError(f"--over: {str(error).splitlines()[0]}") from None
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except SyntaxError:
        raise OptionError(f"--over got {text[:60]!r}, expected a name, an expression, or a query in quotes") from None
    if any(isinstance(node, ast.Name) and node.id == loop for node in ast.walk(tree)):
        raise OptionError(f"the loop and its rows are both called {loop}, and the run would take the name: rename one")
    if isinstance(tree.body, ast.Name) and text.strip() not in namespace:
        raise OptionError(f"--over got {text.strip()}, which is defined nowhere{nearest(text.strip(), namespace)}")
    try:
        return eval(compile(tree, "--over", "eval"), dict(namespace))  # noqa: S307 - the user's own line
    except LoopError:
        raise
    except Exception as error:
        raise PreflightError(f"--over {text[:60]}: {type(error).__name__}: {error}") from error
