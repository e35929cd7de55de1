"""Hits and false alarms of the detectors on generated runs, and what a round of detection costs in a long run."""

from __future__ import annotations

import sys
import time
from collections import Counter
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "verification"))
import recorded
from target import beside
from traces import KINDS, PATIENCE, a_round, ended, traces

from jupyter_loops.verification.stuck import Detectors

EACH = 40


def table() -> tuple[Counter[str], dict[str, Counter[str]]]:
    counts: Counter[str] = Counter()
    by_kind: dict[str, Counter[str]] = {}
    for trace in traces(EACH):
        finding = ended(trace)
        if trace.reason is None:
            what = "silent" if finding is None else "false alarm"
        else:
            what = "missed" if finding is None else "hit" if finding.reason is trace.reason else "other reason"
        counts[what] += 1
        by_kind.setdefault(trace.kind, Counter())[what] += 1
    return counts, by_kind


def cost(rounds: int) -> tuple[float, float]:
    """CPU seconds of a round: the first tenth, the last tenth."""
    detectors, seconds = Detectors(PATIENCE), []
    for n in range(rounds):
        turn = a_round(n, f"d{n}", progress=n / rounds, score=float(n % 17))
        began = time.process_time()
        detectors.take(turn)
        seconds.append(time.process_time() - began)
    tenth = rounds // 10
    return sum(seconds[:tenth]) / tenth, sum(seconds[-tenth:]) / tenth


def print_recorded() -> None:
    """A false alarm here has cost a success that came later; the model is small, and much of what it does is luck."""
    title = "recorded runs of the embedded model, patience"
    print(f"\n  {title:<48}{'hit':>6}{'missed':>8}{'silent':>8}{'false alarm':>13}")
    for patience in (4, PATIENCE, 12, 16):
        found = sum(recorded.counted(patience).values(), Counter())
        shown = [found[name] for name in ("hit", "missed", "silent", "false alarm")]
        print("  {:<48}{:>6}{:>8}{:>8}{:>13}".format(patience, *shown))
    for cell, found in recorded.counted().items():
        print(f"    {cell:<12} {', '.join(f'{count} {what}' for what, count in found.items())}")


def main() -> None:
    counts, by_kind = table()
    print(f"  {'run':<34}{'should':<14}{'hit':>6}{'other':>7}{'missed':>8}{'silent':>8}{'false alarm':>13}")
    for (kind, found), reason in zip(by_kind.items(), KINDS.values(), strict=True):
        shown = [found[name] for name in ("hit", "other reason", "missed", "silent", "false alarm")]
        print("  {:<34}{:<14}{:>6}{:>7}{:>8}{:>8}{:>13}".format(kind, reason or "go on", *shown))
    stuck = counts["hit"] + counts["missed"] + counts["other reason"]
    going = counts["silent"] + counts["false alarm"]
    print(f"  {stuck} stuck runs: {counts['hit']} ended for the right reason, {counts['other reason']} for another,"
          f" {counts['missed']} not; {going} runs with progress: {counts['false alarm']} ended wrongly")  # fmt: skip
    print_recorded()
    first, last = cost(100_000)
    print(f"  a round of detection: {first * 1e6:.1f} µs in the first tenth of 100,000 rounds, {last * 1e6:.1f} µs in"
          f" the last   {beside(last / first, 1.5, 'x')}")  # fmt: skip


if __name__ == "__main__":
    main()
