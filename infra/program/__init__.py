"""What a stack deploys: the composition root."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi_aws as aws

from infra.aws import naming
from infra.aws import policies as iam
from infra.aws.environment import AwsEnvironment
from infra.aws.secret_names import at
from infra.cluster.cluster import Cluster, ClusterArgs, ExecLog, Log
from infra.edge import alias as dns
from infra.edge.access_logs import AccessLogs, AccessLogsArgs
from infra.edge.alias import Alias, AliasArgs
from infra.edge.certificate import Certificate, CertificateArgs
from infra.edge.ingress import (
    ANYWHERE,
    ANYWHERE_IPV6,
    Https,
    LoadBalancedIngress,
    LoadBalancedIngressArgs,
)
from infra.edge.waf import Firewall, FirewallArgs
from infra.network import endpoints, existing_vpc
from infra.network import vpc as network
from infra.network.endpoints import PrivateEndpoints, PrivateEndpointsArgs
from infra.network.existing_vpc import Wanted
from infra.network.flow_logs import FlowLogs, FlowLogsArgs
from infra.program import preflight
from infra.service.container import Container
from infra.service.routing import LAST_PRIORITY, BehindLoadBalancer, HealthCheck, Route
from infra.service.security_groups import VpcEndpoints
from infra.service.web_service import WebService, WebServiceArgs
from infra.settings.stack.network import ENDPOINTS, PUBLIC

if TYPE_CHECKING:
    import pulumi

    from infra.network.vpc import Network
    from infra.settings import Settings


def deploy(settings: Settings) -> dict[str, pulumi.Output[str]]:
    """Register everything, and return the stack's outputs by name.

    Raises:
        SettingsError: What exists already (a VPC, a zone, a cluster) can't be used; nothing was
            registered.
    """
    partition = aws.get_partition()
    environment = AwsEnvironment(
        partition=partition.partition,
        dns_suffix=partition.dns_suffix,
        region=aws.get_region().region,
        account=aws.get_caller_identity().account_id,
    )
    preflight.check(settings, environment)
    tags = naming.tags(settings.project, settings.stack)
    zone_id = (
        dns.find_zone(settings.hosted_zone, settings.domain, public=not settings.certificate_arn)
        if settings.hosted_zone
        else None
    )
    exec_log_group = naming.exec_log_group(settings.stack) if settings.ecs_exec else None

    # An internal load balancer's clients are in the VPC, where everything has an IPv4 address too.
    ipv6_clients = settings.dual_stack and not settings.internal
    home = _existing_home(settings) if settings.existing_vpc else _new_home(settings, tags)
    if settings.flow_logs != "none":
        _record(settings, environment, home, tags)
    cluster = Cluster(
        "cluster",
        ClusterArgs(
            cluster_name=naming.cluster(settings.stack),
            container_insights=settings.container_insights,
            insights_log=Log(
                group=naming.insights_log_group(settings.stack),
                retention_days=settings.log_retention_days,
                key_arn=settings.log_key_arn or None,
            )
            if settings.container_insights != "disabled"
            else None,
            exec_log=ExecLog(
                group=exec_log_group,
                retention_days=settings.exec_log_retention_days,
                key_arn=settings.log_key_arn or None,
                session_key_arn=settings.exec_key_arn or None,
            )
            if exec_log_group
            else None,
            deletion_protection=settings.deletion_protection,
            tags=tags,
        ),
    )
    ingress = LoadBalancedIngress(
        "alb",
        LoadBalancedIngressArgs(
            vpc_id=home.vpc_id,
            subnet_ids=home.subnet_ids,
            https=_https(settings, zone_id, tags) if settings.https else None,
            internal=settings.internal,
            allowed_cidrs=settings.allowed_cidrs or _everybody(settings, home, ipv6=ipv6_clients),
            dual_stack=ipv6_clients,
            idle_timeout_seconds=settings.idle_timeout_seconds,
            client_keep_alive_seconds=settings.client_keep_alive_seconds,
            access_log_bucket=_access_logs(settings, environment, tags).bucket
            if settings.access_logs
            else None,
            deletion_protection=settings.deletion_protection,
            tags=tags,
        ),
    )
    if settings.waf != "none":
        Firewall(
            "waf",
            FirewallArgs(
                alb_arn=ingress.arn,
                block=settings.waf == "block",
                metric_name=naming.firewall(settings.stack),
                log_group=naming.firewall_log_group(settings.stack),
                log_retention_days=settings.log_retention_days,
                log_key_arn=settings.log_key_arn or None,
                tags=tags,
            ),
        )
    web = WebService(
        settings.service_name,
        WebServiceArgs(
            aws_environment=environment,
            service_name=naming.service(settings.stack, settings.service_name),
            cluster_arn=cluster.arn,
            vpc_id=home.vpc_id,
            subnet_ids=home.task_subnet_ids,
            public_addresses=settings.network == PUBLIC,
            endpoints=_doors(settings, environment, home, tags)
            if settings.network == ENDPOINTS
            else None,
            ipv6=settings.dual_stack,
            egress=settings.egress,
            front_end=BehindLoadBalancer(
                balancer=ingress, route=_route(settings), former_parent=ingress
            ),
            container=_container(settings),
            cpu_units=settings.cpu_units,
            memory_mib=settings.memory_mib,
            cpu_architecture=settings.cpu_architecture,
            secret_key_arns=settings.secret_key_arns,
            task_statements=settings.task_policy_statements,
            permissions_boundary_arn=settings.permissions_boundary_arn or None,
            desired_count=settings.desired_count,
            minimum_healthy_percent=settings.minimum_healthy_percent,
            maximum_percent=settings.maximum_percent,
            health_check_grace_seconds=settings.health_check_grace_seconds,
            steady_state_timeout_minutes=settings.steady_state_timeout_minutes,
            log_group=naming.service_log_group(settings.stack, settings.service_name),
            log_retention_days=settings.log_retention_days,
            log_key_arn=settings.log_key_arn or None,
            exec_log_group=exec_log_group,
            exec_key_arn=settings.exec_key_arn or None,
            tags=tags,
        ),
    )
    if zone_id:
        Alias(
            "domain",
            AliasArgs(
                domain=settings.domain,
                zone_id=zone_id,
                alb_dns=ingress.alb_dns,
                alb_zone_id=ingress.alb_zone_id,
                ipv6=ipv6_clients,
                after=[web.serving],
            ),
        )
    outputs = {
        "albDns": ingress.alb_dns,
        "serviceUrl": ingress.url,
        "clusterName": cluster.cluster_name,
        "serviceName": web.service_name,
        "targetGroupArn": web.target_group_arn,
        "webLogGroup": web.log_group,
        "execLogGroup": cluster.exec_log_group,
    }
    return {name: value for name, value in outputs.items() if value is not None}


def _new_home(settings: Settings, tags: dict[str, str]) -> Network:
    return network.create(
        "network",
        cidr=settings.vpc_cidr,
        zones=settings.availability_zone_count,
        private_tasks=settings.network != PUBLIC,
        internal=settings.internal,
        gateways=settings.nat_gateways,
        private_dns=settings.network == ENDPOINTS,
        ipv6=settings.dual_stack,
        deletion_protection=settings.deletion_protection,
        tags=tags,
    )


def _existing_home(settings: Settings) -> Network:
    balancer = Wanted(
        key="subnet",
        public=settings.network == PUBLIC or not settings.internal,
        ids=settings.subnet_ids,
        tags=settings.subnet_tags,
        ipv6=settings.dual_stack,
    )
    tasks = Wanted(
        key="taskSubnet", public=False, ids=settings.task_subnet_ids, tags=settings.task_subnet_tags
    )
    return existing_vpc.find(
        vpc_id=settings.vpc_id,
        vpc_tags=settings.vpc_tags,
        balancer=balancer,
        tasks=None if settings.network == PUBLIC else tasks,
    )


def _record(
    settings: Settings, environment: AwsEnvironment, home: Network, tags: dict[str, str]
) -> None:
    FlowLogs(
        "flow-logs",
        FlowLogsArgs(
            environment=environment,
            vpc_id=home.vpc_id,
            rejected_only=settings.flow_logs == "reject",
            log_group=naming.flow_log_group(settings.stack),
            retention_days=settings.flow_log_retention_days,
            log_key_arn=settings.log_key_arn or None,
            permissions_boundary_arn=settings.permissions_boundary_arn or None,
            tags=tags,
        ),
    )


def _container(settings: Settings) -> Container:
    return Container(
        name=settings.container_name,
        image=settings.image,
        command=settings.command,
        port=settings.container_port,
        environment=settings.environment,
        secrets=settings.secrets,
        user=settings.user,
        dropped_capabilities=settings.drop_capabilities,
        writable_paths=settings.writable_paths,
        stop_timeout_seconds=settings.stop_timeout,
    )


def _doors(
    settings: Settings, environment: AwsEnvironment, home: Network, tags: dict[str, str]
) -> VpcEndpoints:
    services = endpoints.needed(
        secret_services={at(environment, secret).service for secret in settings.secrets.values()},
        ecs_exec=settings.ecs_exec,
        session_key=bool(settings.exec_key_arn),
    )
    doors = PrivateEndpoints(
        "endpoints",
        PrivateEndpointsArgs(
            environment=environment,
            vpc_id=home.vpc_id,
            subnet_ids=home.task_subnet_ids,
            route_table_ids=home.task_route_table_ids,
            s3_policy=iam.s3_endpoint(environment, settings.task_policy_statements),
            services=services,
            tags=tags,
        ),
    )
    return VpcEndpoints(
        security_group_id=doors.security_group_id, prefix_list_id=doors.s3_prefix_list_id
    )


def _everybody(settings: Settings, home: Network, *, ipv6: bool) -> tuple[str, ...]:
    """Who may reach the load balancer when nobody is named."""
    if settings.internal:
        return (home.cidr,)
    return (ANYWHERE, ANYWHERE_IPV6) if ipv6 else (ANYWHERE,)


def _https(settings: Settings, zone_id: str | None, tags: dict[str, str]) -> Https:
    issued = (
        Certificate(
            "certificate", CertificateArgs(domain=settings.domain, zone_id=zone_id, tags=tags)
        )
        if zone_id and not settings.certificate_arn
        else None
    )
    return Https(
        certificate_arn=issued.arn if issued else settings.certificate_arn,
        extra_certificate_arns=settings.extra_certificate_arns,
        tls_policy=settings.tls_policy,
        domain=settings.domain or None,
        hsts_seconds=settings.hsts_seconds,
        frame_options=None if settings.frame_options == "none" else settings.frame_options,
    )


def _access_logs(
    settings: Settings, environment: AwsEnvironment, tags: dict[str, str]
) -> AccessLogs:
    return AccessLogs(
        "access-logs",
        AccessLogsArgs(
            aws_environment=environment,
            retention_days=settings.access_log_retention_days,
            empty_on_destroy=settings.empty_logs_on_destroy,
            tags=tags,
        ),
    )


def _route(settings: Settings) -> Route:
    return Route(
        name=settings.service_name,
        paths=("/*",),
        priority=LAST_PRIORITY,
        drain_seconds=settings.deregistration_delay,
        health_check=HealthCheck(
            path=settings.health_check_path,
            codes=settings.health_check_codes,
            interval_seconds=settings.health_check_interval_seconds,
            timeout_seconds=settings.health_check_timeout_seconds,
            healthy_threshold=settings.healthy_threshold,
            unhealthy_threshold=settings.unhealthy_threshold,
        ),
    )
