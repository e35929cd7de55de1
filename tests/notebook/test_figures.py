"""What a candidate draws and writes, from the cell to the view, to SQL and to `run.artifacts`."""

import base64
from datetime import timedelta

import pytest

DRAWS = """```python
import matplotlib.pyplot as plt

def double(n: int) -> int:
    with open("table.csv", "w") as file:
        file.write("a,b\\n1,2\\n")
    return n * 2

fig, ax = plt.subplots(figsize=(3, 2))
ax.plot(range(4))
ax.set_title("</pre><script>alert(1)</script>")
```"""


def run(shell, text):
    result = shell.run_cell(text)
    assert result.success, result.error_before_exec or result.error_in_exec
    return result.result


def test_figures_and_files_are_in_the_view_in_sql_and_at_hand(shell, cell, tmp_path):
    pytest.importorskip("matplotlib")
    run(shell, cell(DRAWS, options="--keep-files --timeout 60s"))
    found = shell.user_ns["twice"]

    (artifact,) = found.artifacts
    assert (artifact.iteration, artifact.name, artifact.bytes) == (1, "table.csv", 8)
    assert artifact.path.read_text() == "a,b\n1,2\n"
    assert artifact.path.is_relative_to(tmp_path / "history.artifacts" / found.id)

    ((kind, content),) = found.history.sql("SELECT kind, content FROM figures").fetchall()
    assert kind == "png"
    assert base64.b64decode(content).startswith(b"\x89PNG")
    rows = found.history.sql("SELECT isolation, files[1].name, cpu_seconds > 0 FROM actions").fetchall()
    assert any((level, "table.csv", True) in rows for level in ("bubblewrap", "landlock", "process"))

    from jupyter_loops.view.saved_output import bundle
    from jupyter_loops.view.snapshot import Snapshot

    drawn = bundle(Snapshot.of(found.history.records(found.id)))
    assert f'src="data:image/png;base64,{content}"' in drawn["text/html"]
    assert "<script>" not in drawn["text/html"]
    assert "table.csv, 8 B" in drawn["text/html"]

    assert found.history.verify(found.id) == []
    found.history.prune(timedelta(0), keep_verified=False)
    assert not artifact.path.exists()


def test_without_being_asked_nothing_is_kept(shell, cell, tmp_path):
    run(shell, cell("```python\ndef double(n: int) -> int:\n    open('x', 'w').close()\n    return n * 2\n```"))

    assert shell.user_ns["twice"].artifacts == []
    assert shell.user_ns["twice"].history.sql("SELECT files[1].name FROM actions").fetchall()[1] == ("x",)
    assert not (tmp_path / "history.artifacts").exists()


def test_the_frames_of_a_failure_are_in_sql_with_their_values(shell, cell, right):
    run(shell, cell("```python\ndef double(n):\n    half = n - 2\n    return n / half\n```", right))
    rows = shell.user_ns["twice"].history.sql(
        "SELECT details FROM verdicts WHERE NOT passed AND fault_type = 'ZeroDivisionError'"
    )
    assert rows.fetchall()
    run(shell, cell("```python\ndef double(n): return n\nhalf = 1 - 1\nx = 1 / half\n```", right, options="--fresh"))
    found = shell.user_ns["twice"].history.sql(
        "SELECT frames->>'$[0].line', frames->>'$[0].values.half' FROM actions WHERE fault_type IS NOT NULL"
    )
    assert found.fetchall() == [("3", "0")]
