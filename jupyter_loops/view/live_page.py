"""One page that shows a run over a comm which the page has opened, and so can open again at any time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol

from .page_requests import PageRequests
from .saved_output import bundle
from .snapshot import Snapshot
from .unparented import unparented


class Comm(Protocol):
    """The part of a comm that is used here."""

    def send(self, data: dict[str, Any]) -> None:
        """To the page."""
        ...

    def on_msg(self, act: Callable[[dict[str, Any]], None]) -> None:
        """From the page."""
        ...

    def on_close(self, act: Callable[[dict[str, Any]], None]) -> None:
        """The page is gone."""
        ...


class LivePage:
    """Sends `{state: {head, rounds, stream, clicks}}` while the run goes on, and `{final: bundle}` at its end."""

    def __init__(self, comm: Comm, clicks: str = "live") -> None:
        self.stale = True  # it needs the full state
        self._comm, self._clicks, self._sent = comm, clicks, 0

    def serve(self, requests: PageRequests) -> None:
        """Answer what the page asks."""
        self._comm.on_msg(lambda message: self._answer(requests, message))

    def update(self, snapshot: Snapshot, now: datetime) -> None:
        """Send the head, the rounds that changed, and the end of the stream."""
        self.stale, since = False, 0 if self.stale else self._sent
        changes = {"since": since, "rev": snapshot.rev, "rows": snapshot.rows(since)}
        self._sent = snapshot.rev
        state: dict[str, Any] = {"head": snapshot.head(now), "stream": snapshot.tail, "clicks": self._clicks}
        if changes["rows"] or not since:
            state["rounds"] = changes
        self._send({"state": state})

    def finish(self, snapshot: Snapshot) -> None:
        """Send what the notebook keeps."""
        self._send({"final": bundle(snapshot)})

    def _answer(self, requests: PageRequests, message: dict[str, Any]) -> None:
        asked = message["content"]["data"]
        self._send({"answer": requests.answer(asked)})

    def _send(self, message: dict[str, Any]) -> None:
        unparented(lambda: self._comm.send(message))
