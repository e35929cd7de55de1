"""The tools notebook runs from top to bottom without any model, and its calls are rows."""


def holds(notebook):
    words = notebook.words
    assert "tool      sales(region: string, year: integer = 2026)" in words
    assert "(Best(region='south', total=30.0), ['north', 'east', 'south'])" in words
    assert "error: there is no tool 'regions'; there is sales" in words
    assert "sales        4       2" in words
    assert "year_total  nested    verified         1" in words


def test_the_notebook_runs_to_its_end_as_committed(run_all, committed):
    notebook = run_all("tools.ipynb")

    holds(notebook)
    assert notebook.shape == committed("tools.ipynb", most=60_000).shape


def test_the_committed_notebook_holds_its_results_and_no_address_of_a_machine(committed):
    holds(committed("tools.ipynb", most=60_000))
