"""An ECS service: the tasks that answer requests, and everything that only they need."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws

from infra import log_group
from infra.aws import naming, rolling
from infra.service import scaling, security_groups, service_connect, task_definition
from infra.service.rollout import Rollout

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infra.service.args import WebServiceArgs
    from infra.service.front_end import Connection


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

    serving: Sequence[pulumi.Resource]
    """The resources that let requests reach the service, such as listener rules. Whatever sends
    clients to the front end depends on them.
    """

    def __init__(
        self, name: str, args: WebServiceArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("fargate-web:index:WebService", name, None, opts)
        tags = naming.of_component(args.tags, name)
        logs = log_group.adopt_or_create(name, args.log_group, tags=tags, parent=self)
        definition, role_policies = task_definition.register(
            name, args, logs_to=logs.name, tags=tags, parent=self
        )
        self.security_group_id = None
        group_rules: list[pulumi.Resource] = []
        if not args.capacity.on_instances:
            group, group_rules = security_groups.register(
                name, args, port=_port(args), tags=tags, parent=self
            )
            self.security_group_id = group.id
        connection = args.front_end.connect(self, target_type=args.capacity.target_type)
        self._alarms: Sequence[aws.cloudwatch.MetricAlarm] = []
        if args.alarms and connection.request_label is not None:
            self._alarms = args.alarms.register_before_service(self, connection.request_label)
        rollout = Rollout(name, parent=self, log_group=args.log_group.name)
        service = self._register_service(
            name,
            args,
            connection,
            task_definition_arn=definition.arn,
            prerequisites=[*group_rules, *role_policies],
            hooks=rollout.hooks,
            tags=tags,
        )
        if args.scaling:
            scaling.register(
                name,
                args.scaling,
                cluster_arn=args.cluster_arn,
                service_name=service.name,
                request_label=connection.request_label,
                tags=tags,
                parent=self,
            )
        rollout.confirm(service)
        self.ecs_service = service
        self.service_name = service.name
        self.log_group = logs.name
        self.task_definition_arn = definition.arn
        self.target_group_arn = connection.target_group_arn
        self.request_label = connection.request_label
        self.before_requests = rollout.before_requests
        self.serving = connection.route_requests(after=[service], hooks=self.before_requests)
        self.register_outputs(
            {
                "serviceName": self.service_name,
                "logGroup": self.log_group,
                "taskDefinitionArn": self.task_definition_arn,
                "securityGroupId": self.security_group_id,
                "targetGroupArn": self.target_group_arn,
            }
        )

    @property
    def alarms(self) -> Sequence[aws.cloudwatch.MetricAlarm]:
        """The alarms that exist before the ECS service does."""
        # No annotation of the class, as Pulumi evaluates those in each run: it would import the
        # class of alarms, a fiftieth of an `up` without changes, also where there are none.
        return self._alarms

    def _register_service(
        self,
        name: str,
        args: WebServiceArgs,
        connection: Connection,
        *,
        task_definition_arn: pulumi.Input[str],
        prerequisites: Sequence[pulumi.Resource],
        hooks: pulumi.ResourceHookBinding,
        tags: dict[str, str],
    ) -> aws.ecs.Service:
        """Register the ECS service.

        Args:
            name: The service.
            args: Arguments of the service.
            connection: The service's membership in the front end.
            task_definition_arn: What its tasks run.
            prerequisites: Rules and policies, without which tasks can't start.
            hooks: Hooks that watch its deployments.
            tags: Tags of the ECS service.
        """
        suffix = f"{args.front_end.service_suffix}{args.capacity.service_suffix}"
        rollback = _rollback(args)
        # Tasks can't start, be reached or be drained without these, so they are created before the
        # service and deleted after it.
        depends_on = [*prerequisites, *connection.prerequisites, *args.capacity.prerequisites]
        if rollback:
            # ECS reads their states as soon as a deployment begins.
            depends_on += self._alarms
        for callee in args.calls:
            depends_on.append(callee.service)
        return aws.ecs.Service(
            f"{name}{suffix}",
            name=f"{args.service_name}{suffix}",
            cluster=args.cluster_arn,
            task_definition=task_definition_arn,
            launch_type=None if args.capacity.strategy else "FARGATE",
            capacity_provider_strategies=args.capacity.strategy or None,
            force_new_deployment=args.capacity.force_new_deployment or None,
            desired_count=args.deployment.desired_count,
            deployment_minimum_healthy_percent=args.deployment.minimum_healthy_percent,
            deployment_maximum_percent=args.deployment.maximum_percent,
            deployment_circuit_breaker={"enable": True, "rollback": True},
            alarms=rollback,
            availability_zone_rebalancing="ENABLED",
            enable_execute_command=args.exec_log_group is not None,
            # ECS applies it to the health checks of a load balancer and of containers alike.
            health_check_grace_period_seconds=args.deployment.health_check_grace_seconds,
            load_balancers=_load_balancers(args, connection),
            network_configuration=self._network_configuration(args),
            service_connect_configuration=(
                service_connect.configuration(args.service_connect)
                if args.service_connect
                else None
            ),
            enable_ecs_managed_tags=True,
            propagate_tags="SERVICE",
            wait_for_steady_state=True,
            tags=tags,
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=depends_on,
                custom_timeouts=_timeouts(args),
                hooks=hooks,
                # A run would undo what the scaler has set.
                ignore_changes=["desiredCount"] if args.scaling else None,
            ),
        )

    def _network_configuration(
        self, args: WebServiceArgs
    ) -> aws.ecs.ServiceNetworkConfigurationArgsDict | None:
        """Return where the tasks are; None on instances, whose network they share."""
        if self.security_group_id is None:
            return None
        return {
            "assign_public_ip": args.network.public_addresses,
            "security_groups": [self.security_group_id],
            "subnets": args.network.subnet_ids,
        }


def _port(args: WebServiceArgs) -> int:
    """Return the port of the container that requests come to."""
    port = args.task.ingress_container.port
    assert port is not None, "requests come to a port"
    return port


def _load_balancers(
    args: WebServiceArgs, connection: Connection
) -> list[aws.ecs.ServiceLoadBalancerArgsDict] | None:
    """Return the target group that the tasks join; None where the front end has none."""
    if connection.target_group_arn is None:
        return None
    return [
        {
            "target_group_arn": connection.target_group_arn,
            "container_name": args.task.ingress_container.name,
            "container_port": _port(args),
        }
    ]


def _rollback(args: WebServiceArgs) -> aws.ecs.ServiceAlarmsArgsDict | None:
    """Return the alarms that roll a deployment back; None if none does."""
    names = args.alarms.names if args.alarms else []
    return {"alarm_names": names, "enable": True, "rollback": True} if names else None


def _timeouts(args: WebServiceArgs) -> pulumi.CustomTimeouts:
    """Return how long a run waits for the ECS service to be deployed, or to be deleted."""
    minutes = args.deployment.steady_state_timeout_minutes
    if _rollback(args):
        minutes += rolling.BAKE_MINUTES
    # Containers that depend on each other stop one after the other.
    stop_seconds = args.task.container.stop_timeout_seconds * len(args.task.containers)
    return pulumi.CustomTimeouts(
        create=f"{minutes}m",
        update=f"{minutes}m",
        delete=f"{rolling.deletion_minutes(stop_seconds)}m",
    )
