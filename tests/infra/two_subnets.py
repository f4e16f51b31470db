"""A VPC with two public subnets, for tests of components without the program."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws

if TYPE_CHECKING:
    from collections.abc import Sequence

REGION = "us-east-1"


@dataclass(frozen=True)
class Network:
    """A VPC with two subnets."""

    vpc_id: pulumi.Output[str]
    subnet_ids: Sequence[pulumi.Output[str]]


def network() -> Network:
    """Register a VPC with an internet gateway and two subnets."""
    vpc = aws.ec2.Vpc("vpc", cidr_block="10.0.0.0/16")
    gateway = aws.ec2.InternetGateway("gateway", vpc_id=vpc.id)
    subnet_ids = []
    for number, zone in enumerate("ab"):
        subnet = aws.ec2.Subnet(
            zone,
            vpc_id=vpc.id,
            cidr_block=f"10.0.{number}.0/24",
            availability_zone=f"{REGION}{zone}",
            opts=pulumi.ResourceOptions(depends_on=[gateway]),
        )
        subnet_ids.append(subnet.id)
    return Network(vpc.id, subnet_ids)
