"""Shows a map, or attempts, below the cell: a panel with buttons, and what a saved notebook keeps of it."""

from __future__ import annotations

import contextvars
import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from jupyter_loops.errors import LoopError
from jupyter_loops.view.unparented import unparented

if TYPE_CHECKING:
    from jupyter_loops.run_groups import RunGroup

_PERIOD = 0.25  # seconds between two pictures
_VIEW = "application/vnd.jupyter.widget-view+json"
_log = logging.getLogger(__name__)


class MapOutput:
    """Draws on its own thread. A terminal gets the end only."""

    def __init__(self, *, in_kernel: bool) -> None:
        self._in_kernel = in_kernel
        self._changed, self._over = threading.Event(), threading.Event()
        self._run: RunGroup | None = None
        self._panel: Any = None  # the widget
        self._handle: Any = None
        self._thread: threading.Thread | None = None

    def changed(self) -> None:
        """There is something to draw. Called on any thread."""
        self._changed.set()

    def open(self, run: RunGroup) -> None:
        """Show the panel below the running cell."""
        self._run = run
        if not self._in_kernel:
            return
        self._panel = unparented(lambda: _panel(run))
        self._handle = _display({**self._view(), **_picture(run)})
        context = contextvars.copy_context()  # the cell that output belongs to
        self._thread = threading.Thread(target=context.run, args=(self._draw,), name="jupyter-loops map", daemon=True)
        self._thread.start()

    def close(self, *, began: bool, timeout: float = 2.0) -> None:
        """Leave the picture that needs no kernel. Idempotent."""
        self._over.set()
        self._changed.set()
        if self._thread is not None:
            self._thread.join(timeout)
            self._thread = None
        if self._run is None or not began:
            return
        if self._handle is not None:
            self._handle.update(_picture(self._run), raw=True)
            unparented(self._panel.close_all)
            self._handle = None
        elif not self._in_kernel:
            _display({"text/plain": self._run.figures().text()})

    def _view(self) -> dict[str, Any]:
        return {_VIEW: {"version_major": 2, "version_minor": 0, "model_id": self._panel.box.model_id}}

    def _draw(self) -> None:
        assert self._run is not None
        try:
            while not self._over.is_set():
                self._changed.wait(1.0)  # the time left changes without any row
                self._changed.clear()
                unparented(self._panel.update)
                self._over.wait(_PERIOD)
        except Exception:  # noqa: BLE001 -- the edge of a thread; the map must not suffer from its picture
            _log.debug("the panel of a map stopped", exc_info=True)


def _panel(run: RunGroup) -> Any:
    """The panel, made of widgets. Imported late: a bare shell has none."""
    import ipywidgets as widgets

    class Panel:
        """HTML, and the buttons that fit."""

        def __init__(self) -> None:
            self._html = widgets.HTML(run.figures().html())
            steering = (("Pause", run.pause), ("Resume", run.resume), ("Stop", run.stop))
            answers = (("Approve", run.approve), ("Reject", run.reject))
            self._steering = widgets.HBox([_button(*one) for one in steering])
            self._question = widgets.HBox([_button(*one) for one in answers])
            self._question.layout.display = "none"
            self.box = widgets.VBox([self._html, self._question, self._steering])

        def update(self) -> None:
            """Draw what changed."""
            figures = run.figures()
            self._html.value = figures.html()
            self._question.layout.display = "" if figures.asks else "none"

        def close_all(self) -> None:
            """A widget that a saved notebook would show as an error goes."""
            for box in (self._steering, self._question):
                for button in box.children:
                    button.close()
                box.close()
            self._html.close()
            self.box.close()

    def _button(label: str, act: Callable[[], object]) -> Any:
        button = widgets.Button(description=label)

        def clicked(_: object) -> None:
            try:
                act()
            except LoopError as error:
                button.tooltip = error.shown

        button.on_click(clicked)
        return button

    return Panel()


def _picture(run: RunGroup) -> dict[str, Any]:
    figures = run.figures()
    return {"text/html": figures.html(), "text/plain": figures.text()}


def _display(content: dict[str, Any]) -> Any:
    from IPython import display

    show: Any = display.display
    return show(content, raw=True, display_id=True)
