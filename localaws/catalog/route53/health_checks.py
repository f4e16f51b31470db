"""Route 53: health checks."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from localaws.catalog.account import uuid
from localaws.catalog.only_recorded import NO_CHECK
from localaws.catalog.partitions import partition_of
from localaws.catalog.properties import UNKNOWN
from localaws.catalog.refusals import Refusal
from localaws.catalog.resource_type import Reference, ResourceType
from localaws.catalog.values import ARN, Allowed, Limit, given, length, one_of, size, text, within

if TYPE_CHECKING:
    from localaws.catalog.account import Mint
    from localaws.catalog.properties import Properties
    from localaws.catalog.refusals import Refusals

HEALTH_CHECK = "aws:route53/healthCheck:HealthCheck"

_INVALID = "InvalidInput"
_WITH_SEARCH = ("HTTP_STR_MATCH", "HTTPS_STR_MATCH")
_OF_ENDPOINT = ("HTTP", "HTTPS", *_WITH_SEARCH, "TCP")
"""The types that search an answer for a text, and all types that check an endpoint."""

_REQUIRED = {
    "CALCULATED": ("childHealthchecks",),
    "CLOUDWATCH_METRIC": ("cloudwatchAlarmName", "cloudwatchAlarmRegion"),
    "RECOVERY_CONTROL": ("routingControlArn",),
    "TCP": ("port",),
    **dict.fromkeys(_WITH_SEARCH, ("searchString",)),
}
"""Inputs that a type of check requires. Source: HealthCheckConfig in Route 53's API reference."""


def _rules(inputs: Properties) -> Refusals:
    kind = text(inputs.get("type"))
    for name in _REQUIRED.get(str(kind), ()):
        if not given(inputs, name):
            yield Refusal(_INVALID, f"type {kind} needs {name}", "route53.health-check.needs", name)
    if kind in _OF_ENDPOINT and not given(inputs, "fqdn", "ipAddress"):
        message = (
            "Invalid IPv4 address and Fully Qualified Domain Name combination. Either should "
            "be specified: set fqdn, or ipAddress."
        )
        yield Refusal(_INVALID, message, "route53.health-check.endpoint", "fqdn")
    if kind and kind not in _WITH_SEARCH and inputs.get("searchString") not in (None, ""):
        message = (
            f"searchString is for type {' or '.join(_WITH_SEARCH)}: leave it out for type {kind}"
        )
        yield Refusal(_INVALID, message, "route53.health-check.search", "searchString")
    yield from _address_rules(inputs)


def _address_rules(inputs: Properties) -> Refusals:
    value = inputs.get("ipAddress")
    if value in (None, "", UNKNOWN) or not _is_address(value):
        return
    if not ipaddress.ip_address(str(value)).is_global:
        message = (
            f"ipAddress must be one that health checkers reach, got {value}, which is local, "
            "private, non-routable or for multicast"
        )
        yield Refusal(_INVALID, message, "route53.health-check.public", "ipAddress")


def _is_address(value: object) -> bool:
    """Return whether a value is an IP address, or the empty text that the provider leaves out."""
    if value == "":
        return True
    try:
        ipaddress.ip_address(str(value))
    except ValueError:
        return False
    return True


def _computed(mint: Mint, _inputs: Properties) -> Properties:
    identifier = uuid(mint)
    return {
        "id": identifier,
        "arn": f"arn:{partition_of(mint.region).name}:route53:::healthcheck/{identifier}",
    }


def _derived(inputs: Properties) -> Properties:
    """Return Route 53's defaults for checks of an endpoint."""
    kind = text(inputs.get("type"))
    if kind not in _OF_ENDPOINT:
        return {}
    secure = kind.startswith("HTTPS")
    defaults: dict[str, object] = {
        "failureThreshold": 3,
        "requestInterval": 30,
        "enableSni": secure,
    }
    if kind != "TCP":
        defaults["port"] = 443 if secure else 80
    for name in given(inputs, *defaults):
        del defaults[name]
    return defaults


TYPES = (
    ResourceType(
        token=HEALTH_CHECK,
        only_recorded=NO_CHECK,
        replaces=frozenset(
            {"measureLatency", "referenceName", "requestInterval", "routingControlArn", "type"}
        ),
        unordered=frozenset({"childHealthchecks", "regions"}),
        defaults={"disabled": False, "measureLatency": False},
        derived=_derived,
        limits=(
            Limit("childHealthThreshold", within(0, 256), "route53.health-check.children"),
            Limit("childHealthchecks", size(0, 256), "route53.health-check.children"),
            Limit("failureThreshold", within(1, 10), "route53.health-check.threshold"),
            Limit("fqdn", length(0, 255), "route53.health-check.fqdn"),
            Limit(
                "ipAddress", Allowed("an IP address", _is_address), "route53.health-check.address"
            ),
            Limit("port", within(1, 65535), "route53.health-check.port"),
            Limit("referenceName", length(0, 27), "route53.health-check.reference"),
            Limit("regions", size(3, 64), "route53.health-check.regions"),
            Limit("requestInterval", one_of(10, 30), "route53.health-check.interval"),
            Limit("resourcePath", length(0, 255), "route53.health-check.path"),
            Limit("routingControlArn", ARN, "route53.health-check.arn"),
            Limit("searchString", length(0, 255), "route53.health-check.search"),
        ),
        references=(
            Reference("childHealthchecks[]", HEALTH_CHECK, _INVALID, "route53.health-check.exists"),
        ),
        rules=_rules,
        computed=_computed,
    ),
)
