"""The composition root: deploy a stack, area by area."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws

from infra.aws.environment import AwsEnvironment
from infra.costs.estimate import estimate
from infra.costs.prices import of_region, regions
from infra.program import preflight
from infra.program.alarms import (
    deploy_alarms_of_tasks,
    deploy_dashboard,
    deploy_notifications,
)
from infra.program.areas import Areas
from infra.program.capacity import deploy_capacity
from infra.program.cluster import deploy_cluster
from infra.program.edge import deploy_aliases, deploy_ingress, find_zone
from infra.program.log_groups import find_log_groups
from infra.program.network import deploy_endpoints, deploy_network
from infra.program.routing import routes
from infra.program.service import deploy_service

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from infra.service.routing import Route
    from infra.service.web_service import WebService
    from infra.settings import Settings


def deploy(settings: Settings) -> dict[str, object]:
    """Register every resource of the stack, and return its outputs by name.

    Raises:
        SettingsError: Something that exists already (a VPC, a zone, a cluster) can't be used;
            nothing was registered.
    """
    environment = _aws_environment()
    preflight.check(settings, environment)
    log_groups = find_log_groups(settings)
    zone = find_zone(settings)
    network = deploy_network(settings, environment, log_groups)
    cluster = deploy_cluster(settings, log_groups)
    ingress = deploy_ingress(settings, environment, network, zone, log_groups)
    endpoints = deploy_endpoints(settings, environment, network)
    areas = Areas(
        settings=settings,
        environment=environment,
        log_groups=log_groups,
        network=network,
        endpoints=endpoints,
        cluster=cluster,
        ingress=ingress,
    )
    stack_alarms = deploy_notifications(settings, environment, ingress)
    capacity = deploy_capacity(areas)
    route_of = routes(settings)
    services: dict[str, WebService] = {}
    serving: list[pulumi.Resource] = []
    alarms: list[aws.cloudwatch.MetricAlarm] = []
    if stack_alarms and stack_alarms.on_load_balancer:
        alarms.append(stack_alarms.on_load_balancer)
    for service in settings.dependencies_first:
        deployed = deploy_service(
            service,
            areas,
            capacity=capacity,
            deployed=services,
            route=route_of[service.name],
            alarms=stack_alarms,
        )
        services[service.name] = deployed
        serving += deployed.serving
        alarms += deploy_alarms_of_tasks(stack_alarms, service, deployed, cluster)
    deploy_dashboard(settings, environment, cluster, services, alarms)
    deploy_aliases(settings, zone, ingress, after=serving)
    # The outputs of a single service are by themselves, those of several in a map.
    only = next(iter(services.values())) if len(services) == 1 else None
    outputs = {
        "albDns": ingress.alb_dns,
        "serviceUrl": ingress.url,
        "clusterName": cluster.cluster_name,
        "serviceName": only.service_name if only else None,
        "targetGroupArn": only.target_group_arn if only else None,
        "webLogGroup": only.log_group if only else None,
        "services": None if only else _outputs_of_each(services, route_of),
        "execLogGroup": cluster.exec_log_group,
        "monthlyCostUsd": _monthly_cost(settings, environment),
    }
    return {name: value for name, value in outputs.items() if value is not None}


def _aws_environment() -> AwsEnvironment:
    """Look up the account and region that the provider deploys to."""
    partition = aws.get_partition()
    return AwsEnvironment(
        partition=partition.partition,
        dns_suffix=partition.dns_suffix,
        region=aws.get_region().region,
        account=aws.get_caller_identity().account_id,
    )


def _outputs_of_each(
    services: Mapping[str, WebService], route_of: Mapping[str, Route]
) -> dict[str, dict[str, object]]:
    """Return the outputs of several services, by the services' names."""
    outputs: dict[str, dict[str, object]] = {}
    for name, service in sorted(services.items()):
        outputs[name] = {
            "serviceName": service.service_name,
            "targetGroupArn": service.target_group_arn,
            "logGroup": service.log_group,
            "routes": list(_requests_of(name, route_of)),
        }
    return outputs


def _requests_of(name: str, route_of: Mapping[str, Route]) -> Iterator[str]:
    """Yield the conditions of the requests that a service gets all of, or a share by weight.

    Other services' routes may give it a share, too.
    """
    for owner, route in route_of.items():
        for rule in route.rules:
            weights = rule.split.weights if rule.split else {owner: 1}
            weight = weights.get(name, 0)
            total = sum(weights.values())
            if weight == total:
                yield rule.conditions.text
            elif weight:
                yield f"{rule.conditions.text} ({weight} of {total})"


def _monthly_cost(settings: Settings, environment: AwsEnvironment) -> dict[str, float] | None:
    """Return USD a month by part and in total; None where the region's prices aren't known."""
    region = environment.region
    if region not in regions():
        pulumi.log.info(
            f"No output monthlyCostUsd: prices of {region} aren't known; `python -m tools.prices "
            f"{region}` reads them from AWS's price list"
        )
        return None
    return estimate(settings, of_region(region)).by_part()
