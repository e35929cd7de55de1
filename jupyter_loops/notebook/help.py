"""What `%%loop --help` and a bare `%loop` print."""

from __future__ import annotations

from collections.abc import Callable

from jupyter_loops.core.policy import HubPolicy
from jupyter_loops.errors import LoopError
from jupyter_loops.options import Option
from jupyter_loops.options.option_spec import GROUPS

from .line import OPTIONS

_EXAMPLE = '''\
%%loop slug --usd 0.05 --iterations 8
def slugify(text: str) -> str:
    """Lower-case ASCII words joined by single hyphens."""
    ...

assert slugify("Hello World") == "hello-world"
with hidden:                       # run, but never shown to the model
    assert slugify("a,  b") == "a-b"'''

_SHORT = """\
A %%loop cell states what to make (an empty def, or `name: Type`) and the asserts that decide whether it is right.

{example}

Defaults: model {model}; at most ${usd}, {time} s, {iterations} rounds. All options: %loop --help
Runs: %loops · history: %loop_sql SELECT * FROM runs"""


def short(default: Callable[[str], object]) -> str:
    """An example, and the limits that hold unless a cell says otherwise."""
    words = {name: _plain(default(name)) for name in ("model", "usd", "time", "iterations")}
    return _SHORT.format(example=_EXAMPLE, **words)


def full(default: Callable[[str], object]) -> str:
    """Every option with its default."""
    lines = [line for group in GROUPS for line in _group(group, default)]
    units = "A limit takes `none` for no limit; 0 never means that. A value `$name` is the variable's."
    config = "Defaults: %config LoopMagics, or c.LoopMagics in ipython_config.py."
    return "\n".join(["%%loop NAME [options]", *lines, "", units, config, *_hub(), "", _EXAMPLE])


def _group(group: str, default: Callable[[str], object]) -> list[str]:
    return ["", f"{group}:", *(_line(option, default) for option in OPTIONS if option.group == group)]


def _hub() -> list[str]:
    """The limits of the hub, where there are some."""
    try:
        policy = HubPolicy.here()
    except LoopError as error:
        return [str(error)]
    return [f"Limits of this hub, which no option raises: {policy}."] if policy.sources else []


def _line(option: Option, default: Callable[[str], object]) -> str:
    head = ", ".join(filter(None, [option.short, option.long])) + (f" {option.shape}" if option.shape else "")
    return f"  {head:<26}{option.help}{default_note(option, default(option.of or option.name))}"


def default_note(option: Option, value: object) -> str:
    """The default; of a flag, whether it is on."""
    if option.read is None:
        return " (default)" if value is (not option.of) else ""
    return "" if value is None or value == [] else f" (default {_in_unit(option, value)})"


def _in_unit(option: Option, value: object) -> str:
    if option.shape == "SIZE" and isinstance(value, int):
        return f"{value / 1024**2:g}MB"
    return f"{_plain(value)}s" if option.shape == "TIME" else _plain(value)


def _plain(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else "none" if value is None else str(value)
