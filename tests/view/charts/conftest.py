"""The renderer of a notebook: Plotly's default depends on where it finds itself."""

import plotly.io as pio
import pytest


@pytest.fixture(autouse=True)
def _as_in_a_notebook(monkeypatch):
    monkeypatch.setattr(pio.renderers, "default", "plotly_mimetype+notebook")
