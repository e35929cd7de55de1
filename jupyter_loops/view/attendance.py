"""Whether a person is there to be asked."""

from __future__ import annotations

import sys


def attended() -> bool:
    """Whether this code runs for a front end that can ask a person.

    nbclient, papermill and nbconvert say with every cell that they cannot (`allow_stdin`); outside of a
    kernel there is nobody.
    """
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    kernel = getattr(shell, "kernel", None)
    return bool(getattr(kernel, "_allow_stdin", False))
