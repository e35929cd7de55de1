"""What a function takes, as a JSON schema for a model, and a model's JSON as what the function takes."""

from __future__ import annotations

import contextlib
import inspect
import json
import re
import typing
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from jupyter_loops.core import almost_json
from jupyter_loops.core.tool import Offer
from jupyter_loops.errors import PreflightError

MOST = 200_000  # characters of arguments
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")  # what every provider takes
_DESCRIBED = 2000  # characters of a docstring


@dataclass(frozen=True, slots=True)
class ToolFunction:
    """A function, and how it is offered."""

    function: Callable[..., Any]
    offer: Offer
    reader: Any  # pydantic.TypeAdapter of its arguments

    @classmethod
    def of(cls, function: object) -> ToolFunction:
        """Read its signature, type hints and docstring. Raises PreflightError for what no model could call."""
        if not callable(function):
            raise PreflightError(f"a tool is a function, and this is a {type(function).__name__}: {function!r:.60}")
        name = getattr(function, "__name__", type(function).__name__)
        if not _NAME.fullmatch(name):
            raise PreflightError(f"the tool {name!r} needs a name of up to 64 ASCII letters, digits and underscores")
        try:
            parameters = inspect.signature(function).parameters
            hints = typing.get_type_hints(function, include_extras=True)
            reader = _reader(name, parameters, hints)
            schema = _schema(reader, parameters)
        except PreflightError:
            raise
        except Exception as error:  # hints are code: they raise whatever they like
            raise PreflightError(f"the tool {name} cannot be offered to a model: {error!s:.300}") from error
        description = inspect.cleandoc(getattr(function, "__doc__", None) or "")[:_DESCRIBED]
        return cls(function, Offer(name=name, description=description, parameters=schema), reader)

    def read(self, arguments: str) -> dict[str, Any]:
        """The arguments in a model's JSON, leniently read and strictly validated. Raises ValueError, for the model."""
        if len(arguments) > MOST:
            raise ValueError(f"the arguments have {len(arguments):,} characters, and at most {MOST:,} are taken")
        values = _json(arguments)
        if not isinstance(values, dict):
            raise ValueError(f"the arguments are no JSON object; call it as {self.offer}")  # noqa: TRY004  # feedback
        from pydantic import ValidationError

        try:
            read: dict[str, Any] = self.reader.validate_json(json.dumps(values))
        except ValidationError as error:
            wrong = "; ".join(f"{'.'.join(map(str, detail['loc']))}: {detail['msg']}" for detail in error.errors()[:5])
            raise ValueError(f"{wrong}; call it as {self.offer}") from None
        return read


def _reader(name: str, parameters: Mapping[str, inspect.Parameter], hints: Mapping[str, Any]) -> Any:
    from typing import NotRequired

    from pydantic import ConfigDict, TypeAdapter
    from typing_extensions import TypedDict

    fields = {}
    for parameter in parameters.values():
        if parameter.kind in {parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY}:
            raise PreflightError(
                f"the tool {name} takes {parameter}, and a model can only give arguments by their names"
            )
        hint = hints.get(parameter.name, Any)
        fields[parameter.name] = hint if parameter.default is parameter.empty else NotRequired[hint]
    make: Any = TypedDict  # a type checker wants the fields written out, and they are known only now
    arguments = make("Arguments", fields)
    arguments.__pydantic_config__ = ConfigDict(strict=True, extra="forbid")
    return TypeAdapter(arguments)


def _schema(reader: Any, parameters: Mapping[str, inspect.Parameter]) -> dict[str, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of defaults that JSON cannot say
        schema: dict[str, Any] = reader.json_schema()
    for name, property_schema in schema.get("properties", {}).items():
        property_schema.pop("title", None)
        default = parameters[name].default
        if default is None or isinstance(default, str | int | float):
            property_schema["default"] = default
    return {"type": "object", "properties": {}} | {key: value for key, value in schema.items() if key != "title"}


def _json(text: str) -> Any:
    """What the text says. Quotes and commas are repaired; what was cut off is not: it may have gone on otherwise."""
    complete = text.rstrip("`\n ").endswith("}")
    for read in (json.loads, almost_json.repaired) if complete else (json.loads,):
        with contextlib.suppress(ValueError, RecursionError):
            return read(text or "{}")
    return None
