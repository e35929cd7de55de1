"""One picture of a run in three places: a live widget, a saved notebook, a terminal.

Everything starts from a `Snapshot`, which folds a run's events into plain JSON; the widget, the static HTML,
the text and the saved-run renderer of the labextension only draw it. Nothing is imported before it is needed:
a table of a magic needs no widget.
"""
