"""The load balancer, its listeners and its security group."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import pulumi
import pulumi_aws as aws

from infra.aws import naming

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


ANYWHERE: Final = "0.0.0.0/0"
ANYWHERE_IPV6: Final = "::/0"

_PORTS: Final = {"http": 80, "https": 443}

_NOT_FOUND: Final[aws.lb.ListenerDefaultActionArgsDict] = {
    "type": "fixed-response",
    "fixed_response": {
        "content_type": "text/plain",
        "message_body": "Not found\n",
        "status_code": "404",
    },
}
_TO_HTTPS: Final[aws.lb.ListenerDefaultActionArgsDict] = {
    "type": "redirect",
    # Host, path and query stay as they are.
    "redirect": {"protocol": "HTTPS", "port": "443", "status_code": "HTTP_301"},
}

_INTERNAL_GROUPS: Final = "int"
"""Prefix of the names of an internal load balancer's target groups; short, as the service's name
follows it.
"""

_SUFFIXES: Final = {ANYWHERE: "", ANYWHERE_IPV6: "-ipv6"}
"""Suffixes of the names of these ranges' rules; any other range is the suffix itself."""


@dataclass(kw_only=True)
class Https:
    """The HTTPS listener: its certificates, TLS policy and response headers."""

    certificate_arn: pulumi.Input[str]
    """Default certificate, for clients that request no name of an extra one."""

    extra_certificate_arns: tuple[str, ...] = ()
    """Certificates for clients that request their names."""

    host_certificate_arns: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    """Further certificates, by names that are unique among them and part of logical names."""

    tls_policy: str
    """TLS versions and ciphers."""

    domain: str | None = None
    """Name in the certificate that resolves to the load balancer. Without one, `url` has the load
    balancer's own DNS name.
    """

    hsts_seconds: int
    """How long browsers must use HTTPS (Strict-Transport-Security); 0 ends that."""

    frame_options: str | None
    """X-Frame-Options: `DENY` or `SAMEORIGIN`. None leaves the header to the targets, but only on a
    new listener: the provider doesn't remove a header from an existing one.
    """


@dataclass(kw_only=True)
class LoadBalancedIngressArgs:
    """Arguments of a LoadBalancedIngress; what a stack configures has no defaults here."""

    vpc_id: pulumi.Input[str]
    """VPC that holds the load balancer and its targets."""

    subnet_ids: pulumi.Input[Sequence[pulumi.Input[str]]]
    """Subnets in at least two availability zones; public ones unless it is internal."""

    https: Https | None = None
    """With it, plain HTTP is redirected to HTTPS; without it, everything is plain HTTP."""

    internal: bool
    """Whether it has private addresses only; a change creates another load balancer, with other
    target groups.
    """

    allowed_cidrs: tuple[str, ...]
    """IPv4 and IPv6 ranges that clients may connect from, each once."""

    dual_stack: bool
    """Whether it has IPv6 addresses too."""

    idle_timeout_seconds: int
    """How long an idle connection is kept, 1 to 4000 s. Targets must keep theirs longer, else some
    requests fail with 502.
    """

    client_keep_alive_seconds: int
    """How long a client's connection may live, 60 to 604800 s."""

    authenticates: bool
    """Whether it authenticates clients, for which it connects to OpenID Connect providers."""

    access_log_bucket: pulumi.Input[str] | None = None
    """Bucket for the access log, which Elastic Load Balancing must be allowed to write to already;
    None for no access log.
    """

    deletion_protection: bool
    """Whether AWS and Pulumi refuse to delete the load balancer."""

    tags: dict[str, str]
    """Tags of every resource of the ingress, and of its services' target groups and rules."""


class LoadBalancedIngress(pulumi.ComponentResource):
    """An ALB with its listeners; a request that no route matches is answered 404.

    Its security group has an egress rule only for logins: each service adds one to its tasks. The
    component implements the protocol `infra.service.load_balancer.LoadBalancer`, with which
    services register their listener rules.
    """

    arn: pulumi.Output[str]
    """ARN of the load balancer."""

    alb_dns: pulumi.Output[str]
    """DNS name of the load balancer."""

    alb_zone_id: pulumi.Output[str]
    """Route 53 zone of that name, for alias records."""

    url: pulumi.Output[str]
    """URL for browsers."""

    security_group_id: pulumi.Output[str]
    """Security group of the load balancer."""

    listener_arn: pulumi.Output[str]
    """ARN of the listener that has the rules of services: HTTPS if there is one, else HTTP."""

    host_certificates: Mapping[str, pulumi.Resource]
    """Attachments of the certificates of `host_certificate_arns`, by the same names. Whatever sends
    clients to a host depends on its certificate.
    """

    vpc_id: pulumi.Input[str]
    """VPC of the load balancer."""

    rule_prefix: str
    """Prefix of the logical names of listener rules."""

    group_prefix: str
    """Prefix of the logical names of target groups."""

    service_suffix: str
    """Suffix of the names of the services behind it; another load balancer has a different one."""

    member_tags: dict[str, str]
    """Tags of the target groups and listener rules of services: the load balancer's."""

    def __init__(
        self, name: str, args: LoadBalancedIngressArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("fargate-web:index:LoadBalancedIngress", name, None, opts)
        tags = naming.of_component(args.tags, name)
        child = pulumi.ResourceOptions(parent=self)
        group = self._security_group(name, args, tags)
        # AWS can't turn a load balancer into an internal one, nor move a target group to another
        # load balancer. So all of these get other names: both load balancers exist until the
        # service has moved, and a run that fails before that can be reverted.
        base = f"{name}-internal" if args.internal else name
        # Disabled explicitly: without this, the provider would leave an existing log on.
        access_logs: aws.lb.LoadBalancerAccessLogsArgsDict = {"enabled": False, "bucket": ""}
        if args.access_log_bucket is not None:
            access_logs = {"enabled": True, "bucket": args.access_log_bucket}
        balancer = aws.lb.LoadBalancer(
            base,
            load_balancer_type="application",
            internal=args.internal,
            ip_address_type="dualstack" if args.dual_stack else "ipv4",
            security_groups=[group.id],
            subnets=args.subnet_ids,
            idle_timeout=args.idle_timeout_seconds,
            client_keep_alive=args.client_keep_alive_seconds,
            drop_invalid_header_fields=True,
            desync_mitigation_mode="defensive",
            access_logs=access_logs,
            enable_deletion_protection=args.deletion_protection,
            tags=tags,
            opts=pulumi.ResourceOptions(parent=self, protect=args.deletion_protection or None),
        )
        plain = aws.lb.Listener(
            f"{base}-http",
            load_balancer_arn=balancer.arn,
            port=_PORTS["http"],
            protocol="HTTP",
            default_actions=[_TO_HTTPS if args.https else _NOT_FOUND],
            tags=tags,
            opts=child,
        )
        self.host_certificates = {}
        # The listener that gets the rules of services.
        serving = plain
        if args.https:
            serving = self._https(base, args.https, balancer.arn, tags)
        self.arn = balancer.arn
        self.alb_zone_id = balancer.zone_id
        self.alb_dns = balancer.dns_name
        self.url = balancer.dns_name.apply(lambda dns: _url(dns, args.https))
        self.security_group_id = group.id
        self.listener_arn = serving.arn
        self.vpc_id = args.vpc_id
        self.rule_prefix = base
        self.group_prefix = _INTERNAL_GROUPS if args.internal else base
        self.service_suffix = naming.INTERNAL_SUFFIX if args.internal else ""
        self.member_tags = tags
        self.register_outputs(
            {
                "arn": self.arn,
                "albDns": self.alb_dns,
                "albZoneId": self.alb_zone_id,
                "url": self.url,
                "securityGroupId": self.security_group_id,
            }
        )

    def _security_group(
        self, name: str, args: LoadBalancedIngressArgs, tags: dict[str, str]
    ) -> aws.ec2.SecurityGroup:
        """Register the security group, and its rules for clients and logins."""
        child = pulumi.ResourceOptions(parent=self)
        group = aws.ec2.SecurityGroup(
            name,
            # The same for all settings: a change of the description would replace the group.
            description="Load balancer: its web ports in, its targets out",
            vpc_id=args.vpc_id,
            tags=tags,
            opts=child,
        )
        schemes = ["http", "https"] if args.https else ["http"]
        for scheme in schemes:
            for cidr in args.allowed_cidrs:
                self._allow(name, scheme, cidr, group.id, tags)
        if args.authenticates:
            aws.vpc.SecurityGroupEgressRule(
                f"{name}-login",
                security_group_id=group.id,
                # A load balancer connects to providers by IPv4 only. Source: AWS re:Post, "errors
                # when I configure authentication".
                description="HTTPS to OpenID Connect providers",
                cidr_ipv4=ANYWHERE,
                ip_protocol="tcp",
                from_port=_PORTS["https"],
                to_port=_PORTS["https"],
                tags=tags,
                opts=child,
            )
        return group

    def _allow(
        self, base: str, scheme: str, cidr: str, group_id: pulumi.Input[str], tags: dict[str, str]
    ) -> None:
        """Allow a range to connect to a scheme's port."""
        clients = "anywhere"
        suffix = _SUFFIXES.get(cidr)
        if suffix is None:
            # Without colons, as two of them would separate parts of the URN.
            clients = cidr
            suffix = f"-{cidr.replace(':', '-')}"
        aws.vpc.SecurityGroupIngressRule(
            f"{base}-{scheme}{suffix}",
            security_group_id=group_id,
            description=f"{scheme.upper()} from {clients}",
            cidr_ipv4=None if ":" in cidr else cidr,
            cidr_ipv6=cidr if ":" in cidr else None,
            ip_protocol="tcp",
            from_port=_PORTS[scheme],
            to_port=_PORTS[scheme],
            tags=tags,
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _https(
        self, base: str, https: Https, balancer_arn: pulumi.Input[str], tags: dict[str, str]
    ) -> aws.lb.Listener:
        """Register the HTTPS listener, and attach its further certificates."""
        child = pulumi.ResourceOptions(parent=self)
        listener = aws.lb.Listener(
            f"{base}-https",
            load_balancer_arn=balancer_arn,
            port=_PORTS["https"],
            protocol="HTTPS",
            certificate_arn=https.certificate_arn,
            ssl_policy=https.tls_policy,
            default_actions=[_NOT_FOUND],
            routing_http_response_server_enabled=False,
            routing_http_response_strict_transport_security_header_value=f"max-age={https.hsts_seconds}",
            routing_http_response_x_content_type_options_header_value="nosniff",
            routing_http_response_x_frame_options_header_value=https.frame_options,
            tags=tags,
            opts=child,
        )

        def attach(name: str, certificate_arn: pulumi.Input[str]) -> pulumi.Resource:
            return aws.lb.ListenerCertificate(
                f"{base}-https-{name}",
                listener_arn=listener.arn,
                certificate_arn=certificate_arn,
                opts=child,
            )

        for arn in https.extra_certificate_arns:
            attach(arn.rpartition("/")[2], arn)
        self.host_certificates = {
            name: attach(name, arn) for name, arn in https.host_certificate_arns.items()
        }
        return listener


def _url(dns_name: str | None, https: Https | None) -> str:
    """Return the URL of a load balancer with this DNS name; empty if the name is unknown.

    A run with --target that leaves out the load balancer before it was created has no name.
    """
    if not dns_name:
        return ""
    if https:
        return f"https://{https.domain or dns_name}"
    return f"http://{dns_name}"
