"""What a person does to a history under a kernel that lives: what is said, and when. `python deeds.py [WORDS]`.

The deeds are those that the tests do (`tests/history/do_to_a_history.py`); root does them as another user.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "history"))
from test_what_people_do import TABLE

HISTORY = Path(__file__).parents[1] / "history"


def do(deed: str) -> dict[str, list[str]]:
    """The lines by the time at which they are said."""
    with tempfile.TemporaryDirectory(prefix="jupyter-loops-home-") as home:
        Path(home).chmod(0o777)
        around = os.environ | {"HOME": home, "XDG_STATE_HOME": f"{home}/state", "TMPDIR": home}
        command = [sys.executable, HISTORY / "do_to_a_history.py", home, deed]
        done = subprocess.run(command, env=around, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True)
        return json.loads(done.stdout.replace(f"{home}/", ""))


def main(wanted: str) -> int:
    lost = 0
    for deed in TABLE:
        if wanted not in deed:
            continue
        lines = do(deed)
        whole, findings = lines.pop("whole"), lines.pop("proved")
        lost += not whole or bool(findings)
        print(
            f"  {deed}: {'no event lost' if whole else 'EVENTS LOST'}, {'; '.join(findings) or 'every chain verifies'}"
        )
        for when, messages in lines.items():
            for message in messages:
                print(f"      {when}: {message}")
    return int(bool(lost))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if sys.argv[1:] else ""))
