"""Every check of a verified cell passes again in the notebook, on what was delivered."""

from __future__ import annotations

import importlib.util
import sys

import pytest
from exam import Entry
from honest_corpus import HUMAN_EVAL, LANGUAGE

from jupyter_loops.core.candidate import Candidate, CandidateKind, Delivery
from jupyter_loops.delivery import deliver
from jupyter_loops.delivery.recheck import recheck
from jupyter_loops.language import parse


@pytest.mark.parametrize("entry", [*LANGUAGE, *HUMAN_EVAL], ids=lambda entry: entry.name)
def test_what_was_verified_passes_its_checks_where_it_is_delivered(entry: Entry):
    if sys.version_info < entry.since or (entry.needs and importlib.util.find_spec(entry.needs) is None):
        pytest.skip("it cannot run here")
    recipe, namespace = parse(entry.cell, "corpus"), dict[str, object]()

    delivered = deliver(recipe, Candidate(kind=CandidateKind.CODE, text=entry.candidate), Delivery(), namespace)
    outcomes = recheck(recipe, namespace, delivered.module)

    assert [outcome for outcome in outcomes if outcome.passed is False] == []
    assert outcomes
