"""Text that a model, a candidate or an exception brings: never markup, never huge, never a secret."""

from __future__ import annotations

import json
import re

import pytest

IMAGE = "<img src=x onerror=alert(1)>"
NASTY = f"{IMAGE}</script><script>alert(2)</script>\x1b[31m\u202ejavascript:alert(3) '; DROP TABLE runs; --"
SAYS = """```python
def double(n: int) -> int:
    nasty = {nasty!r}
    print(nasty, "y" * 1_000_000)
    raise ValueError(nasty + "x" * 1_000_000)
```"""
PRINTS = """```python
def double(n: int) -> int:
    import os
    key = "".join({parts!r})  # the key as somebody else told it
    print(dict(os.environ), key)
    try: print(open("/proc/self/environ").read())
    except OSError: pass
    raise ValueError(str(dict(os.environ)) + key)
```"""
MARKUP = re.compile(r"<(img|script|iframe|a)\b", re.IGNORECASE)
GOAL = "def double(n: int) -> int:\n    {goal!r}\nassert double(2) == 4, {message!r}\n"


@pytest.fixture(scope="module")
def kernel(kernels):
    return kernels()


def pictures(reply, kind):
    return [one["data"][kind] for one in reply.saved if kind in one.get("data", {})]


def test_hostile_text_is_never_markup_and_a_saved_notebook_stays_small(kernel, cell):
    body = GOAL.format(goal=f"Twice. {NASTY}", message=NASTY)
    answers = [SAYS.format(nasty=NASTY), f"{NASTY}{'z' * 1_000_000}", SAYS.format(nasty=NASTY + "!")]
    reply = kernel.run(cell(*answers, name="hostile", body=body, options="-n 3"))
    told = [
        kernel.run("%loops"),
        kernel.run("%loop"),
        kernel.run("%loops show hostile"),
        kernel.run("hostile"),
        kernel.run("print(hostile)"),
        kernel.run("%loop_sql SELECT * FROM runs JOIN iterations USING (run_id) JOIN verdicts USING (run_id) LIMIT 25"),
        kernel.run("%loop_sql SELECT text FROM texts ORDER BY length(text) DESC"),
        kernel.run("%loop_sql FROM failures"),
        kernel.run("%loop_sql SELECT '" + IMAGE + "' AS \"" + IMAGE + '"'),
        kernel.run("%loops stop '" + IMAGE + "'"),
    ]

    assert "NotVerified: hostile is not verified" in reply.error
    for one in [reply, *told]:
        assert not any(MARKUP.search(page) for page in pictures(one, "text/html"))
        assert not any("\x1b" in text or "\u202e" in text for text in pictures(one, "text/plain"))
        assert not any("\u202e" in line or len(line) > 2000 for line in one.screen)
        assert len(json.dumps(one.saved)) < 200_000
    assert kernel.run("%loop_sql --to rows SELECT count(*) FROM runs").result == "[(1,)]"


def test_a_bad_name_or_option_is_no_markup_and_no_escape_sequence(kernel):
    for line in [f"%%loop '{IMAGE}' -n 1", f"%%loop x --\x1b[31m{IMAGE.replace(' ', '')}", f"%%loop x -m '{IMAGE}'"]:
        reply = kernel.run(f"{line}\n'Go.'\nx: int\nassert x")
        assert not reply.ok
        assert len(reply.screen) == 1
        assert pictures(reply, "text/html") == []
        assert "\x1b[31m<" not in str(reply.content.get("evalue"))


def test_a_key_is_in_no_child_no_file_and_no_output(kernels, folder, cell, secret):
    kernel = kernels(OPENAI_API_KEY=secret, MY_SERVICE_TOKEN="plainlookingvalue12345")
    reply = kernel.run(
        cell(
            PRINTS.format(parts=[secret[:9], secret[9:]]), name="greedy", body=GOAL.format(goal="Twice.", message="no")
        )
    )
    told = kernel.run("%loop_sql SELECT stdout, fault_message FROM actions WHERE stdout IS NOT NULL")
    rows = kernel.run("%loop_sql --to rows SELECT message FROM verdicts WHERE NOT passed").result
    kernel.run("greedy.history.flush()")
    files = [path.read_bytes() for path in folder.rglob("*") if path.is_file() and "history.duckdb" in str(path)]

    assert not reply.ok
    assert "HOME" in rows  # it did print its environment
    assert len(files) >= 2
    for value in ["plainlookingvalue12345", "MY_SERVICE_TOKEN", "OPENAI_API_KEY"]:
        assert value not in str(reply.outputs) + str(told.outputs) + rows
        assert not any(value.encode() in content for content in files)
    assert "[redacted]" in rows
    assert secret not in str(reply.outputs) + str(told.outputs) + rows
    assert not any(secret.encode() in content for content in files)
