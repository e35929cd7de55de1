"""The example notebooks run from top to bottom on scripted models; what was committed is what they do."""

from __future__ import annotations

import pytest

EXAMPLES = {
    "cleaning.ipynb": ("id is not unique in 2 of 5 rows", "all 5 checks passed", "3  1200.00      DE"),
    "queries.ipynb": (
        "expected [('Bob', 70.0), ('Ada', 40.0)]",
        "NOT returned GROUP BY customer",
        "3 of 3  all 3 checks passed",
    ),
    "approval.ipynb": (
        "('A mug that keeps coffee warm for four hours.', 2)",
        "'A mug that keeps coffee warm for 4 hours.'",
        "facts   nested    verified",
    ),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_runs_to_its_end_as_committed(name, run_all, committed):
    ran, kept = run_all(name), committed(name, most=60_000)

    for words in EXAMPLES[name]:
        assert words in ran.words
        assert words in kept.words
    assert ran.shape == kept.shape


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_short_says_who_plays_the_model_and_ends_in_a_question(name, committed):
    cells = committed(name, most=60_000).node.cells
    prose = [cell.source for cell in cells if cell.cell_type == "markdown"]

    assert sum(map(len, prose)) < 2_000  # one screen
    assert "A script plays the model" in prose[0]
    assert prose[-1].startswith("**The question:**")
    assert cells[-1].source.startswith("%%loop_sql")
