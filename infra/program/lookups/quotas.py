"""Compare what a new network needs with the account's quotas."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

import pulumi_aws as aws

from infra.errors import Problem
from infra.program.lookups import Lookup

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from infra.aws.environment import AwsEnvironment
    from infra.settings import Settings


class _Quota(NamedTuple):
    """A quota, as Service Quotas names it."""

    service: str
    code: str

    def value(self) -> int:
        """Look up its value in the account and region."""
        return int(
            aws.servicequotas.get_service_quota(
                service_code=self.service, quota_code=self.code
            ).value
        )

    def request(self, wanted: int, environment: AwsEnvironment) -> str:
        """Return the command that requests a higher value."""
        return (
            f"`aws service-quotas request-service-quota-increase --service-code {self.service} "
            f"--quota-code {self.code} --desired-value {wanted} --region {environment.region}`"
        )


_VPCS: Final = _Quota("vpc", "L-F678F1CE")
_ADDRESSES: Final = _Quota("ec2", "L-0263D0A3")
"""Source: Service Quotas, "VPCs per Region" and "EC2-VPC Elastic IPs"."""

_MOST_DESCRIBED: Final = 10
"""VPCs that a message names; it counts the others."""

_DESTROY: Final = (
    "`pulumi destroy --stack NAME`, with the local AWS `pulumi-local destroy --stack NAME`, "
    "deletes those of a stack"
)


def lookups(
    settings: Settings, environment: AwsEnvironment, own_vpcs: Callable[[], Sequence[str]]
) -> Iterator[Lookup]:
    """Yield the lookups for a network that the stack creates.

    Args:
        settings: The stack's settings.
        environment: The account and region.
        own_vpcs: Look up the ids of the VPCs that the stack created.
    """
    if settings.network.existing_vpc:
        return
    yield Lookup("The quota of VPCs", partial(_too_many_vpcs, environment, own_vpcs))
    if settings.network.nat_gateways:
        subject = "The quota of elastic IP addresses"
        yield Lookup(subject, partial(_too_many_addresses, settings, environment))


def _too_many_vpcs(
    environment: AwsEnvironment, own_vpcs: Callable[[], Sequence[str]]
) -> Iterator[Problem]:
    if own_vpcs():
        return
    existing = aws.ec2.get_vpcs().ids
    most = _VPCS.value()
    if len(existing) >= most:
        yield Problem(
            "vpcId",
            f"empty, so that a VPC is created, where {environment.region} has {len(existing)} of "
            f"at most {most}: {_described(existing)}",
            f"the id of an existing VPC; or fewer of them: {_DESTROY}; or a higher quota: "
            + _VPCS.request(len(existing) + 1, environment),
        )


def _described(vpc_ids: Sequence[str]) -> str:
    """Name the stacks that VPCs belong to, and others by their ids."""
    found: list[str] = []
    for vpc_id in vpc_ids[:_MOST_DESCRIBED]:
        vpc = aws.ec2.get_vpc(id=vpc_id)
        if vpc.default:
            found.append("the default VPC")
        elif "Stack" in vpc.tags:
            found.append(f"that of stack {vpc.tags['Stack']} of {vpc.tags.get('Project')}")
        else:
            found.append(vpc_id)
    if len(vpc_ids) > _MOST_DESCRIBED:
        found.append(f"and {len(vpc_ids) - _MOST_DESCRIBED} more")
    return ", ".join(found)


def _too_many_addresses(settings: Settings, environment: AwsEnvironment) -> Iterator[Problem]:
    own = len(aws.ec2.get_eips(tags=settings.tags).allocation_ids)
    needed = settings.network.nat_gateways - own
    if needed <= 0:
        return
    existing = len(aws.ec2.get_eips().allocation_ids)
    most = _ADDRESSES.value()
    if existing + needed > most:
        yield Problem(
            "network",
            f"{settings.network.network}, whose NAT gateways need {needed} more elastic IP "
            f"addresses, where {environment.region} has {existing} of at most {most}",
            f"a network with fewer NAT gateways; or fewer addresses: {_DESTROY}; or a higher "
            "quota: " + _ADDRESSES.request(existing + needed, environment),
        )
