"""ECS: clusters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localaws.catalog.refusals import Refusal
from localaws.catalog.resource_type import AutoName, Idempotent, ResourceType
from localaws.catalog.servicediscovery import namespace_of
from localaws.catalog.values import Limit, block, matches, one_of

if TYPE_CHECKING:
    from localaws.catalog.account import Account, Mint, Resource
    from localaws.catalog.properties import Properties
    from localaws.catalog.refusals import Refusals

CLUSTER = "aws:ecs/cluster:Cluster"

_INVALID = "InvalidParameterException"
NAME = matches(r"[0-9A-Za-z_-]{1,255}", "1 to 255 letters, digits, underscores and hyphens")
"""The names of clusters, families of task definitions, and services."""


def cluster_of(account: Account, name: object) -> Resource | None:
    """Return the cluster with an ARN or name; None means the cluster called `default`."""
    return account.find(CLUSTER, "default" if name is None else name)


def _cluster_rules(inputs: Properties) -> Refusals:
    command = block(block(inputs.get("configuration")).get("executeCommandConfiguration"))
    if command.get("logging") == "OVERRIDE" and command.get("logConfiguration") is None:
        message = (
            "configuration.executeCommandConfiguration has logging OVERRIDE, which needs a "
            "logConfiguration"
        )
        yield Refusal(_INVALID, message, "ecs.cluster.exec-override", "configuration")


def _cluster_computed(mint: Mint, inputs: Properties) -> Properties:
    arn = mint.arn("ecs", f"cluster/{inputs.get('name')}")
    return {"id": arn, "arn": arn}


def namespace_rules(account: Account, namespace: object, name: str) -> Refusals:
    """Refuse a namespace of Service Connect that doesn't exist, in the input with that name."""
    if namespace not in (None, "") and namespace_of(account, namespace) is None:
        message = f"{name}: the namespace {namespace!r} was not found"
        yield Refusal("NamespaceNotFoundException", message, "ecs.service.namespace-exists", name)


def _cluster_account_rules(
    inputs: Properties, account: Account, _current: Resource | None
) -> Refusals:
    namespace = block(inputs.get("serviceConnectDefaults")).get("namespace")
    yield from namespace_rules(account, namespace, "serviceConnectDefaults")


TYPES = (
    ResourceType(
        token=CLUSTER,
        autoname=AutoName(),
        replaces=frozenset({"name", "region"}),
        unordered=frozenset({"settings"}),
        limits=(
            Limit("name", NAME, "ecs.cluster.name"),
            Limit("settings[].name", one_of("containerInsights"), "ecs.cluster.setting"),
            Limit(
                "settings[].value",
                one_of("enhanced", "enabled", "disabled"),
                "ecs.cluster.setting",
                _INVALID,
            ),
            Limit(
                "configuration.executeCommandConfiguration.logging",
                one_of("NONE", "DEFAULT", "OVERRIDE"),
                "ecs.cluster.exec-logging",
            ),
        ),
        rules=_cluster_rules,
        account_rules=_cluster_account_rules,
        idempotent=Idempotent(
            frozenset({"configuration", "serviceConnectDefaults", "settings"}),
            _INVALID,
            "ecs.cluster.unique",
        ),
        computed=_cluster_computed,
        held=("ClusterContainsServicesException", "ecs.cluster.held"),
        import_ids=lambda cluster: (cluster.id.rpartition("/")[2],),
    ),
)
