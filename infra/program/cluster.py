"""Deploy the ECS cluster of a stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.aws import naming
from infra.cluster.cluster import Cluster, ClusterArgs, ExecLog, Log

if TYPE_CHECKING:
    from collections.abc import Collection

    from infra.settings import Settings


def deploy_cluster(settings: Settings, existing_log_groups: Collection[str]) -> Cluster:
    """Register the cluster, and the logs that it writes to."""
    operation, keys = settings.operation, settings.keys
    insights_log = None
    if operation.container_insights != "disabled":
        insights_log = Log(
            group=naming.insights_log_group(settings.stack),
            retention_days=operation.log_retention_days,
            key_arn=keys.log_key_arn,
        )
    exec_log = None
    if settings.exec_log_group:
        exec_log = ExecLog(
            group=settings.exec_log_group,
            retention_days=operation.exec_log_retention_days,
            key_arn=keys.log_key_arn,
            session_key_arn=keys.exec_key_arn,
        )
    return Cluster(
        "cluster",
        ClusterArgs(
            cluster_name=naming.cluster(settings.stack),
            container_insights=operation.container_insights,
            insights_log=insights_log,
            exec_log=exec_log,
            existing_log_groups=existing_log_groups,
            namespace=naming.namespace(settings.stack) if settings.connected else None,
            deletion_protection=operation.deletion_protection,
            tags=settings.tags,
        ),
    )
