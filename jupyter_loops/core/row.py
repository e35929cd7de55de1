"""One row of a table, as the cell of a map sees it under the name `row`."""

from __future__ import annotations

from typing import Any

ROW = "row"  # the name of the item in goal, set-up and checks


class Row(dict[str, Any]):
    """Column → value. A column is an item and, where no method of dict has its name, an attribute as well."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            columns = ", ".join(list(self)[:12]) or "none"
            raise AttributeError(f"the row has no column {name!r}; its columns are {columns}") from None
