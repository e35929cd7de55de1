"""Options within the limits of a hub."""

from __future__ import annotations

from dataclasses import replace

from jupyter_loops.core.policy import HubPolicy
from jupyter_loops.core.recipe import Recipe
from jupyter_loops.errors import OptionError
from jupyter_loops.options import Options

_DEFAULTS = Options()


def governed(options: Options, recipe: Recipe, policy: HubPolicy) -> Options:
    """The options, with the hub's limits where they say nothing. Raises OptionError, which names the option.

    A default that the hub does not allow becomes what it allows; what a person chose is refused.
    """
    if not policy.sources:
        return options
    policy.check_tools([*(tool.name for tool in recipe.tools), *options.tools])
    policy.check_model("--model", options.chosen_model)
    policy.check_model("--judge-model", options.judge_model)
    for option, names in (("--fallback", options.fallback), ("--escalate", options.escalate)):
        for name in names:
            policy.check_model(option, name)
    policy.check_endpoint("--api-base", options.api_base)
    policy.check_endpoint("--judge-api-base", options.judge_api_base)
    return _isolated(_priced(_capped(options, policy), policy), policy)


def _capped(options: Options, policy: HubPolicy) -> Options:
    most, usd = policy.usd_per_run, options.usd
    if most is not None and usd == _DEFAULTS.usd:
        options = replace(options, usd=min(usd or most, most))
    policy.check_dollars("--usd", options.usd)
    if policy.usd_per_day is not None and options.daily_usd is None:
        options = replace(options, daily_usd=policy.usd_per_day)
    policy.check_dollars("--daily-usd", options.daily_usd)
    return options


def _priced(options: Options, policy: HubPolicy) -> Options:
    """A price of one's own would be a way around a limit in dollars."""
    hub = ";".join(f"{model}={price}" for model, price in policy.prices.items())
    if policy.in_dollars and options.price is not None and options.price != (hub or None):
        raise OptionError("--price: this hub limits dollars, so its administrator sets prices (help: operations)")
    return replace(options, price=hub) if hub else options


def _isolated(options: Options, policy: HubPolicy) -> Options:
    """The level that `auto` comes to, where the hub requires one."""
    if policy.isolation is None:
        return options
    from jupyter_loops.execution.isolation import choose
    from jupyter_loops.execution.platform import Platform

    level, _ = choose(options.sandbox, options.image, Platform.here())
    policy.check_level(level)
    return replace(options, sandbox=level)
