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
