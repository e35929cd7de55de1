"""`%loops doctor`: the production checklist, executed, and the environment that loops have here."""

from .checklist import ITEMS, ChecklistItem, examine
from .environment import environment
from .report import DoctorReport, Finding, Health

__all__ = ["ITEMS", "ChecklistItem", "DoctorReport", "Finding", "Health", "environment", "examine"]
