"""An ECS service: the tasks that answer requests, and everything that only they need."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import pulumi
import pulumi_aws as aws

from infra import log_group
from infra.aws import naming, policies, rolling, secret_names
from infra.outputs import of_created
from infra.service import scaling, security_groups
from infra.service.rollout import Rollout
from infra.service.security_groups import TaskConnections

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from infra.aws.egress import Destination
    from infra.aws.environment import AwsEnvironment
    from infra.group_rules import VpcEndpoints
    from infra.service.capacity import Capacity
    from infra.service.container import Container, Volume
    from infra.service.deployment_alarms import DeploymentAlarms
    from infra.service.front_end import FrontEnd
    from infra.service.scaling import Scaling
    from infra.service.security_groups import Callee

_CALLS: Final = "fargate-web.calls"
"""Docker label with the names and ports that the tasks of a service call."""


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

    capacity: Capacity
    """Where they run."""

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

    namespace_arn: pulumi.Input[str] | None = None
    """Cloud Map namespace in which it calls others, or is called."""

    calls: Sequence[Callee] = ()
    """Services that its tasks call."""

    front_end: FrontEnd
    """Front end that sends requests to the tasks."""

    container: Container
    """The service's own container in a task."""

    sidecars: Sequence[Container] = ()
    """Containers beside it in each task."""

    ingress_container: Container
    """That one of them to whose port the front end sends requests."""

    connected_container: Container | None = None
    """That one of them whose port, by its name, other services call; None where none does."""

    volumes: Sequence[Volume] = ()
    """Volumes that containers mount."""

    repository_arns: Sequence[pulumi.Input[str]] = ()
    """ECR repositories of the images; none for images in other registries."""

    cpu_units: int
    """CPU of a task; 1024 units are one vCPU."""

    memory_mib: int
    """Memory of a task in MiB; on Fargate, one of the sizes that go with its CPU."""

    ephemeral_storage_gib: int | None = None
    """Storage of a task, 21 to 200 GiB; None for Fargate's own 20."""

    cpu_architecture: str
    """`X86_64` or `ARM64`."""

    secret_key_arns: Sequence[str]
    """Customer managed keys that encrypt secrets."""

    task_statements: Sequence[Mapping[str, Any]]
    """IAM permissions of the code in the container; see `infra.aws.statements`."""

    permissions_boundary_arn: str | None = None
    """Policy that bounds what the roles can be granted."""

    desired_count: int
    """Number of tasks; with `scaling`, the one that the service begins with."""

    scaling: Scaling | None = None
    """How the number of tasks changes; None for a fixed one."""

    alarms: DeploymentAlarms | None = None
    """Alarms on errors and latency; None for none."""

    minimum_healthy_percent: int
    """Share of the tasks that a deployment leaves running."""

    maximum_percent: int
    """Share of the tasks that may exist during a deployment."""

    health_check_grace_seconds: int
    """Time after a task's start during which its failed health checks don't count."""

    steady_state_timeout_minutes: int
    """Time after which the run stops waiting for a deployment."""

    log_group: str
    """Log group of the containers' output."""

    existing_log_groups: Collection[str]
    """Names of log groups that exist already; one of these is adopted."""

    log_retention_days: int
    """Days that the output is kept."""

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
    """An ECS service behind a front end, on Fargate or on instances."""

    service_name: pulumi.Output[str]
    """Name of the ECS service."""

    log_group: pulumi.Output[str]
    """Name of the log group of the containers' output."""

    task_definition_arn: pulumi.Output[str]
    """ARN of the requested revision of the task definition."""

    security_group_id: pulumi.Output[str] | None
    """Security group of the tasks; None on instances, whose group is that of all their tasks."""

    target_group_arn: pulumi.Output[str] | None
    """ARN of the target group that the tasks join; None where the front end has none."""

    ecs_service: pulumi.Resource
    """The ECS service, which others that call it wait for."""

    before_requests: pulumi.ResourceHookBinding
    """Hooks that fail while the service isn't ready for requests."""

    request_label: pulumi.Output[str] | None
    """Name by which requests to the tasks are counted; None where the front end has none."""

    alarms: Sequence[aws.cloudwatch.MetricAlarm]
    """The alarms that exist before the ECS service does."""

    serving: Sequence[pulumi.Resource]
    """The resources that let requests reach the service, such as listener rules. Whatever sends
    clients to the front end depends on them.
    """

    def __init__(
        self, name: str, args: WebServiceArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("fargate-web:index:WebService", name, None, opts)
        port = args.ingress_container.port
        assert port is not None, "requests come to a port"
        tags = naming.of_component(args.tags, name)
        logs = log_group.adopt_or_create(
            name,
            group=args.log_group,
            existing_groups=args.existing_log_groups,
            retention_days=args.log_retention_days,
            key_arn=args.log_key_arn,
            tags=tags,
            parent=self,
        )
        task_definition, role_policies = self._task_definition(name, args, logs.name, tags)
        rules: list[pulumi.Resource] = []
        network: aws.ecs.ServiceNetworkConfigurationArgsDict | None = None
        self.security_group_id = None
        if not args.capacity.on_instances:
            group, rules = self._security_group(name, args, port, tags)
            self.security_group_id = group.id
            network = {
                "assign_public_ip": args.public_addresses,
                "security_groups": [group.id],
                "subnets": args.subnet_ids,
            }
        connection = args.front_end.connect(self, target_type=args.capacity.target_type)
        load_balancers: list[aws.ecs.ServiceLoadBalancerArgsDict] | None = None
        grace_seconds: int | None = None
        # ECS refuses a grace period where nothing checks the tasks' health.
        if connection.target_group_arn:
            grace_seconds = args.health_check_grace_seconds
            load_balancers = [
                {
                    "target_group_arn": connection.target_group_arn,
                    "container_name": args.ingress_container.name,
                    "container_port": port,
                }
            ]
        self.alarms = []
        if args.alarms and connection.request_label is not None:
            self.alarms = args.alarms.register_before_service(self, connection.request_label)
        rollback = _rollback(args)
        minutes = args.steady_state_timeout_minutes + (rolling.BAKE_MINUTES if rollback else 0)
        deployment_limit = f"{minutes}m"
        # Containers that depend on each other stop one after the other.
        containers = 1 + len(args.sidecars)
        deletion_minutes = rolling.deletion_minutes(
            args.container.stop_timeout_seconds * containers
        )
        rollout = Rollout(name, parent=self, log_group=args.log_group)
        suffix = f"{args.front_end.service_suffix}{args.capacity.service_suffix}"
        strategy = args.capacity.strategy
        service = aws.ecs.Service(
            f"{name}{suffix}",
            name=f"{args.service_name}{suffix}",
            cluster=args.cluster_arn,
            task_definition=task_definition.arn,
            launch_type=None if strategy else "FARGATE",
            capacity_provider_strategies=strategy or None,
            force_new_deployment=args.capacity.force_new_deployment or None,
            desired_count=args.desired_count,
            deployment_minimum_healthy_percent=args.minimum_healthy_percent,
            deployment_maximum_percent=args.maximum_percent,
            deployment_circuit_breaker={"enable": True, "rollback": True},
            alarms=rollback,
            availability_zone_rebalancing="ENABLED",
            enable_execute_command=args.exec_log_group is not None,
            health_check_grace_period_seconds=grace_seconds,
            load_balancers=load_balancers,
            network_configuration=network,
            service_connect_configuration=_service_connect(args),
            enable_ecs_managed_tags=True,
            propagate_tags="SERVICE",
            wait_for_steady_state=True,
            tags=tags,
            opts=pulumi.ResourceOptions(
                parent=self,
                # Tasks can't start, be reached or be drained without these, so they are created
                # before the service and deleted after it.
                depends_on=[
                    *rules,
                    *role_policies,
                    *connection.prerequisites,
                    *args.capacity.prerequisites,
                    # ECS reads their states as soon as a deployment begins.
                    *(self.alarms if rollback else ()),
                    *(callee.service for callee in args.calls),
                ],
                custom_timeouts=pulumi.CustomTimeouts(
                    create=deployment_limit,
                    update=deployment_limit,
                    delete=f"{deletion_minutes}m",
                ),
                hooks=rollout.hooks,
                # A run would undo what the scaler has set.
                ignore_changes=["desiredCount"] if args.scaling else None,
            ),
        )
        if args.scaling:
            scaling.register(
                name,
                self,
                args.scaling,
                args.cluster_arn,
                service.name,
                connection.request_label,
                tags,
            )
        rollout.confirm(service)
        self.ecs_service = service
        self.service_name = service.name
        self.log_group = logs.name
        self.task_definition_arn = task_definition.arn
        self.target_group_arn = connection.target_group_arn
        self.request_label = connection.request_label
        self.before_requests = rollout.before_requests
        self.serving = connection.serve(after=[service], hooks=self.before_requests)
        self.register_outputs(
            {
                "serviceName": self.service_name,
                "logGroup": self.log_group,
                "taskDefinitionArn": self.task_definition_arn,
                "securityGroupId": self.security_group_id,
                "targetGroupArn": self.target_group_arn,
            }
        )

    def _security_group(
        self, name: str, args: WebServiceArgs, port: int, tags: dict[str, str]
    ) -> tuple[aws.ec2.SecurityGroup, list[pulumi.Resource]]:
        """Register the security group of tasks with addresses of their own, and its rules."""
        return security_groups.register(
            name,
            self,
            vpc_id=args.vpc_id,
            connections=TaskConnections(
                front_end_security_group_id=args.front_end.security_group_id,
                port=port,
                endpoints=args.endpoints,
                ipv6=args.ipv6,
                egress=args.egress,
                calls=args.calls,
            ),
            tags=tags,
        )

    def _task_definition(
        self, name: str, args: WebServiceArgs, logs_to: pulumi.Input[str], tags: dict[str, str]
    ) -> tuple[aws.ecs.TaskDefinition, list[aws.iam.RolePolicy]]:
        """Register the task definition, and the roles that only its tasks assume."""
        execution_role, execution_policy = self._execution_role(name, args, tags)
        task_role, task_policies = self._task_role(name, args, tags)
        role_policies = [execution_policy, *task_policies]
        ecs_exec = args.exec_log_group is not None
        containers = []
        scratch: list[aws.ecs.TaskDefinitionVolumeArgsDict] = []
        for each in (_with_calls(args), *args.sidecars):
            containers.append(
                each.definition(
                    args.aws_environment,
                    logs_to=logs_to,
                    ecs_exec=ecs_exec,
                    dynamic_host_port=args.capacity.on_instances,
                )
            )
            scratch += [{"name": volume} for volume in each.scratch(ecs_exec=ecs_exec)]
        storage: aws.ecs.TaskDefinitionEphemeralStorageArgsDict | None = None
        if args.ephemeral_storage_gib:
            storage = {"size_in_gib": args.ephemeral_storage_gib}
        task_definition = aws.ecs.TaskDefinition(
            name,
            family=args.service_name,
            requires_compatibilities=[args.capacity.compatibility],
            network_mode=args.capacity.network_mode,
            cpu=str(args.cpu_units),
            memory=str(args.memory_mib),
            runtime_platform={
                "operating_system_family": "LINUX",
                "cpu_architecture": args.cpu_architecture,
            },
            execution_role_arn=execution_role.arn,
            task_role_arn=task_role.arn if task_role else None,
            container_definitions=pulumi.Output.json_dumps(containers),
            volumes=[*scratch, *map(_volume, args.volumes)] or None,
            ephemeral_storage=storage,
            tags=tags,
            # A new role isn't known everywhere in AWS for some seconds, during which it can't be
            # passed to ECS. Its policies take some of that time: IAM itself knows it at once.
            opts=pulumi.ResourceOptions(parent=self, depends_on=role_policies),
        )
        return task_definition, role_policies

    def _execution_role(
        self, name: str, args: WebServiceArgs, tags: dict[str, str]
    ) -> tuple[aws.iam.Role, aws.iam.RolePolicy]:
        """Register the role with which ECS starts tasks."""
        names: list[str] = []
        for container in (args.container, *args.sidecars):
            names += container.all_secrets
        secrets = [secret_names.resolve(args.aws_environment, name) for name in names]
        policy = of_created(
            pulumi.Output.all(*args.repository_arns),
            lambda repository_arns: policies.task_start(
                args.aws_environment,
                repository_arns=repository_arns,
                log_group=args.log_group,
                secrets=secrets,
                key_arns=args.secret_key_arns,
            ),
        )
        role = self._role(f"{name}-execution", args, tags)
        return role, self._policy(f"{name}-execution", role, policy)

    def _task_role(
        self, name: str, args: WebServiceArgs, tags: dict[str, str]
    ) -> tuple[aws.iam.Role | None, list[aws.iam.RolePolicy]]:
        """Register the role of the code in the container; None if it needs no permission."""
        documents: dict[str, str] = {}
        if args.exec_log_group:
            documents[f"{name}-task"] = policies.exec_session(
                args.aws_environment, log_group=args.exec_log_group, key_arn=args.exec_key_arn
            )
        if args.task_statements:
            documents[f"{name}-task-own"] = policies.granted(args.task_statements)
        access_points = _access_points(args)
        if access_points:
            documents[f"{name}-task-efs"] = policies.efs_access(args.aws_environment, access_points)
        if not documents:
            return None, []
        role = self._role(f"{name}-task", args, tags)
        return role, [self._policy(key, role, document) for key, document in documents.items()]

    def _role(self, name: str, args: WebServiceArgs, tags: dict[str, str]) -> aws.iam.Role:
        return aws.iam.Role(
            name,
            assume_role_policy=policies.trust_of_tasks(args.aws_environment),
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


def _with_calls(args: WebServiceArgs) -> Container:
    """Return the service's container, which is another one when the service calls others.

    Tasks that run can't resolve a name that is added later, so another list of calls must be
    another deployment. Source: ECS, Service Connect components.
    """
    if not args.calls:
        return args.container
    names = sorted(f"{callee.name}:{callee.port}" for callee in args.calls)
    return replace(args.container, labels={**args.container.labels, _CALLS: " ".join(names)})


def _rollback(args: WebServiceArgs) -> aws.ecs.ServiceAlarmsArgsDict | None:
    """Return the alarms that roll a deployment back; None if none does."""
    names = args.alarms.names if args.alarms else []
    return {"alarm_names": names, "enable": True, "rollback": True} if names else None


def _service_connect(
    args: WebServiceArgs,
) -> aws.ecs.ServiceServiceConnectConfigurationArgsDict | None:
    """Return under which name other services call this one, and that it calls others.

    Without a protocol the proxy passes connections on as they are, for as long as they last.
    """
    called = args.connected_container
    if args.namespace_arn is None or not (called or args.calls):
        return None
    if called is None:
        return {"enabled": True, "namespace": args.namespace_arn}
    name, port = called.port_name, called.port
    assert name is not None
    assert port is not None, "other services call a port with a name"
    return {
        "enabled": True,
        "namespace": args.namespace_arn,
        "services": [
            {
                "port_name": name,
                "discovery_name": name,
                "client_alias": [{"dns_name": name, "port": port}],
            }
        ],
    }


def _volume(volume: Volume) -> aws.ecs.TaskDefinitionVolumeArgsDict:
    if volume.file_system_id is None:
        return {"name": volume.name}
    return {
        "name": volume.name,
        "efs_volume_configuration": {
            "file_system_id": volume.file_system_id,
            "transit_encryption": "ENABLED",
            "authorization_config": {"access_point_id": volume.access_point_id, "iam": "ENABLED"},
        },
    }


def _access_points(args: WebServiceArgs) -> dict[tuple[str, str], bool]:
    """Return whether EFS access points are written to, by the ids of file system and point."""
    writable: set[str] = set()
    for container in (args.container, *args.sidecars):
        writable.update(mount.volume for mount in container.mounts if not mount.read_only)
    found: dict[tuple[str, str], bool] = {}
    for volume in args.volumes:
        if volume.file_system_id and volume.access_point_id:
            key = (volume.file_system_id, volume.access_point_id)
            found[key] = found.get(key, False) or volume.name in writable
    return found
