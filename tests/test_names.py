"""One name for one thing: what can be grepped is found once."""

from __future__ import annotations

from tests.structure import repeated_classes, repeated_files


def test_no_public_class_name_stands_twice():
    assert repeated_classes() == {}


def test_no_file_name_stands_twice():
    assert repeated_files() == {}
