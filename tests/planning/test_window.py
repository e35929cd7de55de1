from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from jupyter_loops.planning.window import Section, fit

LONG = "\n".join(f"line {n} of many" for n in range(200))


def test_what_matters_least_shrinks_first_and_says_by_how_much():
    goal = Section(name="goal", text="Do it well.", rank=0)
    notes = Section(name="notes", text=LONG, before="Notes:\n", rank=9)
    fitted = fit([notes, goal], 120)

    assert fitted[1] == goal
    assert fitted[0].text.startswith("line 0 of many\n")
    assert fitted[0].text.endswith(f"({fitted[0].dropped} tokens left out)")
    assert sum(section.tokens for section in fitted) <= 120


def test_the_newest_items_stay_where_the_newest_count():
    section = Section(name="rejected", text=LONG, newest_last=True).within(60)

    assert section.text.endswith("line 199 of many")
    assert section.text.startswith("…")


def test_a_section_has_its_allowance_even_in_a_wide_window():
    (section,) = fit([Section(name="setup", text=LONG, allowance=100)], 100_000)

    assert 50 < section.tokens <= 100


def test_one_endless_line_is_cut_inside():
    section = Section(name="goal", text="word " * 50_000).within(100)

    assert section.text.startswith("word word")
    assert section.tokens <= 100


def test_a_section_that_has_no_room_at_all_is_left_out_and_counted():
    section = Section(name="notes", text=LONG, before="Notes:\n").within(5)

    assert section.rendered == ""
    assert section.part.tokens == 0
    assert section.part.dropped > 1000


@given(st.lists(st.tuples(st.text(max_size=500), st.integers(0, 9)), min_size=1, max_size=6), st.integers(0, 400))
def test_sections_together_never_exceed_what_is_allowed(texts, allowed):
    sections = [Section(name=str(rank), text=text, before="H:\n", rank=rank) for text, rank in texts]
    fitted = fit(sections, allowed)

    assert sum(section.tokens for section in fitted) <= allowed
    assert [section.name for section in fitted] == [section.name for section in sections]


@given(st.sampled_from(["word ", "x", "é", "1,2;3\n", "def f():\n    return 1\n", "sk-ant-api03-abc "]), st.booleans())
def test_of_a_megabyte_only_what_may_fit_is_looked_at_and_all_else_counted(unit, newest_last):
    whole = Section(name="goal", text=unit * (1_000_000 // len(unit)), newest_last=newest_last)
    bounded = whole.bounded()
    fitted = bounded.within(8000)

    assert len(bounded.text) <= 200_000
    assert whole.text.endswith(bounded.text) if newest_last else whole.text.startswith(bounded.text)
    assert abs(bounded.dropped + bounded.tokens - whole.tokens) <= whole.tokens * 0.02
    assert fitted.tokens <= 8000
    assert f"({fitted.dropped} tokens left out)" in fitted.text or not fitted.text
