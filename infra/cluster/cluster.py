"""The ECS cluster."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws

from infra import log_group
from infra.aws import naming

if TYPE_CHECKING:
    from collections.abc import Collection


@dataclass(frozen=True, kw_only=True)
class Log:
    """A log group that the cluster writes to."""

    group: str
    retention_days: int
    key_arn: str | None = None
    """Customer managed key that encrypts the log."""


@dataclass(frozen=True, kw_only=True)
class ExecLog(Log):
    """The log group of ECS Exec sessions."""

    session_key_arn: str | None = None
    """Customer managed key that encrypts the sessions in transit, beyond TLS."""


@dataclass(frozen=True, kw_only=True)
class ClusterArgs:
    """Arguments of a Cluster; what a stack configures has no defaults here."""

    cluster_name: str
    """Name of the ECS cluster; changing it replaces the cluster."""

    container_insights: str
    """`disabled`, `enabled` or `enhanced`."""

    insights_log: Log | None = None
    """Log of Container Insights. Without one, AWS creates it when it writes the first metrics, and
    keeps it for ever.
    """

    exec_log: ExecLog | None = None
    """Log of ECS Exec sessions; without one the cluster records none."""

    existing_log_groups: Collection[str]
    """Names of log groups that exist already; one of these is adopted."""

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
        if args.exec_log:
            exec_group = self._log(f"{name}-exec", args, args.exec_log, tags)
            configuration = _recording_sessions(args.exec_log, exec_group.name)
        if args.insights_log:
            insights_group = self._log(f"{name}-insights", args, args.insights_log, tags)
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

    def _log(
        self, name: str, args: ClusterArgs, log: Log, tags: dict[str, str]
    ) -> aws.cloudwatch.LogGroup:
        return log_group.adopt_or_create(
            name,
            group=log.group,
            existing_groups=args.existing_log_groups,
            retention_days=log.retention_days,
            key_arn=log.key_arn,
            tags=tags,
            parent=self,
        )


def _recording_sessions(
    log: ExecLog, group: pulumi.Input[str]
) -> aws.ecs.ClusterConfigurationArgsDict:
    """Return the configuration that records ECS Exec sessions in a log group."""
    key: aws.ecs.ClusterConfigurationExecuteCommandConfigurationArgsDict = (
        {"kms_key_id": log.session_key_arn} if log.session_key_arn else {}
    )
    return {
        "execute_command_configuration": {
            **key,
            "logging": "OVERRIDE",
            "log_configuration": {
                "cloud_watch_log_group_name": group,
                # With true, a session fails where the log group has no key.
                "cloud_watch_encryption_enabled": log.key_arn is not None,
            },
        }
    }
