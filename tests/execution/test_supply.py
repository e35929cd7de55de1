"""Names of the notebook that only a candidate reads."""

from __future__ import annotations

import asyncio
import threading
import time
from types import ModuleType

import pytest
from pydantic import SecretStr

from jupyter_loops.core.candidate import Exit, Limits
from jupyter_loops.execution.lazy_names import LazyNames


class Client:
    def __init__(self, password):
        self.password = password


def fetches(api_token):
    return lambda: api_token


class Slow:
    """Takes its time to be rebuilt."""

    def __reduce__(self):
        return time.sleep, (60,)


async def test_a_candidate_gets_a_name_that_only_it_reads(level, open_sandbox, make_recipe):
    import pandas as pd

    orders = pd.DataFrame({"price": [1.0, 2.5]})
    offered = {"orders": orders, "unused": threading.Lock()}
    async with open_sandbox(level, make_recipe("assert f(0) == 3.5"), offered=offered) as box:
        first = await box.run("def f(x): return float(orders['price'].sum()) + x")
        spoilt = await box.run("orders.loc[0, 'price'] = 9\ndef f(x): return float(orders['price'].sum())")
        again = await box.run("def f(x): return float(orders['price'].sum()) + x")

    assert [first.passed, spoilt.passed, again.passed] == [[True], [False], [True]]
    assert orders.loc[0, "price"] == 1.0


async def test_each_name_is_packed_once_and_only_when_it_is_read(open_sandbox, make_recipe):
    packed = []

    class Counted:
        def __init__(self, name):
            self.name = name

        def __reduce__(self):
            packed.append(self.name)
            return str, (self.name,)

    offered = {"a": Counted("a"), "b": Counted("b"), "c": Counted("c")}
    async with open_sandbox("process", make_recipe("assert f(1)"), offered=offered) as box:
        texts = [
            "def f(x): return a",
            "def f(x): return a + b",
            "c = 3\ndef f(b): return a, b, c",
            "def f(x): return 1",
        ]
        outcomes = [await box.run(text) for text in texts]

    assert [outcome.passed for outcome in outcomes] == [[True]] * 4
    assert packed == ["a", "b"]


async def test_a_name_that_cannot_travel_is_told_to_the_candidate_and_to_no_other(level, open_sandbox, make_recipe):
    offered = {"gate": threading.Lock(), "fine": 2}
    async with open_sandbox(level, make_recipe("assert f(1) == 2"), offered=offered) as box:
        refused = await box.run("gate.acquire()\ndef f(x): return 2")
        inside = await box.run("def f(x): return gate")
        fine = await box.run("def f(x): return fine")

    assert refused.executed.exit is Exit.RAISED
    assert "name 'gate' is not defined" in refused.executed.fault.message
    assert "cannot be sent to the sandbox" in refused.executed.fault.message
    assert "cannot be sent to the sandbox" in inside.verdicts[0].message
    assert fine.passed == [True]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("api_key", "0123456789"),
        ("OPENAI_KEY", "0123456789"),
        ("aws_key", "0123456789"),
        ("my_key", "0f1e2d3c4b5a6978"),
        ("passphrase", "correct horse"),
        ("database_url", "here"),
        ("dsn", "here"),
        ("jwt", "here"),
        ("passwords", ["hunter2"]),
        ("config", {"server": [{"password": "hunter2"}]}),
        ("client", Client("hunter2")),
        ("hidden_in", {"value": SecretStr("hunter2")}),
        ("fetch", fetches("hunter2")),
        ("db_password", b"hunter2"),
        ("settings", {"deep": [{"openai": "sk-" + "a" * 40}]}),
        ("note", "token: ghp_" + "b" * 36),
    ],
)
async def test_secrets_stay_in_the_notebook(name, value, open_sandbox, make_recipe):
    async with open_sandbox("process", make_recipe("assert f(1)"), offered={name: value}) as box:
        executed = (await box.run(f"print({name})")).executed

    assert executed.exit is Exit.RAISED
    assert f"secrets stay in the notebook; --give {name} hands it over" in executed.fault.message
    assert executed.stdout == ""


async def test_a_secret_that_is_given_on_purpose_is_there(open_sandbox, make_recipe):
    offered = {"api_key": "0123456789", "note": "token: ghp_" + "b" * 36}
    given = frozenset(offered)
    async with open_sandbox("process", make_recipe("assert f(1) == (10, 47)"), offered=offered, given=given) as box:
        outcome = await box.run("def f(x): return len(api_key), len(note)")

    assert outcome.passed == [True], outcome.verdicts


async def test_ordinary_names_are_no_secrets(open_sandbox, make_recipe):
    offered = {
        "tokens": ["the", "cat"],
        "token": "the",
        "keys": ["a", "b"],
        "sort_key": "price_2024",
        "pairs": [{"token": "cat", "key": "b"}],
        "secret_number": 7,
        "password_lengths": [3, 4],
        "base_url": "http://x.test",
    }
    async with open_sandbox("process", make_recipe("assert f(1) == 8"), offered=offered) as box:
        outcome = await box.run(f"def f(x): return len([{', '.join(offered)}])")

    assert outcome.passed == [True], outcome.verdicts


async def test_names_of_the_setup_the_targets_and_python_itself_are_not_the_notebooks(open_sandbox, make_recipe):
    offered = {"BASE": 100, "f": 7, "sum": 8, "_last": 9, "get_ipython": 10}
    recipe = make_recipe("assert f(1) == 4", setup="BASE = 3")
    async with open_sandbox("process", recipe, offered=offered) as box:
        outcome = await box.run("def f(x): return sum([BASE, x]) if x < 2 else f(1)")
        hidden = await box.run("def f(x): return _last")

    assert outcome.passed == [True], outcome.verdicts
    assert "'_last' is not defined" in hidden.verdicts[0].message


async def test_what_is_too_large_for_all_candidates_together_is_refused(open_sandbox, make_recipe, monkeypatch):
    monkeypatch.setattr("jupyter_loops.execution.lazy_names._MOST", 1_000_000)
    async with open_sandbox(
        "process", make_recipe("assert f(1)"), offered={"big": b"x" * 2_000_000, "small": 1}
    ) as box:
        big = await box.run("def f(x): return big")
        small = await box.run("def f(x): return small")

    assert "too large" in big.verdicts[0].message
    assert small.passed == [True]


async def test_candidates_side_by_side_get_the_same_name(level, open_sandbox, make_recipe):
    async with open_sandbox(level, make_recipe("assert f(1) == 6"), offered={"k": 5, "j": 4}) as box:
        outcomes = await asyncio.gather(*(box.run(f"def f(x): return k + x + {n} * j") for n in range(4)))

    assert [outcome.passed for outcome in outcomes] == [[True], [False], [False], [False]]


async def test_a_zygote_that_was_killed_is_replaced_with_all_its_names(open_sandbox, make_recipe):
    import os

    async with open_sandbox("process", make_recipe("assert f(1) == 6"), offered={"k": 5}) as box:
        assert (await box.run("def f(x): return x + k")).passed == [True]
        os.kill(box.sandbox._workers.now.pid, 9)
        assert (await box.run("def f(x): return x + k")).passed == [True]


async def test_a_name_that_brings_threads_leads_to_restarted_children(level, open_sandbox, make_recipe):
    notebook = ModuleType("pumping")
    exec(
        "import threading, time\nclass Pump:\n def __init__(self): self.start()\n"
        " def start(self): threading.Thread(target=time.sleep, args=(1e6,), daemon=True).start()\n"
        " def __reduce__(self): return type(self), ()",
        vars(notebook),
    )
    notebook.Pump.__module__ = "__main__"
    notebook.Pump.start, start = lambda self: None, notebook.Pump.start
    pump = notebook.Pump()
    notebook.Pump.start = start
    async with open_sandbox(level, make_recipe("assert f(1)"), offered={"pump": pump}) as box:
        outcomes = [
            await box.run("import threading\ndef f(x): return pump and threading.active_count() == 2") for _ in "ab"
        ]

    assert [outcome.passed for outcome in outcomes] == [[True], [True]], outcomes[0].verdicts


async def test_a_name_that_takes_too_long_to_arrive_is_absent(open_sandbox, make_recipe):
    limits = Limits(setup_seconds=0.4)
    async with open_sandbox("process", make_recipe("assert f(1)"), limits, offered={"slow": Slow(), "k": 1}) as box:
        slow = await box.run("def f(x): return slow")
        after = await box.run("def f(x): return k")

    assert "could not be rebuilt" in slow.verdicts[0].message
    assert after.passed == [True]


async def test_cancelling_while_a_name_is_sent_does_not_lose_it(open_sandbox, make_recipe):
    async with open_sandbox("process", make_recipe("assert f(1) == 6"), offered={"k": 5}) as box:
        task = asyncio.create_task(box.run("def f(x): return x + k"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await box.run("def f(x): return x + k")).passed == [True]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("def f(x): return df", ["df"]),
        ("df = df.dropna()", ["df"]),
        ("df = 3\ndef f(x): return df", []),
        ("def f(df): return df", []),
        ("def f(x):\n    df = x\n    return df", []),
        ("import df", []),
        ("def f(x): return [df for df in x] + [y for y in df]", ["df"]),
        ("'df' + other.df", []),
        ("def f(:", []),
        ("x = " + "(" * 3000 + "df" + ")" * 3000, []),
    ],
)
def test_the_syntax_tells_what_a_candidate_reads(text, names, code):
    assert LazyNames({"df": 1}, ()).unsent(code(text)) == names
