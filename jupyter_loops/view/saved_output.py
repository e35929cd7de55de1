"""What a run leaves in a saved notebook: readable without a kernel, without scripts, and as plain text."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from .html import html
from .run_text import headline, text
from .snapshot import Snapshot

MIME = "application/vnd.jupyter-loops.run.v1+json"


def bundle(snapshot: Snapshot, now: datetime | None = None) -> dict[str, Any]:
    """MIME type → content: JSON for the saved-run renderer, HTML for everything else that draws, text.

    `now` is given for a run that is going on; its text is one line.
    """
    picture = snapshot.to_json(now=now)
    words = text(picture) if now is None else headline(picture)
    return {MIME: picture, "text/html": html(picture), "text/plain": words}
