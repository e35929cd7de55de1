"""A click on Stop to `stopped`, through a real kernel: while the model streams, and while a candidate spins.

The click is the message that the page sends; `stopped` is the view's update that says how the run ended.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from kernel import Kernel, a_kernel
from target import beside

STREAMING, SPINNING = 0.3, 1.0  # seconds
BODY = '''
def double(n: int) -> int:
    """Twice the number."""
    ...

assert double(2) == 4
'''
LONG = '''
"""Tell the whole story of the sea, of the ships and of everyone who sailed in them."""
story: str

assert len(story) > 100_000
'''
SPIN = "```python\ndef double(n: int) -> int:\n    while True:\n        n = n * 2 % 7\n```"


def stop(kernel: Kernel, cell: str, busy: Any) -> float:
    """Seconds from the click to the end in the view; clicked a moment after the view says that it is `busy`."""
    request = kernel.send(cell)
    widget = kernel.widget(request)
    kernel.update(widget, busy)
    time.sleep(0.3)
    clicked = time.perf_counter()
    kernel.click(widget, "stop")
    kernel.update(widget, lambda state: bool(state.get("head", {}).get("termination")))
    seconds = time.perf_counter() - clicked
    assert kernel.reply(request)["status"] == "ok"
    reason = kernel.printed("print(run.termination.reason)").strip()
    assert reason == "stopped", reason
    return seconds


def main() -> None:
    times = int(sys.argv[1]) if sys.argv[1:] else 5
    with tempfile.TemporaryDirectory() as folder, a_kernel() as kernel:
        script = Path(folder) / "spin.json"
        script.write_text(json.dumps([SPIN]))
        stream = f"%%loop run --model local --fresh --no-raise\n{LONG}"
        spin = f"%%loop run --model script:{script} --fresh --no-raise --timeout 60\n{BODY}"
        streaming = [stop(kernel, stream, lambda state: bool(state.get("stream"))) for _ in range(times)]
        spinning = [
            stop(kernel, spin, lambda state: state.get("head", {}).get("state") == "verify") for _ in range(times)
        ]
    print(f"\n  {'':34}{'median s':>10}{'worst s':>10}")
    for name, samples, target in (
        ("while the model streams", streaming, STREAMING),
        ("while a candidate spins", spinning, SPINNING),
    ):
        median = statistics.median(samples)
        print(f"  {name:34}{median:10.3f}{max(samples):10.3f}   {beside(median, target, 's')}")


if __name__ == "__main__":
    main()
