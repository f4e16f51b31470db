"""Route 53: hosted zones and their records.

Domains are registered long before a stack is deployed, so every domain is assumed to have a public
zone, except for names under `.invalid`. Nothing is stored about such a zone: its id encodes its
name.
"""

from __future__ import annotations

import base64
import ipaddress
from typing import TYPE_CHECKING

from localaws.catalog.account import is_current
from localaws.catalog.ec2.network import VPC
from localaws.catalog.elb.load_balancers import LOAD_BALANCER
from localaws.catalog.only_recorded import NO_QUERY
from localaws.catalog.partitions import partition_of
from localaws.catalog.properties import UNKNOWN
from localaws.catalog.refusals import Refusal
from localaws.catalog.resource_type import AutoName, Reference, ResourceType
from localaws.catalog.route53.health_checks import HEALTH_CHECK
from localaws.catalog.values import (
    Limit,
    blocks,
    exactly_one,
    given,
    length,
    matches,
    one_of,
    text,
    texts,
    within,
)

if TYPE_CHECKING:
    from localaws.catalog.account import Account, Mint, Resource
    from localaws.catalog.properties import Properties
    from localaws.catalog.refusals import Refusals

ZONE = "aws:route53/zone:Zone"
RECORD = "aws:route53/record:Record"

RECORD_TYPES = (
    "A",
    "AAAA",
    "CAA",
    "CNAME",
    "DS",
    "HTTPS",
    "MX",
    "NAPTR",
    "NS",
    "PTR",
    "SOA",
    "SPF",
    "SRV",
    "SSHFP",
    "SVCB",
    "TLSA",
    "TXT",
)

_INVALID_BATCH = "InvalidChangeBatch"
_IP_VERSIONS = {"A": 4, "AAAA": 6}
_POLICIES = (
    "cidrRoutingPolicy",
    "failoverRoutingPolicies",
    "geolocationRoutingPolicies",
    "geoproximityRoutingPolicy",
    "latencyRoutingPolicies",
    "multivalueAnswerRoutingPolicy",
    "weightedRoutingPolicies",
)
_DOMAIN = matches(
    r"(?=.{1,255}\Z)(\*\.|\\052\.)?([\w-]{1,63}\.)*[\w-]{1,63}\.?",
    "a domain name of at most 255 characters, with labels of at most 63",
)


def zone_name(name: str) -> str:
    """Return a domain in the form for comparisons: lower case, without a final dot."""
    return name.lower().removesuffix(".")


def assumed_zone_id(name: str) -> str | None:
    """Return the id of a registered domain's zone; None for names that can't be registered."""
    domain = zone_name(name)
    if not _DOMAIN.contains(domain) or "." not in domain or domain.rpartition(".")[2] == "invalid":
        return None
    return f"Z{base64.b32encode(domain.encode()).decode().rstrip('=')}"


def zone_id(value: object) -> str:
    """Return a zone's id without the API's prefix `/hostedzone/`."""
    return str(value).removeprefix("/hostedzone/")


def name_of_zone(account: Account, identifier: object) -> str | None:
    """Return the domain of the zone with an id, or None if there is no such zone."""
    identifier = zone_id(identifier)
    found = account.get(ZONE, identifier)
    if found is not None:
        return zone_name(str(found.inputs.get("name")))
    # It may be the id of an assumed zone, which has no padding.
    code = identifier.removeprefix("Z")
    padding = "=" * (-len(code) % 8)
    try:
        name = base64.b32decode(code + padding).decode()
    except ValueError:
        return None
    return name if assumed_zone_id(name) == identifier else None


def _zone_computed(mint: Mint, inputs: Properties) -> Properties:
    identifier = f"Z{mint.hex(20).upper()}"
    servers = [
        "ns-0.awsdns-0.com",
        "ns-1.awsdns-1.net",
        "ns-2.awsdns-2.org",
        "ns-3.awsdns-3.co.uk",
    ]
    computed: dict[str, object] = {
        "id": identifier,
        "zoneId": identifier,
        "arn": f"arn:{partition_of(mint.region).name}:route53:::hostedzone/{identifier}",
        "nameServers": servers,
        "primaryNameServer": servers[0],
    }
    if not given(inputs, "comment"):
        computed["comment"] = "Managed by Pulumi"
    return computed


def _record_rules(inputs: Properties) -> Refusals:
    yield from exactly_one(inputs, ("aliases", "records"), "route53.record.one-value")
    if given(inputs, "aliases") and given(inputs, "ttl"):
        message = "an alias has its target's ttl: leave ttl out"
        yield Refusal("InvalidArgument", message, "route53.record.ttl", "ttl")
    if given(inputs, "records") and not given(inputs, "ttl"):
        yield Refusal(
            "InvalidArgument", "records need a ttl, such as 300", "route53.record.ttl", "ttl"
        )
    policies = _policies_of(inputs)
    if len(policies) > 1:
        message = f"{', '.join(policies)} exclude each other; set one of them"
        yield Refusal("InvalidArgument", message, "route53.record.routing", policies[0])
    if bool(policies) != bool(given(inputs, "setIdentifier")):
        message = "a routing policy needs a setIdentifier, and a setIdentifier a routing policy"
        yield Refusal("InvalidArgument", message, "route53.record.routing", "setIdentifier")
    yield from _address_rules(inputs)


def _address_rules(inputs: Properties) -> Refusals:
    """Refuse values of A and AAAA records that aren't addresses."""
    kind = text(inputs.get("type"))
    version = _IP_VERSIONS.get(kind or "")
    if version is None:
        return
    for value in texts(inputs.get("records")):
        if not _is_address(value, version):
            message = (
                f"[Invalid Resource Record: Value is not a valid IPv{version} address, as type "
                f"{kind} requires: '{value}']"
            )
            yield Refusal(_INVALID_BATCH, message, "route53.record.value", "records")


def _is_address(value: str, version: int) -> bool:
    try:
        return ipaddress.ip_address(value).version == version
    except ValueError:
        return False


def _full_name(inputs: Properties, zone: str) -> str:
    """Return a record's full name: a relative name is in the zone, an empty one is the zone's."""
    name = zone_name(str(inputs.get("name")))
    if not name:
        return zone
    if name == zone or name.endswith(f".{zone}"):
        return name
    return f"{name}.{zone}"


def _record_account_rules(
    inputs: Properties, account: Account, current: Resource | None
) -> Refusals:
    zone = name_of_zone(account, inputs.get("zoneId"))
    if zone is None:
        message = (
            f"No hosted zone found with ID: {inputs.get('zoneId')}; set zoneId to that of an "
            "existing zone"
        )
        yield Refusal("NoSuchHostedZone", message, "route53.record.zone-exists", "zoneId")
        return
    name = _full_name(inputs, zone)
    if inputs.get("type") == "CNAME" and name == zone:
        message = (
            f"[RRSet of type CNAME with DNS name {name}. is not permitted at apex in zone "
            f"{zone}.]: use an alias of type A"
        )
        yield Refusal(_INVALID_BATCH, message, "route53.record.cname-apex", "type")
    for other in _records_of_name(account, inputs.get("zoneId"), name):
        if not is_current(other, current):
            yield from _coexistence_rules(inputs, name, other)
    yield from _alias_rules(inputs, account)


def _records_of_name(account: Account, zone: object, name: str) -> list[Resource]:
    """Return the records of a full name in a zone."""
    records = account.where(RECORD, "fqdn", name)
    return [each for each in records if zone_id(each.inputs.get("zoneId")) == zone_id(zone)]


def _coexistence_rules(inputs: Properties, name: str, other: Resource) -> Refusals:
    """Refuse a record beside another one of its name."""
    kind = inputs.get("type")
    other_kind = other.inputs.get("type")
    if kind != other_kind:
        if "CNAME" in (kind, other_kind):
            message = (
                f"[RRSet of type {kind} with DNS name {name}. is not permitted: a CNAME must be "
                "the only record of its name]"
            )
            yield Refusal(_INVALID_BATCH, message, "route53.record.cname-alone", "type")
        return
    if inputs.get("setIdentifier") == other.inputs.get("setIdentifier"):
        if inputs.get("allowOverwrite") is not True:
            message = (
                f"[Tried to create resource record set [name='{name}.', type='{kind}'] "
                "but it already exists]: choose another name, or set allowOverwrite to true"
            )
            yield Refusal(_INVALID_BATCH, message, "route53.record.unique", "name")
        return
    policies = _policies_of(inputs)
    others = _policies_of(other.inputs)
    if policies != others:
        message = (
            f"[RRSet with DNS name {name}., type {kind} can't be created: all of the name and type "
            f"must have the same routing policy, got {_policy_or_none(policies)} beside "
            f"{_policy_or_none(others)}]"
        )
        yield Refusal(_INVALID_BATCH, message, "route53.record.one-policy", "setIdentifier")


def _policies_of(inputs: Properties) -> list[str]:
    """Return the names of a record's routing policies; one that is off or empty is none."""
    return [name for name in _POLICIES if inputs.get(name) not in (None, False, [])]


def _policy_or_none(policies: list[str]) -> str:
    return policies[0] if policies else "none"


def _alias_rules(inputs: Properties, account: Account) -> Refusals:
    """Refuse an alias in a zone of load balancers that isn't the name of a load balancer."""
    zones = set()
    names = set()
    for balancer in account.all(LOAD_BALANCER):
        zone = balancer.outputs.get("zoneId")
        dns_name = str(balancer.outputs.get("dnsName"))
        zones.add(zone)
        names.add((zone, zone_name(dns_name)))
    for alias in blocks(inputs.get("aliases")):
        zone = alias.get("zoneId")
        name = zone_name(str(alias.get("name"))).removeprefix("dualstack.")
        if zone in zones and (zone, name) not in names:
            message = (
                f"[Tried to create an alias that targets {name}., type "
                f"{inputs.get('type')} in zone {zone}, but the alias target name does not lie "
                "within the target zone]: use the dnsName and zoneId of one load balancer"
            )
            yield Refusal(_INVALID_BATCH, message, "route53.record.alias-target", "aliases")


def _record_computed(mint: Mint, inputs: Properties) -> Properties:
    zone = name_of_zone(mint.account, inputs.get("zoneId")) or ""
    parts = [zone_id(inputs.get("zoneId")), zone_name(str(inputs.get("name"))), inputs.get("type")]
    if given(inputs, "setIdentifier"):
        parts.append(inputs["setIdentifier"])
    return {"id": "_".join(map(str, parts)), "fqdn": _full_name(inputs, zone)}


def _record_derived(inputs: Properties) -> Properties:
    """Return the zone's id without the API's prefix, which the program may have set."""
    zone = inputs.get("zoneId")
    return {} if zone is UNKNOWN else {"zoneId": zone_id(zone)}


def _zone_deletion_rules(zone: Resource, account: Account) -> Refusals:
    if zone.inputs.get("forceDestroy") is True:
        return
    for record in account.all(RECORD):
        if zone_id(record.inputs.get("zoneId")) == zone.id:
            message = (
                f"The specified hosted zone {zone.id} contains non-required resource record sets, "
                f"such as {record.id}: delete them first, or set forceDestroy to true"
            )
            yield Refusal("HostedZoneNotEmpty", message, "route53.zone.held")
            return


TYPES = (
    ResourceType(
        token=ZONE,
        only_recorded=NO_QUERY,
        autoname=AutoName(),
        replaces=frozenset({"name", "delegationSetId"}),
        unordered=frozenset({"vpcs"}),
        defaults={"forceDestroy": False},
        limits=(
            Limit("name", _DOMAIN, "route53.zone.name"),
            Limit("comment", length(0, 256), "route53.zone.comment"),
        ),
        references=(Reference("vpcs[].vpcId", VPC, "InvalidVPCId", "route53.zone.vpc-exists"),),
        computed=_zone_computed,
        deletion_rules=_zone_deletion_rules,
    ),
    ResourceType(
        token=RECORD,
        replaces=frozenset({"name", "zoneId"}),
        unordered=frozenset({"records"}),
        limits=(
            Limit("name", _DOMAIN, "route53.record.name"),
            Limit("type", one_of(*RECORD_TYPES), "route53.record.type"),
            Limit("ttl", within(0, 2147483647), "route53.record.ttl"),
        ),
        derived=_record_derived,
        references=(
            Reference("zoneId", ZONE, "", "route53.record.zone-exists", "gone"),
            Reference(
                "healthCheckId",
                HEALTH_CHECK,
                "NoSuchHealthCheck",
                "route53.record.health-check-exists",
            ),
        ),
        rules=_record_rules,
        account_rules=_record_account_rules,
        computed=_record_computed,
    ),
)
