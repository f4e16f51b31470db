"""Compare the partition and region of an ARN with those of the stack. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from infra.aws.environment import AwsEnvironment


_BY_PREFIX_OF_REGION: Final = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}

PARTITIONS: Final = ("aws", *_BY_PREFIX_OF_REGION.values())
"""The partitions that this program knows the service names and ARNs of."""


def partition_of(region: str) -> str:
    """Return the partition of a region by its name, if it is one of `PARTITIONS`."""
    for prefix, partition in _BY_PREFIX_OF_REGION.items():
        if region.startswith(prefix):
            return partition
    return PARTITIONS[0]


def foreign(environment: AwsEnvironment, arns: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield the ARNs of another partition or region, each with a description of the difference.

    Texts that aren't ARNs name something in the stack's own account and region.
    """
    for arn in arns:
        if arn.startswith("arn:"):
            _, partition, _, region, *_ = arn.split(":")
            if partition != environment.partition:
                yield arn, f"in partition {partition}, not {environment.partition}"
            elif region not in {"", environment.region}:
                yield arn, f"in {region}, not {environment.region}"
