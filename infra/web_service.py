"""One service: the tasks that answer requests, and everything that only they need."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pulumi
import pulumi_aws as aws

from infra import iam, log_group, naming

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, kw_only=True)
class WebServiceArgs:
    """What a WebService is made from."""

    place: iam.Place
    """Where the stack lives."""

    service_name: str
    """Name of the ECS service and family of its task definitions; changing it replaces the service."""

    cluster_arn: pulumi.Input[str]
    """Cluster that runs the tasks."""

    vpc_id: pulumi.Input[str]
    """VPC of the tasks."""

    subnet_ids: pulumi.Input[Sequence[str]]
    """Public subnets of the tasks; they pull image and secrets through addresses of their own."""

    ingress_security_group_id: pulumi.Input[str]
    """Security group of the load balancer, the only one that reaches the tasks."""

    target_group_arn: pulumi.Input[str]
    """Target group that the tasks join; a listener must lead to it already."""

    container_name: str
    """Name of the container, and prefix of its log streams."""

    image: str
    """Image of the container."""

    command: Sequence[str] = ()
    """Command of the container; none for the image's own."""

    container_port: int = 80
    """TCP port that the container listens on."""

    cpu_units: int = 256
    """CPU of a task; 1024 units are one vCPU."""

    memory_mib: int = 512
    """Memory of a task in MiB, one of the sizes that go with its CPU."""

    cpu_architecture: str = "X86_64"
    """`X86_64` or `ARM64`."""

    environment: Mapping[str, str] = field(default_factory=dict)
    """Plain environment variables."""

    secrets: Mapping[str, str] = field(default_factory=dict)
    """Environment variables whose values are SSM parameters of these names, read by ECS at a task's start."""

    desired_count: int = 2
    """Number of tasks."""

    minimum_healthy_percent: int = 50
    """Share of the tasks that a deployment leaves running."""

    maximum_percent: int = 200
    """Share of the tasks that may exist during a deployment."""

    health_check_grace_seconds: int = 60
    """How long failed health checks of a new task don't count."""

    drain_seconds: int = 30
    """How long a task may take to end after its stop signal, 2 to 120 s."""

    steady_state_timeout_minutes: int = 10
    """How long a deployment, or a deletion, may take."""

    log_group: str
    """Log group of the containers' output."""

    log_retention_days: int = 14
    """How long that output is kept."""

    exec_log_group: str | None = None
    """Log group of ECS Exec sessions; without one, Exec is off and the tasks have no role."""

    tags: dict[str, str] = field(default_factory=dict)
    """Tags of everything in it, and of the tasks."""


class WebService(pulumi.ComponentResource):
    """An ECS service on Fargate behind a load balancer."""

    service_name: pulumi.Output[str]
    """Name of the ECS service."""

    log_group: pulumi.Output[str]
    """Name of the log group of the containers' output."""

    task_definition_arn: pulumi.Output[str]
    """ARN of the task definition's revision that the service was told to run."""

    security_group_id: pulumi.Output[str]
    """Security group of the tasks."""

    def __init__(self, name: str, args: WebServiceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fargate-web:index:WebService", name, None, opts)
        tags = naming.of_component(args.tags, name)
        logs = log_group.adopt_or_create(
            name, group=args.log_group, retention_days=args.log_retention_days, tags=tags, parent=self
        )
        task_definition, policies = self._task_definition(name, args, logs.name, tags)
        group, rules = self._security_group(name, args, tags)
        limit = f"{args.steady_state_timeout_minutes}m"
        service = aws.ecs.Service(
            name,
            name=args.service_name,
            cluster=args.cluster_arn,
            task_definition=task_definition.arn,
            launch_type="FARGATE",
            desired_count=args.desired_count,
            deployment_minimum_healthy_percent=args.minimum_healthy_percent,
            deployment_maximum_percent=args.maximum_percent,
            deployment_circuit_breaker={"enable": True, "rollback": True},
            availability_zone_rebalancing="ENABLED",
            enable_execute_command=args.exec_log_group is not None,
            health_check_grace_period_seconds=args.health_check_grace_seconds,
            load_balancers=[
                {
                    "target_group_arn": args.target_group_arn,
                    "container_name": args.container_name,
                    "container_port": args.container_port,
                }
            ],
            network_configuration={
                "assign_public_ip": True,
                "security_groups": [group.id],
                "subnets": args.subnet_ids,
            },
            enable_ecs_managed_tags=True,
            propagate_tags="SERVICE",
            wait_for_steady_state=True,
            tags=tags,
            opts=pulumi.ResourceOptions(
                parent=self,
                # Tasks can't start, be reached or be drained without these, so they come before and go after.
                depends_on=[*rules, *policies],
                custom_timeouts=pulumi.CustomTimeouts(create=limit, update=limit, delete=limit),
            ),
        )
        self.service_name = service.name
        self.log_group = logs.name
        self.task_definition_arn = task_definition.arn
        self.security_group_id = group.id
        self.register_outputs(
            {
                "serviceName": self.service_name,
                "logGroup": self.log_group,
                "taskDefinitionArn": self.task_definition_arn,
                "securityGroupId": self.security_group_id,
            }
        )

    def _task_definition(
        self, name: str, args: WebServiceArgs, logs_to: pulumi.Input[str], tags: dict[str, str]
    ) -> tuple[aws.ecs.TaskDefinition, list[aws.iam.RolePolicy]]:
        """What a task is, with the roles that only it takes."""
        start = iam.task_start(args.place, image=args.image, log_group=args.log_group, parameters=args.secrets.values())
        execution, *policies = self._role(f"{name}-execution", args.place, start, tags)
        task = None
        if args.exec_log_group is not None:
            session = iam.exec_session(args.place, log_group=args.exec_log_group)
            task, session_policy = self._role(f"{name}-task", args.place, session, tags)
            policies.append(session_policy)
        task_definition = aws.ecs.TaskDefinition(
            name,
            family=args.service_name,
            requires_compatibilities=["FARGATE"],
            network_mode="awsvpc",
            cpu=str(args.cpu_units),
            memory=str(args.memory_mib),
            runtime_platform={"operating_system_family": "LINUX", "cpu_architecture": args.cpu_architecture},
            execution_role_arn=execution.arn,
            task_role_arn=task.arn if task else None,
            container_definitions=pulumi.Output.json_dumps([_container(args, logs_to)]),
            tags=tags,
            opts=pulumi.ResourceOptions(parent=self),
        )
        return task_definition, policies

    def _role(
        self, name: str, place: iam.Place, policy: str, tags: dict[str, str]
    ) -> tuple[aws.iam.Role, aws.iam.RolePolicy]:
        child = pulumi.ResourceOptions(parent=self)
        role = aws.iam.Role(name, assume_role_policy=iam.trust_of_tasks(place), tags=tags, opts=child)
        return role, aws.iam.RolePolicy(name, role=role.name, policy=policy, opts=child)

    def _security_group(
        self, name: str, args: WebServiceArgs, tags: dict[str, str]
    ) -> tuple[aws.ec2.SecurityGroup, list[pulumi.Resource]]:
        """The tasks' security group, and the rules at both ends of the way from the load balancer to them."""
        child = pulumi.ResourceOptions(parent=self)
        group = aws.ec2.SecurityGroup(
            name,
            description="Tasks: their port from the load balancer, HTTPS out",
            vpc_id=args.vpc_id,
            tags=tags,
            opts=child,
        )
        return group, [
            aws.vpc.SecurityGroupIngressRule(
                f"{name}-from-ingress",
                security_group_id=group.id,
                referenced_security_group_id=args.ingress_security_group_id,
                description=f"{name} from the load balancer",
                ip_protocol="tcp",
                from_port=args.container_port,
                to_port=args.container_port,
                tags=tags,
                opts=child,
            ),
            aws.vpc.SecurityGroupEgressRule(
                f"{name}-from-ingress",
                security_group_id=args.ingress_security_group_id,
                referenced_security_group_id=group.id,
                description=f"To the tasks of {name}",
                ip_protocol="tcp",
                from_port=args.container_port,
                to_port=args.container_port,
                tags=tags,
                opts=child,
            ),
            # Image, secrets, logs and Exec are all behind AWS's HTTPS endpoints, whose addresses change.
            aws.vpc.SecurityGroupEgressRule(
                f"{name}-https",
                security_group_id=group.id,
                cidr_ipv4="0.0.0.0/0",
                ip_protocol="tcp",
                from_port=443,
                to_port=443,
                description="HTTPS to AWS and registries",
                tags=tags,
                opts=child,
            ),
        ]


def _container(args: WebServiceArgs, logs_to: pulumi.Input[str]) -> dict[str, Any]:
    """The container as ECS's API spells it; what is empty is left out."""
    container = {
        "name": args.container_name,
        "image": args.image,
        "essential": True,
        "command": list(args.command),
        "portMappings": [{"containerPort": args.container_port, "hostPort": args.container_port, "protocol": "tcp"}],
        "environment": [{"name": name, "value": value} for name, value in sorted(args.environment.items())],
        "secrets": [
            {"name": name, "valueFrom": args.place.parameter(parameter)}
            for name, parameter in sorted(args.secrets.items())
        ],
        "stopTimeout": args.drain_seconds,
        "logConfiguration": {
            "logDriver": "awslogs",
            "options": {
                "awslogs-group": logs_to,
                "awslogs-region": args.place.region,
                "awslogs-stream-prefix": args.container_name,
            },
        },
    }
    return {key: value for key, value in container.items() if value != []}
