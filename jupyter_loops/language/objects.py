"""Types whose values a model builds with code, because JSON cannot hold them: frames, arrays, figures, graphs."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence

_SPARSE = " ".join(f"{form}_array {form}_matrix" for form in ("bsr", "coo", "csc", "csr", "dia", "dok", "lil"))
_TYPES = {  # module → its classes
    "matplotlib.figure": "Figure",
    "matplotlib.pyplot": "Figure",
    "networkx": "Graph DiGraph MultiGraph MultiDiGraph",
    "numpy": "ndarray",
    "pandas": "DataFrame Series",
    "plotly.graph_objects": "Figure FigureWidget",
    "plotly.graph_objs": "Figure FigureWidget",
    "polars": "DataFrame Series",
    "pyarrow": "Table RecordBatch",
    "scipy.sparse": _SPARSE + " sparray spmatrix",
    "sympy": "Expr",
}
_ALIASES = {  # usual names of the imports in a notebook
    "matplotlib.figure": "mpl.figure",
    "matplotlib.pyplot": "plt",
    "networkx": "nx",
    "numpy": "np",
    "pandas": "pd",
    "plotly.graph_objects": "go",
    "polars": "pl",
    "pyarrow": "pa",
    "scipy.sparse": "sparse sps sp.sparse",
    "sympy": "sp sym",
}
_BARE = {"DataFrame", "Figure", "ndarray"}  # names that rarely mean another class

_FULL = {f"{module}.{name}" for module, names in _TYPES.items() for name in names.split()}
_USUAL = {
    f"{alias}.{name}"
    for module, aliases in _ALIASES.items()
    for alias in aliases.split()
    for name in _TYPES[module].split()
}


def built_by_code(annotation: ast.expr, bound: Mapping[str, str]) -> str:
    """The class of an annotation, as written, if code has to build its values; otherwise an empty text.

    `bound` maps the names that the cell binds to what it imports them from, or to an empty text.
    """
    node = annotation.value if isinstance(annotation, ast.Subscript) else annotation
    written = ast.unparse(node)
    root, _, attributes = written.partition(".")
    full_name = ".".join(filter(None, (bound.get(root, root), attributes)))
    class_names = _FULL if root in bound else _FULL | _USUAL | _BARE
    return written if full_name in class_names else ""


def imported(statements: Sequence[ast.stmt]) -> dict[str, str]:
    """The imported names and their sources. A class that the statements define has an empty source."""
    sources: dict[str, str] = {}
    for node in (node for statement in statements for node in ast.walk(statement)):
        if isinstance(node, ast.ClassDef):
            sources[node.name] = ""
        elif isinstance(node, ast.ImportFrom):
            sources |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            sources |= {alias.asname: alias.name for alias in node.names if alias.asname}
            sources |= {root: root for alias in node.names if not alias.asname and (root := alias.name.split(".")[0])}
    return sources
