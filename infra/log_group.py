"""Log groups that outlive the stack (docs/adr/0005)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass(kw_only=True)
class LogGroupArgs:
    """Arguments of a log group."""

    name: str
    """Its name in CloudWatch."""

    retention_days: int
    """Days that lines are kept."""

    key_arn: str | None
    """Customer managed key that encrypts new lines; None for CloudWatch's own."""

    exists: bool
    """Whether it exists already: from an earlier deployment, or made by hand."""


def existing(prefixes: Iterable[str]) -> frozenset[str]:
    """Return the names of the log groups that exist, of those with one of these prefixes.

    A lookup blocks the program, and each costs more the more is registered already. So a run looks
    up all of them together, and before it registers anything.
    """
    found: set[str] = set()
    for prefix in prefixes:
        found.update(aws.cloudwatch.get_log_groups(log_group_name_prefix=prefix).log_group_names)
    return frozenset(found)


def adopt_or_create(
    name: str, args: LogGroupArgs, *, tags: Mapping[str, str], parent: pulumi.Resource
) -> aws.cloudwatch.LogGroup:
    """Register a log group, which a destroy leaves behind.

    One that exists is adopted and gets the retention; a plain creation would fail with "already
    exists".
    """
    return aws.cloudwatch.LogGroup(
        name,
        name=args.name,
        retention_in_days=args.retention_days,
        kms_key_id=args.key_arn,
        tags=tags,
        opts=pulumi.ResourceOptions(
            parent=parent,
            import_=args.name if args.exists else None,
            retain_on_delete=True,
        ),
    )
