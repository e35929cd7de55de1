"""What a newcomer meets first: the names of the package, and what importing it costs."""

import subprocess
import sys

import jupyter_loops

HEAVY = {"litellm", "duckdb", "plotly", "dask", "anywidget", "ipywidgets", "pandas", "pydantic", "IPython"}


def test_importing_the_package_loads_the_standard_library_only():
    code = "import sys; before = set(sys.modules); import jupyter_loops; print(*set(sys.modules) - before)"

    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    loaded = {name.partition(".")[0] for name in said.split()}
    assert not loaded & HEAVY
    assert {name for name in loaded if name not in sys.stdlib_module_names} == {"jupyter_loops"}


def test_the_public_names_are_sorted_and_all_there():
    assert jupyter_loops.__all__ == sorted(jupyter_loops.__all__)
    for name in jupyter_loops.__all__:
        assert getattr(jupyter_loops, name) is not None


def test_no_other_name_leaks():
    public = {name for name in vars(jupyter_loops) if not name.startswith("_")}
    modules = {name for name in public if getattr(jupyter_loops, name).__class__.__name__ == "module"}

    assert public - modules - set(jupyter_loops.__all__) <= {"annotations", "Any", "TYPE_CHECKING"}
