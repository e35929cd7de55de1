"""The budgets notebook runs from top to bottom on the embedded model, and its limits hold."""

import pytest


def holds(notebook):
    words = notebook.words
    assert "projected $" in words
    assert "budget_usd - the next call may need" in words
    assert "--stop-if next_p < 0.16 and round >= 2: p = " in words
    assert "2 rounds of 2 rounds used" in words
    assert "breaker_open - script:down.json was left alone after 3 times auth in a row" in words
    assert "script:down.json  auth   open" in words
    assert "fallback" in words


@pytest.mark.model
@pytest.mark.timeout(600)
def test_the_notebook_runs_to_its_end(run_all):
    holds(run_all("budgets.ipynb", timeout=400))


def test_the_committed_notebook_holds_its_results_and_no_address_of_a_machine(committed):
    holds(committed("budgets.ipynb", most=300_000))
