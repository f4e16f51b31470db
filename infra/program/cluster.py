"""Deploy the ECS cluster of a stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.aws import naming
from infra.cluster.cluster import Cluster, ClusterArgs

if TYPE_CHECKING:
    from infra.program.log_groups import LogGroups
    from infra.settings import Settings


def deploy_cluster(settings: Settings, log_groups: LogGroups) -> Cluster:
    """Register the cluster, and the log groups that it writes to."""
    operation = settings.operation
    insights = exec_sessions = None
    if operation.container_insights != "disabled":
        insights = log_groups.args(
            naming.insights_log_group(settings.stack), retention_days=operation.log_retention_days
        )
    if settings.exec_log_group:
        exec_sessions = log_groups.args(
            settings.exec_log_group, retention_days=operation.exec_log_retention_days
        )
    return Cluster(
        "cluster",
        ClusterArgs(
            cluster_name=naming.cluster(settings.stack),
            container_insights=operation.container_insights,
            insights_log_group=insights,
            exec_log_group=exec_sessions,
            exec_key_arn=settings.keys.exec_key_arn,
            namespace=naming.namespace(settings.stack) if settings.connected else None,
            deletion_protection=operation.deletion_protection,
            tags=settings.tags,
        ),
    )
