"""Which statement gives a name its value at the top level of a candidate."""

from __future__ import annotations

from jupyter_loops.core.names import last_bindings as bindings

__all__ = ["bindings"]
