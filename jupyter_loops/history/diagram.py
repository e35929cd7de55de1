"""The entity-relationship picture of the schema, as Mermaid, which GitHub and JupyterLab draw in Markdown.

`python -m jupyter_loops.history.diagram` prints it. Only the columns that join tables, and a few that name a row, are
drawn: `%loops schema TABLE` has them all.
"""

from __future__ import annotations

import sys

from .comments import Described, described

_NAMES = frozenset(
    {"loop", "model", "stop_reason", "progress", "usd", "exit", "check_name", "passed", "kind", "text", "key"}
)


def mermaid() -> str:
    """The tables, what is between them, and the columns that join them."""
    tables = [table for table in described() if table.kind == "TABLE" and table.name != "schema_versions"]
    lines = [line for table in tables for line in _relations(table)]
    return "\n".join(["erDiagram", *dict.fromkeys(lines), *map(_table, tables)])


def _relations(table: Described) -> list[str]:
    relations = []
    if "run_id" in table.columns and table.name != "runs":
        relations.append(f'    runs ||--o{{ {table.name} : "run_id"')
    if "parent" in table.columns:
        relations.append(f'    {table.name} |o--o{{ {table.name} : "parent"')
    shas = [name for name in table.columns if name.endswith("_sha")]
    if shas:
        relations.append(f'    texts |o--o{{ {table.name} : "{", ".join(shas)}"')
    return relations


def _table(table: Described) -> str:
    drawn = [name for name in table.columns if _joins(name) or name in _NAMES]
    return "\n".join([f"    {table.name} {{", *(f"        {_kind(name)} {name}" for name in drawn), "    }"])


def _joins(name: str) -> bool:
    return name in {"run_id", "iteration", "call", "seq", "parent", "sha"} or name.endswith("_sha")


def _kind(name: str) -> str:
    return "key" if _joins(name) else "value"


if __name__ == "__main__":
    sys.stdout.write(f"{mermaid()}\n")
