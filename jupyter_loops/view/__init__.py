"""One picture of a run in three places: a live widget, a saved notebook, a terminal.

Everything starts from a `Snapshot`, which folds a run's events into plain JSON; the widget, the static HTML,
the text and the saved-run renderer of the labextension only draw it. Nothing heavy is imported before a view
is opened.
"""

from __future__ import annotations

from .bundle import MIME, bundle
from .charts import KINDS, Charts
from .controls import Controls
from .live import LiveView
from .page import page
from .snapshot import Snapshot

__all__ = ["KINDS", "MIME", "Charts", "Controls", "LiveView", "Snapshot", "bundle", "page"]
