"""Deploy the load balancer of a stack, with its certificate, logs, firewall and DNS name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.aws import naming
from infra.edge import alias
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
from infra.errors import SettingsError
from infra.settings import hosts

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pulumi

    from infra.aws.environment import AwsEnvironment
    from infra.edge.alias import Zone
    from infra.network.vpc import Network
    from infra.program.log_groups import LogGroups
    from infra.settings import Settings


def find_zone(settings: Settings) -> Zone | None:
    """Return the hosted zone that gets the records of the domain and of further hosts, if any.

    Raises:
        SettingsError: There is no such zone, or it doesn't hold a host that needs it.
    """
    https = settings.https
    if https.hosted_zone is None or https.domain is None:
        return None
    # ACM validates a certificate by records that it finds in public DNS.
    zone = alias.find_zone(https.hosted_zone, https.domain, public=https.certificate_arn is None)
    problems = list(hosts.problems(settings, zone.name))
    if problems:
        raise SettingsError(problems)
    return zone


def deploy_ingress(
    settings: Settings,
    environment: AwsEnvironment,
    network: Network,
    zone: Zone | None,
    log_groups: LogGroups,
) -> LoadBalancedIngress:
    """Register the load balancer, with its certificate, access log and firewall."""
    edge = settings.edge
    ingress = LoadBalancedIngress(
        "alb",
        LoadBalancedIngressArgs(
            vpc_id=network.vpc_id,
            subnet_ids=network.subnet_ids,
            https=_https(settings, zone),
            internal=edge.internal,
            allowed_cidrs=edge.allowed_cidrs or _default_client_cidrs(settings, network),
            dual_stack=settings.ipv6_clients,
            idle_timeout_seconds=edge.idle_timeout_seconds,
            client_keep_alive_seconds=edge.client_keep_alive_seconds,
            authenticates=any(service.routes.authenticates for service in settings.services),
            access_log_bucket=_access_log_bucket(settings, environment),
            deletion_protection=settings.operation.deletion_protection,
            tags=settings.tags,
        ),
    )
    if edge.waf:
        Firewall(
            "waf",
            FirewallArgs(
                alb_arn=ingress.arn,
                block=edge.waf == "block",
                metric_name=naming.firewall(settings.stack),
                log_group=log_groups.args(
                    naming.firewall_log_group(settings.stack),
                    retention_days=settings.operation.log_retention_days,
                ),
                tags=settings.tags,
            ),
        )
    return ingress


def deploy_aliases(
    settings: Settings,
    zone: Zone | None,
    ingress: LoadBalancedIngress,
    after: Sequence[pulumi.Resource],
) -> None:
    """Register the records of the domain and of further hosts, if the zone is known.

    They are created after the resources `after`, with which requests reach the services.
    """
    if zone is None or settings.https.domain is None:
        return
    waited_for: dict[str, list[pulumi.Resource]] = {settings.https.domain: []}
    for host in hosts.of(settings, zone.name).records:
        waited_for[host] = []
        for name in hosts.certificates_for(host):
            attached = ingress.host_certificates.get(hosts.suffix(name))
            if attached:
                waited_for[host].append(attached)
    for name, certificates in waited_for.items():
        Alias(
            "domain" if name == settings.https.domain else f"host-{hosts.suffix(name)}",
            AliasArgs(
                domain=name,
                zone_id=zone.zone_id,
                alb_dns=ingress.alb_dns,
                alb_zone_id=ingress.alb_zone_id,
                ipv6=settings.ipv6_clients,
                after=[*certificates, *after],
            ),
        )


def _https(settings: Settings, zone: Zone | None) -> Https | None:
    https = settings.https
    certificate_arn: pulumi.Input[str] | None = https.certificate_arn
    further: dict[str, pulumi.Input[str]] = {}
    if certificate_arn is None and zone and https.domain:
        certificate_arn = _certificate("certificate", https.domain, zone, settings)
        for host in hosts.of(settings, zone.name).certificates:
            suffix = hosts.suffix(host)
            further[suffix] = _certificate(f"certificate-{suffix}", host, zone, settings)
    if certificate_arn is None:
        return None
    return Https(
        certificate_arn=certificate_arn,
        extra_certificate_arns=https.extra_certificate_arns,
        host_certificate_arns=further,
        tls_policy=https.tls_policy,
        domain=https.domain,
        hsts_seconds=https.hsts_seconds,
        frame_options=https.frame_options,
    )


def _certificate(name: str, domain: str, zone: Zone, settings: Settings) -> pulumi.Output[str]:
    """Register a certificate for a name in the zone, and return its ARN."""
    args = CertificateArgs(domain=domain, zone_id=zone.zone_id, tags=settings.tags)
    return Certificate(name, args).arn


def _default_client_cidrs(settings: Settings, network: Network) -> tuple[str, ...]:
    """Return the ranges that clients connect from if the configuration names none."""
    if settings.edge.internal:
        return (network.cidr,)
    if settings.ipv6_clients:
        return (ANYWHERE, ANYWHERE_IPV6)
    return (ANYWHERE,)


def _access_log_bucket(
    settings: Settings, environment: AwsEnvironment
) -> pulumi.Output[str] | None:
    if not settings.edge.access_logs:
        return None
    logs = AccessLogs(
        "access-logs",
        AccessLogsArgs(
            aws_environment=environment,
            retention_days=settings.edge.access_log_retention_days,
            empty_on_destroy=settings.edge.empty_logs_on_destroy,
            tags=settings.tags,
        ),
    )
    return logs.bucket
