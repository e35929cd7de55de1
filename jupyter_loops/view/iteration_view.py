"""One round of a run, folded from its events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

from .clip import clip, line
from .figures_view import figure, files

_FIGURES = 6
_TOOL_TEXT = 500  # characters of a tool's arguments, and of its result
_CALLS, _DECISIONS, _VERDICTS = 20, 20, 50  # kept of each in one round; the history has all


@dataclass(slots=True)
class IterationView:
    """What is known so far of one round; `rev` says when it last changed."""

    n: int
    rev: int = 0
    state: str = ""  # of the state machine, while the round is going on
    mark: str = "live"  # live, pass, fail, done (ended without checks)
    best: bool = False
    phases: list[list[Any]] = field(default_factory=list)  # [state, seconds]
    numbers: dict[str, Any] = field(default_factory=dict)  # passed, total, progress, score, usd, tokens, seconds
    why: str = ""
    candidate: dict[str, str] | None = None  # kind, text
    answer: str = ""  # the model's words
    output: dict[str, Any] | None = None
    figures: list[dict[str, Any]] = field(default_factory=list)
    files: list[dict[str, Any]] = field(default_factory=list)
    verdicts: list[dict[str, Any]] = field(default_factory=list)
    prompt: dict[str, Any] | None = None
    calls: list[dict[str, Any]] = field(default_factory=list)
    tools: list[dict[str, Any]] = field(default_factory=list)  # calls of them
    decisions: list[str] = field(default_factory=list)

    def call_started(self, event: Mapping[str, Any]) -> None:
        """A call was sent to the model."""
        parts = [
            {"name": line(part.get("name", ""), 40), "tokens": part.get("tokens", 0), "dropped": part.get("dropped", 0)}
            for part in event.get("parts", [])[:20]
        ]
        messages = event.get("messages", [])
        text = "\n\n".join(f"{message.get('role', '')}:\n{message.get('content', '')}" for message in messages)
        self.prompt = {"tokens": sum(part["tokens"] for part in parts), "parts": parts, "text": clip(text)}
        self.prompt["counting"] = line(event.get("counting") or "estimate", 20)
        self._call(event)["purpose"] = line(event.get("purpose", ""), 40)

    def answered(self, event: Mapping[str, Any]) -> None:
        """The model answered, or the call failed."""
        call = self._call(event)
        for key in (
            "prompt_tokens",
            "cached_tokens",
            "completion_tokens",
            "usd",
            "seconds",
            "first_token_seconds",
            "estimated",
        ):
            call[key] = event.get(key)
        call["finish"] = line(event.get("error") or event.get("finish_reason") or "", 40)
        call["message"] = line(event.get("message", ""))
        self.answer = clip(event.get("text", ""))

    def _call(self, event: Mapping[str, Any]) -> dict[str, Any]:
        number = event.get("call", 0)
        if not self.calls or self.calls[-1]["call"] != number:
            self.calls = [*self.calls[1 - _CALLS :], {"call": number, "model": ""}]
        call = self.calls[-1]
        call["model"] = line(event.get("answered_by") or event.get("model") or call["model"], 80)
        return call

    def tool_call_started(self, event: Mapping[str, Any]) -> None:
        """A tool is about to be called."""
        call = {"number": event.get("number", 0), "tool": line(event.get("tool", ""), 80)}
        call |= {"arguments": clip(event.get("arguments", ""), _TOOL_TEXT), "result": "", "error": "", "seconds": None}
        self.tools = [*self.tools[1 - _CALLS :], call]

    def tool_call_finished(self, event: Mapping[str, Any]) -> None:
        """The tool returned, or failed."""
        for call in self.tools:
            if call["number"] == event.get("number"):
                call["result"] = clip(event.get("result", ""), _TOOL_TEXT)
                call["error"] = line(event.get("error", ""), 40)
                call["seconds"] = event.get("seconds")

    def proposed(self, event: Mapping[str, Any]) -> None:
        """A candidate was read."""
        self.candidate = {"kind": line(event.get("candidate_kind", ""), 20), "text": clip(event.get("text", ""))}

    def acted(self, observation: Mapping[str, Any]) -> None:
        """The candidate ran."""
        fault = observation.get("fault") or {}
        drawn = filter(None, map(figure, observation.get("figures") or ()))
        self.figures = [*self.figures, *drawn][-_FIGURES:]
        self.files = files(observation) or self.files
        self.output = {
            "exit": line(observation.get("exit", ""), 20),
            "fault": line(f"{fault.get('type')}: {fault.get('message')}") if fault else "",
            "frames": [line(_frame(frame), 300) for frame in fault.get("frames", [])[-5:]],
            "stdout": clip(observation.get("stdout", "")),
            "stderr": clip(observation.get("stderr", "")),
            "clipped": bool(observation.get("clipped")),
            "seconds": observation.get("seconds", 0.0),
            "cpu_seconds": observation.get("cpu_seconds", 0.0),
            "peak_bytes": observation.get("peak_bytes", 0),
            "isolation": line(observation.get("isolation", ""), 20),
            "files": self.files,
            "figures": self.figures,
        }

    def judged(self, verdicts: list[Mapping[str, Any]]) -> None:
        """The checks spoke; hidden ones keep their words to themselves."""
        self.verdicts = [
            {
                "name": "hidden check" if verdict.get("hidden") else line(verdict.get("check", "")),
                "layer": line(verdict.get("layer", ""), 20),
                "hidden": bool(verdict.get("hidden")),
                "metric": None if verdict.get("hidden") else verdict.get("metric"),
                "passed": bool(verdict.get("passed")),
                "seconds": float(verdict.get("seconds") or 0.0),
                "message": "" if verdict.get("hidden") else line(verdict.get("message", "")),
            }
            for verdict in verdicts[:_VERDICTS]
        ]

    def decided(self, event: Mapping[str, Any]) -> None:
        """The round is over."""
        passed, total = event.get("passed", 0), event.get("total", 0)
        self.mark = "done" if not total else "pass" if passed >= total else "fail"
        self.best, self.state = bool(event.get("best")), ""
        self.why = line(event.get("why", ""))
        self.phases = [[str(state), float(seconds)] for state, seconds in event.get("phases", [])][:60] or self.phases
        usage, score = event.get("usage", {}), event.get("score")
        self.numbers = {
            "passed": passed,
            "total": total,
            "progress": event.get("progress", 0.0),
            "score": score if score is not None and isfinite(score) else None,
            "usd": usage.get("usd", 0.0),
            "tokens": usage.get("tokens", 0),
            "seconds": usage.get("seconds", 0.0),
        }
        self.noted(("best so far: " if self.best else "") + self.why)

    def noted(self, words: object) -> None:
        """Why the loop did what it did, in its own words."""
        self.decisions = [*self.decisions[1 - _DECISIONS :], line(words)]

    def row(self, *, detail: bool = True, figures: bool = True) -> dict[str, Any]:
        """JSON of the round; without `detail` only what the timeline shows, without `figures` no large content."""
        base = {"n": self.n, "mark": self.mark, "phases": self.phases, "why": self.why}
        if not detail:
            facts = {name: value for name, value in {"best": self.best, **self.numbers}.items() if value}
            phases = [[state, round(seconds, 2)] for state, seconds in self.phases]
            return base | facts | {"phases": phases, "trimmed": True}
        return base | {
            "state": self.state,
            "best": self.best,
            **self.numbers,
            "candidate": self.candidate,
            "answer": self.answer if figures or self.candidate is None else "",
            "output": self.output and (self.output if figures else self.output | {"figures": []}),
            "verdicts": self.verdicts,
            "prompt": self.prompt,
            "calls": [dict(call) for call in self.calls],  # a copy: the last one still changes
            "tools": [dict(call) for call in self.tools],
            "decisions": self.decisions,
        }


def _frame(frame: Mapping[str, Any]) -> str:
    values = ", ".join(f"{name}={value}" for name, value in (frame.get("values") or {}).items())
    where = f"{frame.get('where')} line {frame.get('line')}: {frame.get('text')}"
    return f"{where}   with {values}" if values else where
