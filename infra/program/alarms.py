"""Deploy the alarms of a stack's services, their recipients, and the dashboard."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws

from infra.alarms.dashboard import ServiceOnDashboard, body
from infra.alarms.metrics import Targets
from infra.alarms.notifications import Notifications, NotificationsArgs, SlackChannel
from infra.alarms.service_alarms import ServiceAlarms, balancer_errors
from infra.aws import naming
from infra.outputs import of_created

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from infra.aws.environment import AwsEnvironment
    from infra.cluster.cluster import Cluster
    from infra.edge.ingress import LoadBalancedIngress
    from infra.service.web_service import WebService
    from infra.settings import Settings
    from infra.settings.service import ServiceSettings


@dataclass(kw_only=True)
class StackAlarms:
    """The alarms of a stack's services."""

    settings: Settings
    notifications: Notifications
    on_load_balancer: aws.cloudwatch.MetricAlarm | None
    """The alarm on the load balancer; None where it serves one service, whose alarm counts its
    errors.
    """

    def of(self, service: ServiceSettings) -> ServiceAlarms | None:
        """Return the alarms of one service; None if it has none."""
        if not service.alarms.alarms:
            return None
        settings = self.settings
        return ServiceAlarms(
            stack=settings.stack,
            service=service.name,
            max_error_percent=service.alarms.max_error_percent,
            max_latency_seconds=service.alarms.latency_limit,
            min_tasks=service.min_tasks,
            rollback=service.alarms.rollback_on_alarms,
            sole_service=not settings.service_map.services,
            topic_arn=self.notifications.topic_arn,
            tags=naming.of_component(settings.tags, service.name),
        )


def deploy_notifications(
    settings: Settings, environment: AwsEnvironment, ingress: LoadBalancedIngress
) -> StackAlarms | None:
    """Register the recipients of alarms, and the alarm of a shared load balancer.

    Returns None where no service has alarms.
    """
    if not settings.services_with_alarms:
        return None
    chosen = settings.notifications
    slack = None
    if chosen.slack_ids:
        team, channel = chosen.slack_ids
        slack = SlackChannel(
            configuration_name=naming.cluster(settings.stack), team_id=team, channel_id=channel
        )
    notifications = Notifications(
        "alarms",
        NotificationsArgs(
            aws_environment=environment,
            stack=settings.stack,
            cluster_name=naming.cluster(settings.stack),
            topic_arn=chosen.alarm_topic_arn,
            emails=chosen.alarm_emails,
            slack=slack,
            permissions_boundary_arn=settings.keys.permissions_boundary_arn,
            tags=settings.tags,
        ),
    )
    on_load_balancer = None
    if settings.service_map.services:
        limits = [each.alarms.max_error_percent for each in settings.services_with_alarms]
        on_load_balancer = balancer_errors(
            "alarms-load-balancer",
            notifications,
            alarm_name=naming.balancer_alarm(settings.stack),
            load_balancer_arn=ingress.arn,
            max_error_percent=min(limits),
            topic_arn=notifications.topic_arn,
            tags=naming.of_component(settings.tags, "alarms"),
        )
    return StackAlarms(
        settings=settings, notifications=notifications, on_load_balancer=on_load_balancer
    )


def deploy_alarms_of_tasks(
    alarms: StackAlarms | None, service: ServiceSettings, deployed: WebService, cluster: Cluster
) -> Sequence[aws.cloudwatch.MetricAlarm]:
    """Register the alarms on the tasks of a service, and return all of its alarms."""
    own = alarms.of(service) if alarms else None
    if own is None or deployed.request_label is None:
        return []
    on_tasks = own.register_after_service(
        deployed,
        deployed.request_label,
        cluster.cluster_name,
        deployed.service_name,
        after=deployed.serving,
    )
    return [*deployed.alarms, *on_tasks]


def deploy_dashboard(
    settings: Settings,
    environment: AwsEnvironment,
    cluster: Cluster,
    services: Mapping[str, WebService],
    alarms: Sequence[aws.cloudwatch.MetricAlarm],
) -> None:
    """Register the stack's dashboard, if it has one."""
    if not settings.notifications.dashboard:
        return
    shown: list[pulumi.Output[ServiceOnDashboard]] = []
    for service in settings.services:
        deployed = services[service.name]
        if deployed.request_label is not None:
            shown.append(
                of_created(
                    pulumi.Output.all(
                        deployed.request_label, cluster.cluster_name, deployed.service_name
                    ),
                    partial(_on_dashboard, settings, service),
                )
            )
    title = f"{settings.project}, stack {settings.stack}"
    charts = of_created(
        pulumi.Output.all(*shown, *(alarm.arn for alarm in alarms)),
        lambda found: json.dumps(
            body(title, environment.region, found[: len(shown)], found[len(shown) :])
        ),
    )
    aws.cloudwatch.Dashboard(
        "dashboard",
        dashboard_name=naming.dashboard(settings.stack, environment.region),
        dashboard_body=charts,
    )


def _on_dashboard(
    settings: Settings, service: ServiceSettings, names: Sequence[str]
) -> ServiceOnDashboard:
    label, cluster_name, ecs_service = names
    return ServiceOnDashboard(
        name=service.name,
        targets=Targets.of(label),
        cluster_name=cluster_name,
        ecs_service=ecs_service,
        min_tasks=service.min_tasks,
        max_latency_seconds=service.alarms.latency_limit,
        tasks_in_insights=settings.operation.container_insights != "disabled",
    )
