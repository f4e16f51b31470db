"""Log groups that outlive the stack (docs/adr/0005)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping


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
    name: str,
    *,
    group: str,
    existing_groups: Collection[str],
    retention_days: int,
    tags: Mapping[str, str],
    parent: pulumi.Resource,
    key_arn: str | None = None,
) -> aws.cloudwatch.LogGroup:
    """Register the log group called `group`, which a destroy leaves behind.

    One among `existing_groups`, from an earlier deployment or made by hand, is adopted and gets
    this retention; a plain creation would fail with "already exists". `key_arn` is a customer
    managed key that encrypts new lines.
    """
    return aws.cloudwatch.LogGroup(
        name,
        name=group,
        retention_in_days=retention_days,
        kms_key_id=key_arn,
        tags=tags,
        opts=pulumi.ResourceOptions(
            parent=parent,
            import_=group if group in existing_groups else None,
            retain_on_delete=True,
        ),
    )
