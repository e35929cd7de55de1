"""Results of the benchmarks: a JSON file, a Markdown table of it, and a comparison of two such files.

A script prints lines for a person. Two lines measure the same where they agree but for their numbers.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

_NUMBER = re.compile(r"(?<![\w.])[-+]?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?(?![\w.]*\d)")
_TARGET = re.compile(r"\s*([✓✕]) ≤ ([\d.e+-]+ ?[\w%µ]*),?")
_CHANGED = 0.1  # share; less is noise on most machines


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmark:
    """What one script printed; seconds are of the wall's clock."""

    name: str
    title: str
    finished: bool
    seconds: float
    load: str
    lines: list[str]

    def table(self) -> Iterator[tuple[str, str]]:
        """Each line with numbers, and its targets."""
        for line in self.lines:
            targets = " ".join(f"{mark} ≤ {bound.strip()}" for mark, bound in _TARGET.findall(line))
            measured = " ".join(_TARGET.sub("", line).split())
            if _NUMBER.search(measured):
                yield measured, targets

    def measured(self) -> dict[tuple[str, int], tuple[str, list[float], str]]:
        """By its text without numbers, and which of such lines it is: the line, its numbers, its targets."""
        seen, lines = Counter[str](), {}
        for line, targets in self.table():
            text = _NUMBER.sub("#", line)
            numbers = [float(number.replace(",", "")) for number in _NUMBER.findall(line)]
            lines[text, seen[text]] = line, numbers, targets
            seen[text] += 1
        return lines


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """Those of one call of `run.py`."""

    began: str  # ISO 8601
    machine: list[str]
    benchmarks: list[Benchmark]

    def write(self, folder: Path) -> Path:
        """Write NAME.json and NAME.md, named by the time of the beginning; gives the first."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"bench-{self.began.replace(':', '')}.json"
        path.write_text(json.dumps(asdict(self), ensure_ascii=False, indent=1), "utf-8")
        path.with_suffix(".md").write_text(self.markdown(), "utf-8")
        return path

    @classmethod
    def read(cls, path: Path) -> Results:
        """Raises ValueError where the file holds no results."""
        try:
            found: dict[str, Any] = json.loads(path.read_text("utf-8"))
            return cls(**{**found, "benchmarks": [Benchmark(**one) for one in found["benchmarks"]]})
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise ValueError(f"{path} holds no results of run.py: {error}") from None

    def markdown(self) -> str:
        lines = [
            f"# Benchmarks of {self.began}",
            "",
            *self.machine,
            "",
            "| benchmark | measured | target |",
            "|---|---|---|",
        ]
        for one in self.benchmarks:
            state = "" if one.finished else ", not finished"
            lines.append(f"| **{one.title}** | {one.seconds:.0f} s, {one.load}{state} | |")
            lines += [f"| {one.name} | {_cell(text)} | {targets} |" for text, targets in one.table()]
        return "\n".join([*lines, ""])


def compared(before: Results, after: Results) -> str:
    """A Markdown table of the numbers that differ by more than a tenth, and of what only one side has."""
    lines = [f"# {before.began} → {after.began}", ""]
    if before.machine != after.machine:
        lines += [
            "The machines, versions or loads differ:",
            *(f"- {line}" for line in (*before.machine, *after.machine)),
            "",
        ]
    lines += ["| benchmark | measured | before → after | ratio |", "|---|---|---|---|"]
    earlier, later = ({one.name: one for one in results.benchmarks} for results in (before, after))
    same = 0
    for name in dict.fromkeys((*earlier, *later)):
        if name not in earlier or name not in later:
            lines.append(f"| {name} | only {'before' if name in earlier else 'after'} | | |")
            continue
        rows, number = _compared(earlier[name], later[name])
        lines += rows
        same += number
    return "\n".join([*lines, "", f"{same} other numbers are within 10 % of what they were.", ""])


def _compared(before: Benchmark, after: Benchmark) -> tuple[list[str], int]:
    rows, same, there = list[str](), 0, after.measured()
    for key, (line, numbers, targets) in before.measured().items():
        if key not in there:
            rows.append(f"| {before.name} | {_cell(line)} | only before | |")
            continue
        line_now, others, now = there.pop(key)
        changed = [(old, new) for old, new in zip(numbers, others, strict=True) if _differ(old, new)]
        same += len(numbers) - len(changed)
        if changed or targets != now:
            pairs = ", ".join(f"{old:g} → {new:g}" for old, new in changed)
            ratios = ", ".join(f"{new / old:.2f} x" if old else "" for old, new in changed)
            rows.append(f"| {after.name} | {_cell(line_now)} | {pairs}{_turn(targets, now)} | {ratios} |")
    return [*rows, *(f"| {after.name} | {_cell(line)} | only after | |" for line, _, _ in there.values())], same


def _differ(old: float, new: float) -> bool:
    return abs(new - old) > _CHANGED * max(abs(old), abs(new))


def _turn(before: str, after: str) -> str:
    return "" if before == after else f" ({before} → {after})"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
