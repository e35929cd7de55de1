"""scikit-learn's estimators, by their state."""

from __future__ import annotations

import importlib
import re
import sys
from typing import Any

from .instances import attributes_of, restore_state
from .kind import Decoding, Encoding, Node, ValueKind, fields
from .refusal import UnreadableError

NAME = "sklearn"
_MODULE = re.compile(r"sklearn(\.[a-z_][a-z0-9_]*){1,5}")


def describe(value: Any, _: Encoding) -> Node | None:
    """The node of an estimator whose state is data; None for what stays as it is."""
    kind = type(value)
    base = sys.modules.get("sklearn.base")
    if base is None or not isinstance(value, base.BaseEstimator) or not _MODULE.fullmatch(kind.__module__):
        return None
    if getattr(sys.modules[kind.__module__], kind.__name__, None) is not kind or _holds_live_object(
        attributes_of(value)
    ):
        return None
    state = attributes_of(value)
    return "sk.estimator", (kind.__module__, kind.__name__, tuple(state)), list(state.values())


def _holds_live_object(state: dict[str, Any]) -> bool:
    inner = [item for value in state.values() for item in (value if isinstance(value, list | tuple) else [value])]
    return any(_is_live_object(item) for item in inner)


def _is_live_object(value: Any) -> bool:
    if hasattr(value, "get_params") and hasattr(value, "__dict__"):
        return _holds_live_object(attributes_of(value))
    np = sys.modules["numpy"]
    if isinstance(value, np.ndarray):
        return value.dtype == object and any(_is_live_object(item) for item in value.flat)
    return type(value).__module__.startswith("sklearn.") or callable(value) or isinstance(value, np.random.RandomState)


def _make(payload: Any, _: list[Any], __: Decoding) -> object:
    module, name, _names = fields(payload, str, str, tuple)
    if not _MODULE.fullmatch(module):
        raise UnreadableError("scikit-learn has no such module")
    base = importlib.import_module("sklearn.base").BaseEstimator
    kind = vars(importlib.import_module(module)).get(name)
    if not isinstance(kind, type) or not issubclass(kind, base) or kind.__module__ != module:
        raise UnreadableError("scikit-learn has no such estimator")
    return object.__new__(kind)


def _fill(target: Any, payload: Any, children: list[Any], _: Decoding) -> None:
    if any(type(name) is not str for name in payload[2]):
        raise UnreadableError("a name is none")
    restore_state(target, type(target), payload[2], children)


def same(_value: Any, _other: Any, _pair: Any) -> bool | None:
    """Estimators are compared by their state, as instances are."""
    return None


def put_back(_target: Any, _new: Any) -> bool:
    """Estimators are restored by their state, as instances are."""
    return False


KINDS = {"sk.estimator": ValueKind(_make, _fill, works=True)}
