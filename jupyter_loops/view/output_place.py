"""Where a view is shown: a widget in a notebook, HTML where there are no widgets, text in a terminal."""

from __future__ import annotations

import shutil
import sys
import time
from datetime import UTC, datetime
from typing import Any, Protocol

from .attendance import attended
from .clip import line
from .page_requests import PageRequests
from .run_text import headline, text
from .saved_output import bundle
from .snapshot import Snapshot
from .unparented import unparented

_WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
_LINE_START = "\r\x1b[2K"  # the cursor to the line's start, and the line emptied
_HTML_PERIOD = 1.0  # seconds; every update draws the full output


class OutputPlace(Protocol):
    """One place on a screen. `show` comes from the cell's thread, the rest from the view's."""

    stale: bool  # a page asked for the full state
    watched: bool  # pages draw the run over comms of their own

    def show(self, snapshot: Snapshot) -> None:
        """Appear."""
        ...

    def update(self, snapshot: Snapshot, now: datetime) -> None:
        """Draw what changed."""
        ...

    def renew(self, snapshot: Snapshot) -> None:
        """Renew what a notebook would keep if the kernel died now."""
        ...

    def finish(self, snapshot: Snapshot) -> None:
        """Leave the static picture."""
        ...


def place(requests: PageRequests, clicks: str) -> OutputPlace:
    """The best place that this process has. `clicks`: live, late (when the cell is over), none."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is None:
        return NoOutput()
    if not hasattr(shell, "kernel"):
        return TerminalOutput()
    if not attended():
        return NotebookPage()  # nobody could click; and nbconvert shows a stored widget rather than the picture
    try:
        from .widget import RunWidget
    except (ImportError, OSError):  # no anywidget, or the script is not built
        return NotebookPage()
    return LiveOutput(unparented(lambda: RunWidget(requests, clicks=clicks)))


class NoOutput:
    """Outside of IPython nothing is shown."""

    stale = watched = False

    def show(self, snapshot: Snapshot) -> None:
        """Nothing."""

    def update(self, snapshot: Snapshot, now: datetime) -> None:
        """Nothing."""

    def renew(self, snapshot: Snapshot) -> None:
        """Nothing."""

    def finish(self, snapshot: Snapshot) -> None:
        """Nothing."""


class TerminalOutput(NoOutput):
    """One line that is drawn over itself while the cell waits, and the summary at the end.

    Where standard output is no screen there is only the summary.
    """

    def __init__(self) -> None:
        self._screen = sys.stdout.isatty()

    def update(self, snapshot: Snapshot, now: datetime) -> None:
        """Draw the line anew."""
        if self._screen:
            width = shutil.get_terminal_size().columns - 1
            self._write(line(headline(snapshot.head(now)), width))

    def finish(self, snapshot: Snapshot) -> None:
        """Print the summary in place of the line."""
        if self._screen:
            self._write("")
        _display({"text/plain": text(snapshot.to_json())})

    @staticmethod
    def _write(words: str) -> None:
        sys.stdout.write(f"{_LINE_START}{words}")
        sys.stdout.flush()


class NotebookPage(NoOutput):
    """HTML that is drawn again at most once a second."""

    def __init__(self) -> None:
        self._handle: Any = None
        self._drawn = 0.0

    def show(self, snapshot: Snapshot) -> None:
        """Appear."""
        self._handle = _display(self._mime_bundle(snapshot))

    def update(self, snapshot: Snapshot, now: datetime) -> None:
        """Draw everything, if the last time is long enough ago."""
        del now
        if time.monotonic() - self._drawn >= _HTML_PERIOD:
            self.renew(snapshot)

    def renew(self, snapshot: Snapshot) -> None:
        """Draw everything."""
        self._drawn = time.monotonic()
        self._handle.update(self._mime_bundle(snapshot), raw=True)

    def finish(self, snapshot: Snapshot) -> None:
        """Leave the bundle that needs no kernel."""
        self._handle.update(bundle(snapshot), raw=True)

    def _mime_bundle(self, snapshot: Snapshot) -> dict[str, Any]:
        return bundle(snapshot, datetime.now(UTC))


class LiveOutput(NotebookPage):
    """The widget, with a static picture beside it for everything that cannot draw widgets."""

    def __init__(self, widget: Any) -> None:
        super().__init__()
        self._widget = widget
        self._sent = 0

    def update(self, snapshot: Snapshot, now: datetime) -> None:
        """Send the head, the rounds that changed, and the end of the stream."""
        if self.watched and not self._widget.visited:
            return  # JupyterLab with our extension draws no widget
        self.stale, since = False, 0 if self.stale else self._sent
        self._widget.all_rounds = {"since": 0, "rev": snapshot.rev, "rows": snapshot.rows()}
        changes = {"since": since, "rev": snapshot.rev, "rows": snapshot.rows(since)}
        self._sent = snapshot.rev
        unparented(lambda: self._send(snapshot.head(now), changes, snapshot.tail))

    def finish(self, snapshot: Snapshot) -> None:
        """Leave the bundle that needs no kernel; a saved widget would show an error in its place.

        A page that was reloaded meanwhile does not hear of the bundle, so there the widget shows the end. A widget
        that no page has drawn may be the one of a page that opens later.
        """
        self.update(snapshot, datetime.now(UTC))
        super().finish(snapshot)
        if not self._widget.reloaded and (self._widget.visited or self.watched):
            unparented(self._widget.close)

    def _send(self, head: dict[str, Any], changes: dict[str, Any], tail: str) -> None:
        with self._widget.hold_sync():
            self._widget.head = head
            self._widget.stream = tail
            if changes["rows"] or not changes["since"]:
                self._widget.rounds = changes

    def _mime_bundle(self, snapshot: Snapshot) -> dict[str, Any]:
        view = {"version_major": 2, "version_minor": 0, "model_id": self._widget.model_id}
        return {_WIDGET_VIEW: view, **super()._mime_bundle(snapshot)}


def _display(content: dict[str, Any]) -> Any:
    from IPython import display

    show: Any = display.display
    return show(content, raw=True, display_id=True)
