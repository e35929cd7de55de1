"""Runs told as real events, and a page that shows the widget's script in a real browser."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from jupyter_loops.core.candidate import Exit, Fault, Frame, Layer, Metric, Observation, Verdict
from jupyter_loops.core.events import (
    CallFinished,
    CallStarted,
    CandidateExecuted,
    CandidateProposed,
    ChecksEvaluated,
    IterationFinished,
    Record,
    RunEnded,
    RunStarted,
    StateChanged,
)
from jupyter_loops.view.snapshot import Snapshot

ROOT = Path(__file__).parents[2]
STATIC = ROOT / "jupyter_loops" / "view" / "static"

HOSTILE = [
    "<img src=x onerror=\"window.hacked = 'img'\">",
    "</script><script>window.hacked = 'script'</script>",
    "<a href=\"javascript:window.hacked='link'\">click</a>",
    "javascript:alert(1)",
    "\x1b[31mred\x1b[0m \x1b]8;;https://evil.example\x07link\x1b]8;;\x07 \x1b[2J\x9b31m",
    "user\u202etxt.exe\u202c \u2066isolate\u2069 \u200b",
    "\ud800 lone surrogate \x00 null \r overwritten",
    "<details open ontoggle=\"window.hacked='toggle'\">&amp;&lt;",
    "x" * 1_000_000,
]


class Story:
    """Writes a run down as records, one tenth of a second after the other."""

    def __init__(self, *, name="slug", limits=None, price=None, checks=None, start=None):
        self.records: list[Record] = []
        self.at = start or datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
        self.calls = 0
        self.tell(
            RunStarted(
                loop=name,
                goal="Lower-case ASCII words joined by single hyphens.",
                source="",
                fingerprint="f" * 64,
                model="gpt-5-mini",
                isolation="bubblewrap",
                budget={"usd": 0.05, "tokens": 20_000, "seconds": 300.0, "iterations": 12}
                if limits is None
                else limits,
                price={"prompt": 1e-6, "completion": 2e-6} if price is None else price,
                options={},
                targets=["slugify"],
                checks=checks if checks is not None else CHECKS,
            )
        )

    def tell(self, event, seconds=0.1):
        self.at += timedelta(seconds=seconds)
        self.records.append(Record(run="run-1", seq=len(self.records) + 1, at=self.at, event=event))

    def move(self, n, source, to, note="", seconds=0.1):
        self.tell(StateChanged(iteration=n, source=source, to=to, note=note), seconds)

    def plan(self, n, text=None, usd=0.006, tokens=1200):
        self.calls += 1
        self.move(n, "decide" if n > 1 else "prepare", "plan")
        parts = [{"name": "goal", "tokens": 40, "dropped": 0}, {"name": "checks", "tokens": 90, "dropped": 12}]
        messages = [{"role": "system", "content": "You write Python."}, {"role": "user", "content": "Write slugify."}]
        self.tell(
            CallStarted(
                call=self.calls,
                iteration=n,
                purpose="plan",
                model="gpt-5-mini",
                messages=messages,
                parts=parts,
                sampling={"temperature": 0.2},
                reserved_usd=0.012,
                reserved_tokens=2400,
            )
        )
        self.tell(
            CallFinished(
                call=self.calls,
                iteration=n,
                text=text or "",
                prompt_tokens=tokens - 200,
                completion_tokens=200,
                usd=usd,
                seconds=1.4,
                first_token_seconds=0.4,
                finish_reason="stop",
                answered_by="gpt-5-mini-2026",
            ),
            1.4,
        )
        if text is not None:
            self.tell(CandidateProposed(iteration=n, candidate_kind="code", text=text, digest=str(n)))

    def act(self, n, passed, stdout="", fault=None, message="gave something else"):
        self.move(n, "plan", "execute")
        self.tell(
            CandidateExecuted(
                iteration=n,
                observation=Observation(
                    exit=Exit.RAISED if fault else Exit.OK,
                    fault=fault,
                    stdout=stdout,
                    seconds=0.04,
                    peak_bytes=31_000_000,
                ),
            ),
            0.2,
        )
        self.move(n, "execute", "verify", seconds=0.05)
        self.tell(ChecksEvaluated(iteration=n, verdicts=verdicts(passed, message), seconds=0.1))

    def decide(self, n, passed, why, *, best=False, usd=0.006):
        self.move(n, "verify", "decide")
        phases = [["plan", 1.5 + n / 10], ["execute", 0.2], ["verify", 0.15]]
        if n == 3:
            phases = [["plan", 0.6], ["wait", 0.9], ["plan", 0.5], ["execute", 0.2]]
        self.tell(
            IterationFinished(
                iteration=n,
                passed=passed,
                total=5,
                progress=passed / 5,
                score=None,
                best=best,
                why=why,
                phases=phases,
                usage={"usd": usd, "tokens": 1200, "seconds": sum(part[1] for part in phases)},
            )
        )

    def end(self, reason="verified", message="5 of 5 checks passed in round 5", best=5, iterations=5):
        self.tell(
            RunEnded(
                reason=reason,
                message=message,
                usage={"usd": 0.031, "tokens": 6000, "seconds": 21.4, "iterations": iterations},
                iterations=iterations,
                best=best,
            )
        )

    @property
    def json(self):
        return [record.to_json() for record in self.records]

    @property
    def snapshot(self):
        return Snapshot.of(self.json)


CHECKS = [
    {"name": 'slugify("Hello World") == "hello-world"', "hidden": False, "kind": "assert"},
    {"name": 'slugify("  a, b & c! ") == "a-b-c"', "hidden": False, "kind": "assert"},
    {"name": "speed(slugify) >= 1e5", "hidden": False, "kind": "assert"},
    {"name": 'slugify("Ünïcode") == "unicode"', "hidden": True, "kind": "assert"},
    {"name": 'slugify("") == ""', "hidden": True, "kind": "assert"},
]


def verdicts(passed, message="gave something else"):
    made = []
    for at, check in enumerate(CHECKS):
        ok = at < passed
        metric = Metric(value=131_000.0, target=1e5) if at == 2 else None
        layer = Layer.HIDDEN if check["hidden"] else Layer.CHECKS
        made.append(
            Verdict(
                check=check["name"],
                layer=layer,
                passed=ok,
                message="" if ok else message,
                metric=metric,
                hidden=check["hidden"],
                index=at,
            )
        )
    return made


@pytest.fixture
def story():
    return Story


@pytest.fixture
def slug(story):
    """Four rounds over, the fifth being verified."""
    told = story()
    told.plan(1, "def slugify(text: str) -> str:\n    return text.lower(")
    fault = Fault(
        type="SyntaxError",
        message="line 2: '(' was never closed",
        frames=(Frame(where="candidate", function="", line=2, text="return text.lower("),),
    )
    told.act(1, 0, fault=fault)
    told.decide(1, 0, "SyntaxError line 2: '(' was never closed", usd=0.005)
    told.plan(2, 'def slugify(text: str) -> str:\n    return "-".join(text.lower().split())')
    told.act(2, 2, message="slugify(\"  a, b & c! \") gave 'a,-b-&-c!'")
    told.decide(2, 2, "slugify(\"  a, b & c! \") gave 'a,-b-&-c!'", best=True)
    told.plan(3, "def slugify(text: int) -> str:\n    return str(text)")
    told.act(3, 1, fault=Fault(type="TypeError", message="expected str"))
    told.decide(3, 1, "429 for 0.9 s, then TypeError: expected str")
    told.plan(
        4,
        "import re\n\n\ndef slugify(text: str) -> str:\n"
        '    words = re.findall(r"[a-z0-9]+", text.lower())\n    return "-".join(words)',
    )
    told.act(4, 3, stdout="tried 3 words\n")
    told.decide(4, 3, "best so far; a hidden check failed", best=True, usd=0.007)
    told.plan(
        5,
        "import re\nimport unicodedata\n\n\ndef slugify(text: str) -> str:\n"
        '    plain = unicodedata.normalize("NFKD", text)\n'
        '    words = re.findall(r"[a-z0-9]+", plain.lower())\n    return "-".join(words)',
    )
    told.move(5, "plan", "execute", seconds=0.02)
    told.move(5, "execute", "verify", seconds=0.2)
    return told


@pytest.fixture
def hostile():
    return list(HOSTILE)


@pytest.fixture(scope="session")
def script():
    """The built script and style of the widget; built here where somebody has Node and has not built yet."""
    if not (STATIC / "run.js").exists():
        subprocess.run(["npm", "run", "--silent", "build:widget"], cwd=ROOT / "labextension", check=True)
    return (STATIC / "run.js").read_text(), (STATIC / "run.css").read_text()


@pytest.fixture(scope="module")  # while it is open, Playwright's event loop keeps asyncio tests from running
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield chromium
        chromium.close()


FAKE = """
  const state = %STATE%, ears = {};
  window.sent = [];
  window.model = {
    get: name => state[name],
    set: (name, value) => { state[name] = value; },
    on: (name, act) => (ears[name] ??= []).push(act),
    off: (name, act) => { ears[name] = (ears[name] ?? []).filter(each => each !== act); },
    send: message => window.sent.push(message),
    put: news => { Object.assign(state, news); Object.keys(news).forEach(name => window.model.say('change:' + name)); },
    say: (name, message) => (ears[name] ?? []).forEach(act => act(message)),
  };
  const url = URL.createObjectURL(new Blob([%SCRIPT%], {type: 'text/javascript'}));
  const {default: view} = await import(url);
  window.remove = view.render({model: window.model, el: document.getElementById('view')});
  window.view = view;
  window.ready = true;
"""


class Shown:
    """A page with the widget's script on it, fed by a fake model of 12 lines."""

    def __init__(self, page, script):
        self.page, self._script = page, script

    def open(self, snapshot, clicks="live"):
        code, style = self._script
        rounds = {"since": 0, "rev": snapshot.rev, "rows": snapshot.rows()}
        state = {"head": snapshot.head(), "rounds": rounds, "stream": snapshot.tail, "clicks": clicks}
        script = FAKE.replace("%STATE%", as_script(state)).replace("%SCRIPT%", as_script(code))
        self.page.set_content(
            "<!doctype html><meta charset=utf-8>"
            f"<style>:root{{color-scheme:light dark}}body{{margin:16px;background:Canvas}}{style}"
            f'</style><div id="view"></div><script type="module">{script}</script>'
        )
        self.page.wait_for_function("window.ready")
        self.page.wait_for_function("document.querySelector('.jloops-state')?.textContent")
        self.rev = snapshot.rev
        return self.page

    def update(self, snapshot):
        news = {"since": self.rev, "rev": snapshot.rev, "rows": snapshot.rows(self.rev)}
        self.rev = snapshot.rev
        self.page.evaluate(
            "news => window.model.put(news)", {"head": snapshot.head(), "rounds": news, "stream": snapshot.tail}
        )

    def sent(self):
        """What a person asked for; that the page has drawn the run is no wish."""
        return [message for message in self.page.evaluate("window.sent") if message["do"] != "seen"]


def as_script(value):
    return json.dumps(value).replace("<", "\\u003c")


@pytest.fixture
def shown(browser, script, request):
    """A `Shown`; parametrize indirectly with keywords of `new_context` for another scheme or size."""
    context = browser.new_context(**{"viewport": {"width": 1040, "height": 760}, **getattr(request, "param", {})})
    page = context.new_page()
    problems = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    yield Shown(page, script)
    context.close()
    assert problems == []
