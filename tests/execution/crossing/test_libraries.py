import sys

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import polars as pl
import pyarrow as pa
import pytest
from PIL import Image

from jupyter_loops.execution.crossing import UnreadableError, decode

ARRAYS = [
    np.arange(10),
    np.arange(6.0).reshape(2, 3).T,
    np.arange(10)[::2],
    np.array(3),
    np.array(["a", "bc"]),
    np.array([b"a"]),
    np.array([1, None, [2]], object),
    np.zeros((0, 3)),
    np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8", (2,))]),
    np.array([1, 2], "m8[s]"),
    np.array(["2020", "NaT"], "M8[ns]"),
    np.arange(3, dtype=">i4"),
    np.arange(3, dtype="f2"),
    np.arange(3) * 1j,
    np.longdouble([1.5]),
    np.ma.masked_array([1, 2], [0, 1]),
    np.rec.array([(1, "a"), (2, "b")], dtype=[("x", "i4"), ("y", "U3")]),
    np.arange(4).reshape(2, 2).view(np.matrix),
]


@pytest.mark.parametrize("value", ARRAYS, ids=lambda value: type(value).__name__)
def test_an_array_arrives_as_it_was(value, cross):
    arrived = cross(value)
    assert (type(arrived), arrived.dtype, arrived.shape) == (type(value), value.dtype, value.shape)
    assert repr(arrived) == repr(value)
    assert arrived.flags.writeable
    assert arrived.flags.f_contiguous == (value.flags.f_contiguous or arrived.ndim == 1)


@pytest.mark.parametrize(
    "value",
    [np.float32(2.5), np.datetime64("2020-01-01", "D"), np.bool_(True), np.str_("a")],
    ids=lambda value: type(value).__name__,
)
def test_a_scalar_arrives_as_it_was(value, cross):
    assert type(cross(value)) is type(value)
    assert repr(cross(value)) == repr(value)


def test_a_generator_of_random_numbers_stays(cross, stand_in):
    assert cross(np.random.default_rng(1)) == stand_in(0)


ODD = {"o": pd.Series([1, "a", {"k": [1]}, (1, 2), None, np.nan, pd.NA, 10**30, True], dtype=object)}
TYPED = {
    "i": pd.array([1, None], "Int64"),
    "b": pd.array([True, None], "boolean"),
    "f": pd.array([1.5, None], "Float32"),
    "s": pd.array(["a", None], "string"),
    "c": pd.Categorical(["a", "b"], ["b", "a"], ordered=True),
    "t": pd.to_datetime(["2020-01-01", None]).tz_localize("Europe/Berlin"),
    "p": pd.period_range("2020-01", periods=2, freq="M"),
    "iv": pd.interval_range(0, 2),
    "sp": pd.arrays.SparseArray([0, 1]),
    "ar": pd.array([1, None], dtype=pd.ArrowDtype(pa.int64())),
    "td": pd.to_timedelta([1, 2], unit="s"),
    "cx": [1j, 2],
}
FRAMES = {
    "plain": pd.DataFrame({"a": [1, 2], "b": ["x", None], "c": [1.5, np.nan]}),
    "empty": pd.DataFrame(),
    "no columns": pd.DataFrame(index=[1, 2]),
    "no rows": pd.DataFrame(columns=["a"]),
    "twice": pd.DataFrame([[1, 2]], columns=["a", "a"]),
    "odd": pd.DataFrame(ODD),
    "typed": pd.DataFrame(TYPED),
    "levels": pd.DataFrame({"a": [1, 2]}, index=pd.MultiIndex.from_tuples([("a", 1), ("b", 2)], names=["x", None])),
    "levels of columns": pd.DataFrame({("a", 1): [1], ("b", 2): [2]}),
    "days": pd.DataFrame({"a": [1, 2]}, index=pd.date_range("2020", periods=2, freq="D", tz="UTC", name="d")),
    "categories": pd.DataFrame({"a": [1]}, index=pd.CategoricalIndex(["a"])),
    "intervals": pd.DataFrame({"a": [1]}, index=pd.IntervalIndex.from_breaks([0, 1])),
    "quarters": pd.DataFrame({"a": [1, 2]}, index=pd.period_range("2020-01", periods=2, freq="Q")),
    "unique": pd.DataFrame({"a": [1, 2]}).set_flags(allows_duplicate_labels=False),
    "seconds": pd.DataFrame({"t": pd.Series(pd.to_datetime(["2020-01-01"])).astype("M8[s]")}),
    "mixed labels": pd.DataFrame({0: [1], "x": [2]}),
}


@pytest.mark.parametrize("value", FRAMES.values(), ids=FRAMES)
def test_a_frame_arrives_as_it_was(value, cross):
    value.attrs = {"k": [1]}
    arrived = cross(value)
    pd.testing.assert_frame_equal(arrived, value, check_freq=True)
    assert (arrived.attrs, arrived.flags.allows_duplicate_labels) == (value.attrs, value.flags.allows_duplicate_labels)
    assert (type(arrived.index), type(arrived.columns)) == (type(value.index), type(value.columns))
    for place in range(value.shape[1]):
        assert list(map(type, arrived.iloc[:, place])) == list(map(type, value.iloc[:, place]))


SCALARS = [
    pd.Timestamp("2020-10-25 01:30", tz="UTC").tz_convert("Europe/Berlin"),
    pd.Timestamp(1, unit="ns"),
    pd.Timedelta(5, "ns"),
    pd.Period("2020-01", "M"),
    pd.Interval(1, 2, "both"),
    pd.NA,
    pd.NaT,
    pd.RangeIndex(3, name="r"),
    pd.Index([1, 2.5], dtype=object),
    pd.Series([1, 2], name="n"),
]


@pytest.mark.parametrize("value", SCALARS, ids=lambda value: type(value).__name__)
def test_other_values_of_pandas_arrive_as_they_were(value, cross):
    arrived = cross(value)
    assert type(arrived) is type(value)
    assert repr(arrived) == repr(value)
    assert getattr(arrived, "unit", None) == getattr(value, "unit", None)


def test_a_subclass_of_a_frame_is_refused_with_what_to_do(cross):
    with pytest.raises(Exception, match=r"a Mine does not cross: return a pd\.DataFrame made of it"):
        cross(type("Mine", (pd.DataFrame,), {})())


ARROW = [
    pa.array([1, None, 3])[1:],
    pa.array(["a", None, "ccc"])[1:],
    pa.array([[1], None, [2, 3]])[1:],
    pa.array([{"a": 1, "b": "x"}, None]),
    pa.array([{"a": 1}, {"a": 2}])[1:],
    pa.array([[("k", 1)], None], pa.map_(pa.string(), pa.int64())),
    pa.array(["a", "b", "a"]).dictionary_encode(),
    pa.array([True, None, False])[1:],
    pa.chunked_array([[1], [2]]),
    pa.array([None, None]),
    pa.array([b"ab"], pa.binary(2)),
    pa.array([[1, 2]], pa.list_(pa.int32(), 2)),
    pa.array([], pa.string()),
    pa.table({"a": [1, None], "b": ["x", "y"]}),
    pa.record_batch({"a": [1.5]}),
    pa.scalar(5),
    pa.schema([pa.field("a", pa.timestamp("us", "UTC"), nullable=False)]),
]


@pytest.mark.parametrize("value", ARROW, ids=lambda value: f"{type(value).__name__}")
def test_values_of_arrow_arrive_as_they_were(value, cross):
    arrived = cross(value)
    assert type(arrived) is type(value)
    assert arrived.equals(value)


@pytest.mark.parametrize(
    ("words", "length", "content"),
    [
        ("int64", 100, [None, b"x" * 8]),
        ("string", 2, [None, b"\x00\x00\x00\x00\xff\xff\xff\x7f\x00\x00\x00\x00", b"ab"]),
        ("string", 1, [None, b"\x00\x00\x00\x00\x01\x00\x00\x00", b"\xff"]),
        ("int64", -1, [None, b""]),
        ("int64", 1, [None]),
        ("null", 10**15, [None]),
        ("int64", 1 << 62, [None, b"x" * 8]),
        (("struct", ()), 10**15, [None]),
        (("fixed_size_binary", -98), 1, [None, b"ab"]),
        (("fixed_size_list", ("a", "int64", True), -1), 1, [None]),
        (("list", ("a", "int64", True)), 1, [None, b"\x00" * 8]),
        (("dictionary", "int32", "string", False), 1, [None, b"\x00" * 4]),
        (("decimal128", 900, 2), 1, [None, b"\x00" * 16]),
    ],
)
def test_buffers_that_do_not_fit_are_refused(words, length, content, both):
    with pytest.raises(UnreadableError):
        decode((0, [("pa.array", (words, length, content), ())]), both()[1])


def test_frames_of_polars_arrive_as_they_were(cross):
    kinds = {"c": pl.Categorical, "e": pl.Enum(["b", "a"]), "l": pl.List(pl.Int64), "s": pl.String}
    frame = pl.DataFrame({"c": ["a", "b"], "e": ["a", None], "l": [[1], [2, 3]], "s": ["x", None]}, schema=kinds)
    for value in (frame, frame[1:], pl.DataFrame(), frame.clear()):
        arrived = cross(value)
        assert arrived.schema == value.schema
        assert arrived.equals(value)
    assert cross(frame["e"]).equals(frame["e"], check_dtypes=True, check_names=True)


def test_a_figure_arrives(cross):
    figure = go.Figure(go.Scatter(y=np.arange(3.0)), layout={"title": {"text": "q"}})
    assert type(cross(figure)) is go.Figure
    assert cross(figure) == figure


@pytest.mark.parametrize("mode", ["1", "L", "RGB", "RGBA", "P", "I", "F", "CMYK"])
def test_an_image_arrives(mode, cross):
    value = Image.new(mode, (5, 3), 1)
    arrived = cross(value)
    assert (arrived.mode, arrived.size, arrived.tobytes()) == (mode, (5, 3), value.tobytes())


def test_sparse_matrices_arrive(cross):
    sp = pytest.importorskip("scipy.sparse")
    for form in ["csr", "csc", "coo", "lil", "dok", "dia", "bsr"]:
        for kind in (sp.csr_matrix, sp.csr_array):
            value = kind(np.array([[1, 0, 2.0], [0, 0, 3]])).asformat(form)
            assert type(cross(value)) is type(value)
            assert cross(value).toarray().tolist() == value.toarray().tolist()


def test_networks_arrive(cross):
    nx = pytest.importorskip("networkx")
    for kind in (nx.Graph, nx.DiGraph, nx.MultiGraph, nx.MultiDiGraph):
        value = kind(name="q")
        value.add_edge((1, 2), "b", weight=2.5, where=[1])
        assert type(cross(value)) is kind
        assert nx.utils.graphs_equal(cross(value), value)


def test_expressions_arrive(cross):
    sy = pytest.importorskip("sympy")
    x, n = sy.Symbol("x", positive=True), sy.Symbol("n", integer=True)
    function = sy.Function("f")
    for value in (x + n**2 / 3, sy.Integral(sy.exp(-(x**2)), (x, 0, sy.oo)), sy.Float("1.5", 30), function(x).diff(x)):
        assert sy.srepr(cross(value)) == sy.srepr(value)
    piece = sy.Piecewise((x, x > 1), (0, True))
    assert cross(piece) == piece
    assert cross(sy.Matrix([[x, 1]])) == sy.Matrix([[x, 1]])


def test_an_estimator_that_works_on_what_stays_stays_as_a_whole(cross, stand_in):
    pytest.importorskip("sklearn")
    from sklearn.base import BaseEstimator, TransformerMixin
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, StandardScaler

    mine = type("Mine", (TransformerMixin, BaseEstimator), {})()
    fitting = LogisticRegression()
    for pipeline in (make_pipeline(FunctionTransformer(np.log)), make_pipeline(StandardScaler(), mine, fitting)):
        assert isinstance(cross(pipeline), stand_in)
    arrived = cross([mine, fitting])
    assert isinstance(arrived[0], stand_in)
    assert isinstance(arrived[1], LogisticRegression)


def test_fitted_estimators_arrive_and_trees_stay(cross, stand_in):
    pytest.importorskip("sklearn")
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    x = np.random.default_rng(1).random((30, 2))
    y = (x[:, 0] > 0.5).astype(int)
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(x, y)
    assert cross(model).predict(x).tolist() == model.predict(x).tolist()
    assert cross(RandomForestClassifier(3).fit(x, y)) == stand_in(0)


def test_the_package_loads_no_library():
    import subprocess

    code = "import sys, jupyter_loops.execution.crossing; print({'numpy', 'pandas', 'pyarrow'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"
