"""`%load_ext jupyter_loops`, and its undoing. Loads IPython's own modules and nothing heavy."""

from __future__ import annotations

import sys
from typing import Any

from . import life
from .awaiting import Awaiting
from .completion import MagicCompleter
from .first_line import FirstLine
from .lab import lab_comm
from .loop_magic import LoopMagics
from .loops_magic import LoopsMagic
from .run_channel import RunChannel
from .sql_magic import SqlMagic

_ATTRIBUTE = "_jupyter_loops"
_ATTEMPTS = ("jupyter_loops.attempts.attempt_group", "AttemptGroup")
_RUNS = (("jupyter_loops.run", "Run"), ("jupyter_loops.mapping.map_run", "MapRun"), _ATTEMPTS)


class Extension:
    """What is registered with one shell."""

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self.magics = LoopMagics(shell)
        self._others = [LoopsMagic(shell, self.magics), SqlMagic(shell, self.magics)]
        self._first_line = FirstLine(shell)
        self._awaiting = Awaiting(shell)
        self._completion = MagicCompleter(shell)
        self._channel = RunChannel(shell, self.magics)
        self._lab = lab_comm(shell, self.magics)

    def install(self) -> None:
        """Register everything."""
        self._shell.register_magics(self.magics, *self._others)
        self._first_line.install()
        self._awaiting.install()
        self._completion.install()
        self._channel.install()
        self._shell.events.register("post_run_cell", _renew)
        if self._lab is not None:
            self._lab.install()
        life.guard()
        for kind in _RUNS:
            self._display().for_type_by_name(*kind, self._show)

    def remove(self) -> None:
        """Take everything back, and leave the user's names alone."""
        for magics in (self.magics, *self._others):
            for kind, table in magics.magics.items():
                for name in table:
                    self._shell.magics_manager.magics[kind].pop(name, None)
            if magics in self._shell.configurables:
                self._shell.configurables.remove(magics)
        self._first_line.remove()
        self._awaiting.remove()
        self._completion.remove()
        self._channel.remove()
        self._shell.events.unregister("post_run_cell", _renew)
        if self._lab is not None:
            self._lab.remove()
        life.let_go()
        self._forget_display()

    def _display(self) -> Any:
        return self._shell.display_formatter.ipython_display_formatter

    def _forget_display(self) -> None:
        formatter = self._display()
        for kind in _RUNS:
            formatter.deferred_printers.pop(kind, None)
        for kind in [kind for kind in formatter.type_printers if (kind.__module__, kind.__name__) in _RUNS]:
            del formatter.type_printers[kind]

    def _show(self, run: Any) -> None:
        """Draw a run that is the value of a cell, unless that cell is its own and shows it already."""
        if run.id in self.magics.shown:
            self.magics.shown.discard(run.id)
        else:
            run.show()


def load(shell: Any) -> None:
    """Register with a shell. Twice is as good as once."""
    if getattr(shell, _ATTRIBUTE, None) is None:
        extension = Extension(shell)
        extension.install()
        setattr(shell, _ATTRIBUTE, extension)


def unload(shell: Any) -> None:
    """Take everything back."""
    extension: Extension | None = getattr(shell, _ATTRIBUTE, None)
    if extension is not None:
        extension.remove()
        setattr(shell, _ATTRIBUTE, None)


def _renew(_result: object) -> None:
    """After a cell, nbclient and its like hear how runs in the background stand."""
    if "jupyter_loops.view.live_view" in sys.modules:
        from jupyter_loops.view.live_view import renew_unattended

        renew_unattended()
