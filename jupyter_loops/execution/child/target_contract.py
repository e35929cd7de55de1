"""What a target must be: defined, of the right type, and able to leave the process."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cached_property
from typing import Any

from jupyter_loops.execution.values import Unequal, examined, to_json

from .value_text import clip, describe, kind

FUNCTION, CLASS, DATA, TEXT, FRAME = "function", "class", "data", "text", "frame"
_ERRORS = 8  # of one validation in a message
_DRAWN_HERE = "matplotlib"  # whose figures stay where they were made: a stand-in is all that the checks get


class UnfitError(Exception):
    """A target is missing, or is not what was asked for. The message is feedback."""


class TargetContract:
    """One target, with its annotation resolved in the world. Not a dataclass: those cost 12 ms of start-up."""

    def __init__(self, name: str, kind: str, source: str, annotation: Any = None) -> None:
        self.name, self.kind = name, kind
        self.source, self.annotation = source, annotation  # the stub or the annotation as written, and what it means

    @property
    def missing(self) -> str:
        """The message for a target that is missing."""
        what = f"a {self.kind}" if self.kind in {FUNCTION, CLASS} else self.source
        return f"{self.name} is missing: the code must define {self.name} ({what})"

    def schema(self) -> dict[str, Any] | None:
        """JSON schema of a data target; None for the others."""
        return self._adapter.json_schema() if self.kind == DATA else None

    def take(self, value: Any) -> tuple[Any, dict[str, Any]]:
        """The value that code has made, as the target's type; and as JSON where it is data. Raises UnfitError."""
        if self.kind == FRAME:
            self._check_type(value)
            return value, {}
        if self.kind == TEXT:
            return self._text(value), {self.name: value}
        validated = self._valid(lambda: self._adapter.validate_python(value))
        return validated, {self.name: self._valid(lambda: to_json(self.annotation, validated))}

    def read(self, content: Any) -> Any:
        """The value in JSON that has been parsed, as the target's type. Raises UnfitError with every reason."""
        return self._text(content) if self.kind == TEXT else self._valid(lambda: examined(self.annotation, content))

    def _text(self, value: Any) -> str:
        if type(value) is not str:
            raise UnfitError(f"{self.name} must be text, and is {describe(value)}")
        return value

    def _check_type(self, value: Any) -> None:
        expected = self.annotation
        stays = getattr(type(value), "__candidate__", False)  # a stand-in
        if stays and getattr(expected, "__module__", "").partition(".")[0] == _DRAWN_HERE:
            return
        if not (isinstance(expected, type) and isinstance(value, expected)):
            raise UnfitError(f"{self.name} must be a {self.source}, and is of type {kind(value)}")

    def _valid(self, validate: Callable[[], Any]) -> Any:
        from pydantic import ValidationError

        try:
            return validate()
        except Unequal as unequal:
            raise UnfitError(f"{self.name}: {unequal}") from unequal
        except ValidationError as error:
            reasons = [
                f"{'.'.join(map(str, (self.name, *issue['loc'])))}: {issue['msg']}, got {describe(issue['input'], 80)}"
                for issue in error.errors(include_url=False)[:_ERRORS]
            ]
            raise UnfitError("; ".join(reasons)) from error

    @cached_property
    def _adapter(self) -> Any:
        from pydantic import TypeAdapter

        return TypeAdapter(self.annotation)


def read_object(text: str, targets: list[TargetContract]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Target values in the JSON text of an object with one key a target, and their JSON. Raises UnfitError."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UnfitError(f"this is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise UnfitError(f"a JSON object with the keys {', '.join(target.name for target in targets)} is needed")
    values, reasons = {}, []
    for target in targets:
        if target.name not in content:
            reasons.append(f"the key {target.name!r} is missing; there is {clip(', '.join(content), 200) or 'none'}")
            continue
        try:
            values[target.name] = target.read(content[target.name])
        except UnfitError as unfit:
            reasons.append(str(unfit))
    if reasons:
        raise UnfitError("; ".join(reasons))
    return values, {target.name: content[target.name] for target in targets}
