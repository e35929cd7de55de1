"""The notebook of ten questions runs on the embedded model, and its answers can be read without a kernel."""

import pytest

PLOTLY = "application/vnd.plotly.v1+json"


def answered(notebook):
    questions = [cell for cell in notebook.node.cells if cell.source.startswith("## ") and cell.source[3].isdigit()]
    assert len(questions) == 10
    assert "slug" in notebook.below("%loop_sql SELECT loop, status")
    assert "verified" in notebook.below("%loop_sql SELECT stop_reason")
    assert "5 " in notebook.below("%loop_sql SELECT model, calls, runs")
    assert "every run is as it was written" in notebook.below("%loops verify")
    assert sum(PLOTLY in data for data in notebook.bundles) == 3


@pytest.mark.model
@pytest.mark.timeout(400)
def test_the_ten_questions_are_answered_as_committed(run_all, committed):
    notebook = run_all("history.ipynb")

    answered(notebook)
    assert notebook.shape == committed("history.ipynb", most=200_000).shape


def test_the_committed_notebook_holds_its_answers_and_no_address_of_a_machine(committed):
    answered(committed("history.ipynb", most=200_000))
