"""`awsx.ec2.DefaultVpc`, and the lookup of the default VPC for other components."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from localaws.protocol.awsx.monitor import Monitor
    from localaws.protocol.messages import provider_pb2

DEFAULT_VPC = "awsx:ec2:DefaultVpc"


@dataclass(frozen=True)
class Existing:
    """The default VPC of the account and region."""

    id: str
    public: Sequence[str]
    """Ids of the subnets in which instances get a public address."""

    private: Sequence[str]


async def find(monitor: Monitor) -> Existing:
    """Look the default VPC up, as awsx's getDefaultVpc.ts does."""
    vpc = (await monitor.invoke("aws:ec2/getVpc:getVpc", default=True))["id"]
    filters = [{"name": "vpc-id", "values": [vpc]}]
    ids = (await monitor.invoke("aws:ec2/getSubnets:getSubnets", filters=filters))["ids"]
    subnets = await asyncio.gather(
        *(monitor.invoke("aws:ec2/getSubnet:getSubnet", id=each) for each in ids)
    )
    public: list[str] = []
    private: list[str] = []
    for subnet in subnets:
        kind = public if subnet["mapPublicIpOnLaunch"] else private
        kind.append(subnet["id"])
    return Existing(vpc, public, private)


async def default_vpc(monitor: Monitor) -> provider_pb2.ConstructResponse:
    """Register the component, which has no children."""
    component = await monitor.component()
    existing = await find(monitor)
    await monitor.done(component)
    outputs = monitor.outputs()
    outputs.value("vpcId", existing.id, ())
    outputs.value("publicSubnetIds", existing.public, ())
    outputs.value("privateSubnetIds", existing.private, ())
    return outputs.response(component)
