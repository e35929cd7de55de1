"""README and the topic pages: their snippets run, their links lead somewhere, and what they name exists."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from jupyter_loops import errors
from jupyter_loops.core.termination import StopReason
from jupyter_loops.language import parse
from jupyter_loops.notebook.help_page import TOPICS
from jupyter_loops.notebook.line import OPTIONS, read_line
from jupyter_loops.notebook.loops_magic import WORDS

from .kernels import ROOT
from .kernels import start as start_kernel
from .write_pages import generated

PAGES = ROOT / "jupyter_loops" / "docs"
MARKDOWN = [*sorted(PAGES.glob("*.md")), *sorted(ROOT.glob("*.md"))]
SKILL = ROOT / "jupyter_loops" / "skill" / "SKILL.md"
PROSE = [ROOT / "README.md", *sorted(PAGES.glob("*.md")), SKILL]
WITH_SNIPPETS = [path for path in PROSE if "```python\n" in path.read_text("utf-8")]
LONGEST_README = 150  # lines
_FENCE = re.compile(r"^```(python[^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)

SLUGIFY = """```python
import re
import unicodedata

def slugify(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return "-".join(re.findall(r"[a-z0-9]+", plain))
```"""
DOUBLE = "```python\ndef double(n: int) -> int:\n    return n * 2\n```"
EVEN = "```python\ndef is_even(n: int) -> bool:\n    return n % 2 == 0\n```"
BEST = '```python\ndef best_region() -> str:\n    return "south"\n```'
CLEAN = """```python
def clean(raw: pd.DataFrame) -> pd.DataFrame:
    return raw.astype({"id": int, "price": float})
```"""
MUG = json.dumps({"mug_data": {"name": "Ember", "tagline": "Stays warm as long as you talk"}})
TAGLINE = "Warm to the last word"
LOWER = "```python\ndef slugify(text: str) -> str:\n    return text.lower()\n```"
ANSWERS = {  # what the model says to the cells of a page, in order; a list: to the rounds of one cell
    "README.md": [SLUGIFY, EVEN],
    "SKILL.md": [SLUGIFY],
    "cell.md": [SLUGIFY, MUG],
    "budgets.md": [{"answers": [LOWER, SLUGIFY], "delay": 60.0}],  # a run that goes on
    "resume.md": [[LOWER] * 12],
    "prompts.md": ["```python\ndef shout(text: str) -> str:\n    return text.upper()\n```"],
    "tools.md": [BEST],
    "scale.md": [DOUBLE, ["1815", "1912"]],
    "python.md": [EVEN],
    "howto.md": [DOUBLE, CLEAN, TAGLINE, [], "cosy"],  # []: a cell that is run again, and asks nobody
}
SLUG = """
def slugify(text: str) -> str:
    \"""Lower-case ASCII words joined by single hyphens.\"""

assert slugify("Hello World") == "hello-world"
"""
BEFORE = {  # what a page supposes to be there
    "tools.md": "import pandas as pd\n"
    'frame = pd.DataFrame({"region": ["south", "north"], "year": [2026, 2026], "amount": [30.0, 10.0]})',
    "budgets.md": f"%%loop slug --background{SLUG}",
    "resume.md": f"%%loop slug --iterations 3 --no-raise{SLUG}",
}


def snippets(path: Path) -> list[tuple[str, str]]:
    return [(kind, code.rstrip()) for kind, code in _FENCE.findall(path.read_text(encoding="utf-8"))]


def asks(code: str) -> bool:
    return code.startswith("%%loop ") or "Loop.from_cell" in code


@pytest.mark.parametrize("path", WITH_SNIPPETS, ids=lambda path: path.stem)
def test_the_snippets_run_from_top_to_bottom(path, tmp_path):
    pieces = [BEFORE.get(path.name, "pass"), *(code for kind, code in snippets(path) if kind == "python")]
    answers = iter(ANSWERS.get(path.name, []))
    kernel = start_kernel(tmp_path)
    try:
        for number, code in enumerate(pieces):
            script = tmp_path / f"script{number}.json"
            if asks(code):
                answer = next(answers)
                script.write_text(json.dumps([answer] if isinstance(answer, str) else answer))
                assert kernel.run(f"%config LoopMagics.model = 'script:{script}'").ok
            reply = kernel.run(code.replace('model="local"', f'model="script:{script}"'))
            assert reply.ok, f"{path.name}: {reply.error}\n{code}"
    finally:
        kernel.close()
    assert list(answers) == []


@pytest.mark.parametrize("path", PROSE, ids=lambda path: path.stem)
def test_what_is_not_executed_is_right_all_the_same(path):
    for kind, code in snippets(path):
        if kind == "python":
            continue
        assert kind == "python not-executed"
        first, _, body = code.partition("\n")
        if first.startswith("%%loop "):
            parse(body, read_line(first.removeprefix("%%loop")).name)
        elif not first.startswith("%"):
            ast.parse(code)


@pytest.mark.parametrize("path", MARKDOWN, ids=lambda path: path.stem)
def test_links_lead_somewhere(path):
    text = _CODE.sub("", path.read_text(encoding="utf-8"))
    targets = [target.partition("#")[0] for target in _LINK.findall(text) if "://" not in target]

    assert [target for target in targets if target and not (path.parent / target).exists()] == []


def test_the_readme_takes_five_minutes():
    text = (ROOT / "README.md").read_text(encoding="utf-8")

    assert len(text.splitlines()) <= LONGEST_README
    assert all(f"jupyter_loops/docs/{topic}.md" in text for topic in TOPICS)


def test_each_page_is_a_topic_and_each_topic_a_page():
    assert {path.stem for path in PAGES.glob("*.md")} == set(TOPICS)


@pytest.mark.parametrize("name", ["options", "schema"])
def test_pages_that_are_made_from_code_are_fresh(name):
    made = generated()[name]

    assert (PAGES / f"{name}.md").read_text(encoding="utf-8") == made, "run python -m tests.write_pages"


def test_the_page_of_errors_names_all_of_them():
    text = (PAGES / "errors.md").read_text(encoding="utf-8")
    classes = {name for name, one in vars(errors).items() if isinstance(one, type) and issubclass(one, Exception)}
    bugs = {"TransitionError"}

    assert [word for word in (*StopReason, *errors.ErrorClass) if f"| `{word}` |" not in text] == []
    assert sorted(name for name in classes - bugs if f"`{name}`" not in text) == []


@pytest.mark.parametrize("path", PROSE, ids=lambda path: path.stem)
def test_words_and_options_that_a_page_names_exist(path):
    text = path.read_text(encoding="utf-8")
    words = set(re.findall(r"%loops ([a-z][a-z-]+)", text))
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*[a-z]", text))
    sources = "\n".join(one.read_text(encoding="utf-8") for one in (ROOT / "jupyter_loops").rglob("*.py"))
    declared = {option.long for option in OPTIONS} | {
        f"--{name.replace('_', '-')}" for name in re.findall(r'Option\(name="(\w+)"', sources)
    }

    declared |= {f"--{name}" for name in re.findall(r'"--([a-z-]+)"', sources)}

    assert words - set(WORDS) == set()
    assert named - declared == set()


def test_help_shows_a_page_in_a_notebook_and_names_the_nearest(tmp_path):
    kernel = start_kernel(tmp_path)
    try:
        (shown,) = kernel.run("%loops help budgets").values("text/markdown")
        listed = kernel.run("%loops help").text
        one = kernel.run("%loops help fork").text
        missed = kernel.run("%loops help bugdets")
    finally:
        kernel.close()

    assert shown.startswith("# Budgets")
    assert "](" not in shown
    assert "Pages, by %loops help TOPIC: cell, options" in listed
    assert one.startswith("%loops fork")
    assert one.count("\n") == 1
    assert missed.error == "UsageError: %loops: no page and no word is called bugdets; did you mean budgets?"


def test_the_pages_are_found_without_the_repository(tmp_path):
    code = "from jupyter_loops.notebook.help_page import TOPICS, page; print(*(len(page(one).text) for one in TOPICS))"

    sizes = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
    ).stdout.split()

    assert len(sizes) == len(TOPICS)
    assert min(map(int, sizes)) > 200
