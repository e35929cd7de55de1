"""A short sketch of a JSON schema, in the form that a model reads best."""

from __future__ import annotations

import json
from typing import Any

_DEEPEST = 6  # a schema that refers to itself has to stop somewhere
_LIMITS = {
    "maxLength": "at most {} characters",
    "minLength": "at least {} characters",
    "maximum": "at most {}",
    "minimum": "at least {}",
    "exclusiveMaximum": "below {}",
    "exclusiveMinimum": "above {}",
    "maxItems": "at most {} items",
    "minItems": "at least {} items",
    "pattern": "matching {}",
    "format": "{}",
    "description": "{}",
}

Schema = dict[str, Any]


def together(schemas: dict[str, Schema]) -> Schema:
    """The schema of an object with one key for each target; their definitions are moved to its top."""
    definitions: Schema = {}
    properties: Schema = {}
    for name, schema in schemas.items():
        inner = dict(schema)
        definitions |= inner.pop("$defs", {})
        properties[name] = inner
    combined: Schema = {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
    return combined | ({"$defs": definitions} if definitions else {})


def outline(schema: Schema) -> str:
    """A sketch of the JSON that fits: `{"name": string, "tags": [string, …]}`, limits in brackets."""
    return _sketch(schema, schema.get("$defs", {}), 0)


def _sketch(schema: Schema, definitions: Schema, depth: int) -> str:
    if depth > _DEEPEST:
        return "…"
    if "$ref" in schema:
        return _sketch(definitions.get(schema["$ref"].rpartition("/")[2], {}), definitions, depth + 1)
    if "const" in schema:
        return json.dumps(schema["const"], ensure_ascii=False)
    if "enum" in schema:
        return " or ".join(json.dumps(value, ensure_ascii=False) for value in schema["enum"])
    for union in ("anyOf", "oneOf", "allOf"):
        if union in schema:
            return " or ".join(_sketch(option, definitions, depth + 1) for option in schema[union])
    return _typed(schema, definitions, depth) + _limits(schema)


def _typed(schema: Schema, definitions: Schema, depth: int) -> str:
    kind = schema.get("type", "any value")
    if kind == "array":
        items = [_sketch(item, definitions, depth + 1) for item in schema.get("prefixItems", [])]
        return "[" + ", ".join(items or [_sketch(schema.get("items", {}), definitions, depth + 1), "…"]) + "]"
    if kind == "object":
        fields = [
            f"{json.dumps(name, ensure_ascii=False)}: {_sketch(field, definitions, depth + 1)}"
            for name, field in schema.get("properties", {}).items()
        ]
        if isinstance(more := schema.get("additionalProperties"), dict):
            fields.append(f'"…": {_sketch(more, definitions, depth + 1)}')
        return "{" + ", ".join(fields) + "}"
    return " or ".join(kind) if isinstance(kind, list) else str(kind)


def _limits(schema: Schema) -> str:
    phrases = [phrase.format(schema[key]) for key, phrase in _LIMITS.items() if key in schema]
    return f" ({', '.join(phrases)})" if phrases and schema.get("type") != "object" else ""
