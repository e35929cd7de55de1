"""What brings a history from one schema version to the next."""

from __future__ import annotations

from .call_parts import CALL_PARTS
from .event_kinds import KINDS
from .heads import HEADS
from .loop_memory import LOOP_MEMORY
from .schema import TABLES
from .sums import SUMS
from .views import VIEWS

# Step n brings a history to version n. Steps that were released are never edited.
STEPS: tuple[str, ...] = (TABLES + VIEWS, SUMS, HEADS, KINDS, CALL_PARTS, LOOP_MEMORY)
