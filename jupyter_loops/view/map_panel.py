"""What a person sees of a map: numbers, as text and as HTML without scripts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from .amounts import brief, count, usd
from .clip import line

_ERROR = 160  # characters of a row's error


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFigures:
    """What one model of a cascade did."""

    model: str
    rows: int
    verified: int
    usd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MapFigures:
    """A map at one moment."""

    name: str
    run: str
    state: str  # of the run; a stop reason once it is over
    total: int | None  # rows; None: not known yet
    verified: int
    failed: int
    stored: int  # verified from the history, at no cost
    running: int
    rate: float  # rows a second
    seconds: float  # since the first row
    seconds_left: tuple[float, float, float] | None  # low, estimate, high
    usd: float
    usd_cap: float | None
    usd_projected: float | None
    tokens: int
    tokens_cap: int | None
    in_flight: int  # calls
    level: int  # calls that may be in flight
    projection: Sequence[str] = ()  # of a pilot, in lines
    asks: bool = False  # the projection waits for a person
    models: Sequence[ModelFigures] = ()  # of a cascade
    failures: Sequence[tuple[str, str]] = ()  # key and error of the newest rows that failed
    message: str = ""  # of the end

    @property
    def done(self) -> int:
        """Rows that have ended."""
        return self.verified + self.failed

    @property
    def lines(self) -> list[str]:
        """In sentences, the most important first."""
        of = "" if self.total is None else f" of {self.total:,}"
        head = f"{self.name}: {self.done:,}{of} rows, {self.verified:,} verified, {self.failed:,} failed"
        stored = f" ({self.stored:,} from the history)" if self.stored else ""
        lines = [f"{head}{stored}", " · ".join(filter(None, (self._speed, self._cost, self._calls)))]
        lines += self.projection
        if self.asks:
            lines.append(f"go on with all rows? %loops approve {self.name}, or %loops reject {self.name}")
        lines += [
            f"{line(one.model, 60)}: {one.rows:,} rows, {one.verified:,} verified, {usd(one.usd)}"
            for one in (self.models if len(self.models) > 1 else ())
        ]
        lines += [f"row {line(key, 40)}: {line(error, _ERROR)}" for key, error in self.failures]
        return [*lines, f"{self.state}: {line(self.message, 300)}"] if self.message else lines

    @property
    def _speed(self) -> str:
        if self.message or not self.rate:
            return f"{brief(self.seconds)}" if self.seconds else ""
        left = ""
        if self.seconds_left is not None and self.done:
            low, mean, high = map(brief, self.seconds_left)
            left = f", {mean} left ({low} to {high})"
        return f"{self.rate:,.1f} rows/s{left}"

    @property
    def _cost(self) -> str:
        cap = "" if self.usd_cap is None else f" of {usd(self.usd_cap)}"
        ahead = "" if self.usd_projected is None or self.message else f", {usd(self.usd_projected)} projected"
        tokens_cap = "" if self.tokens_cap is None else f" of {count(self.tokens_cap)}"
        return f"{usd(self.usd)}{cap}{ahead}, {count(self.tokens)}{tokens_cap} tokens"

    @property
    def _calls(self) -> str:
        return "" if self.message else f"{self.in_flight} calls in flight, {self.level} at most now"

    def text(self) -> str:
        """As plain text."""
        return "\n".join(filter(None, self.lines))

    def html(self) -> str:
        """As HTML that Lab's sanitizer leaves alone."""
        head, *more = filter(None, self.lines)
        share = f' value="{self.done}" max="{max(self.total, 1)}"' if self.total is not None else ""
        if self.total is None and self.message:
            share = ' value="1" max="1"'
        bar = f'<progress{share} style="width: 100%">{escape(head)}</progress>'
        items = "".join(f"<div>{escape(one)}</div>" for one in more)
        return f'<div class="jupyter-loops-map"><strong>{escape(head)}</strong>{bar}{items}</div>'
