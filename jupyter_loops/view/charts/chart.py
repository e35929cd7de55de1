"""A Plotly figure that can be read where there is no Plotly: on GitHub, in nbconvert, in a terminal."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go
import plotly.io as pio
from IPython.display import display

from .number_table import table

_PLOTLY = "application/vnd.plotly.v1+json"


class Chart(go.Figure):  # type: ignore[misc]  # plotly has no types
    """A figure with the numbers that it was drawn from; shown, both travel together."""

    _numbers: tuple[Any, ...] = ()

    def of(self, numbers: tuple[Any, ...]) -> Chart:
        """Give it its numbers: a NamedTuple whose lists of equal length are columns."""
        self._numbers = numbers
        return self

    def _repr_mimebundle_(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        bundle: dict[str, Any] = super()._repr_mimebundle_(*args, **kwargs)
        if _PLOTLY not in bundle:  # another renderer was chosen
            return bundle
        fallback = table(self.layout.title.text or "", self._numbers)
        return bundle | {"text/html": fallback._repr_html_(), "text/plain": repr(fallback)}

    def _ipython_display_(self) -> None:
        bundle = self._repr_mimebundle_()
        if pio.renderers.render_on_display and _PLOTLY in bundle:
            show: Any = display  # untyped
            show(bundle, raw=True)
        else:
            super()._ipython_display_()
