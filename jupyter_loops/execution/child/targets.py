"""What a candidate owes: present, of the right type, and in a form that may cross the border."""

from __future__ import annotations

import json
from functools import cached_property
from typing import Any

from .describe import clip, describe, kind

FUNCTION, DATA, TEXT, FRAME = "function", "data", "text", "frame"
_ERRORS = 8  # of one validation that are worth telling


class Unfit(Exception):
    """A target is missing, or is not what was asked for. The message is feedback."""


class Target:
    """One target, with its annotation resolved in the world. Not a dataclass: those cost 12 ms of start-up."""

    def __init__(self, name: str, kind: str, source: str, annotation: Any = None) -> None:
        self.name, self.kind = name, kind
        self.source, self.annotation = source, annotation  # the annotation as written, and what it means
        self.content: Any = None  # the JSON that the kernel will read, once there is a value

    def schema(self) -> dict[str, Any] | None:
        """JSON schema of a data target; None for the others."""
        return self._adapter.json_schema() if self.kind == DATA else None

    def check(self, names: dict[str, Any]) -> None:
        """See that candidate code has left the target in `names`, and coerce data to its type. Raises Unfit."""
        if self.name not in names:
            what = "a function" if self.kind == FUNCTION else self.source
            raise Unfit(f"{self.name} is missing: the code must define {self.name} ({what})")
        value = names[self.name]
        if self.kind == FUNCTION and not callable(value):
            raise Unfit(f"{self.name} must be a function, and is {describe(value)}")
        if self.kind == FRAME and not (isinstance(self.annotation, type) and isinstance(value, self.annotation)):
            raise Unfit(f"{self.name} must be a {self.source}, and is of type {kind(value)}")
        if self.kind in {DATA, TEXT}:
            names[self.name] = self.read(value, made=True)

    def read(self, value: Any, *, made: bool = False) -> Any:
        """The value as the target's type, from JSON or from an object that code `made`. Raises Unfit."""
        if self.kind == TEXT:
            if type(value) is not str:
                raise Unfit(f"{self.name} must be text, and is {describe(value)}")
            self.content = value
            return value
        from pydantic import ValidationError

        from jupyter_loops.execution.values import Unequal, examined, to_json

        try:
            found = self._adapter.validate_python(value) if made else examined(self.annotation, value)
            self.content = to_json(self.annotation, found) if made else value
        except Unequal as unequal:
            raise Unfit(f"{self.name}: {unequal}") from unequal
        except ValidationError as error:
            reasons = [
                f"{'.'.join(map(str, (self.name, *each['loc'])))}: {each['msg']}, got {describe(each['input'], 80)}"
                for each in error.errors(include_url=False)[:_ERRORS]
            ]
            raise Unfit("; ".join(reasons)) from error
        return found

    def export(self, value: Any) -> Any:
        """The value as JSON, or as an Arrow IPC stream (bytes) for a frame."""
        if self.kind == FRAME:
            return _arrow(value)
        return self.content

    @cached_property
    def _adapter(self) -> Any:
        from pydantic import TypeAdapter

        return TypeAdapter(self.annotation)


def read_object(text: str, targets: list[Target]) -> dict[str, Any]:
    """Target values in the JSON text of an object with one key a target. Raises Unfit."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Unfit(f"this is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise Unfit(f"a JSON object with the keys {', '.join(each.name for each in targets)} is needed")
    values, reasons = {}, []
    for target in targets:
        if target.name not in content:
            reasons.append(f"the key {target.name!r} is missing; there is {clip(', '.join(content), 200) or 'none'}")
            continue
        try:
            values[target.name] = target.read(content[target.name])
        except Unfit as unfit:
            reasons.append(str(unfit))
    if reasons:
        raise Unfit("; ".join(reasons))
    return values


def _arrow(frame: Any) -> bytes:
    import pyarrow as pa

    table = pa.Table.from_pandas(frame)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    content: bytes = sink.getvalue().to_pybytes()
    return content
