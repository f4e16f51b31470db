"""Flow logs of a VPC."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws

from infra import log_group
from infra.aws import naming
from infra.aws import policies as iam

if TYPE_CHECKING:
    from infra.aws.environment import AwsEnvironment
    from infra.log_group import LogGroupArgs


@dataclass(kw_only=True)
class FlowLogsArgs:
    """Arguments of FlowLogs; what a stack configures has no defaults here."""

    aws_environment: AwsEnvironment
    """Account and region of the stack."""

    vpc_id: pulumi.Input[str]
    """VPC whose connections are recorded."""

    rejected_only: bool
    """Whether only refused connections are recorded."""

    log_group: LogGroupArgs
    """Log group of the records."""

    permissions_boundary_arn: str | None = None
    """Permissions boundary of the role."""

    tags: dict[str, str]
    """Tags of the flow log, its log group and its role."""


class FlowLogs(pulumi.ComponentResource):
    """A VPC's flow logs in a log group, and the role that writes there and nowhere else."""

    log_group: pulumi.Output[str]
    """Name of the log group."""

    def __init__(
        self, name: str, args: FlowLogsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("fargate-web:index:FlowLogs", name, None, opts)
        tags = naming.of_component(args.tags, name)
        logs = log_group.adopt_or_create(name, args.log_group, tags=tags, parent=self)
        role = aws.iam.Role(
            name,
            assume_role_policy=iam.trust_of_flow_logs(args.aws_environment),
            permissions_boundary=args.permissions_boundary_arn,
            tags=tags,
            opts=pulumi.ResourceOptions(parent=self),
        )
        policy = aws.iam.RolePolicy(
            name,
            role=role.name,
            policy=iam.flow_log_delivery(args.aws_environment, log_group=args.log_group.name),
            opts=pulumi.ResourceOptions(parent=self),
        )
        aws.ec2.FlowLog(
            name,
            vpc_id=args.vpc_id,
            traffic_type="REJECT" if args.rejected_only else "ALL",
            log_destination_type="cloud-watch-logs",
            log_destination=logs.arn,
            iam_role_arn=role.arn,
            tags=tags,
            # Without the permission to write, a new flow log reports an error and loses records
            # until it tries again.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy]),
        )
        self.log_group = logs.name
        self.register_outputs({"logGroup": self.log_group})
