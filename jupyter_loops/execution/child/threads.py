"""The threads of this process that a fork would lose."""

from __future__ import annotations

import os
import threading
import time

# A forked child does without these: memory that pyarrow and polars give back later, files that polars spills.
_HARMLESS = frozenset({"jemalloc_bg_thd", "polars-ooc-clea"})
_LOOKS, _MOMENT = 10, 0.002
_NATIVE = "native threads of a library, as BLAS has"  # which have no name but the process's own


def threads() -> list[str]:
    """Names of threads that a fork would lose; one that was joined just now gets a moment to be gone."""
    for _ in range(_LOOKS):
        names = _now()
        if not names:
            break
        time.sleep(_MOMENT)
    return names


def _now() -> list[str]:
    python = [thread.name for thread in threading.enumerate() if thread is not threading.main_thread()]
    try:
        tasks = [task for task in os.listdir("/proc/self/task") if int(task) != os.getpid()]  # noqa: PTH208 - start-up
    except OSError:
        return python
    main, *native = [_thread_name(task) for task in (str(os.getpid()), *tasks)]
    names = [_NATIVE if name == main else name for name in native if name and name not in _HARMLESS]
    return python or [*dict.fromkeys(names)]


def _thread_name(task: str) -> str:
    try:
        with open(f"/proc/self/task/{task}/comm", encoding="utf-8", errors="replace") as comm:  # noqa: PTH123 - start-up
            return comm.read().strip()
    except OSError:  # it has ended just now
        return ""
