"""The `%loops` subcommands for the whole history: schema, size, prune, import, export, repair."""

from __future__ import annotations

import contextlib
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_loops.errors import OptionError, QueryError
from jupyter_loops.options import Option, units

from .line import read_options
from .stored_magic import StoredMagic

if TYPE_CHECKING:
    from jupyter_loops.history import History

WORDS = ("schema", "du", "prune", "import", "repair")
_MB = 1e6
_PRUNE = (
    Option(name="older", help="", shape="AGE", read=units.days),
    Option(name="keep_verified", help=""),
    Option(name="dry_run", help=""),
)
_EXPORT = (Option(name="as", help="", shape="FORMAT", read=units.choice("parquet", "csv")),)


class HistoryCommands(StoredMagic):
    """The subcommands of LoopsMagic for the whole history."""

    def _schema(self, words: list[str]) -> Any:
        """[TABLE]: the tables of the history, or the columns of one, with what they hold."""
        _at_most(words, 1)
        try:
            result = self._history.schema(*words)
        except QueryError as error:
            raise OptionError(str(error)) from None
        result.limit = len(result)
        return result

    def _du(self, words: list[str]) -> Any:
        """What each run takes, largest first: bytes before compression."""
        _at_most(words, 0)
        return self._history.sizes()

    def _prune(self, words: list[str]) -> str:
        """--older 90d [--keep-verified] [--dry-run]: delete old runs, and shrink the file."""
        options = read_options(words, _PRUNE, {})
        _at_most(options.pop("", []), 0)
        if "older" not in options:
            raise OptionError("say how old: %loops prune --older 90d [--keep-verified] [--dry-run]")
        history, dry = self._history, bool(options.get("dry_run"))
        before = _size(history)
        keep = bool(options.get("keep_verified"))
        deleted = history.prune(timedelta(days=options["older"]), keep_verified=keep, dry_run=dry)
        runs = f"{len(deleted)} run{'' if len(deleted) == 1 else 's'}"
        if dry:
            return f"{runs} would go: {', '.join(deleted[:10])}{' …' if len(deleted) > 10 else ''}"  # noqa: PLR2004
        if history.address.kind != "file":
            return f"{runs} deleted"
        return f"{runs} deleted; the file went from {before:.1f} to {_size(history):.1f} MB"

    def _export(self, words: list[str]) -> str:
        """FOLDER [--as parquet|csv]: every table as a file; RUN FILE.jsonl: one run that proves itself."""
        options = read_options(words, _EXPORT, {})
        named = options.pop("", [])
        if "as" not in options and len(named) == 2:  # noqa: PLR2004  # a run, and a file
            return super()._export(named)
        if len(named) != 1:
            raise OptionError("say where to: %loops export FOLDER [--as csv], or %loops export RUN FILE.jsonl")
        counted = self._history.export_tables(named[0], options.get("as", "parquet"))
        return f"{len(counted)} tables with {sum(counted.values()):,} rows are in {named[0]}"

    def _import(self, words: list[str]) -> str:
        """FILE: the runs of another history (.duckdb), an exported run (.jsonl), a damaged journal (.damaged); once."""
        from jupyter_loops.history import History

        _at_most(words, 1)
        if not words or not Path(words[0]).expanduser().is_file():
            raise OptionError(f"there is no file {words[0]}" if words else "say which: %loops import FILE.duckdb")
        source = Path(words[0]).expanduser()
        notice_count = len(self._history.notices)
        if source.suffix == ".jsonl":
            message = f"run {self._history.load(source)} is here"
        elif source.suffix in {".damaged", ".journal"}:
            message = f"{self._history.recover(source):,} new events came from {source.name}"
        else:
            with contextlib.closing(History(source)) as other:
                message = f"{self._history.merge(other):,} new events came from {source.name}"
        return "; ".join([message, *self._history.notices[notice_count:]])

    def _repair(self, words: list[str]) -> str:
        """: make a damaged history anew from its journals, backups, and what can be read; the old file is kept."""
        _at_most(words, 0)
        return str(self._history.repair())


def _size(history: History) -> float:
    return history.path.stat().st_size / _MB if history.path.exists() else 0.0


def _at_most(words: list[str], count: int) -> None:
    if len(words) > count:
        raise OptionError(f"unexpected {words[count]!r}")
