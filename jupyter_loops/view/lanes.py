"""What a person sees of attempts side by side: one lane for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from .clip import line


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One attempt at one moment."""

    words: str  # model, state, round, best, cost
    progress: float  # 0 to 1
    winner: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneFigures:
    """All attempts at one moment."""

    name: str
    lanes: Sequence[Lane]
    asks: bool = False
    message: str = ""  # of the end

    def text(self) -> str:
        """As plain text."""
        lanes = [f"{'★ ' if lane.winner else '  '}{lane.words}" for lane in self.lanes]
        return "\n".join([f"{self.name}: {len(self.lanes)} attempts", *lanes, *filter(None, [self.message])])

    def html(self) -> str:
        """As HTML that Lab's sanitizer leaves alone."""
        rows = "".join(map(_row, self.lanes))
        end = f"<div>{escape(line(self.message, 300))}</div>" if self.message else ""
        head = f"<strong>{escape(self.name)}: {len(self.lanes)} attempts</strong>"
        return f'<div class="jupyter-loops-lanes">{head}<table><tbody>{rows}</tbody></table>{end}</div>'


def _row(lane: Lane) -> str:
    bar = f'<progress value="{lane.progress:.3f}" max="1"></progress>'
    return f"<tr><td>{'★' if lane.winner else ''}</td><td>{bar}</td><td>{escape(line(lane.words, 200))}</td></tr>"
