"""What loops have here: versions, kernel, isolation, model, history, disk, clock."""

from __future__ import annotations

import asyncio
import os
import platform
import shutil
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from jupyter_loops._version import __version__
from jupyter_loops.assemble import Options
from jupyter_loops.core.amount import counted
from jupyter_loops.core.caveats import with_caveat
from jupyter_loops.core.policy import HubPolicy
from jupyter_loops.errors import LoopError

from .report import Finding, Health

_PACKAGES = ("ipykernel", "ipywidgets", "jupyterlab", "duckdb", "litellm", "xllamacpp", "opentelemetry-sdk")
_LEAST_FREE = 1e9  # bytes
_LONGEST_WAIT = 20.0  # seconds until a model has to be ready
_SKEW = 120.0  # seconds that the newest event may be ahead of the clock


def environment(options: Options | None = None, kernel: str = "") -> Iterator[Finding]:
    """What a run with these options would meet. `kernel` says what the shell can do, where there is one."""
    options = options or Options()
    yield _ok("versions", _versions())
    yield _kernel(kernel)
    for item, look in _LOOKS.items():
        try:
            yield look(options)
        except (LoopError, OSError, TimeoutError) as error:
            yield Finding(item=item, state=Health.FAIL, observed=str(error) or type(error).__name__, mend=_MENDS[item])


def _versions() -> str:
    return ", ".join(
        [f"jupyter-loops {__version__}", f"Python {platform.python_version()}", platform.system(), *_installed()]
    )


def _installed() -> Iterator[str]:
    for package in _PACKAGES:
        try:
            yield f"{package} {version(package)}"
        except PackageNotFoundError:
            yield f"no {package}"


def _kernel(kernel: str) -> Finding:
    if kernel == "awaits":
        return _ok("kernel", "cells are awaited: buttons and interrupts are heard while a loop runs")
    if not kernel:
        return _ok("kernel", "none: this is a command line")
    mend = "use a kernel of ipykernel 7.1 or newer with %autoawait asyncio, or --background"
    return Finding(item="kernel", state=Health.WARN, observed=kernel, mend=mend)


def _isolation(options: Options) -> Finding:
    from jupyter_loops.execution.isolation import choose, stronger
    from jupyter_loops.execution.platform import Platform

    level, _ = choose(options.sandbox, options.image, Platform.here())
    better = stronger(level)
    state = Health.WARN if level == "process" else Health.OK
    return Finding(item="isolation", state=state, observed=with_caveat(level), mend="; ".join(better))


def _model(options: Options) -> Finding:
    from jupyter_loops.planning.models import open_model
    from jupyter_loops.planning.models.embedded import records

    name, prices = options.chosen_model, options.prices
    if records.is_embedded(name):
        return _embedded(name)
    model = open_model(name, api_base=options.api_base, price=prices.named.get(name, prices.alone))
    asyncio.run(asyncio.wait_for(model.open(), _LONGEST_WAIT))
    price = model.price()
    if price is None:
        mend = "give --price IN,OUT in dollars for a million tokens, or a limit in --tokens"
        return Finding(item="model", state=Health.WARN, observed=f"{name} is ready; its price is not known", mend=mend)
    rates = f"${price.prompt * 1e6:g} and ${price.completion * 1e6:g} for a million tokens"
    return _ok("model", f"{name} is ready; {rates} ({price.source}); nothing was asked of it")


def _embedded(name: str) -> Finding:
    from jupyter_loops.planning.models.embedded import records

    record = records.find(name)
    missing = []
    if find_spec("xllamacpp") is None:
        missing.append('pip install "jupyter-loops[local]"')
    if not record.path().is_file():
        missing.append(f"%loops model fetch {name}")
    if missing:
        observed = f"{name} ({record.title}) cannot run here"
        return Finding(item="model", state=Health.FAIL, observed=observed, mend="; ".join(missing))
    return _ok("model", f"{name} ({record.title}) is here, {record.path().stat().st_size / 1e6:.0f} MB; $0 a token")


def _history(options: Options) -> Finding:
    from jupyter_loops.history import open_history

    history = open_history(options.history)
    ((runs,),) = history.sql("SELECT count(*) FROM runs").fetchall()
    if history.address.kind != "file":
        return _ok("history", f"{history.address.text} answers; {counted(runs, 'run')}")
    if not history.path.exists():
        return _ok("history", f"{history.path} is made by the first run")
    stat = history.path.stat()
    owner, mine = _owner(history.path), not hasattr(os, "getuid") or stat.st_uid == os.getuid()
    observed = f"{history.path}, {counted(runs, 'run')}, {stat.st_size / 1e6:.1f} MB, owned by {owner}"
    notices = "; ".join(history.notices)
    if notices or not mine:
        mend = "choose a file of your own with --history, or JUPYTER_LOOPS_HISTORY" if not mine else ""
        return Finding(item="history", state=Health.WARN, observed=f"{observed}. {notices}".strip(". "), mend=mend)
    return _ok("history", observed)


def _owner(path: Path) -> str:
    try:
        return path.owner()
    except (KeyError, NotImplementedError, OSError):
        return "somebody"


def _disk(options: Options) -> Finding:
    from jupyter_loops.history.address import Address

    folder = Address.of(options.history).home.parent
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    observed = f"{free / 1e9:.1f} GB free at {folder}"
    if free < _LEAST_FREE:
        return Finding(item="disk", state=Health.WARN, observed=observed, mend="%loops prune --older 90d, or make room")
    return _ok("disk", observed)


def _clock(options: Options) -> Finding:
    from jupyter_loops.history import open_history

    ((newest,),) = open_history(options.history).sql("SELECT max(happened_at) FROM events").fetchall()
    now = datetime.now(UTC)
    ahead = 0.0 if newest is None else (newest.replace(tzinfo=UTC) - now).total_seconds()
    observed = f"{now:%Y-%m-%d %H:%M:%S} UTC, {time.tzname[time.daylight and time.localtime().tm_isdst]} here"
    if ahead > _SKEW:
        observed += f"; the newest event of the history is {ahead:.0f} s ahead"
        return Finding(
            item="clock", state=Health.WARN, observed=observed, mend="set the clock: --daily-usd counts days in UTC"
        )
    return _ok("clock", observed)


def _ok(item: str, observed: str) -> Finding:
    return Finding(item=item, state=Health.OK, observed=observed)


def _policy(options: Options) -> Finding:
    policy = HubPolicy.here()
    if not policy.sources:
        return _ok("policy", "none: this hub sets no limits")
    policy.check_model("--model", options.chosen_model)
    return _ok("policy", f"{policy} ({', '.join(policy.sources)})")


_LOOKS: dict[str, Callable[[Options], Finding]] = {
    "policy": _policy,
    "isolation": _isolation,
    "model": _model,
    "history": _history,
    "disk": _disk,
    "clock": _clock,
}
_MENDS = {
    "policy": "whoever administrates this machine mends or changes the file; %loops help operations",
    "isolation": "choose another --sandbox; %loops sandbox shows what each can do here",
    "model": "%loops help models",
    "history": "%loops repair, or choose another with --history",
    "disk": "choose another place with --history",
    "clock": "%loops repair, or choose another history with --history",
}
