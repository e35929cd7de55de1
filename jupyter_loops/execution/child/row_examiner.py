"""Examines the answers for rows of a map, one after another.

Data and text run nothing, so no candidate process is needed. The namespace is put back after each row. A batch of
rows shares this process; the next batch gets a new fork.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from marshal import loads as load_code
from pickle import loads
from time import perf_counter
from typing import Any

from jupyter_loops.core.row import ROW, Row

from .candidate_world import CandidateWorld
from .kernel_connection import KernelConnection
from .target_contract import UnfitError, read_object
from .value_text import describe

_ENOUGH = 1.0  # seconds after which a row with a failed check is not examined further
_SEND_AFTER = 0.002  # seconds that a finished row waits for the next one at most


class RowExaminer:
    """Serves the kernel until it hangs up."""

    def __init__(self, world: CandidateWorld, wire: KernelConnection, examine: Any) -> None:
        self._world, self._wire, self._examine_check = world, wire, examine

    def serve(self) -> None:
        """Answer batches of rows until the kernel hangs up."""
        while True:
            try:
                order, files, _ = self._wire.receive()
            except (EOFError, OSError):
                return
            if "private" in order:
                self._world.receive_private(order["private"], files)
            self._examine_batch(order)

    def _examine_batch(self, order: dict[str, Any]) -> None:
        results: list[dict[str, Any]] = []
        sent = perf_counter()
        for text, item, is_table_row in order["rows"]:
            results.append(self._examine(order, text, loads(item), is_table_row=is_table_row))  # noqa: S301 - from the kernel
            if perf_counter() - sent > _SEND_AFTER:
                self._send(order, results)
                results, sent = [], perf_counter()
        self._send(order, results)

    def _send(self, order: dict[str, Any], results: list[dict[str, Any]]) -> None:
        for stream in (sys.stdout, sys.stderr):
            with suppress(Exception):  # a check may have closed or replaced it
                stream.flush()
        if results:
            self._wire.send({"said": "rows", "token": order["token"], "rows": results})

    def _examine(self, order: dict[str, Any], text: str | None, item: Any, *, is_table_row: bool) -> dict[str, Any]:
        """The result of one row; without a text only its set-up runs."""
        names = self._world.names
        result: dict[str, Any] = {"exit": "ok", "fault": None, "verdicts": [], "values": {}}
        before, started = dict(names), perf_counter()
        self._world.restore_random()
        names[ROW] = Row(item) if is_table_row else item
        try:
            self._run_setup(order["setup"])
            if text is not None:
                values, result["values"] = read_object(text, self._world.targets)
                names.update(values)
                result["verdicts"] = self._verdicts(order["layers"])
        except UnfitError as unfit:
            result |= {"exit": "invalid", "fault": {"type": "Invalid", "message": str(unfit), "frames": []}}
        except BaseException as error:  # noqa: BLE001 - of the user's set-up, whatever it is
            result |= {"exit": "raised", "fault": self._world.sources.tell(error)}
        finally:
            names.clear()
            names.update(before)
        return result | {"seconds": perf_counter() - started}

    def _run_setup(self, setup: dict[str, Any] | None) -> None:
        if setup is not None:
            self._world.sources.add(setup["filename"], setup["text"])
            exec(load_code(setup["code"]), self._world.names)  # noqa: S102, S302 - the user's own, from the kernel

    def _verdicts(self, layers: list[list[dict[str, Any]]]) -> list[dict[str, Any]]:
        """Of the checks of all layers up to the first that fails."""
        verdicts: list[dict[str, Any]] = []
        started = perf_counter()
        for checks in layers:
            for check in checks:
                if perf_counter() - started > _ENOUGH and not all(verdict["passed"] for verdict in verdicts):
                    return verdicts
                verdicts.append(self._examine_check(check, self._world.names, self._world.sources, describe, None))
            if not all(verdict["passed"] for verdict in verdicts):
                break
        return verdicts
