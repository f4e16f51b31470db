"""Find a cluster and log groups that another stack owns, by their tags.

If a cluster exists already, ECS answers its creation with that cluster, and the provider takes it
over. The program itself adopts existing log groups. Both have names with the stack in them, but not
the project, so two projects in one account and region could overwrite each other's settings
unnoticed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi_aws as aws

from infra.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

_OWNER = ("Project", "Stack")
"""Keys of the tags that name an owner."""


def problems(
    cluster: str, log_groups: Callable[[], Collection[str]], tags: Mapping[str, str]
) -> Iterator[Problem]:
    """Find a cluster or log groups that a stack would share with another one.

    The log groups are checked only while there is no cluster: a stack that has one has adopted
    them already.

    Args:
        cluster: Name of the stack's cluster.
        log_groups: Look up the log groups that exist, of those that the stack may ever use.
        tags: The stack's tags.
    """
    arn = arn_of(cluster)
    if arn:
        found = aws.ecs.get_cluster(cluster_name=cluster).tags
        if _owner(found) != _owner(tags):
            retag = " ".join(f"key={key},value={tags[key]}" for key in _OWNER)
            remedy = f"aws ecs tag-resource --resource-arn {arn} --tags {retag}"
            yield _taken(f"cluster {cluster}", found, tags, remedy)
        return
    for name in sorted(log_groups()):
        group = aws.cloudwatch.get_log_group(name=name)
        # A group without an owner was created by hand, or by AWS for Container Insights: it is
        # adopted.
        if any(_owner(group.tags)) and _owner(group.tags) != _owner(tags):
            retag = ",".join(f"{key}={tags[key]}" for key in _OWNER)
            remedy = f"aws logs tag-resource --resource-arn {group.arn} --tags {retag}"
            yield _taken(f"log group {name}", group.tags, tags, remedy)


def arn_of(cluster: str) -> str | None:
    """Return the ARN of a cluster, if it exists.

    Clusters are listed, because the lookup of one that doesn't exist fails with an error that only
    the provider's wording tells from others.
    """
    for arn in aws.ecs.get_clusters().cluster_arns:
        if arn.rpartition("/")[2] == cluster:
            return arn
    return None


def _taken(what: str, theirs: Mapping[str, str], ours: Mapping[str, str], remedy: str) -> Problem:
    owner = "has no tags that name an owner"
    if any(_owner(theirs)):
        owner = f"belongs to project {theirs.get('Project')}, stack {theirs.get('Stack')}"
    return Problem(
        "stack",
        f"{ours['Stack']} of project {ours['Project']}; the {what} exists already and {owner}",
        "a stack name that no other project uses in this account and region; or, to take it over, "
        f"`{remedy}`",
    )


def _owner(tags: Mapping[str, str]) -> tuple[str | None, ...]:
    return tuple(tags.get(key) for key in _OWNER)
