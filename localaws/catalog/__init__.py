"""Which resource types exist, what AWS accepts, names, replaces and refuses. Pure: standard library only, no I/O."""

from __future__ import annotations

from localaws.catalog import (
    ec2_network,
    ec2_security_groups,
    ecs,
    iam,
    listeners,
    load_balancers,
    logs,
    ssm,
    target_groups,
)
from localaws.catalog.model import UNKNOWN, Properties, Refusal, Refused, Resource, ResourceType

CATALOG: dict[str, ResourceType] = {
    kind.token: kind
    for module in (ec2_network, ec2_security_groups, load_balancers, target_groups, listeners, ecs, iam, logs, ssm)
    for kind in module.TYPES
}
"""Every resource type, by token."""

__all__ = ["CATALOG", "UNKNOWN", "Properties", "Refusal", "Refused", "Resource", "ResourceType"]
