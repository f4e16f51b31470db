"""The ECS cluster."""

from __future__ import annotations

from dataclasses import dataclass, field

import pulumi
import pulumi_aws as aws

from infra import log_group
from infra.aws import naming


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
    """Arguments of Cluster."""

    cluster_name: str
    """Name of the ECS cluster; changing it replaces the cluster."""

    container_insights: str = "disabled"
    """`disabled`, `enabled` or `enhanced`."""

    insights_log: Log | None = None
    """Log of Container Insights. Without one AWS creates it with the first metrics, and keeps it
    for ever.
    """

    exec_log: ExecLog | None = None
    """Log of ECS Exec sessions; without one the cluster records none."""

    deletion_protection: bool = False
    """Whether Pulumi refuses to delete the cluster."""

    tags: dict[str, str] = field(default_factory=dict)
    """Tags of everything in it."""


class Cluster(pulumi.ComponentResource):
    """An ECS cluster and the log of the ECS Exec sessions in its tasks."""

    arn: pulumi.Output[str]
    """ARN of the cluster."""

    cluster_name: pulumi.Output[str]
    """Name of the cluster."""

    exec_log_group: pulumi.Output[str] | None
    """Name of the log group of ECS Exec sessions; None where they aren't recorded."""

    def __init__(
        self, name: str, args: ClusterArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("fargate-web:index:Cluster", name, None, opts)
        tags = naming.of_component(args.tags, name)
        sessions = args.exec_log and self._log(f"{name}-exec", args.exec_log, tags)
        insights = args.insights_log and self._log(f"{name}-insights", args.insights_log, tags)
        cluster = aws.ecs.Cluster(
            name,
            name=args.cluster_name,
            settings=[{"name": "containerInsights", "value": args.container_insights}],
            configuration=_recorded(args.exec_log, sessions.name)
            if args.exec_log and sessions
            else None,
            tags=tags,
            # Protecting the component would protect the log group too, and then Exec couldn't be
            # turned off.
            opts=pulumi.ResourceOptions(
                parent=self,
                protect=args.deletion_protection or None,
                depends_on=[insights] if insights else None,
            ),
        )
        self.arn = cluster.arn
        self.cluster_name = cluster.name
        self.exec_log_group = sessions.name if sessions else None
        self.register_outputs(
            {"arn": self.arn, "clusterName": self.cluster_name, "execLogGroup": self.exec_log_group}
        )

    def _log(self, name: str, log: Log, tags: dict[str, str]) -> aws.cloudwatch.LogGroup:
        return log_group.adopt_or_create(
            name,
            group=log.group,
            retention_days=log.retention_days,
            key_arn=log.key_arn,
            tags=tags,
            parent=self,
        )


def _recorded(log: ExecLog, group: pulumi.Input[str]) -> aws.ecs.ClusterConfigurationArgsDict:
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
