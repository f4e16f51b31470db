"""The ECS cluster."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws

from infra import log_group
from infra.aws import naming

if TYPE_CHECKING:
    from infra.log_group import LogGroupArgs


@dataclass(kw_only=True)
class ClusterArgs:
    """Arguments of a Cluster; what a stack configures has no defaults here."""

    cluster_name: str
    """Name of the ECS cluster; changing it replaces the cluster."""

    container_insights: str
    """`disabled`, `enabled` or `enhanced`."""

    insights_log_group: LogGroupArgs | None = None
    """Log group of Container Insights. Without one, AWS creates it when it writes the first
    metrics, and keeps its lines for ever.
    """

    exec_log_group: LogGroupArgs | None = None
    """Log group of ECS Exec sessions; without one the cluster records none."""

    exec_key_arn: str | None = None
    """Customer managed key that encrypts the sessions in transit, beyond TLS."""

    namespace: str | None = None
    """Name of the Cloud Map namespace in which services find each other; None if none does."""

    deletion_protection: bool
    """Whether Pulumi refuses to delete the cluster."""

    tags: dict[str, str]
    """Tags of the cluster and of its logs."""


class Cluster(pulumi.ComponentResource):
    """An ECS cluster, with the logs of its ECS Exec sessions and of Container Insights."""

    arn: pulumi.Output[str]
    """ARN of the cluster."""

    cluster_name: pulumi.Output[str]
    """Name of the cluster."""

    exec_log_group: pulumi.Output[str] | None
    """Name of the log group of ECS Exec sessions; None where they aren't recorded."""

    namespace_arn: pulumi.Output[str] | None
    """ARN of the Cloud Map namespace in which services find each other; None if none does."""

    def __init__(
        self, name: str, args: ClusterArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("fargate-web:index:Cluster", name, None, opts)
        tags = naming.of_component(args.tags, name)
        exec_group = insights_group = configuration = None
        if args.exec_log_group:
            exec_group = log_group.adopt_or_create(
                f"{name}-exec", args.exec_log_group, tags=tags, parent=self
            )
            configuration = _recording_sessions(
                exec_group.name,
                encrypted=args.exec_log_group.key_arn is not None,
                session_key_arn=args.exec_key_arn,
            )
        if args.insights_log_group:
            insights_group = log_group.adopt_or_create(
                f"{name}-insights", args.insights_log_group, tags=tags, parent=self
            )
        cluster = aws.ecs.Cluster(
            name,
            name=args.cluster_name,
            settings=[{"name": "containerInsights", "value": args.container_insights}],
            configuration=configuration,
            tags=tags,
            # Protecting the component would protect the log group too, and then Exec couldn't be
            # turned off.
            opts=pulumi.ResourceOptions(
                parent=self,
                protect=args.deletion_protection or None,
                # Otherwise AWS may create the log group first, without an end to its retention.
                depends_on=[insights_group] if insights_group else None,
            ),
        )
        self.namespace_arn = None
        if args.namespace:
            namespace = aws.servicediscovery.HttpNamespace(
                name,
                name=args.namespace,
                description="Service Connect",
                tags=tags,
                opts=pulumi.ResourceOptions(parent=self),
            )
            self.namespace_arn = namespace.arn
        self.arn = cluster.arn
        self.cluster_name = cluster.name
        self.exec_log_group = exec_group.name if exec_group else None
        self.register_outputs(
            {"arn": self.arn, "clusterName": self.cluster_name, "execLogGroup": self.exec_log_group}
        )


def _recording_sessions(
    group: pulumi.Input[str], *, encrypted: bool, session_key_arn: str | None
) -> aws.ecs.ClusterConfigurationArgsDict:
    """Return the configuration that records ECS Exec sessions in a log group.

    Args:
        group: The log group.
        encrypted: Whether it has a customer managed key. A session fails if the configuration
            requires a key that the group doesn't have.
        session_key_arn: Customer managed key that encrypts the sessions in transit.
    """
    sessions: aws.ecs.ClusterConfigurationExecuteCommandConfigurationArgsDict = {
        "logging": "OVERRIDE",
        "log_configuration": {
            "cloud_watch_log_group_name": group,
            "cloud_watch_encryption_enabled": encrypted,
        },
    }
    if session_key_arn:
        sessions["kms_key_id"] = session_key_arn
    return {"execute_command_configuration": sessions}
