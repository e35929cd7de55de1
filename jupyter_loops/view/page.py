"""Runs as one HTML file: the pictures and their charts, with nothing to fetch."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .html import html
from .snapshot import Snapshot

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_STATIC = Path(__file__).parent / "static"
_STYLE = (
    ":root{color-scheme:light dark}body{max-width:1000px;margin:2rem auto;padding:0 1rem;"
    "font:14px/1.5 system-ui,sans-serif;background:Canvas;color:CanvasText}"
)


def page(*runs: tuple[Snapshot, Mapping[str, Figure]]) -> str:
    """Runs one below the other, each with its charts; about 5 MB, nearly all of it plotly.js.

    Without figures it is small.
    """
    pictures = [snapshot.to_json() for snapshot, _ in runs]
    title = escape(", ".join(f"{picture['name']}: {picture['headline']}" for picture in pictures))
    charts = _charts([figures for _, figures in runs])
    body = "".join(f"<main>{html(picture)}</main>{drawn}" for picture, drawn in zip(pictures, charts, strict=True))
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{title}</title>'
        f"<style>{_STYLE}{_built('run.css')}</style></head><body>{body}{_drawn(pictures)}</body></html>"
    )


def _charts(runs: Sequence[Mapping[str, Figure]]) -> list[str]:
    """The charts of each run; plotly.js is in the first."""
    drawn, first = [], True
    for figures in runs:
        parts = []
        for figure in figures.values():
            parts.append(
                f"<section>{figure.to_html(full_html=False, include_plotlyjs='inline' if first else False)}</section>"
            )
            first = False
        drawn.append("".join(parts))
    return drawn


def _drawn(pictures: Sequence[Mapping[str, Any]]) -> str:
    """The view of the notebook in place of the static one, where its script is built."""
    script = _built("run.js")
    if not script:
        return ""
    code = base64.b64encode(script.encode()).decode()
    data = json.dumps(pictures).replace("<", "\\u003c")  # so that no text in it can end the script element
    return (
        f'<script type="module">import view from "data:text/javascript;base64,{code}";'
        f'const places = document.querySelectorAll("main"); '
        f'{data}.forEach((run, n) => {{ places[n].textContent = ""; view.saved(places[n], run); }});</script>'
    )


def _built(name: str) -> str:
    path = _STATIC / name
    return path.read_text(encoding="utf-8") if path.exists() else ""
