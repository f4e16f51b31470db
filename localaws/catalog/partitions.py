"""AWS's partitions: the regions, ARNs, domains and service principals of each.

Source: the AWS SDKs' list of partitions, and the provider's data sources of the same names.
"""

from __future__ import annotations

from typing import NamedTuple


class Partition(NamedTuple):
    """A part of AWS with its own accounts, ARNs and domains."""

    name: str
    """The name in ARNs: `aws-cn`."""

    suffix: str
    """The suffix of domains: `amazonaws.com.cn`."""

    services_with_suffix: frozenset[str] = frozenset()
    """Services whose principals have the partition's suffix. The principals of all others end in
    `amazonaws.com`.
    """

    @property
    def reverse_prefix(self) -> str:
        """The prefix of VPC endpoint services: `cn.com.amazonaws`."""
        return ".".join(reversed(self.suffix.split(".")))

    def principal(self, service: str) -> str:
        """Return a service's principal in policies: `ecs-tasks.amazonaws.com`."""
        return f"{service}.{self.principal_suffix(service)}"

    def principal_suffix(self, service: str) -> str:
        """Return the suffix of a service's principal."""
        return self.suffix if service in self.services_with_suffix else _COMMERCIAL.suffix


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
    """Return a region's partition, by the prefix of its name."""
    for prefix, partition in _BY_PREFIX.items():
        if str(region).startswith(prefix):
            return partition
    return _COMMERCIAL
