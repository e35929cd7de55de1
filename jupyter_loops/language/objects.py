"""Types whose values a model builds with code, since no JSON holds them: frames, arrays, figures, graphs."""

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
_ALIASES = {  # as the notebook is likely to have imported them
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
_BARE = {"DataFrame", "Figure", "ndarray"}  # hardly anything else is called so

_FULL = {f"{module}.{name}" for module, names in _TYPES.items() for name in names.split()}
_USUAL = {
    f"{alias}.{name}"
    for module, aliases in _ALIASES.items()
    for alias in aliases.split()
    for name in _TYPES[module].split()
}


def built_by_code(annotation: ast.expr, bound: Mapping[str, str]) -> str:
    """The class that an annotation names, as written, where code has to build it; else empty.

    `bound` are the names that the cell itself binds: to what it imports, or to an empty text.
    """
    node = annotation.value if isinstance(annotation, ast.Subscript) else annotation
    written = ast.unparse(node)
    root, _, rest = written.partition(".")
    meant = ".".join(filter(None, (bound.get(root, root), rest)))
    known = _FULL if root in bound else _FULL | _USUAL | _BARE
    return written if meant in known else ""


def imported(statements: Sequence[ast.stmt]) -> dict[str, str]:
    """The names that the statements bind to modules, classes and functions: to what they import, or to nothing."""
    found: dict[str, str] = {}
    for node in (node for statement in statements for node in ast.walk(statement)):
        if isinstance(node, ast.ClassDef):
            found[node.name] = ""
        elif isinstance(node, ast.ImportFrom):
            found |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.asname: alias.name for alias in node.names if alias.asname}
            found |= {root: root for alias in node.names if not alias.asname and (root := alias.name.split(".")[0])}
    return found
