"""The live view's Python side where the front end draws it by anywidget: traits for the state."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anywidget
import traitlets

from .page_requests import PageRequests

STATIC = Path(__file__).parent / "static"


class RunWidget(anywidget.AnyWidget):
    """One run. Python writes the traits, from one thread; the page sends messages `{id, do, value}`.

    `rounds` holds all rows, and a change sends only the changed ones: `{since, rev, rows}`, where `since` is the
    revision that they continue. A page that missed one asks for all (`refresh`); a new page gets all without asking.
    """

    _esm = STATIC / "run.js"
    _css = STATIC / "run.css"

    head = traitlets.Dict().tag(sync=True)
    rounds = traitlets.Dict().tag(sync=True)
    stream = traitlets.Unicode().tag(sync=True)
    clicks = traitlets.Unicode("none").tag(sync=True)  # live, late (while a cell runs), none

    def __init__(self, requests: PageRequests, **state: Any) -> None:
        self.all_rounds = state.get("rounds", {})  # for a page that has just loaded
        super().__init__(**state)
        self.reloaded = False  # True once a page has taken it over that did not see the cell start
        self.visited = False  # True once a page has drawn it
        self._requests = requests
        self.on_msg(self._on_message)

    def get_state(self, key: Any = None, drop_defaults: bool = False) -> dict[str, Any]:
        """The traits named by `key`, or for a new page all of them, with all rounds."""
        state: dict[str, Any] = super().get_state(key, drop_defaults)
        if key is not None:
            return state
        self.reloaded = True
        return {**state, "rounds": self.all_rounds}

    def _on_message(self, _widget: object, message: object, _buffers: object) -> None:
        self.visited = True
        self.send(self._requests.answer(message))
