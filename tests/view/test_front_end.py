"""The front end's own tests, by Node."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from jupyter_loops.language import parse

FRONT = Path(__file__).parents[2] / "labextension"


@pytest.mark.skipif(shutil.which("npm") is None, reason="needs Node")
def test_the_unit_tests_of_the_front_end_pass():
    done = subprocess.run(
        ["npm", "--prefix", FRONT, "run", "--silent", "test"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert "# fail 0" in done.stdout


TEMPLATES = json.loads((FRONT / "src" / "cells" / "templates.json").read_text())


@pytest.mark.parametrize("template", TEMPLATES, ids=[template["id"] for template in TEMPLATES])
def test_a_template_is_a_cell_that_can_be_read(template):
    first, body = template["source"].split("\n", 1)
    recipe = parse(body, first.split()[1])
    assert recipe.targets
    assert recipe.checks
