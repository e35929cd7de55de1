"""The rows of a query in JupyterLab: sorted and searched without a kernel, in both themes, hostile text as text."""

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

ROWS = """%%loop_sql
SELECT * FROM (VALUES
    (10, 'ten'), (9, 'nine <img src=x onerror="window.struck=1">'), (NULL, 'none'),
    (100, '</td><script>window.struck=1</script>')
) AS t(n, "<b onmouseover=window.struck=1>word</b>")"""


def numbers(cell):
    return cell.locator(".jloops-result tbody tr td:first-child").all_inner_texts()


def test_a_result_is_sorted_and_searched_and_carries_no_markup(notebook):
    book = notebook("result", "%load_ext jupyter_loops", ROWS)
    book.run(0)
    book.run(1)
    cell = book.cell(1)
    head = cell.locator(".jloops-result th").first
    expect(head).to_be_visible(timeout=60_000)
    assert numbers(cell) == ["10", "9", "NULL", "100"]

    head.click()
    expect(head).to_have_attribute("aria-sort", "ascending")
    assert [text for text in numbers(cell) if text != "NULL"] == ["9", "10", "100"]  # as numbers, not as words
    head.click()
    expect(head).to_have_attribute("aria-sort", "descending")
    assert [text for text in numbers(cell) if text != "NULL"] == ["100", "10", "9"]

    cell.locator(".jloops-result input").fill("nine")
    expect(cell.locator(".jloops-result tbody tr")).to_have_count(1)
    cell.locator(".jloops-result input").fill("")
    expect(cell.locator(".jloops-result th").nth(1)).to_contain_text("<b onmouseover")
    assert cell.locator(".jloops-result").locator("img, script, b").count() == 0
    assert book.page.evaluate("window.struck") is None

    book.theme("JupyterLab Light")
    light = cell.locator(".jloops-result td").first.evaluate("node => getComputedStyle(node).color")
    book.shot("result-light", cell)
    book.theme("JupyterLab Dark")
    dark = cell.locator(".jloops-result td").first.evaluate("node => getComputedStyle(node).color")
    book.shot("result-dark", cell)
    assert light != dark
