"""The verification notebook runs from top to bottom on the embedded model, and shows each layer at work."""

import pytest


@pytest.mark.model
@pytest.mark.timeout(400)
def test_the_notebook_runs_to_its_end(run_all):
    ends = [run["termination"]["reason"] for run in run_all("verification.ipynb").runs]

    assert ends == ["verified", "verified", "iterations", "verified", "verified", "verified", "verified"]


def test_the_committed_notebook_shows_each_layer_and_no_address_of_a_machine(committed):
    notebook = committed("verification.ipynb", most=200_000)
    said = [verdict["layer"] for run in notebook.runs for row in run["rounds"] for verdict in row.get("verdicts", ())]

    assert {"parse", "static", "schema", "checks", "hidden", "metrics", "judge", "approval"} <= set(said)
    assert "is not unique in 2 of 4 rows" in str(notebook.node)
