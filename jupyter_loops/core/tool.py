"""Tools that a planner may call before it answers, their calls, and the results."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from .redaction import clean, redact


class Calling(StrEnum):
    """How a model calls tools."""

    NATIVE = "native"  # its endpoint has tool calls
    PROMPTED = "prompted"  # the prompt describes the tools, and calls are read from the answer's text
    NEVER = "never"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One tool, as it is described to a model."""

    name: str
    description: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)  # JSON schema of an object, one property an argument

    @property
    def redacted(self) -> Offer:
        """The tool without secrets, which a default may hold."""
        return replace(self, description=redact(self.description), parameters=clean(self.parameters))

    @property
    def function(self) -> dict[str, Any]:
        """The form that every endpoint with tool calls takes."""
        body = {"name": self.name, "description": self.description, "parameters": self.parameters}
        return {"type": "function", "function": body}

    def __str__(self) -> str:
        """In one line: `price(product: string, currency: string = "EUR")`."""
        required = self.parameters.get("required", ())
        arguments = [_argument(name, schema, name in required) for name, schema in self.properties.items()]
        return f"{self.name}({', '.join(arguments)})"

    @property
    def properties(self) -> dict[str, Any]:
        """Argument → its JSON schema."""
        properties: dict[str, Any] = self.parameters.get("properties", {})
        return properties


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """A model asks for a call. Untrusted: the name may be no tool's, the arguments anything."""

    id: str
    name: str
    arguments: str  # JSON, or what the model took for it

    def __str__(self) -> str:
        return f"{self.name}({self.arguments})"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolResult:
    """What a call came to, in words for the model. Data, never an instruction."""

    text: str
    error: str = ""  # unknown, arguments, busy, raised, timeout, cancelled; empty when it returned
    seconds: float = 0.0


def _argument(name: str, schema: dict[str, Any], required: bool) -> str:
    type_text = f": {schema['type']}" if isinstance(schema.get("type"), str) else ""
    default = f" = {json.dumps(schema['default'])}" if "default" in schema else "" if required else "?"
    return name + type_text + default
