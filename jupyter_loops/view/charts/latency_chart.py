"""How long the model took to answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

from jupyter_loops.view.palette import EXECUTE, PLAN

from .figure_frame import frame, label, tick_distance

if TYPE_CHECKING:
    from .chart import Chart


class Latency(NamedTuple):
    """One entry a call, in seconds; None where a call did not stream."""

    calls: list[int]  # counted from 1
    rounds: list[int]
    first: list[float | None]  # to the first token
    answer: list[float]  # from the first token, or from the start, to the end
    models: list[str]
    median: float | None  # of whole calls


def numbers(rows: Sequence[Mapping[str, Any]]) -> Latency:
    """Split each call at its first token."""
    durations = [float(row.get("seconds") or 0.0) for row in rows]
    first = [row.get("first_token_seconds") for row in rows]
    return Latency(
        calls=list(range(1, len(rows) + 1)),
        rounds=[int(row.get("iteration") or 0) for row in rows],
        first=first,
        answer=[max(seconds - (head or 0.0), 0.0) for seconds, head in zip(durations, first, strict=True)],
        models=[str(row.get("model") or "") for row in rows],
        median=median(durations) if durations else None,
    )


def figure(latency: Latency) -> Chart:
    """A stacked bar a call: waiting for the first token, then the answer."""
    middle = "" if latency.median is None else f" · median {latency.median:.2f} s"
    drawn = frame(f"Latency of model calls{middle}", x="call", y="seconds", barmode="stack")
    drawn.update_xaxes(dtick=tick_distance(latency.calls))
    hover_texts = [f"round {n} · {label(model)}" for n, model in zip(latency.rounds, latency.models, strict=True)]
    for name, seconds, colour in (("to first token", latency.first, EXECUTE), ("answer", latency.answer, PLAN)):
        drawn.add_bar(
            x=latency.calls,
            y=seconds,
            name=name,
            marker={"color": colour},
            customdata=hover_texts,
            hovertemplate=f"call %{{x}} · {name} %{{y:.2f}} s<br>%{{customdata}}<extra></extra>",
        )
    return drawn.of(latency)
