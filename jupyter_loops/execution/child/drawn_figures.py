"""Figures that a candidate or a check has drawn, rendered before the process ends.

Nothing here imports a plotting library: a library that has not been imported has drawn nothing.
"""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from typing import Any

from .value_text import clip, kind

_MOST = 4  # figures of one order
_TRACES = 20
_PIXELS = 1200  # of the longer side
_DPI = (96, 64, 40)
_LIMIT = 256 * 1024  # bytes of one figure
_POINTS = 5_000  # of a trace that is still worth its own numbers


class Figures:
    """Remembers what the set-up has drawn, so that only what is new is shown."""

    def __init__(self, names: dict[str, Any]) -> None:
        self._names = names
        self._shown: list[Any] = []
        self._previous: list[Any] = []  # not only their ids: Python reuses these
        _catch_shown(self._shown)

    def begin(self) -> None:
        """Ignore the figures that exist now."""
        self._previous = list(self._drawn())

    def take(self) -> tuple[list[dict[str, Any]], tuple[bytes, ...]]:
        """JSON and bytes of each new figure; a figure that cannot be rendered is left out."""
        new = [figure for figure in self._drawn() if not any(figure is previous for previous in self._previous)]
        self._previous += new
        descriptions, contents = [], []
        for figure in islice(new, _MOST):
            with suppress(BaseException):  # a figure may be broken, or only pretend to be one
                description, content = _plotly(figure) if hasattr(figure, "to_plotly_json") else _matplotlib(figure)
                if content:
                    descriptions.append(description)
                    contents.append(content)
        return descriptions, tuple(contents)

    def _drawn(self) -> Iterator[Any]:
        """Every figure there is, each once."""
        figures: list[Any] = []
        with suppress(BaseException):
            figures += [manager.canvas.figure for manager in _managers()]
        figures += self._shown
        types = tuple(
            getattr(sys.modules[module], name) for module, name in _TYPES if hasattr(sys.modules.get(module), name)
        )
        if types:
            figures += [value for value in list(self._names.values()) if isinstance(value, types)]
        ids: set[int] = set()
        for figure in figures:
            if id(figure) not in ids:
                ids.add(id(figure))
                yield figure


_PLOTLY = "plotly.basedatatypes"
_TYPES = (("matplotlib.figure", "Figure"), (_PLOTLY, "BaseFigure"))


def _managers() -> list[Any]:
    helpers = sys.modules.get("matplotlib._pylab_helpers")
    return [] if helpers is None else list(helpers.Gcf.get_all_fig_managers())


def _catch_shown(shown: list[Any]) -> None:
    """Have `fig.show()` of Plotly only record the figure: there is no browser, and looking for one is slow."""
    module = sys.modules.get(_PLOTLY)
    if module is None:
        sys.meta_path.insert(0, _Later(shown))
    else:
        module.BaseFigure.show = lambda figure, *_, **__: shown.append(figure)


class _Later:
    """An import hook: it calls `_catch_shown` once Plotly has been imported."""

    def __init__(self, shown: list[Any]) -> None:
        self._shown = shown

    def find_spec(self, name: str, path: Any, _target: Any = None) -> Any:
        """Wrap the loader of Plotly, once."""
        if name != _PLOTLY:
            return None
        from importlib.machinery import PathFinder

        sys.meta_path.remove(self)
        spec = PathFinder.find_spec(name, path)
        loader: Any = spec.loader if spec is not None else None
        if loader is not None:
            run = loader.exec_module

            def exec_module(module: Any) -> None:
                run(module)
                _catch_shown(self._shown)

            loader.exec_module = exec_module
        return spec


def _matplotlib(figure: Any) -> tuple[dict[str, Any], bytes]:
    longest = max(map(float, figure.get_size_inches()))
    axes = figure.get_axes()
    title = figure.get_suptitle() if hasattr(figure, "get_suptitle") else ""
    words = {"kind": "png", "title": clip(title or (axes[0].get_title() if axes else ""), 100)}
    for dpi in _DPI:
        out = io.BytesIO()
        figure.savefig(out, format="png", dpi=min(dpi, _PIXELS / longest), metadata={"Software": None})
        if out.tell() <= _LIMIT:
            return words, out.getvalue()
    return words, b""


def _plotly(figure: Any) -> tuple[dict[str, Any], bytes]:
    traces = [_trace(trace) for trace in islice(figure.data, _TRACES)]
    figure_json = None
    if sum(trace["points"] for trace in traces) <= _POINTS and len(figure.data) <= _TRACES:
        text = figure.to_json()
        figure_json = json.loads(text) if len(text) < _LIMIT // 2 else None
    title = figure.layout.title.text or ""
    content = json.dumps({"traces": traces, "more": max(len(figure.data) - _TRACES, 0), "figure": figure_json})
    return {"kind": "plotly", "title": clip(str(title), 100)}, content.encode()


def _trace(trace: Any) -> dict[str, Any]:
    ranges = {}
    points = 0
    for axis in ("x", "y", "z", "values"):
        with suppress(Exception):
            numbers = trace[axis]
            if numbers is not None:
                points = max(points, len(numbers))
                ranges[axis] = [_end(min(numbers)), _end(max(numbers))]
    return {"type": clip(str(trace.type), 40), "name": clip(str(trace.name or ""), 80), "points": points, **ranges}


def _end(value: Any) -> str:
    """One end of a range, as short text: a number, a date, a category."""
    return clip(f"{value:.6g}" if kind(value).startswith(("int", "float", "uint")) else str(value), 40)
