"""Names and small parts that all of Envoy's configuration uses."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from localaws.alb.targets import Endpoint


def cluster_name(target_group_arn: str) -> str:
    """Return the name of a target group's cluster."""
    return target_group_arn.rpartition(":targetgroup/")[2] or target_group_arn


def initial_cluster_name(target_group_arn: str) -> str:
    """Return Envoy's name for the cluster of a target group's targets in state `initial`."""
    return f"{cluster_name(target_group_arn)}/new"


def file_name(kind: str, name: str) -> str:
    """Return the name of the file with the resources of a kind that belong to a name."""
    return f"{kind}-{re.sub(r'[^A-Za-z0-9-]', '_', name)}.json"


def address(endpoint: Endpoint) -> dict[str, Any]:
    """Return an address and port as Envoy has them."""
    return {"socket_address": {"address": endpoint.address, "port_value": endpoint.port}}


def header(name: str, value: str, *, append: bool = False) -> dict[str, Any]:
    """Set a header, or append to it."""
    action = "APPEND_IF_EXISTS_OR_ADD" if append else "OVERWRITE_IF_EXISTS_OR_ADD"
    return {"header": {"key": name, "value": value}, "append_action": action}
