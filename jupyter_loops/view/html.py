"""A run as static HTML: no scripts, inline styles only, and the same order as the live view.

JupyterLab's sanitizer and GitHub drop most of HTML. What is used here survives the first, and reads well when the
second has taken all styles away. All text is escaped.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from jupyter_loops.core.amount import counted

from .amounts import brief, count, size, usd
from .palette import PHASES
from .run_text import SIGNS, breaker, outcome

_TITLES = {"usd": "cost", "tokens": "tokens", "seconds": "time", "iterations": "rounds"}
_CELL = 'style="text-align:left;padding:2px 10px"'
_TOOL_TEXT = 200  # characters of a tool's arguments, and of its result
_LISTED = 40  # newest rounds; the best is listed besides
_DETAILED = 4  # rounds whose candidate and output are shown
_WIDTH = 120  # pixels of a round's phases


def html(picture: Mapping[str, Any]) -> str:
    """The whole run, as one <div>."""
    parts = [
        _head(picture),
        _approval(picture),
        _gauges(picture),
        _rounds(picture),
        _checks(picture),
        _details(picture),
        _foot(picture),
    ]
    return f'<div class="jloops-static">{"".join(parts)}</div>'


def _head(picture: Mapping[str, Any]) -> str:
    tools = [f"tool {tool}" for tool in picture.get("tools", ())]
    facts = " · ".join(map(_text, filter(None, [picture["model"], picture["isolation"], *tools])))
    end = picture["termination"]
    good = end is not None and (end["reason"] == "verified" or picture.get("score") is not None)
    sign = "" if end is None else "✓ " if good else "✕ "
    outlook = f"<p>{_text(picture['forecast']['text'])}</p>" if picture.get("forecast") else ""
    why = f"<p>{_text(end['message'])}</p>" if end and end["message"] else "" if end else _as_of(picture)
    title = f"<strong>{_text(picture['name'])}</strong> · {sign}{_text(picture['headline'])} · {facts}"
    return f"<p>{title}</p>{why}{outlook}"


def _as_of(picture: Mapping[str, Any]) -> str:
    """A picture of a run that had not ended: when that was, and how to go on where its kernel is gone."""
    if not picture["at"]:
        return ""
    at, resume = picture["at"].replace("T", " ").replace("+00:00", " UTC"), f"%loops resume {picture['run']}"
    words = f"{_text(picture['doing'])}, as of {_text(at)}; if its kernel is gone since: "
    return f"<p>{words}<code>{_text(resume)}</code></p>"


def _approval(picture: Mapping[str, Any]) -> str:
    approval = picture.get("approval")
    if not approval:
        return ""
    diff = f"<p>difference to what the notebook has</p>{_code(approval['diff'])}" if approval["diff"] else ""
    how = f'%loops approve {picture["name"]} · %loops reject {picture["name"]} "why"'
    title = f"<p><strong>Waiting for approval</strong>: <code>{_text(approval['check'])}</code></p>"
    return f"{title}{_code(approval['value'])}{diff}<p><code>{_text(how)}</code></p>"


def _gauges(picture: Mapping[str, Any]) -> str:
    cells = (
        f"<td {_CELL}>{_TITLES[name]}<br><strong>{_text(gauge['text'])}</strong>{_bar(gauge)}</td>"
        for name, gauge in picture["gauges"].items()
    )
    return f"<table><tr>{''.join(cells)}</tr></table>"


def _bar(gauge: Mapping[str, Any]) -> str:
    if not gauge["limit"]:
        return ""
    share = min(gauge["spent"] / gauge["limit"], 1.0)
    return f'<br><progress value="{share:.3f}" max="1">{share:.0%}</progress>'


def _rounds(picture: Mapping[str, Any]) -> str:
    rows = picture["rounds"]
    if not rows:
        return ""
    heads = "".join(f"<th {_CELL}>{word}</th>" for word in ("round", "", "phases", "checks", "why", "cost", "time"))
    longest = max((sum(seconds for _, seconds in row["phases"]) for row in rows), default=0.0)
    listed = [row for row in rows[:-_LISTED] if row["n"] == picture["best"]] + list(rows[-_LISTED:])
    left_out = picture["older"] + len(rows) - len(listed)
    older = f"<p>{counted(left_out, 'other round')} {'is' if left_out == 1 else 'are'} in the history.</p>"
    body = "".join(_round(row, longest, picture["best"]) for row in listed)
    return f"{older if left_out else ''}<table><tr>{heads}</tr>{body}</table>"


def _round(row: Mapping[str, Any], longest: float, best: int | None) -> str:
    cells = (
        f"{row['n']}{' ★' if row['n'] == best else ''}",
        SIGNS.get(row["mark"], ""),
        _phases(row["phases"], longest),
        outcome(row),
        _text(row["why"]),
        usd(row.get("usd", 0.0)),
        brief(row.get("seconds", 0.0)),
    )
    return "<tr>" + "".join(f"<td {_CELL}>{cell}</td>" for cell in cells) + "</tr>"


def _phases(phases: Iterable[tuple[str, float]], longest: float) -> str:
    def segment(state: str, seconds: float) -> str:
        width = max(round(seconds / longest * _WIDTH), 1) if longest else 1
        style = f"display:inline-block;width:{width}px;height:10px;background-color:{PHASES.get(state, PHASES['wait'])}"
        return f'<span title="{_text(state)} {brief(seconds)}" style="{style}"></span>'

    return "".join(segment(state, seconds) for state, seconds in phases)


def _checks(picture: Mapping[str, Any]) -> str:
    if not picture["checks"]:
        return ""
    return f"<p>Checks</p><ul>{''.join(_check(check) for check in picture['checks'])}</ul>"


def _check(check: Mapping[str, Any]) -> str:
    metric = check["metric"]
    numbers = f" · now {metric['value']:,g}" if metric else ""
    if metric and metric["target"] is not None:
        numbers += f", goal {metric['target']:,g}"
    words = f" · {_text(check['message'])}" if check["message"] else ""
    return f"<li>{SIGNS.get(check['state'], '')} <code>{_text(check['name'])}</code>{numbers}{words}</li>"


def _details(picture: Mapping[str, Any]) -> str:
    detailed = [row for row in picture["rounds"] if row.get("candidate") or row.get("output")]
    best = [row for row in detailed if row["n"] == picture["best"]]
    others = [row for row in detailed if row["n"] != picture["best"]][-_DETAILED:]
    return "".join(_detail(row, opened=row in best) for row in best + others)


def _detail(row: Mapping[str, Any], *, opened: bool) -> str:
    title = f"{'Best candidate, round' if opened else 'Round'} {row['n']}"
    body = _code(row["candidate"]["text"]) if row["candidate"] else _code(row["answer"])
    output = row["output"] or {}
    for name in ("fault", "stdout", "stderr"):
        body += f"<p>{name}</p>{_code(output[name])}" if output.get(name) else ""
    body += "".join(map(_figure, output.get("figures", ()))) + _files(output.get("files", ()))
    failed = [f"<li>{_text(v['name'])}: {_text(v['message'])}</li>" for v in row["verdicts"] if not v["passed"]]
    body += f"<ul>{''.join(failed)}</ul>" if failed else ""
    tools = [f"<li><code>{_text(_tool(call))}</code></li>" for call in row.get("tools", ())]
    body += f"<p>tools</p><ul>{''.join(tools)}</ul>" if tools else ""
    if row["prompt"]:
        body += f"<p>prompt: {count(row['prompt']['tokens'])} tokens, {counted(len(row['calls']), 'call')}</p>"
    return f"<details{' open' if opened else ''}><summary>{title}</summary>{body}</details>"


def _tool(call: Mapping[str, Any]) -> str:
    """One call of a tool in a line: arguments, result, seconds."""
    took = "…" if call["seconds"] is None else brief(call["seconds"])
    return f"{call['tool']}({call['arguments'][:_TOOL_TEXT]}) → {call['result'][:_TOOL_TEXT]} · {took}"


def _figure(figure: Mapping[str, Any]) -> str:
    """Pixels that the kernel decoded and encoded again, or lines of numbers."""
    title = f"<p>figure {_text(figure['title'])}</p>"
    if not figure["png"]:
        return f"{title}<ul>{''.join(f'<li>{_text(words)}</li>' for words in figure['lines'])}</ul>"
    source = f"data:image/png;base64,{_text(figure['png'])}"
    return f'{title}<img alt="{_text(figure["title"] or "figure")}" width="{figure["width"]}" src="{source}">'


def _files(files: Sequence[Mapping[str, Any]]) -> str:
    rows = (f"<li>{_text(file['name'])}, {size(file['bytes'])}</li>" for file in files)
    return f"<p>files</p><ul>{''.join(rows)}</ul>" if files else ""


def _foot(picture: Mapping[str, Any]) -> str:
    notes = "".join(f"<li>{_text(note)}</li>" for note in picture["notes"])
    query = f"%loop_sql FROM iterations WHERE run_id = '{picture['run']}'"
    notes += "".join(f"<li>{_text(breaker(row))}</li>" for row in picture.get("breakers", ()))
    return (f"<p>Notes</p><ul>{notes}</ul>" if notes else "") + f"<p><code>{_text(query)}</code></p>"


def _code(text: str) -> str:
    return f"<pre><code>{_text(text)}</code></pre>"


def _text(value: object) -> str:
    return escape(str(value))
