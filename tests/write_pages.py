"""Writes the pages of the documentation that are made from the code: `python -m tests.write_pages`."""

from __future__ import annotations

from pathlib import Path

PAGES = Path(__file__).parents[1] / "jupyter_loops" / "docs"


def generated() -> dict[str, str]:
    """Name of a page → its text."""
    return {"options": options_page(), "schema": schema_page()}


def options_page() -> str:
    """Every option of the %%loop line, with its default."""
    from IPython.core.interactiveshell import InteractiveShell

    from jupyter_loops.notebook.loop_magic import LoopMagics
    from jupyter_loops.options.option_spec import GROUPS

    magics = LoopMagics(InteractiveShell.instance())
    return "\n".join(
        [
            "# Options of the `%%loop` line",
            "",
            (
                "A limit takes `none` for no limit; 0 never means that. A value `$name` is the variable's. In Python "
                "the options are keywords, with underscores. Defaults: `%config LoopMagics`, or `c.LoopMagics` in "
                "`ipython_config.py`."
            ),
            "",
            *(line for group in GROUPS for line in _options_of(group, magics)),
        ]
    )


def _options_of(group, magics):
    from jupyter_loops.notebook.help import default_note
    from jupyter_loops.notebook.line import OPTIONS

    rows = [
        (_option(option), f"{option.help}{default_note(option, magics.default(option.of or option.name))}")
        for option in OPTIONS
        if option.group == group
    ]
    return [f"## {group.capitalize()}", "", *_table(("option", "what it does"), rows), ""]


def schema_page() -> str:
    """Every table and view of the history, with a query to try, and the picture of what joins them."""
    from jupyter_loops.history.comments import described
    from jupyter_loops.history.diagram import mermaid

    described_tables = described()
    rows = [(f"`{one.name}`", one.text, f"`{one.example}`") for one in described_tables]
    return "\n".join(
        [
            "# The schema of the history",
            "",
            (
                "`%loops schema` lists the tables and views, `%loops schema runs` describes the columns of one; the "
                "same comments are in the file, for any DuckDB client."
            ),
            "",
            *_table(("table or view", "holds", "try"), rows),
            "",
            "What joins the tables:",
            "",
            "```mermaid",
            mermaid(),
            "```",
            "",
        ]
    )


def _option(option) -> str:
    written = ", ".join(f"`{word}`" for word in (option.short, option.long) if word)
    return f"{written} {option.shape}".rstrip()


def _table(header, rows) -> list[str]:
    lines = [[cell.replace("|", "\\|") for cell in row] for row in (header, *rows)]
    return [
        f"| {' | '.join(lines[0])} |",
        f"|{'---|' * len(header)}",
        *(f"| {' | '.join(row)} |" for row in lines[1:]),
    ]


if __name__ == "__main__":
    for name, text in generated().items():
        (PAGES / f"{name}.md").write_text(text, encoding="utf-8")
