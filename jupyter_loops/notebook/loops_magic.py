"""`%loops`: lists the runs, and steers them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from IPython.core.magic import Magics, line_magic, magics_class, no_var_expand

from jupyter_loops.errors import OptionError
from jupyter_loops.nearest import nearest
from jupyter_loops.options import Option, units
from jupyter_loops.view.table import Table

from . import breakers, doctor_table, history_commands, map_words, model_table, prompt_text, run_table, sandbox_table
from .help_page import TOPICS, HelpPage, page
from .line import read_options, split
from .loop_magic import LoopMagics
from .stored_magic import WORDS as STORED_WORDS
from .usage import usage

if TYPE_CHECKING:
    from jupyter_loops.doctor import DoctorReport
    from jupyter_loops.run import Run

WORDS = (
    *("list", "show", "pause", "resume", "step", "stop", "hint", "approve", "reject", "raise-budget", "set", "undo"),
    *STORED_WORDS,
    *history_commands.WORDS,
    *("breakers", "sandbox", "chart", "model", "doctor", "help"),
)
CHARTS = (
    *("cost", "latency", "progress", "timeline", "checks", "parts", "lineage"),
    *("compare", "curves", "stops", "days"),
)
LIMITS = (
    Option(name="usd", help="", shape="DOLLARS", read=units.dollars),
    Option(name="tokens", help="", shape="COUNT", read=units.count),
    Option(name="time", help="", shape="TIME", read=units.seconds),
    Option(name="iterations", short="-n", help="", shape="COUNT", read=units.count),
    Option(name="calls", help="", shape="COUNT", read=units.count),
)
SETTINGS = (
    Option(name="model", short="-m", help="", shape="NAME", read=str),
    Option(name="temperature", help="", shape="NUMBER", read=units.or_none(units.fraction)),
    Option(name="max_tokens", help="", shape="COUNT", read=units.or_none(units.count)),
    *LIMITS,
)
SHOW = (Option(name="prompt", help="", shape="ROUND", read=units.count),)
LISTING = (
    Option(name="sort", help="", shape="COLUMN", read=units.choice(*run_table.ORDERS)),
    Option(name="limit", help="", shape="COUNT", read=units.count),
)
_DOCTOR = (Option(name="environment", help=""), Option(name="json", help=""))
_ANOTHER = (  # what it means to turn to another model
    ". The model is asked where the first one is (--api-base), and charged at the --price with its name, or else its "
    "list price, or else the --price without a name. Where it cannot be asked, the run stays with the one that it has "
    "and its view says why"
)


@magics_class
class LoopsMagic(history_commands.HistoryCommands, Magics):
    """Steering of runs by line magics."""

    def __init__(self, shell: Any, loops: LoopMagics) -> None:
        super().__init__(shell=shell)
        self._ipython = shell
        self._loops = loops

    @no_var_expand
    @line_magic
    def loops(self, line: str) -> Any:
        """The runs: `%loops`, or `%loops show|pause|resume|stop|fork|lineage|verify …`; `%loops help` has all words."""
        with usage("%loops"):
            word, *arguments = split(line) or ["list"]
            command = self._command(word)
            outcome = map_words.answer(word, arguments)
            return command(arguments) if outcome is map_words.NO_MAP else outcome

    def _command(self, word: str) -> Callable[[list[str]], Any]:
        word = "help" if word in {"-h", "--help"} else word
        if word not in WORDS:
            raise OptionError(f"unknown subcommand {word}{nearest(word, WORDS)}")
        command: Callable[[list[str]], Any] = getattr(self, f"_{word.replace('-', '_')}")
        return command

    def _list(self, words: list[str]) -> Any:
        """[WORD] [--sort usd] [--limit 50]: runs that go on, and the newest of the history that have WORD in them."""
        options = read_options(words, LISTING, self._ipython.user_ns)
        word = " ".join(options.pop("", []))
        return run_table.recent(self._loops.history, word, **options)

    def _show(self, words: list[str]) -> None:
        """[NAME|RUN] [--prompt 3]: a run as it stands now; or what its model was asked in a round, as it was sent."""
        options = read_options(words, SHOW, {})
        words = options.get("", [])
        _no_more(words[1:])
        if "prompt" in options:
            here = run_table.find(words[0]) if words else run_table.newest()
            row = {} if here else self._row(words)
            if row:
                map_words.refuse_group(
                    row, f"%loops show {row['loop']}[0] --prompt {options['prompt']} shows one run's"
                )
            history, run_id = (here.history, here.id) if here else (self._history, row["run_id"])
            print(prompt_text.of_round(history, run_id, options["prompt"]))  # noqa: T201  # as it was sent
            return
        if not words or run_table.find(words[0]):
            self._run(words).show()
        else:
            run_table.show(self._history, self._row(words)["run_id"])

    def _pause(self, words: list[str]) -> str:
        """[NAME]: hold before the next phase."""
        run = self._live(words)
        run.pause()
        return f"{run.name} pauses before its next phase"

    def _resume(self, words: list[str]) -> Any:
        """[NAME|RUN] [--usd 2 …]: go on with a run that is held, or that was interrupted, or whose kernel died."""
        run = run_table.find(words[0]) if words else next(map(run_table.find, run_table.live_names()[-1:]), None)
        if run is None or run.future.done():
            return self._go_on(words)
        _no_more(words[1:])
        run.resume()
        return f"{run.name} goes on"

    def _step(self, words: list[str]) -> str:
        """[NAME]: one round, then hold again."""
        run = self._live(words)
        run.step()
        return f"{run.name} takes one round"

    def _stop(self, words: list[str]) -> str:
        """[NAME]: end now and keep the best candidate."""
        run = self._live(words)
        run.stop()
        return f"{run.name} stops"

    def _hint(self, words: list[str]) -> str:
        """[NAME] "TEXT": tell the model something from the next round on."""
        if not words:
            raise OptionError('give the hint as well: %loops hint NAME "try a regular expression"')
        named = run_table.find(words[0]) is not None and len(words) > 1
        run = self._live(words[:1] if named else [])
        run.hint(" ".join(words[1:] if named else words))
        return f"{run.name} tells its model in the next round"

    def _approve(self, words: list[str]) -> str:
        """[NAME] ["COMMENT"]: accept the value that waits."""
        run, comment = self._addressed(words)
        run.approve(comment)
        return f"{run.name} goes on: approved"

    def _reject(self, words: list[str]) -> str:
        """[NAME] "WHY": refuse the value that waits, and tell the model why."""
        run, comment = self._addressed(words)
        run.reject(comment)
        return f"{run.name} goes on: rejected"

    def _addressed(self, words: list[str]) -> tuple[Run, str]:
        """The run that is named, or the newest that goes on, and the rest of the line."""
        named = bool(words) and run_table.find(words[0]) is not None
        return self._live(words[:1] if named else []), " ".join(words[1:] if named else words)

    def _raise_budget(self, words: list[str]) -> str:
        """[NAME] [--usd 2] [--tokens 50k] [--time 20m] [-n 20]: new limits."""
        limits = read_options(words, LIMITS, self._ipython.user_ns)
        run = self._live(limits.pop("", []))
        if not limits:
            raise OptionError("say which limit: --usd, --tokens, --time, --iterations or --calls")
        run.raise_budget(**{"seconds" if name == "time" else name: value for name, value in limits.items()})
        return f"{run.name} may now use {', '.join(f'{name} {value:g}' for name, value in limits.items())}"

    def _set(self, words: list[str]) -> str:
        """[NAME] [--model m] [--temperature 0.8] [--max-tokens 500] [--usd 2 …]: how it asks, from the next round."""
        changes = read_options(words, SETTINGS, self._ipython.user_ns)
        run = self._live(changes.pop("", []))
        if not changes:
            raise OptionError("say what to set: --model, --temperature, --max-tokens, or a limit")
        run.set(**{"seconds" if name == "time" else name: value for name, value in changes.items()})
        settings = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in changes.items())
        return f"{run.name} goes on with {settings} from its next round{_ANOTHER if changes.get('model') else ''}"

    def _undo(self, words: list[str]) -> str:
        """[NAME]: take back what a run bound in the notebook."""
        run = self._run(words)
        bound = [change.name for change in run.diff]
        if not bound:
            raise OptionError(f"{run.name} has bound nothing in this notebook")
        undone = [change.name for change in run.undo()]
        rebound = [name for name in bound if name not in undone]
        parts = [f"took back {_names(undone)}" if undone else "took back nothing"]
        parts += [f"left {_names(rebound)}, bound anew since" if rebound else ""]
        return f"{run.name}: {'; '.join(filter(None, parts))}"

    def _breakers(self, words: list[str]) -> Table:
        """The circuit breakers of this kernel: which models are left alone, and until when."""
        _no_more(words)
        return breakers.table()

    def _sandbox(self, words: list[str]) -> Table:
        """[bubblewrap|landlock|container|process …]: what candidates can do on this machine, by trying it."""
        from jupyter_loops.execution.isolation import LEVELS

        for word in words:
            if word not in LEVELS:
                raise OptionError(f"there is no sandbox {word!r}{nearest(word, LEVELS)}")
        return sandbox_table.table(words)

    def _chart(self, words: list[str]) -> Any:
        """[KIND] [NAME]: a Plotly figure of a run, or of all runs; `%loops help charts` has the kinds."""
        from jupyter_loops.view.charts import KINDS, Charts, of_history

        kinds = [word for word in words if word in CHARTS]
        names = [word for word in words if word not in CHARTS]
        if kinds and not KINDS[kinds[0]].rows:
            cap = self._loops.default("daily_usd")
            return of_history(kinds[0], self._asked, " ".join(names), cap if isinstance(cap, float) else None)
        kind = kinds[0] if kinds else "cost"
        if not names or run_table.find(names[0]) is not None:
            return getattr(self._run(names).chart, kind)()
        _no_more(names[1:])
        row = self._history.run(names[0])
        if row is None:
            known = run_table.names() if kinds else [*CHARTS, *run_table.names()]
            chart = "" if kinds else "no chart and "
            raise OptionError(f"{chart}no run is called {names[0]}{nearest(names[0], known)}")
        if KINDS[kind].rows != "family":
            map_words.refuse_group(row, f"%loops chart {kind} {row['loop']}[0] draws a run of it")
        return getattr(Charts.of_run(self._history, row["run_id"], row["loop"]), kind)()

    def _asked(self, query: str, values: dict[str, object]) -> list[dict[str, Any]]:
        return self._history.sql(query, values).dicts()

    def _model(self, words: list[str]) -> Table | str:
        """[fetch [NAME …] | rm NAME …]: models that run here, and what servers on this machine offer."""
        return model_table.model(words)

    def _doctor(self, words: list[str]) -> DoctorReport | str:
        """[--environment] [--json]: provoke the faults of the production checklist, and look at the environment."""
        options = read_options(words, _DOCTOR, {})
        _no_more(options.get("", []))
        report = doctor_table.report(self._ipython, self._loops.options(), checklist=not options.get("environment"))
        return report.json() if options.get("json") else report

    def _help(self, words: list[str]) -> HelpPage | None:
        """[TOPIC|WORD]: these lines, a page of the documentation, or the line of one word."""
        _no_more(words[1:])
        if words and words[0] in TOPICS:
            return page(words[0])
        if words and words[0] not in WORDS:
            raise OptionError(f"no page and no word is called {words[0]}{nearest(words[0], [*TOPICS, *WORDS])}")
        width = max(map(len, WORDS))
        for word in words or WORDS:
            doc = inspect.getdoc(self._command(word))
            print(f"%loops {word:<{width}}  {doc}")  # noqa: T201  # help goes where print goes
        if not words:
            print(f"\nPages, by %loops help TOPIC: {', '.join(TOPICS)}")  # noqa: T201  # as above
        return None

    def _run(self, words: list[str]) -> Run:
        """The run that is named, else the newest."""
        _no_more(words[1:])
        run = run_table.find(words[0]) if words else run_table.newest()
        if run is None and words:
            raise OptionError(f"no run is called {words[0]}{nearest(words[0], run_table.names())}")
        if run is None:
            raise OptionError("no loop has run in this kernel yet")
        return run

    def _live(self, words: list[str]) -> Run:
        """The run that is named, else the newest that goes on; it must not have ended."""
        run = self._run(words or run_table.live_names()[-1:])
        if run.future.done():
            raise OptionError(f"{run.name} has ended already")
        return run


def _names(names: list[str]) -> str:
    return ", ".join(dict.fromkeys(names))


def _no_more(words: list[str]) -> None:
    if words:
        raise OptionError(f"unexpected {words[0]!r}")
