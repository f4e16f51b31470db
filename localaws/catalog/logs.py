"""CloudWatch Logs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localaws.catalog.model import UNKNOWN, AutoName, Refusal, ResourceType

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from localaws.catalog.model import Mint, Properties, Resource, World

RETENTION_DAYS = (
    *(0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)
"""Days CloudWatch Logs can keep events; 0 is for ever. Source: PutRetentionPolicy, and the provider's validator."""

LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"


def _check(inputs: Properties) -> Iterator[Refusal]:
    days = inputs.get("retentionInDays", 0)
    if days is not UNKNOWN and days not in RETENTION_DAYS:
        yield Refusal(
            "InvalidArgument",
            f"retentionInDays must be one of {', '.join(map(str, RETENTION_DAYS))}, got {days:g}",
            "logs.group.retention",
            "retentionInDays",
        )


def _admit(inputs: Properties, world: World, current: Resource | None) -> Iterator[Refusal]:
    if current is None and world.get(LOG_GROUP, inputs.get("name")):
        yield Refusal(
            "ResourceAlreadyExistsException", "The specified log group already exists", "logs.group.unique", "name"
        )


def _computed(mint: Mint, inputs: Properties) -> Mapping[str, object]:
    return {"id": inputs["name"], "arn": mint.arn("logs", f"log-group:{inputs['name']}")}


TYPES = (
    ResourceType(
        token=LOG_GROUP,
        autoname=AutoName(longest=512),
        replaces=frozenset({"name", "namePrefix", "logGroupClass", "region"}),
        unknown_until_created=frozenset({"arn"}),
        check=_check,
        admit=_admit,
        computed=_computed,
    ),
)
