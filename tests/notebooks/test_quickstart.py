"""The quickstart runs from top to bottom on the embedded model, and what it leaves can be read without a kernel."""

import pytest
from nbconvert import HTMLExporter

WIDGET = "application/vnd.jupyter.widget-view+json"


@pytest.mark.model
@pytest.mark.timeout(400)
def test_the_quickstart_runs_to_its_end(run_all):
    notebook = run_all("quickstart.ipynb")

    assert [run["termination"]["reason"] for run in notebook.runs] == ["verified"] * len(notebook.runs)
    assert len(notebook.runs) >= 3
    assert not any(WIDGET in data for data in notebook.bundles)


def test_the_committed_quickstart_holds_its_results_and_no_address_of_a_machine(committed):
    runs = committed("quickstart.ipynb", most=200_000).runs

    assert runs[0]["termination"]["reason"] == "verified"
    assert len(runs[0]["rounds"]) > 1  # it shows a loop, not a lucky first try


@pytest.mark.filterwarnings("ignore:Your element with mimetype")  # charts need Plotly's own renderer
def test_the_committed_quickstart_reads_well_as_html(committed):
    page, _ = HTMLExporter().from_notebook_node(committed("quickstart.ipynb", most=200_000).node)

    assert "4 of 4 checks passed in round" in page
    assert "TypeError" in page  # what went wrong in the first round
