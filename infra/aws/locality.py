"""Compare partition and region of an ARN with those of the stack. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from infra.aws.environment import AwsEnvironment


_BY_REGION: Final = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}

PARTITIONS: Final = ("aws", *_BY_REGION.values())
"""The partitions whose names this program knows."""


def partition_of(region: str) -> str:
    """The partition that a region is in, by its name, if it is one of `PARTITIONS`."""
    return next(
        (partition for prefix, partition in _BY_REGION.items() if region.startswith(prefix)),
        PARTITIONS[0],
    )


def foreign(environment: AwsEnvironment, arns: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Return the ARNs that name something elsewhere, each with its account or region."""
    for arn in arns:
        if arn.startswith("arn:"):
            _, partition, _, region, *_ = arn.split(":")
            if partition != environment.partition:
                yield arn, f"in partition {partition}, not {environment.partition}"
            elif region not in {"", environment.region}:
                yield arn, f"in {region}, not {environment.region}"
