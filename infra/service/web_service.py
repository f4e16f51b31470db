"""An ECS service: the tasks that answer requests, and everything that only they need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pulumi
import pulumi_aws as aws

from infra import log_group
from infra.aws import naming
from infra.aws import policies as iam
from infra.aws import rolling as deployment
from infra.aws import secret_names as secrets
from infra.service import security_groups
from infra.service.rollout import Rollout
from infra.service.security_groups import TaskConnections

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from infra.aws.egress import Destination
    from infra.aws.environment import AwsEnvironment
    from infra.service.container import Container
    from infra.service.front_end import FrontEnd
    from infra.service.security_groups import VpcEndpoints


@dataclass(frozen=True, kw_only=True)
class WebServiceArgs:
    """Arguments of a WebService; what a stack configures has no defaults here."""

    aws_environment: AwsEnvironment
    """Account and region of the stack."""

    service_name: str
    """Name of the ECS service and family of its task definitions; changing it replaces the service.
    """

    cluster_arn: pulumi.Input[str]
    """Cluster that runs the tasks."""

    vpc_id: pulumi.Input[str]
    """VPC of the tasks."""

    subnet_ids: pulumi.Input[Sequence[str]]
    """Subnets of the tasks: public ones with `public_addresses`, else private ones with a NAT
    gateway or endpoints.
    """

    public_addresses: bool
    """Whether tasks have public addresses, through which they pull image and secrets."""

    endpoints: VpcEndpoints | None = None
    """The VPC's endpoints, if tasks reach AWS through these only."""

    ipv6: bool
    """Whether tasks may connect to HTTPS over IPv6 as well."""

    egress: Sequence[Destination]
    """Destinations that tasks may connect to besides HTTPS to AWS."""

    front_end: FrontEnd
    """Front end that sends requests to the tasks."""

    container: Container
    """Container of a task."""

    repository_arn: pulumi.Input[str] | None = None
    """ECR repository of its image; None for an image in another registry."""

    cpu_units: int
    """CPU of a task; 1024 units are one vCPU."""

    memory_mib: int
    """Memory of a task in MiB, one of the sizes that go with its CPU."""

    cpu_architecture: str
    """`X86_64` or `ARM64`."""

    secret_key_arns: Sequence[str]
    """Customer managed keys that encrypt secrets."""

    task_statements: Sequence[Mapping[str, Any]]
    """IAM statements of what the code in the container may do; see `infra.aws.statements`."""

    permissions_boundary_arn: str | None = None
    """Policy that bounds what the roles can be granted."""

    desired_count: int
    """Number of tasks."""

    minimum_healthy_percent: int
    """Share of the tasks that a deployment leaves running."""

    maximum_percent: int
    """Share of the tasks that may exist during a deployment."""

    health_check_grace_seconds: int
    """How long failed health checks of a new task don't count."""

    steady_state_timeout_minutes: int
    """How long a deployment may take."""

    log_group: str
    """Log group of the containers' output."""

    log_retention_days: int
    """How long that output is kept."""

    log_key_arn: str | None = None
    """Customer managed key that encrypts the log; None for CloudWatch's own."""

    exec_log_group: str | None = None
    """Log group of ECS Exec sessions; without one, Exec is off and the tasks have none of its
    permissions.
    """

    exec_key_arn: str | None = None
    """Customer managed key that encrypts the sessions."""

    tags: dict[str, str]
    """Tags of every resource of the service, and of its tasks."""


class WebService(pulumi.ComponentResource):
    """An ECS service on Fargate behind a front end."""

    service_name: pulumi.Output[str]
    """Name of the ECS service."""

    log_group: pulumi.Output[str]
    """Name of the log group of the containers' output."""

    task_definition_arn: pulumi.Output[str]
    """ARN of the requested revision of the task definition."""

    security_group_id: pulumi.Output[str]
    """Security group of the tasks."""

    target_group_arn: pulumi.Output[str] | None
    """ARN of the target group that the tasks join; None where the front end has none."""

    serving: pulumi.Resource
    """With this, requests reach the service: what sends clients to the front end comes after it."""

    def __init__(
        self, name: str, args: WebServiceArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("fargate-web:index:WebService", name, None, opts)
        tags = naming.of_component(args.tags, name)
        logs = log_group.adopt_or_create(
            name,
            group=args.log_group,
            retention_days=args.log_retention_days,
            key_arn=args.log_key_arn,
            tags=tags,
            parent=self,
        )
        task_definition, policies = self._task_definition(name, args, logs.name, tags)
        group, rules = security_groups.register(
            name,
            self,
            vpc_id=args.vpc_id,
            connections=TaskConnections(
                front_end_security_group_id=args.front_end.security_group_id,
                port=args.container.port,
                endpoints=args.endpoints,
                ipv6=args.ipv6,
                egress=args.egress,
            ),
            tags=tags,
        )
        connection = args.front_end.connect(self)
        limit = f"{args.steady_state_timeout_minutes}m"
        rollout = Rollout(name, parent=self, log_group=args.log_group)
        service = aws.ecs.Service(
            f"{name}{args.front_end.service_suffix}",
            name=f"{args.service_name}{args.front_end.service_suffix}",
            cluster=args.cluster_arn,
            task_definition=task_definition.arn,
            launch_type="FARGATE",
            desired_count=args.desired_count,
            deployment_minimum_healthy_percent=args.minimum_healthy_percent,
            deployment_maximum_percent=args.maximum_percent,
            deployment_circuit_breaker={"enable": True, "rollback": True},
            availability_zone_rebalancing="ENABLED",
            enable_execute_command=args.exec_log_group is not None,
            # ECS refuses a grace period where nothing checks the tasks' health.
            health_check_grace_period_seconds=args.health_check_grace_seconds
            if connection.target_group_arn
            else None,
            load_balancers=[
                {
                    "target_group_arn": connection.target_group_arn,
                    "container_name": args.container.name,
                    "container_port": args.container.port,
                }
            ]
            if connection.target_group_arn
            else None,
            network_configuration={
                "assign_public_ip": args.public_addresses,
                "security_groups": [group.id],
                "subnets": args.subnet_ids,
            },
            enable_ecs_managed_tags=True,
            propagate_tags="SERVICE",
            wait_for_steady_state=True,
            tags=tags,
            opts=pulumi.ResourceOptions(
                parent=self,
                # Tasks can't start, be reached or be drained without these, so they come before and
                # go after.
                depends_on=[*rules, *policies, *connection.prerequisites],
                custom_timeouts=pulumi.CustomTimeouts(
                    create=limit,
                    update=limit,
                    delete=f"{deployment.deletion_minutes(args.container.stop_timeout_seconds)}m",
                ),
                hooks=rollout.hooks,
            ),
        )
        rollout.confirm(service)
        self.service_name = service.name
        self.log_group = logs.name
        self.task_definition_arn = task_definition.arn
        self.security_group_id = group.id
        self.target_group_arn = connection.target_group_arn
        self.serving = connection.serve(after=[service], hooks=rollout.before_requests)
        self.register_outputs(
            {
                "serviceName": self.service_name,
                "logGroup": self.log_group,
                "taskDefinitionArn": self.task_definition_arn,
                "securityGroupId": self.security_group_id,
                "targetGroupArn": self.target_group_arn,
            }
        )

    def _task_definition(
        self, name: str, args: WebServiceArgs, logs_to: pulumi.Input[str], tags: dict[str, str]
    ) -> tuple[aws.ecs.TaskDefinition, list[aws.iam.RolePolicy]]:
        """Register the task definition, and the roles that only its tasks assume."""
        start = pulumi.Output.from_input(args.repository_arn).apply(
            lambda repository_arn: iam.task_start(
                args.aws_environment,
                repository_arn=repository_arn,
                log_group=args.log_group,
                secrets=[
                    secrets.resolve(args.aws_environment, each)
                    for each in args.container.secrets.values()
                ],
                key_arns=args.secret_key_arns,
            )
        )
        execution = self._role(f"{name}-execution", args, tags)
        policies = [self._policy(f"{name}-execution", execution, start)]
        task = (
            self._role(f"{name}-task", args, tags)
            if args.exec_log_group or args.task_statements
            else None
        )
        if task and args.exec_log_group:
            session = iam.exec_session(
                args.aws_environment, log_group=args.exec_log_group, key_arn=args.exec_key_arn
            )
            policies.append(self._policy(f"{name}-task", task, session))
        if task and args.task_statements:
            policies.append(
                self._policy(f"{name}-task-own", task, iam.granted(args.task_statements))
            )
        ecs_exec = args.exec_log_group is not None
        container = args.container.definition(
            args.aws_environment, logs_to=logs_to, ecs_exec=ecs_exec
        )
        task_definition = aws.ecs.TaskDefinition(
            name,
            family=args.service_name,
            requires_compatibilities=["FARGATE"],
            network_mode="awsvpc",
            cpu=str(args.cpu_units),
            memory=str(args.memory_mib),
            runtime_platform={
                "operating_system_family": "LINUX",
                "cpu_architecture": args.cpu_architecture,
            },
            execution_role_arn=execution.arn,
            task_role_arn=task.arn if task else None,
            container_definitions=pulumi.Output.json_dumps([container]),
            volumes=[{"name": volume} for volume in args.container.scratch(ecs_exec=ecs_exec)]
            or None,
            tags=tags,
            # For some seconds AWS may not know a new role everywhere, and then refuses that it is
            # passed. So its policies, which ask IAM itself, come first.
            opts=pulumi.ResourceOptions(parent=self, depends_on=policies),
        )
        return task_definition, policies

    def _role(self, name: str, args: WebServiceArgs, tags: dict[str, str]) -> aws.iam.Role:
        return aws.iam.Role(
            name,
            assume_role_policy=iam.trust_of_tasks(args.aws_environment),
            permissions_boundary=args.permissions_boundary_arn,
            tags=tags,
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _policy(
        self, name: str, role: aws.iam.Role, policy: pulumi.Input[str]
    ) -> aws.iam.RolePolicy:
        return aws.iam.RolePolicy(
            name, role=role.name, policy=policy, opts=pulumi.ResourceOptions(parent=self)
        )
