"""Each kind of event has one name, wherever it is stored or read."""

from jupyter_loops.core.events import KINDS, RENAMED, NoteAdded, RunStarted, current_kind
from jupyter_loops.history.body import PLACES
from jupyter_loops.history.projection import SHAPES
from jupyter_loops.view.snapshot import Snapshot


def test_the_kind_of_an_event_is_its_class_in_snake_case():
    assert KINDS["run_started"] is RunStarted
    assert NoteAdded.kind == NoteAdded(iteration=1, message="m").kind == "note_added"
    assert len(KINDS) == len({kind.__name__ for kind in KINDS.values()}) == 18


def test_every_kind_of_former_versions_has_a_name_today_and_none_is_used_again():
    assert set(RENAMED.values()) <= set(KINDS)
    assert not set(RENAMED) & set(KINDS)
    assert [current_kind(kind) for kind in ("decided", "run_ended", "of a later version")] == [
        "iteration_finished", "run_ended", "of a later version",
    ]  # fmt: skip


def test_rows_texts_and_the_view_know_kinds_that_there_are():
    assert set(SHAPES) <= set(KINDS)
    assert set(PLACES) <= set(KINDS)
    assert set(Snapshot()._kinds) == set(KINDS)
