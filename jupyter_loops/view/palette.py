"""Colours with one meaning everywhere; safe for colour-blind eyes (Okabe and Ito, 2008), on light and dark grounds."""

from __future__ import annotations

PLAN, EXECUTE, VERIFY, WAIT = "#0072b2", "#e69f00", "#009e73", "#8d95a3"
PASS, FAIL, BEST = "#009e73", "#d55e00", "#56b4e9"
SERIES = (PLAN, EXECUTE, VERIFY, BEST, FAIL, "#cc79a7", "#f0e442", WAIT)  # what has no colour of its own
GROUND, TEXT, LINE = "rgba(0,0,0,0)", "#7f8795", "rgba(127,135,149,0.28)"

PHASES = {
    "prepare": WAIT,
    "plan": PLAN,
    "execute": EXECUTE,
    "observe": EXECUTE,
    "verify": VERIFY,
    "decide": VERIFY,
    "wait": WAIT,
}
MARKS = {"pass": PASS, "fail": FAIL}
