"""What a run leaves in a saved notebook: readable without a kernel, without scripts, and as plain text."""

from __future__ import annotations

from typing import Any

from .html import html
from .run_text import text
from .snapshot import Snapshot

MIME = "application/vnd.jupyter-loops.run.v1+json"


def bundle(snapshot: Snapshot) -> dict[str, Any]:
    """MIME type → content: JSON for the saved-run renderer, HTML for everything else that draws, text."""
    picture = snapshot.to_json()
    return {MIME: picture, "text/html": html(picture), "text/plain": text(picture)}
