"""Where the doctor provokes faults: real runs on scripted models, in a history that goes away."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from jupyter_loops.assemble import Adapters, Options, launch
from jupyter_loops.core.budget import Price
from jupyter_loops.execution.sandbox import ZygoteSandbox
from jupyter_loops.history import History, open_history
from jupyter_loops.language import parse
from jupyter_loops.planning.models.replay import Answer, ReplayModel
from jupyter_loops.run import Run

CELL = '''
def double(n: int) -> int:
    """Twice the number."""

assert double(2) == 4
assert double(5) == 10
with hidden:
    assert double(-3) == -6
'''
RIGHT = "```python\ndef double(n: int) -> int:\n    return 2 * n\n```"
PRICE = Price(prompt=1e-5, completion=1e-5, source="doctor")
_PATIENCE = 60.0  # seconds for one run


def wrong(number: int) -> str:
    """An answer that fails, and is another one for each number."""
    return f"```python\ndef double(n: int) -> int:\n    return n + {number + 100}\n```"


class PracticeError(Exception):
    """A fault did not have the outcome that it has to have; the text is what was observed."""


def require(holds: bool, observed: str) -> str:
    """`observed`, where it is as it has to be. Raises PracticeError."""
    if not holds:
        raise PracticeError(observed)
    return observed


class Practice:
    """A folder with a history; every run of it is over when the method returns."""

    def __init__(self, sandbox: str = "auto") -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="jupyter-loops-doctor-", ignore_cleanup_errors=True)
        self.folder = Path(self._folder.name)
        self.path = self.folder / "history.duckdb"
        self.sandbox = sandbox

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.history.close()
        self._folder.cleanup()

    @property
    def history(self) -> History:
        """The history of these runs."""
        return open_history(self.path)

    def run(
        self,
        *answers: Answer,
        cell: str = CELL,
        model: ReplayModel | None = None,
        fallbacks: Sequence[ReplayModel] = (),
        **options: Any,
    ) -> Run:
        """A run to its end; without a model, one that gives the answers, at a price."""
        model = model or ReplayModel(answers, price=PRICE, name="scripted")
        chosen = Options(**{"history": str(self.path), "sandbox": self.sandbox, "fresh": True, **options})
        adapters = Adapters(model, ZygoteSandbox(isolation=chosen.sandbox), tuple(fallbacks))
        run = launch(parse(cell, "practice"), chosen, {}, (), adapters)
        run.wait(_PATIENCE)
        return run

    def rows(self, query: str, run: Run | None = None) -> list[tuple[Any, ...]]:
        """A query over this history; `$run` is the run."""
        return list(self.history.sql(query, {"run": run.id} if run is not None else {}).fetchall())
