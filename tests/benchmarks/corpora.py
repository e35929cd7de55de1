"""Honest and hostile candidates by level of isolation and Python, as a Markdown table.

`python corpora.py 3.11=FILE 3.13=FILE …`: each file is what `pytest --junitxml=FILE` has written of
`tests/verification`; `make sweep` runs every honest candidate at every level.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree as ET

GROUPS = {
    "test_a_right_answer_is_verified_each_time": "honest candidates, verified twice",
    "test_an_honest_candidate_passes": "honest code that looks like a trick",
    "test_what_libraries_do_is_not_held_against_a_candidate": "what libraries do while they are imported",
    "test_a_cheat_passes_only_where_it_solves_the_task": "tricks that pass only where they solve the task",
    "test_no_trick_passes_alone": "tricks, each on every exam",
    "test_no_candidate_that_knows_its_exam_passes": "candidates that know their exam",
    "test_no_composition_of_tricks_passes": "random compositions of tricks (60 in each test)",
}
LEVELS = ("process", "landlock", "bubblewrap")
Counts = Counter[tuple[str, str, str]]  # group, level, outcome


def counted(file: Path) -> Counts:
    """The outcomes of one run of pytest. Its own file is trusted."""
    counts: Counts = Counter()
    for case in ET.parse(file).iter("testcase"):
        test, _, name = case.get("name", "").partition("[")
        level = name.partition(":")[0]
        outcome = next((kind for kind in ("failure", "error", "skipped") if case.find(kind) is not None), "passed")
        if test in GROUPS:
            counts[GROUPS[test], level if level in LEVELS else "process", outcome] += 1
    return counts


def rows(runs: dict[str, Counts]) -> list[list[str]]:
    """One row for each group and level: passed of tried, for each Python."""
    found = {(group, level) for counts in runs.values() for group, level, _ in counts}
    ordered = sorted(found, key=lambda row: (list(GROUPS.values()).index(row[0]), LEVELS.index(row[1])))
    return [[group, level, *(_cell(counts, group, level) for counts in runs.values())] for group, level in ordered]


def _cell(counts: Counts, group: str, level: str) -> str:
    passed = counts[group, level, "passed"]
    tried = passed + counts[group, level, "failure"] + counts[group, level, "error"]
    return f"{passed} of {tried}" if tried else ""


def main() -> int:
    runs = {python: counted(Path(file)) for python, file in (word.split("=", 1) for word in sys.argv[1:])}
    table = [["as they should end", "level", *runs], *([["---"] * (2 + len(runs))]), *rows(runs)]
    for row in table:
        print(f"| {' | '.join(row)} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
