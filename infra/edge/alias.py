"""The DNS records of a load balancer's domain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import pulumi
import pulumi_aws as aws

from infra.errors import Problem, SettingsError, is_failed_lookup, looking_up

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(kw_only=True)
class AliasArgs:
    """Arguments of an Alias."""

    domain: str
    """Name of the records, in the zone, perhaps `*.` and a domain; no other records may have it."""

    zone_id: pulumi.Input[str]
    """Route 53 zone that gets the records."""

    alb_dns: pulumi.Input[str]
    """DNS name of the load balancer."""

    alb_zone_id: pulumi.Input[str]
    """Route 53 zone of that name."""

    ipv6: bool
    """Whether the load balancer has IPv6 addresses too."""

    after: Sequence[pulumi.Resource]
    """Resources that must exist before clients use this name: the rules for their requests."""


class Alias(pulumi.ComponentResource):
    """Alias records from a name, which may be a zone's apex, to a load balancer."""

    domain: pulumi.Output[str]
    """The name."""

    def __init__(
        self, name: str, args: AliasArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("fargate-web:index:Alias", name, None, opts)
        logical_names = {"A": name}
        if args.ipv6:
            logical_names["AAAA"] = f"{name}-ipv6"
        records: dict[str, aws.route53.Record] = {}
        for record_type, logical_name in logical_names.items():
            records[record_type] = aws.route53.Record(
                logical_name,
                zone_id=args.zone_id,
                name=args.domain,
                type=record_type,
                aliases=[
                    {
                        "name": args.alb_dns,
                        "zone_id": args.alb_zone_id,
                        "evaluate_target_health": True,
                    }
                ],
                opts=pulumi.ResourceOptions(parent=self, depends_on=args.after),
            )
        self.domain = records["A"].fqdn
        self.register_outputs({"domain": self.domain})


class Zone(NamedTuple):
    """A Route 53 zone."""

    zone_id: str
    name: str
    """Its domain, without a dot at the end."""


def find_zone(hosted_zone: str, domain: str, *, public: bool) -> Zone:
    """Return the Route 53 zone with that name or id.

    Args:
        hosted_zone: A name or an id.
        domain: The name that must be in the zone.
        public: Whether the zone must be public.

    Raises:
        SettingsError: There is no such zone, the domain isn't in it, or it is private where a
            public one is needed.
    """
    by_name = "." in hosted_zone
    kind = "a public Route 53 zone" if by_name and public else "a Route 53 zone"
    if by_name:
        form = f"the name of {kind} that no other of this account has"
    else:
        form = f"the id of {kind} of this account"
    with looking_up("hostedZone", hosted_zone, form):
        if by_name:
            found = _by_name(hosted_zone, public=public)
        else:
            found = aws.route53.get_zone(zone_id=hosted_zone)
    name = found.name.rstrip(".")
    if not f".{domain}".endswith(f".{name}"):
        value = f"{hosted_zone}, which is {name}"
        raise SettingsError([Problem("hostedZone", value, f"a zone that {domain} is in")])
    if public and found.private_zone:
        allowed = (
            "a public zone, where ACM can validate the domain; a private one needs certificateArn"
        )
        raise SettingsError([Problem("hostedZone", f"{hosted_zone}, a private zone", allowed)])
    return Zone(found.zone_id, name)


def _by_name(name: str, *, public: bool) -> aws.route53.GetZoneResult:
    """Look up a zone by name; the provider finds a private one only if that is requested."""
    try:
        return aws.route53.get_zone(name=name)
    except Exception as error:
        if public or not is_failed_lookup(error):
            raise
        return aws.route53.get_zone(name=name, private_zone=True)
