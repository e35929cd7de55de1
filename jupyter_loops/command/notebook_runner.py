"""`jupyter loops run`: a notebook from top to bottom, with progress, and with a budget of its own."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jupyter_loops.assemble.notebook_budget import VARIABLE
from jupyter_loops.errors import OptionError, PreflightError

_FIRST = 72  # characters of a cell that its line shows
_LOOP = re.compile(r"^%%loop\s", re.MULTILINE)
_RESUME = "--LoopMagics.resume=True"  # interrupted runs go on


class NotebookRunner:
    """Runs one notebook; `run` gives the exit status."""

    def __init__(
        self,
        notebook: Path,
        output: Path | None,
        *,
        usd: float | None,
        seconds: float | None,
        kernel: str,
        keep_going: bool,
        progress: Callable[[str], None],
    ) -> None:
        if not notebook.is_file():
            raise OptionError(f"there is no notebook {notebook}")
        if output is not None and not output.absolute().parent.is_dir():
            raise OptionError(f"--output {output}: there is no folder {output.parent}")
        if usd is not None and not usd > 0:
            raise OptionError(f"--usd must be more than 0, got {usd:g}")
        self._notebook, self._usd, self._seconds = notebook, usd, seconds
        self._output = output or notebook.with_suffix(".executed.ipynb")
        self._kernel, self._keep_going, self._say = kernel, keep_going, progress
        self._failed: list[str] = []
        self._done = 0  # cells that came to their end
        self._began = 0.0

    def run(self) -> int:
        """Execute every cell; what was done is written after each. Raises PreflightError."""
        nbclient, nbformat = _libraries()
        try:
            node = nbformat.read(self._notebook, as_version=4)
        except Exception as error:  # whatever a file that is no notebook makes of the reader
            raise PreflightError(f"{self._notebook} cannot be read as a notebook: {error!s:.200}") from error
        names = [cell for cell in node.cells if cell.cell_type == "code" and cell.source.strip()]
        kernel = self._kernel or node.metadata.get("kernelspec", {}).get("name", "python3")
        _check_kernel(kernel)
        client = nbclient.NotebookClient(
            node,
            timeout=self._seconds,
            kernel_name=kernel,
            resources={"metadata": {"path": str(self._notebook.parent.resolve())}},
            extra_arguments=[_RESUME],
            allow_errors=self._keep_going,
            on_cell_start=lambda cell, **_: self._starts(cell, names),
            on_cell_executed=lambda cell, **_: self._executed(cell, node, nbformat),
        )
        if self._usd is not None:
            os.environ[VARIABLE] = repr(self._usd)
        try:
            client.execute()
        except nbclient.exceptions.CellExecutionError as error:
            self._failed = self._failed or [f"{error.ename}: {error.evalue}"]
        except nbclient.exceptions.CellTimeoutError:
            self._failed = self._failed or [f"a cell took longer than --time {self._seconds:g} s"]
        except (nbclient.exceptions.DeadKernelError, AssertionError):  # at Ctrl-C nbclient ends the kernel, and twice
            self._failed.append("the kernel died, or was interrupted")
        finally:
            os.environ.pop(VARIABLE, None)
            nbformat.write(node, self._output)
        return self._conclude(names)

    def _starts(self, cell: Any, cells: list[Any]) -> None:
        if cell in cells:
            self._began = time.monotonic()
            self._say(f"[{cells.index(cell) + 1}/{len(cells)}] {_first_line(cell.source)}")

    def _executed(self, cell: Any, node: Any, nbformat: Any) -> None:
        nbformat.write(node, self._output)
        self._done += cell.execution_count is not None and not _has_failed(cell)
        for output in cell.get("outputs", ()):
            if _has_failed(cell) and output.output_type == "error":
                self._failed.append(f"{output.ename}: {output.evalue}")
            for line in _run_lines(output, of_loop=_LOOP.search(cell.source) is not None):
                self._say(f"      {line}")
        self._say(f"      {time.monotonic() - self._began:.1f} s{', failed' if _has_failed(cell) else ''}")

    def _conclude(self, cells: list[Any]) -> int:
        self._say(f"{self._done} of {len(cells)} cells; written to {self._output}")
        for failure in self._failed[:1]:
            self._say(f"failed: {failure}; the same command goes on from what is verified")
        return int(bool(self._failed))


def _libraries() -> tuple[Any, Any]:
    try:
        import nbclient
        import nbformat
    except ImportError as error:
        raise PreflightError("jupyter loops run needs nbclient: pip install nbclient") from error
    return nbclient, nbformat


def _check_kernel(name: str) -> None:
    from jupyter_client.kernelspec import KernelSpecManager

    known = sorted(KernelSpecManager().find_kernel_specs())
    if name not in known:
        raise PreflightError(f"there is no kernel {name}; --kernel takes {', '.join(known) or 'one that is installed'}")


def _first_line(source: str) -> str:
    line = source.strip().partition("\n")[0]
    return line if len(line) <= _FIRST else f"{line[: _FIRST - 1]}…"


def _run_lines(output: Any, *, of_loop: bool) -> list[str]:
    """The headline of a run, a map or attempts that the cell shows."""
    data = output.get("data", {})
    panel = of_loop and output.output_type == "display_data"
    if not panel and not any("jupyter-loops.run" in kind for kind in data):
        return []
    return str(data.get("text/plain", "")).splitlines()[:1]


def _has_failed(cell: Any) -> bool:
    """Whether it raised, and is not meant to."""
    meant = "raises-exception" in cell.metadata.get("tags", ())
    return not meant and any(output.output_type == "error" for output in cell.get("outputs", ()))
