import pytest

from jupyter_loops.core.recipe import TargetKind
from jupyter_loops.language import parse

USUAL = """
    pd.Series pandas.DataFrame pl.DataFrame pl.Series pa.Table pa.RecordBatch np.ndarray ndarray DataFrame Figure
    go.Figure plotly.graph_objects.Figure plt.Figure mpl.figure.Figure matplotlib.figure.Figure nx.Graph nx.DiGraph
    sp.Expr sympy.Expr sparse.csr_matrix sp.sparse.csr_array scipy.sparse.coo_matrix
"""


def kinds(annotation, setup=""):
    (target,) = parse(f"'a goal'\n{setup}\nx: {annotation}\nassert x is not None").targets
    return target.kind, target.annotation


@pytest.mark.parametrize("annotation", USUAL.split())
def test_frames_arrays_figures_and_graphs_are_built_by_code(annotation):
    assert kinds(annotation) == (TargetKind.FRAME, annotation)


@pytest.mark.parametrize(
    ("setup", "annotation"),
    [
        ("import polars as P", "P.DataFrame"),
        ("from pyarrow import Table", "Table"),
        ("from sympy import Expr as E", "E"),
        ("from scipy import sparse as matrices", "matrices.csr_array"),
        ("import plotly.graph_objects", "plotly.graph_objects.Figure"),
        ("try:\n    import pandas as frames\nexcept ImportError: ...", "frames.Series"),
    ],
)
def test_an_import_of_the_cell_says_what_a_name_means(setup, annotation):
    assert kinds(annotation, setup) == (TargetKind.FRAME, annotation)


@pytest.mark.parametrize(
    ("setup", "annotation"),
    [
        ("class Figure(BaseModel):\n    width: int", "Figure"),
        ("from shop import Table", "Table"),
        ("from pandera.typing import DataFrame", "DataFrame"),
        ("import shop as pd", "pd.DataFrame"),
        ("", "Table"),
        ("", "pl.LazyFrame"),
        ("", "list[pd.DataFrame]"),
    ],
)
def test_a_class_of_the_user_s_own_stays_data(setup, annotation):
    assert kinds(annotation, setup) == (TargetKind.DATA, annotation)


def test_the_type_is_the_class_without_its_parameters():
    assert kinds("np.ndarray[tuple[int], np.dtype[np.float64]]") == (TargetKind.FRAME, "np.ndarray")
    assert kinds("'pd.Series[int]'") == (TargetKind.FRAME, "pd.Series")
