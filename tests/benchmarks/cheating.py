"""The table of cheating candidates: what the syntax gave away, and what caught each one when nobody looked at it.

The candidates are those that the tests run (`tests/verification/cheats.py`); each runs in a real sandbox.
"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "verification"))
from cheats import CHEATS, Caught, Cheat, an_exam, meet


async def outcomes() -> list[tuple[Cheat, Caught]]:
    async with an_exam() as (recipe, sandbox):
        return [(each, await meet(each, recipe, sandbox)) for each in CHEATS]


def main() -> int:
    rows = asyncio.run(outcomes())
    print(f"  {'trick':<64}{'syntax':<8}{'without the syntax':<20}said")
    for each, caught in rows:
        said = " ".join(caught.message.split())
        print(f"  {each.name[:62]:<64}{'caught' if caught.static else '':<8}{caught.layer:<20}{said[:90]}")
    layers = Counter(caught.layer for _, caught in rows[: len(CHEATS)])
    passed = [each.name for each, caught in rows if caught.layer == "none" and not caught.static]
    told = ", ".join(f"{layer} {count}" for layer, count in layers.most_common())
    print(f"\n  {len(CHEATS)} cheats, none passed: {told}" if not layers["none"] else f"\n  {layers['none']} passed")
    print(f"  known and not caught: {'; '.join(passed) or 'none'}")
    return int(bool(layers["none"]))


if __name__ == "__main__":
    sys.exit(main())
