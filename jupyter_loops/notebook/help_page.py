"""The pages of the documentation that ship with the package, as `%loops help TOPIC` shows them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.resources import files

from jupyter_loops.errors import OptionError
from jupyter_loops.nearest import nearest

TOPICS = {
    "cell": "the cell language: goal, targets, checks",
    "options": "every option of the first line",
    "models": "embedded models, servers, providers",
    "prompts": "parts, looking at one, fresh or rolling, your own",
    "budgets": "limits, the final answer, forecasts, prices",
    "verification": "layers, the exam, what crosses the border, delivery",
    "safety": "isolation levels and their limits",
    "tools": "functions that the model may call",
    "view": "watching and steering",
    "lab": "the sidebar, the history tab and the settings of JupyterLab",
    "charts": "figures of a run and of a query",
    "history": "SQL, prune, export, repair, proof",
    "schema": "the tables of the history",
    "team": "one history for many",
    "resume": "resume, fork, replay, lineage",
    "scale": "many loops at once, loops inside loops",
    "python": "without a notebook",
    "errors": "stop reasons, classes of faults, exceptions",
    "command": "the command line, and running notebooks",
    "operations": "doctor, logs, traces, metrics, limits of a hub",
    "howto": "ten how-tos",
}
_LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(([^)#]+)(?:#[^)]*)?\)")

_PICTURE = re.compile(r"!\[[^\]]*\]\([^)]*\)\n*")  # the files are in the repository


@dataclass(frozen=True, slots=True, repr=False)
class HelpPage:
    """One page: Markdown in a notebook, its source in a terminal."""

    text: str

    def _repr_markdown_(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return self.text


def page(topic: str) -> HelpPage:
    """The page of a topic. Raises OptionError, which names the nearest one."""
    if topic not in TOPICS:
        raise OptionError(f"no page is called {topic}{nearest(topic, TOPICS)}")
    text = files("jupyter_loops").joinpath("docs", f"{topic}.md").read_text(encoding="utf-8")
    return HelpPage(_LINK.sub(_linked, _PICTURE.sub("", text)))


def _linked(link: re.Match[str]) -> str:
    """A link that leads somewhere in a notebook: pages are named by their line, files of the repository by name."""
    label, target = link.groups()
    topic = target.removesuffix(".md")
    if topic in TOPICS:
        return f"{label} (`%loops help {topic}`)"
    return link[0] if "://" in target else label
