"""Whether a JSON value fits its schema. Only the top level is checked here: the sandbox validates the value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}
_DEEPEST = 8  # references that are followed


def fits(value: Any, schema: Schema | None, definitions: Schema | None = None, depth: int = 0) -> bool | None:
    """Whether the value has the schema's type and required keys; None where the schema does not say."""
    if not schema or depth > _DEEPEST:
        return None
    definitions = definitions or schema.get("$defs", {})
    if "$ref" in schema:
        return fits(value, definitions.get(schema["$ref"].rpartition("/")[2]), definitions, depth + 1)
    if options := schema.get("anyOf") or schema.get("oneOf"):
        results = {fits(value, option, definitions, depth + 1) for option in options}
        return True if True in results else None if None in results else False
    if "enum" in schema or "const" in schema:
        return any(value == allowed for allowed in schema.get("enum", [schema.get("const")]))
    return _has_type(value, schema)


def _has_type(value: Any, schema: Schema) -> bool | None:
    types = _TYPES.get(str(schema.get("type")))
    if types is None:
        return None
    if isinstance(value, bool):
        return bool in types
    if isinstance(value, dict) and not value.keys() >= set(schema.get("required", ())):
        return False
    return isinstance(value, types)
