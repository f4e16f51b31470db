"""Find out whether a stack can change the capacity of its services in one run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi_aws as aws

from infra.aws import naming
from infra.errors import Problem
from infra.program.lookups import ownership
from infra.settings.service.capacity import FARGATE, FARGATE_SPOT
from infra.settings.values import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.settings import Settings


def problems(settings: Settings) -> Iterator[Problem]:
    """Refuse to take the instances' capacity provider from a cluster whose services may use it.

    The cluster's association with providers is updated before the old services are deleted, and ECS
    refuses to remove one that a service uses.
    """
    cluster = naming.cluster(settings.stack)
    if ownership.arn_of(cluster) is None:
        return
    found = aws.ecs.get_cluster(cluster_name=cluster).registered_container_instances_count
    if found:
        yield Problem(
            "capacity",
            f"{FARGATE_SPOT}, where the cluster {cluster} has {counted(found, 'instance')}",
            f"{FARGATE} for every service first; then {FARGATE_SPOT}, in a second run",
        )
