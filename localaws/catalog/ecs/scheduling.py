"""ECS: how a service's tasks are scheduled, by its deployment, launch type and placement."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localaws.catalog.ecs.capacity_strategies import uses_fargate
from localaws.catalog.properties import UNKNOWN, values_at
from localaws.catalog.refusals import Refusal
from localaws.catalog.values import block, blocks, given, known, number, texts

if TYPE_CHECKING:
    from localaws.catalog.properties import Properties
    from localaws.catalog.refusals import Refusals

_INVALID = "InvalidParameterException"
_ZONE = "attribute:ecs.availability-zone"


def scheduling_rules(inputs: Properties) -> Refusals:
    """Refuse a service's inputs by which ECS couldn't deploy or place its tasks."""
    yield from _percent_rules(inputs)
    if inputs.get("availabilityZoneRebalancing") == "ENABLED":
        for problem in _rebalancing_problems(inputs):
            message = f"availabilityZoneRebalancing {problem}"
            yield Refusal(
                _INVALID, message, "ecs.service.rebalancing", "availabilityZoneRebalancing"
            )
    yield from _controller_rules(inputs)
    if is_daemon(inputs):
        yield from _daemon_rules(inputs)
    yield from _launch_type_rules(inputs)
    if uses_fargate(inputs):
        yield from _fargate_rules(inputs)


def is_daemon(inputs: Properties) -> bool:
    """Return whether a service runs one task on each container instance."""
    return inputs.get("schedulingStrategy") == "DAEMON"


def default_percents(inputs: Properties) -> dict[str, int]:
    """Return the bounds of a deployment that a service has unless its inputs set them."""
    daemon = is_daemon(inputs)
    return {
        "deploymentMinimumHealthyPercent": 0 if daemon else 100,
        "deploymentMaximumPercent": 100 if daemon else 200,
    }


def _percent(inputs: Properties, name: str) -> float | None:
    """Return a bound of a deployment in percent; None while it is unknown."""
    if given(inputs, name):
        return number(inputs[name])
    return default_percents(inputs)[name]


def _percent_rules(inputs: Properties) -> Refusals:
    minimum = _percent(inputs, "deploymentMinimumHealthyPercent")
    maximum = _percent(inputs, "deploymentMaximumPercent")
    if maximum is None or is_daemon(inputs):
        return
    if maximum < 100:  # noqa: PLR2004 — percent
        message = f"deploymentMaximumPercent must be at least 100, got {maximum:g}"
        yield Refusal(_INVALID, message, "ecs.service.maximum-percent", "deploymentMaximumPercent")
    elif minimum is not None and maximum <= minimum:
        message = (
            f"deploymentMaximumPercent {maximum:g} must be above deploymentMinimumHealthyPercent "
            f"{minimum:g}: otherwise no deployment could start or stop a task"
        )
        yield Refusal(
            _INVALID, message, "ecs.service.blocked-deployments", "deploymentMaximumPercent"
        )


def default_rebalancing(inputs: Properties) -> str:
    """Return the default of `availabilityZoneRebalancing`: ENABLED if nothing forbids it.

    Source: `availabilityZoneRebalancing` in the provider's documentation of services.
    """
    return "DISABLED" if _rebalancing_problems(inputs) else "ENABLED"


def _rebalancing_problems(inputs: Properties) -> list[str]:
    """Return why a service can't be rebalanced across zones.

    Source: ECS's guide to service rebalancing.
    """
    problems = []
    if _percent(inputs, "deploymentMaximumPercent") == 100:  # noqa: PLR2004 — percent
        problems.append("needs a deploymentMaximumPercent above 100")
    if is_daemon(inputs):
        problems.append("doesn't work with schedulingStrategy DAEMON")
    if inputs.get("launchType") == "EXTERNAL":
        problems.append("doesn't work with launchType EXTERNAL")
    strategies = inputs.get("orderedPlacementStrategies")
    if blocks(strategies) and known(strategies):
        first = blocks(strategies)[0]
        if first.get("type") != "spread" or str(first.get("field")).lower() != _ZONE:
            problems.append(f"needs a spread over {_ZONE} as the first strategy")
    constraints = texts(values_at(inputs, "placementConstraints[].expression"))
    if any(_ZONE in each for each in constraints):
        problems.append(f"doesn't work with a constraint on {_ZONE}")
    return problems


def _controller_rules(inputs: Properties) -> Refusals:
    controller = block(inputs.get("deploymentController")).get("type")
    if controller not in ("CODE_DEPLOY", "EXTERNAL"):
        return
    for name in given(inputs, "deploymentCircuitBreaker", "alarms"):
        message = (
            f"{name} needs the deployment controller ECS, got {controller}: leave {name} out, or "
            "set deploymentController.type to ECS"
        )
        yield Refusal(_INVALID, message, "ecs.service.controller", name)


def _daemon_rules(inputs: Properties) -> Refusals:
    if uses_fargate(inputs):
        message = "schedulingStrategy DAEMON isn't supported on Fargate; allowed: REPLICA"
        yield Refusal(_INVALID, message, "ecs.service.daemon", "schedulingStrategy")
    # A desired count and an empty list aren't refused, because the provider doesn't send them.
    if blocks(inputs.get("orderedPlacementStrategies")):
        message = (
            "orderedPlacementStrategies can't be set for schedulingStrategy DAEMON: leave them out"
        )
        yield Refusal(_INVALID, message, "ecs.service.daemon", "orderedPlacementStrategies")


def _launch_type_rules(inputs: Properties) -> Refusals:
    launch_type, strategy = inputs.get("launchType"), inputs.get("capacityProviderStrategies")
    if not isinstance(launch_type, str):
        return
    if strategy and strategy is not UNKNOWN:
        message = (
            f"launchType {launch_type} and capacityProviderStrategies exclude each other: remove "
            "one of them"
        )
        yield Refusal(_INVALID, message, "ecs.service.launch-or-strategy", "launchType")
    if launch_type == "FARGATE":
        return
    if given(inputs, "platformVersion"):
        message = f"platformVersion is for launchType FARGATE only: leave it out for {launch_type}"
        yield Refusal(_INVALID, message, "ecs.service.fargate-only", "platformVersion")
    if block(inputs.get("networkConfiguration")).get("assignPublicIp") is True:
        message = f"assignPublicIp is for launchType FARGATE only: leave it out for {launch_type}"
        yield Refusal(_INVALID, message, "ecs.service.fargate-only", "networkConfiguration")


def _fargate_rules(inputs: Properties) -> Refusals:
    for name in ("orderedPlacementStrategies", "placementConstraints"):
        if inputs.get(name):
            message = f"{name} can't be set for tasks on Fargate: leave it out"
            yield Refusal(_INVALID, message, "ecs.service.fargate-placement", name)
