from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
import pandas as pd

from jupyter_loops.planning.name_summaries import summarise


@dataclass
class Point:
    x: int
    y: int


class Trap:
    @property
    def shape(self) -> object:
        raise RuntimeError

    def __len__(self) -> int:
        raise RuntimeError


def greet(name: str, loud: bool = False) -> str:
    """Say hello."""
    return name


def test_each_kind_of_value_is_told_in_one_line_without_the_value():
    told = summarise(
        {
            "df": pd.DataFrame({"height": [1.5, 2.0], "name": ["a", "b"]}),
            "grid": np.zeros((3, 4)),
            "greet": greet,
            "Point": Point,
            "p": Point(1, 2),
            "json": json,
            "ages": [31, 45],
            "by_name": {"ann": 1},
            "key": "sk-very-secret-value",
            "n": 7,
            "nothing": None,
        }
    )

    assert told["df"].startswith("DataFrame, 2 rows x 2 columns: height float64, name ")
    assert told["grid"] == "ndarray of float64, shape (3, 4)"
    assert told["greet"].startswith("function greet(name: ")
    assert told["greet"].endswith(": Say hello.")
    assert told["Point"].startswith("class Point(x")
    assert told["p"].startswith("Point(x")
    assert told["json"] == "module json"
    assert told["ages"] == "list of 2 int"
    assert told["by_name"] == "dict with 1 keys: 'ann'"
    assert told["key"] == "str of length 20"
    assert (told["n"], told["nothing"]) == ("7", "None")


def test_a_value_that_raises_when_looked_at_is_told_by_its_type():
    assert summarise({"trap": Trap()}) == {"trap": "Trap"}


def test_a_summary_stays_short_whatever_the_value():
    wide = pd.DataFrame({f"column_{n}": [0] for n in range(500)})

    assert len(summarise({"wide": wide})["wide"]) <= 160
