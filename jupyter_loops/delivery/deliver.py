"""Binds the verified targets of a run in the notebook: all of them, or none."""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import replace
from typing import Any

from jupyter_loops.core.candidate import Candidate, Delivery
from jupyter_loops.core.delivered_module import module_name
from jupyter_loops.core.recipe import Recipe, Target
from jupyter_loops.errors import DeliveryError
from jupyter_loops.execution.crossing import unpack
from jupyter_loops.execution.sandbox_service import SandboxService
from jupyter_loops.execution.values import from_json, typed_dicts

from .copies import copied, may_change
from .inert import define, error_summary, quiet
from .module import registered
from .name_binding import Delivered
from .plan import Plan, in_code, plan, stubs
from .proxy import proxies


def deliver(
    recipe: Recipe,
    candidate: Candidate,
    delivery: Delivery,
    namespace: MutableMapping[str, Any],
    service: SandboxService | None = None,
) -> Delivered:
    """Bind the verified targets of `recipe` in `namespace`. Raises DeliveryError.

    The candidate's code is defined in a separate module, as it was examined. The set-up runs before it if the code
    reads something of the set-up. The notebook's objects stay unchanged: what the set-up changes in place is copied
    first. With a `service`, the functions stay in the sandbox, and the notebook gets proxies that call them.
    """
    delivered = Delivered(namespace)
    served = [] if service is None else in_code(recipe, candidate, delivery)
    module_plan = plan(
        recipe, replace(candidate, text=stubs(served)) if served else candidate, delivery, full_setup=bool(served)
    )
    try:
        with registered(module_name(recipe.name, recipe.setup, candidate.text), module_plan.source) as module:
            names = module.__dict__
            before = run_setup(recipe, module_plan, names, namespace)
            setup_names = {name for name, value in names.items() if before.get(name, before) is not value}
            define(module_plan.code, names["__file__"], names)
            if service is not None:
                names |= proxies(served, names, service, candidate.text)
            for name in sorted(setup_names & module_plan.required):
                delivered.bind(name, names[name])
            for target in recipe.targets:
                delivered.bind(target.name, _value(target, candidate, delivery, recipe, names))
            delivered.module = module
    except BaseException:
        delivered.undo()
        raise
    return delivered


def run_setup(
    recipe: Recipe, module_plan: Plan, names: dict[str, Any], namespace: MutableMapping[str, Any]
) -> dict[str, Any]:
    """Fill `names` from the notebook, and run the set-up in it. Returns a copy of `names` from before the set-up."""
    notebook_names = module_plan.notebook_names(namespace, {target.name for target in recipe.targets})
    names.update(copied(notebook_names, may_change([*module_plan.setup.body, *module_plan.code.body])))
    names.setdefault("__builtins__", __builtins__)
    before = dict(names)
    filename = names.get("__file__", f"<loop {recipe.name}>")
    try:
        with quiet(), typed_dicts():
            exec(compile(module_plan.setup, filename, "exec", dont_inherit=True), names)  # noqa: S102  # the user's own
    except Exception as error:
        raise DeliveryError(f"the set-up could not run in the notebook: {error_summary(error)}") from error
    return before


def _value(target: Target, candidate: Candidate, delivery: Delivery, recipe: Recipe, names: dict[str, Any]) -> object:
    if target.name in delivery.objects:
        return unpack(delivery.objects[target.name])
    if target.name in delivery.values:
        return _validated(target, delivery.values[target.name], names)
    if target in in_code(recipe, candidate, delivery) and target.name in names:
        return names[target.name]
    raise DeliveryError(f"`{target.name}` is not among what was verified")


def _validated(target: Target, value: Any, names: dict[str, Any]) -> object:
    if target.annotation == "str":
        return value
    try:
        annotation = eval(target.annotation, names)  # noqa: S307  # the user's own annotation
        return from_json(annotation, value)
    except Exception as error:
        raise DeliveryError(f"`{target.name}` does not fit its type in the notebook: {error_summary(error)}") from error
