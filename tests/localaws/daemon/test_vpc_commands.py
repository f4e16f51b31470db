"""Which subnet `pulumi-local internet --from` means, and what it refuses."""

from __future__ import annotations

from typing import Any

import pulumi_aws as aws
import pytest

from localaws import mocks
from localaws.daemon.command_socket import CommandError
from localaws.daemon.vpc_commands import VpcCommands

# The SDK warns when it is imported, which is once in a process.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:pulumi_aws")


def commands(vpcs: int) -> VpcCommands:
    """Return the commands of an account with some VPCs, each with a subnet."""

    def program() -> None:
        for number in range(vpcs):
            vpc = aws.ec2.Vpc(f"net-{number}", cidr_block="10.0.0.0/16")
            aws.ec2.Subnet(f"subnet-{number}", vpc_id=vpc.id, cidr_block="10.0.1.0/24")

    nothing: Any = None
    cloud = mocks.run(program).cloud
    return VpcCommands(nothing, cloud, nothing, nothing, nothing)


def test_the_only_vpc_is_meant_by_vpc() -> None:
    found = commands(1)
    subnet = found._subnet("vpc")
    assert found._subnet(subnet.id) is subnet
    assert found._subnet(str(subnet.outputs["vpcId"])) is subnet


@pytest.mark.parametrize(
    ("vpcs", "message"),
    [
        (0, r"--from x: there is no VPC; `pulumi-local up` deploys a stack with one"),
        (1, r"--from x: no VPC or subnet; allowed: vpc, vpc-\w+, subnet-\w+"),
        (2, r"--from x: no VPC or subnet; allowed: vpc-\w+, vpc-\w+, subnet-\w+, subnet-\w+"),
    ],
)
def test_what_is_neither_is_refused_with_what_there_is(vpcs: int, message: str) -> None:
    with pytest.raises(CommandError, match=f"^{message}$"):
        commands(vpcs)._subnet("x")
