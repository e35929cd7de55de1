"""An option is declared once, and is in the parser, the defaults, the help and the completion."""

from dataclasses import fields

import pytest

from jupyter_loops.engine.prompt_retention import PromptRetention
from jupyter_loops.notebook.completion import candidates
from jupyter_loops.notebook.help import full
from jupyter_loops.notebook.line import OPTIONS, read_line
from jupyter_loops.notebook.loop_magic import LoopMagics
from jupyter_loops.options import OPTION_SPECS, Options
from jupyter_loops.options.option_spec import GROUPS
from jupyter_loops.options.options import STORED_PROMPTS


@pytest.mark.parametrize("declared", fields(Options), ids=lambda declared: declared.name)
def test_each_field_of_options_is_an_option_everywhere(declared):
    name, word = declared.name, f"--{declared.name.replace('_', '-')}"
    trait = LoopMagics.class_traits(config=True)[name]

    assert word in {option.long for option in OPTIONS}
    assert word in candidates(f"%%loop x {word[:-1]}")
    assert f"{word} " in full(lambda _: None)
    assert trait.help
    assert (trait.default() or None) == (declared.default or None)
    assert trait.allow_none == ("None" in declared.type)


def test_the_help_lists_every_option_once_below_its_group():
    shown = full(lambda _: None)
    heads = [line[:-1] for line in shown.splitlines() if line.removesuffix(":") in GROUPS]

    assert heads == list(GROUPS)
    assert all(shown.count(f"  {option.long} ") + shown.count(f", {option.long} ") == 1 for option in OPTIONS)


def test_a_former_name_is_read_with_a_notice():
    with pytest.warns(FutureWarning, match="--landing is called --reserve-final today"):
        assert read_line("x --landing 0.5").options == {"reserve_final": 0.5}
    with pytest.warns(FutureWarning, match="landing is called reserve_final today"):
        assert Options.of({"landing": 0.5}).reserve_final == 0.5
    assert "--landing" not in full(lambda _: None)


def test_every_group_has_options():
    assert {spec.group for spec in OPTION_SPECS} < set(GROUPS)


def test_the_ways_to_store_prompts_are_those_of_the_engine():
    assert set(STORED_PROMPTS) == set(PromptRetention)
