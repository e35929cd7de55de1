"""The table of cheating candidates, and what caught each one.

The candidates are those that the tests run (`tests/verification/cheats.py`); each runs in a real sandbox.
"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "verification"))
from cheats import CHEATS, Cheat, an_exam, meet


async def outcomes() -> list[tuple[Cheat, str]]:
    """Each cheat with the layer that refused it, which is empty where it passed."""
    async with an_exam() as (recipe, sandbox):
        return [(each, await meet(each, recipe, sandbox)) for each in CHEATS]


def main() -> int:
    rows = asyncio.run(outcomes())
    print(f"  {'trick':<64}{'solves the task':<18}caught by")
    for each, layer in rows:
        print(f"  {each.name[:62]:<64}{'yes' if each.solves else '':<18}{layer or 'passed'}")
    wrong = [each.name for each, layer in rows if not layer and not each.solves]
    refused = [each.name for each, layer in rows if layer and each.solves]
    layers = ", ".join(
        f"{layer or 'none'} {count}" for layer, count in Counter(layer for _, layer in rows).most_common()
    )
    print(f"\n  {len(rows)} tricks, caught by {layers}")
    print(f"  wrong and verified: {', '.join(wrong) or 'none'}; right and refused: {', '.join(refused) or 'none'}")
    return int(bool(wrong or refused))


if __name__ == "__main__":
    sys.exit(main())
