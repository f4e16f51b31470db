"""AWS's partitions: the regions, ARNs, domains and service principals of each.

Source: the AWS SDKs' list of partitions, and the provider's data sources of the same names.
"""

from __future__ import annotations

from typing import NamedTuple


class Partition(NamedTuple):
    """A part of AWS with accounts, ARNs and domains of its own."""

    name: str
    """As ARNs have it: `aws-cn`."""

    suffix: str
    """The end of domains: `amazonaws.com.cn`."""

    own: frozenset[str] = frozenset()
    """Services whose principals end in the partition's suffix; those of all others end as
    everywhere.
    """

    @property
    def reverse_prefix(self) -> str:
        """The beginning of names of VPC endpoint services."""
        return ".".join(reversed(self.suffix.split(".")))

    def principal(self, service: str) -> str:
        """A service's principal in policies: `ecs-tasks.amazonaws.com`."""
        return f"{service}.{self.principal_suffix(service)}"

    def principal_suffix(self, service: str) -> str:
        """What that name ends in."""
        return self.suffix if service in self.own else _COMMERCIAL.suffix


_COMMERCIAL = Partition("aws", "amazonaws.com")

_BY_PREFIX = {
    "cn-": Partition(
        "aws-cn", "amazonaws.com.cn", frozenset({"codedeploy", "elasticmapreduce", "logs"})
    ),
    "us-gov-": Partition("aws-us-gov", "amazonaws.com"),
    "us-iso-": Partition(
        "aws-iso", "c2s.ic.gov", frozenset({"cloudhsm", "config", "logs", "workspaces"})
    ),
    "us-isob-": Partition("aws-iso-b", "sc2s.sgov.gov", frozenset({"dms", "logs"})),
    "eu-isoe-": Partition("aws-iso-e", "cloud.adc-e.uk"),
    "us-isof-": Partition("aws-iso-f", "csp.hci.ic.gov"),
    "eusc-": Partition("aws-eusc", "amazonaws.eu"),
}


def partition_of(region: object) -> Partition:
    """The partition of a region, by the beginning of its name."""
    return next(
        (each for prefix, each in _BY_PREFIX.items() if str(region).startswith(prefix)), _COMMERCIAL
    )
