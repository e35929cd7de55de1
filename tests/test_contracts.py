"""Contracts of tables: short to write, and short to read when they are broken."""

import pandas as pd
import pytest

from jupyter_loops.assemble import Adapters, Options, launch
from jupyter_loops.contracts import ContractViolation, conforms
from jupyter_loops.execution.sandbox import ZygoteSandbox
from jupyter_loops.history import open_history
from jupyter_loops.language import parse
from jupyter_loops.planning.models.replay import ReplayModel

GOOD = pd.DataFrame({"id": [1, 2, 3], "price": [1.5, 2.0, None], "name": ["a", "b", "c"]})


def broken(table, **rules):
    with pytest.raises(ContractViolation) as caught:
        conforms(table, **rules)
    return str(caught.value)


def test_a_table_that_keeps_its_contract_is_true():
    assert conforms(
        GOOD,
        columns={"id": int, "price": float, "name": None},
        only=True,
        nulls="price",
        ranges={"id": (1, None), "price": (0, 10)},
        unique="id",
        rows=(1, 5),
        rows_of=[1, 2, 3],
    )


def test_what_is_broken_is_counted_and_shown():
    bad = pd.DataFrame({"id": [1, 1, 3, 4, 5], "price": [-1.0, -2.0, -3.0, -4.0, None], "extra": list("abcde")})

    assert broken(bad, ranges={"price": (0, None)}).split("; ") == [
        "price is null in 1 of 5 rows (row 4: nan)",
        "price breaks greater_than_or_equal_to(0) in 4 of 5 rows (row 0: -1.0, row 1: -2.0, row 2: -3.0)",
    ]
    assert broken(bad, unique="id") == "id is not unique in 2 of 5 rows (row 0: 1, row 1: 1)"
    assert broken(bad, unique=["id", "gone"]) == "the key gone is missing"
    assert broken(bad, columns={"id": float}) == "id is of type int64 instead of float64"
    assert broken(bad, columns={"id": int, "name": None}) == "column name is missing"
    assert broken(bad, columns={"id": int}, only=True).split("; ") == [
        "column price is one too many",
        "column extra is one too many",
    ]
    assert broken(bad, rows=7) == "5 rows instead of 7"
    assert broken(bad, rows=(6, None)) == "5 rows instead of 6 to any"
    assert broken(bad, rows_of=GOOD) == "5 rows, and the source has 3"


def test_a_schema_of_panderas_own_counts_too():
    import pandera.pandas as pa

    schema = pa.DataFrameSchema({"id": pa.Column(int, pa.Check.isin([1, 2]))})
    assert broken(GOOD, schema=schema) == "id breaks isin([1, 2]) in 1 of 3 rows (row 2: 3)"


CELL = """'Clean the orders: no negative prices, one row an id.'
import pandas as pd
from jupyter_loops.contracts import conforms
raw = pd.DataFrame({"id": [1, 1, 2], "price": [1.0, 1.0, -5.0]})
clean: pd.DataFrame
assert conforms(clean, columns={"id": int}, ranges={"price": (0, None)}, unique="id", rows=(1, len(raw)))
"""


@pytest.mark.parametrize("level", ["process", "auto"])
def test_a_contract_is_a_check_whose_breach_the_model_reads(tmp_path, level):
    answers = ["```python\nclean = raw\n```", "```python\nclean = raw[raw.price >= 0].drop_duplicates('id')\n```"]
    model, path = ReplayModel(answers), str(tmp_path / "history.duckdb")
    adapters = Adapters(model, ZygoteSandbox(isolation=level))

    run = launch(parse(CELL, "orders"), Options(history=path), None, [], adapters)

    assert run.wait(60).reason == "verified", run
    told = "".join(message.content for message in model.asked[1].messages)
    assert "price breaks greater_than_or_equal_to(0) in 1 of 3 rows (row 2: -5.0)" in told
    assert "id is not unique in 2 of 3 rows" in told
    open_history(path).close()
