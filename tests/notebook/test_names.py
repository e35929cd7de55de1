import pytest

from jupyter_loops.errors import PreflightError
from jupyter_loops.language import parse
from jupyter_loops.notebook.namespace import gather

CELL = "'go'\nx: int\nbound = limit + 1\nassert x < bound and x in allowed"


def test_the_values_of_the_names_that_a_cell_reads_are_taken_from_the_notebook():
    namespace = {"limit": 3, "allowed": [1], "other": object()}
    assert gather(parse(CELL), namespace) == {"allowed": [1], "limit": 3}


def test_a_name_that_is_defined_nowhere_is_refused_with_its_line_and_the_nearest():
    with pytest.raises(PreflightError) as caught:
        gather(parse(CELL), {"limit": 3, "alowed": [1]})
    assert str(caught.value) == ("line 5: the check reads `allowed`, which is defined nowhere; did you mean alowed?")


def test_a_name_that_only_the_set_up_reads_is_refused_too():
    with pytest.raises(PreflightError, match="the cell reads `limit`"):
        gather(parse(CELL), {"allowed": [1]})


def test_a_star_import_may_bring_any_name():
    assert gather(parse("'go'\nfrom math import *\nx: float\nassert x < tau"), {}) == {}
