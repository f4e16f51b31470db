"""ECS: capacity provider strategies, of services and as a cluster's default."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localaws.catalog.properties import values_at
from localaws.catalog.refusals import Refusal
from localaws.catalog.values import Limit, blocks, known, number, size, texts, within

if TYPE_CHECKING:
    from collections.abc import Mapping

    from localaws.catalog.account import Account
    from localaws.catalog.properties import Properties
    from localaws.catalog.refusals import Refusals

CAPACITY_PROVIDERS = "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders"
FARGATE_PROVIDERS = ("FARGATE", "FARGATE_SPOT")

_INVALID = "InvalidParameterException"


def default_strategy(account: Account, cluster: str) -> list[Mapping[str, Any]]:
    """Return the strategy of new services in a cluster that have neither launch type nor strategy.

    `cluster` is the cluster's name.
    """
    for each in account.where(CAPACITY_PROVIDERS, "clusterName", cluster):
        return blocks(each.inputs.get("defaultCapacityProviderStrategies"))
    return []


def uses_fargate(inputs: Properties) -> bool:
    """Return whether a service is to run on Fargate, by its launch type or its strategy.

    A service with neither uses the default strategy of its cluster, which isn't looked up here.
    """
    if inputs.get("launchType") == "FARGATE":
        return True
    providers = texts(values_at(inputs, "capacityProviderStrategies[].capacityProvider"))
    return not set(providers).isdisjoint(FARGATE_PROVIDERS)


def strategy_limits(path: str) -> tuple[Limit, ...]:
    """Return the limits of a capacity provider strategy at a path."""
    return (
        Limit(path, size(0, 20), "ecs.strategy.size", _INVALID),
        Limit(f"{path}[].base", within(0, 100000), "ecs.strategy.range"),
        Limit(f"{path}[].weight", within(0, 1000), "ecs.strategy.range"),
    )


def strategy_rules(inputs: Properties, path: str) -> Refusals:
    """Refuse a capacity provider strategy with which ECS couldn't choose a provider.

    `path` is the input that contains the strategy.
    """
    items = blocks(inputs.get(path))
    if not items or not known(inputs[path]):
        return
    on_fargate = []
    with_base = []
    with_weight = []
    others = []
    for item in items:
        provider = str(item.get("capacityProvider"))
        if provider in FARGATE_PROVIDERS:
            on_fargate.append(provider)
        else:
            others.append(provider)
        if (number(item.get("base")) or 0) > 0:
            with_base.append(provider)
        if number(item.get("weight")):
            with_weight.append(provider)
    if len(with_base) > 1:
        message = f"{path}: only one item may have a base above 0, got {', '.join(with_base)}"
        yield Refusal(_INVALID, message, "ecs.strategy.one-base", path)
    if len(items) > 1 and not with_weight:
        message = f"{path}: at least one item needs a weight above 0"
        yield Refusal(_INVALID, message, "ecs.strategy.weight", path)
    if on_fargate and others:
        message = (
            f"{path}: a strategy has Fargate's capacity providers or others, not both, got "
            f"{', '.join((*on_fargate, *others))}"
        )
        yield Refusal(_INVALID, message, "ecs.strategy.one-kind", path)
