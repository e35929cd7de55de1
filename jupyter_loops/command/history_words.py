"""The words about the history: the same functions as those of `%loops`, without a shell."""

from __future__ import annotations

import inspect
from types import SimpleNamespace
from typing import Any

from jupyter_loops.errors import OptionError
from jupyter_loops.notebook import model_table, run_table
from jupyter_loops.notebook.history_commands import HistoryCommands
from jupyter_loops.notebook.line import read_options
from jupyter_loops.options import Option, units

WORDS = ("ls", "show", "sql", "schema", "du", "export", "import", "verify", "prune", "forget", "model")
_SQL = (Option(name="as", help="", shape="FORMAT", read=units.choice("table", "csv", "json")),)


class HistoryWords(HistoryCommands):
    """Each word is a method that takes the words behind it, and gives what is printed."""

    def __init__(self) -> None:
        self._ipython: Any = SimpleNamespace(user_ns={})
        self._loops: Any = SimpleNamespace(history=None)

    def do(self, word: str, words: list[str]) -> str:
        """Do what a word says, and give what it prints: a result is only readable before the history is closed."""
        try:
            result = getattr(self, f"_{word}")(words)
            return "" if result is None else str(result)
        finally:
            self._history.close()

    @classmethod
    def doc(cls, word: str) -> str:
        """What a word takes and does, in one line."""
        return (inspect.getdoc(getattr(cls, f"_{word}")) or "").replace("%loops", "jupyter loops")

    def _ls(self, words: list[str]) -> object:
        """: the newest runs."""
        _at_most(words, 0)
        return run_table.recent(None)

    def _show(self, words: list[str]) -> object:
        """[NAME|RUN]: a run and its rounds."""
        from jupyter_loops.view.run_text import text
        from jupyter_loops.view.snapshot import Snapshot

        return text(Snapshot.of(self._history.story(self._row(words)["run_id"])).to_json())

    def _sql(self, words: list[str]) -> object:
        """QUERY [--as table|csv|json]: ask the history; $run is the newest run."""
        options = read_options(words, _SQL, {})
        query = " ".join(options.pop("", []))
        if not query:
            raise OptionError('say what to ask: jupyter loops sql "SELECT * FROM runs"')
        params = {"run": self._row([])["run_id"]} if "$run" in query else {}
        result = self._history.sql(query, params)
        form = options.get("as", "table")
        if form == "table":
            return result
        return _as_csv(result) if form == "csv" else _as_json(result)

    def _model(self, words: list[str]) -> object:
        """[fetch [NAME …] | rm NAME …]: models that run here, and what servers on this machine offer."""
        return model_table.model(words)


def _as_json(result: Any) -> str:
    import json

    return json.dumps(result.dicts(), default=str, ensure_ascii=False)


def _as_csv(result: Any) -> str:
    import csv
    import io

    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(result.columns)
    writer.writerows(result.fetchall())
    return out.getvalue().rstrip("\n")


def _at_most(words: list[str], count: int) -> None:
    if len(words) > count:
        raise OptionError(f"unexpected {words[count]!r}")
