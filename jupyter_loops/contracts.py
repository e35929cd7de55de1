"""Data contracts of tables, for the checks of a cell: `assert conforms(orders, columns={"id": int}, unique="id")`.

The rules are pandera's (extra `contracts`); here they are short to write, and what is broken is short to read, for a
person and for a model. Import it in the cell's set-up: then it is loaded once a run and not once a candidate.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sized
from typing import Any

try:
    import pandera.pandas as pa
    from pandera.errors import SchemaErrors
except ImportError as error:
    raise ImportError("data contracts need pandera: pip install 'jupyter-loops[contracts]'") from error

Range = tuple[Any, Any]  # least and most, both allowed; None: no bound
_MOST_RULES, _SHOWN = 8, 3  # broken rules in a message, and rows of each
_LONG = 60  # characters of a value


class ContractViolation(AssertionError):
    """A table does not keep its contract; the message counts the rows and shows the first ones."""


def conforms(
    table: Any,
    *,
    columns: Mapping[str, Any] | None = None,
    only: bool = False,
    nulls: str | Iterable[str] = (),
    ranges: Mapping[str, Range] | None = None,
    unique: str | Iterable[str] = (),
    rows: int | tuple[int | None, int | None] | None = None,
    rows_of: Sized | None = None,
    schema: Any = None,
) -> bool:
    """True, or raise `ContractViolation`.

    `columns` are names with their types, as pandas or pandera write them, None for any; `only` allows no others.
    A named column has no nulls unless `nulls` names it. `unique` columns are a key together. `rows` is an exact
    count or (least, most); `rows_of` is a source that has to have as many. `schema` is a pandera schema or model
    that has to hold as well.
    """
    broken = _counted(table, rows, rows_of)
    declared = _schema(columns or {}, _names(nulls), ranges or {}, only=only)
    for contract in (declared, schema):
        if contract is not None:
            broken += _violations(contract, table)
    broken += _repeated(table, _names(unique))
    if broken:
        more = [f"and {len(broken) - _MOST_RULES} more"] if len(broken) > _MOST_RULES else []
        raise ContractViolation("; ".join(broken[:_MOST_RULES] + more))
    return True


def _schema(columns: Mapping[str, Any], nulls: list[str], ranges: Mapping[str, Range], *, only: bool) -> Any:
    named = dict.fromkeys([*columns, *ranges, *nulls])
    return pa.DataFrameSchema(
        {
            name: pa.Column(columns.get(name), checks=_bounds(ranges.get(name)), nullable=name in nulls)
            for name in named
        },
        strict=only,
    )


def _bounds(limits: Range | None) -> list[Any]:
    least, most = limits or (None, None)
    checks = [] if least is None else [pa.Check.ge(least)]
    return checks if most is None else [*checks, pa.Check.le(most)]


def _counted(table: Sized, rows: int | tuple[int | None, int | None] | None, source: Sized | None) -> list[str]:
    count, wrong = len(table), []
    least, most = rows if isinstance(rows, tuple) else (rows, rows)
    if (least is not None and count < least) or (most is not None and count > most):
        expected = (
            f"{least}" if least == most else f"{0 if least is None else least} to {'any' if most is None else most}"
        )
        wrong.append(f"{count} rows instead of {expected}")
    if source is not None and count != len(source):
        wrong.append(f"{count} rows, and the source has {len(source)}")
    return wrong


def _repeated(table: Any, key: list[str]) -> list[str]:
    if not key:
        return []
    missing = [name for name in key if name not in table.columns]
    if missing:
        return [f"the key {', '.join(missing)} is missing"]
    repeated = table[table.duplicated(key, keep=False)]
    if repeated.empty:
        return []
    shown = [f"row {index}: {_short(values)}" for index, values in _first(repeated[key])]
    return [f"{', '.join(key)} is not unique in {len(repeated)} of {len(table)} rows ({', '.join(shown)})"]


def _first(table: Any) -> Iterable[tuple[Any, Any]]:
    for index, row in table.head(_SHOWN).iterrows():
        values = row.tolist()
        yield index, values[0] if len(values) == 1 else tuple(values)


def _violations(schema: Any, table: Any) -> list[str]:
    try:
        schema.validate(table, lazy=True)
    except SchemaErrors as errors:
        return _broken_rules(errors.failure_cases, len(table))
    return []


def _broken_rules(cases: Any, total: int) -> list[str]:
    """One line a rule that is broken."""
    lines = []
    for (column, check), group in cases.fillna({"column": ""}).groupby(["column", "check"], sort=False):
        indexed = group[group["index"].notna()]
        if indexed.empty:
            lines += [_table_rule(str(column), str(check), case) for case in group["failure_case"].unique()]
            continue
        pairs = zip(indexed["index"].head(_SHOWN), indexed["failure_case"].head(_SHOWN), strict=True)
        shown = ", ".join(f"row {index}: {_short(value)}" for index, value in pairs)
        rule = "is null" if check == "not_nullable" else f"breaks {check}"
        lines.append(f"{column} {rule} in {len(indexed)} of {total} rows ({shown})")
    return lines


def _table_rule(column: str, check: str, case: Any) -> str:
    if check == "column_in_dataframe":
        return f"column {case} is missing"
    if check == "column_in_schema":
        return f"column {case} is one too many"
    if check.startswith("dtype"):
        expected = check.removeprefix("dtype('").removesuffix("')")
        return f"{column} is of type {case} instead of {expected}"
    return f"{column} breaks {check}: {_short(case)}".strip()


def _short(value: Any) -> str:
    text = repr(value.item() if hasattr(value, "item") else value)
    return text if len(text) <= _LONG else f"{text[:_LONG]}…"


def _names(names: str | Iterable[str]) -> list[str]:
    return [names] if isinstance(names, str) else list(names)
