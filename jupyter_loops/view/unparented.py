"""Messages of the kernel that answer no cell."""

from __future__ import annotations

import contextvars
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def unparented(work: Callable[[], T]) -> T:
    """Do `work` in a context whose comm messages answer no cell.

    ipykernel 7.4 sends a page's messages to the shell that published last on their comm. A message without a
    parent leaves the choice to the page, which picks a thread that is free even while another cell blocks.
    """
    from ipykernel.kernelbase import Kernel

    parent = getattr(Kernel.instance(), "_shell_parent", None) if Kernel.initialized() else None

    def bare() -> T:
        if isinstance(parent, contextvars.ContextVar):
            parent.set({})
        return work()

    return contextvars.copy_context().run(bare)
