"""Targets that a program registers itself: which of them the local load balancers reach."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localaws.alb.targets import Endpoint
from localaws.catalog.ec2.network import VPC
from localaws.catalog.elb.target_attachments import TARGET_ATTACHMENT, is_in_vpc
from localaws.catalog.elb.target_groups import TARGET_GROUP
from localaws.machine.addresses import can_bind

if TYPE_CHECKING:
    from collections.abc import Callable

    from localaws.catalog.account import Account, Resource


def is_this_machines(address: str) -> bool:
    """Whether an address is one of this machine's."""
    try:
        return can_bind(address, 0)
    except OSError:  # EADDRNOTAVAIL: another machine's, or unused
        return False


def endpoints(
    cloud: Account,
    *,
    is_local: Callable[[str], bool] = is_this_machines,
    vpcs_exist: bool = False,
) -> dict[tuple[str, Endpoint], str]:
    """Return each registered target and its target group, and why it isn't reached, if so.

    Args:
        cloud: Where target groups and registered targets are.
        is_local: Whether an address is one of this machine's.
        vpcs_exist: Whether load balancers and tasks are in the cloud's VPCs.
    """
    found = {}
    for each in cloud.all(TARGET_ATTACHMENT):
        group = cloud.get(TARGET_GROUP, each.outputs.get("targetGroupArn"))
        if group is not None:
            port = int(each.outputs.get("port") or group.outputs.get("port") or 0)
            endpoint = Endpoint(str(each.outputs["targetId"]), port)
            found[group.id, endpoint] = unreachable(
                cloud, each, is_local=is_local, vpcs_exist=vpcs_exist
            )
    return found


def unreachable(
    cloud: Account,
    attachment: Resource,
    *,
    is_local: Callable[[str], bool] = is_this_machines,
    vpcs_exist: bool = False,
) -> str:
    """Return why a registered target gets no requests here; empty if it does.

    Where VPCs exist, their load balancers reach addresses in them, and no others. Where they don't,
    a program's VPC is nowhere, so its addresses are never connected to: on the network of this
    machine they may be those of other machines. Neither are addresses outside the VPC, unless they
    are this machine's own, such as the one of a container bridge.
    """
    group = cloud.get(TARGET_GROUP, attachment.outputs.get("targetGroupArn"))
    target = attachment.outputs["targetId"]
    kind = group.outputs.get("targetType") if group else None
    if group is None or kind != "ip":
        return f"the local load balancer forwards to no target of type {kind}"
    vpc = cloud.get(VPC, group.outputs.get("vpcId"))
    # IPv6 addresses of targets are always the VPC's.
    inside = ":" in target or is_in_vpc(vpc, target)
    if vpcs_exist:
        return "" if inside else f"the local VPC has no way to {target}, which is outside of it"
    if inside:
        return f"on this machine nothing has the address {target} of the VPC"
    return "" if is_local(target) else f"{target} is no address of this machine"
