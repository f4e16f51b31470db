"""Cloud Map: namespaces and the services in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localaws.catalog.account import is_current, others_with_same
from localaws.catalog.ec2.network import VPC
from localaws.catalog.only_recorded import NO_NAME
from localaws.catalog.properties import UNKNOWN, values_at
from localaws.catalog.refusals import Refusal
from localaws.catalog.resource_type import AutoName, Reference, ResourceType
from localaws.catalog.values import Limit, block, blocks, given, matches, one_of, text, texts

if TYPE_CHECKING:
    from localaws.catalog.account import Account, Mint, Resource
    from localaws.catalog.properties import Properties
    from localaws.catalog.refusals import Refusals

HTTP_NAMESPACE = "aws:servicediscovery/httpNamespace:HttpNamespace"
PRIVATE_NAMESPACE = "aws:servicediscovery/privateDnsNamespace:PrivateDnsNamespace"
SERVICE = "aws:servicediscovery/service:Service"

_INVALID = "InvalidInput"
_LETTERS = "0123456789abcdefghijklmnopqrstuvwxyz"
_ID_LENGTH = 16

_HTTP_NAME = matches(r"[!-~]{1,1024}", "1 to 1024 printable characters without spaces")
_DNS_NAME = matches(
    r"(?=.{1,253}\Z)[!-~]{1,63}(\.[!-~]{1,63})*",
    "a domain name of at most 253 characters, its labels at most 63",
)


def namespace_of(account: Account, name: object) -> Resource | None:
    """Return the namespace with an id, ARN or name, or None."""
    for token in (HTTP_NAMESPACE, PRIVATE_NAMESPACE):
        for each in account.all(token):
            if name in (each.id, each.outputs.get("arn"), each.outputs.get("name")):
                return each
    return None


def _identifier(mint: Mint, prefix: str) -> str:
    """Return a new id in Cloud Map's form: `ns-` and 16 letters and digits."""
    rest = int(mint.hex(2 * _ID_LENGTH), 16)
    letters = ""
    for _ in range(_ID_LENGTH):
        rest, digit = divmod(rest, len(_LETTERS))
        letters += _LETTERS[digit]
    return f"{prefix}-{letters}"


def _namespace_computed(mint: Mint, inputs: Properties) -> Properties:
    identifier = _identifier(mint, "ns")
    arn = mint.arn("servicediscovery", f"namespace/{identifier}")
    computed = {"id": identifier, "arn": arn}
    if "vpc" in inputs:
        # Cloud Map itself creates the hosted zone of a private namespace.
        return {**computed, "hostedZone": f"Z{mint.hex(20).upper()}"}
    return {**computed, "httpName": inputs.get("name")}


def _namespace_account_rules(
    inputs: Properties, account: Account, current: Resource | None
) -> Refusals:
    """Refuse an HTTP namespace that exists in the region, or a private one that does in the VPC."""
    token = PRIVATE_NAMESPACE if "vpc" in inputs else HTTP_NAMESPACE
    for each in others_with_same(account, token, inputs, current, "name", "vpc"):
        message = f"the namespace {inputs.get('name')} already exists: {each.id}"
        yield Refusal(
            "NamespaceAlreadyExists", message, "servicediscovery.namespace.unique", "name"
        )


def _namespace_deletion_rules(namespace: Resource, account: Account) -> Refusals:
    for each in account.all(SERVICE):
        if each.outputs.get("namespaceId") == namespace.id:
            message = f"The namespace {namespace.id} has the service {each.id}, delete it first"
            yield Refusal("ResourceInUse", message, "servicediscovery.namespace.held")


def _namespace_id(inputs: Properties) -> object:
    own = inputs.get("namespaceId")
    dns = block(inputs.get("dnsConfig")).get("namespaceId")
    return own if own is not None else dns


def _service_rules(inputs: Properties) -> Refusals:
    dns = block(inputs.get("dnsConfig"))
    if inputs.get("namespaceId") is None and inputs.get("dnsConfig") is None:
        message = "one of namespaceId and dnsConfig.namespaceId must be given"
        yield Refusal(
            _INVALID, message, "servicediscovery.service.namespace-required", "namespaceId"
        )
    if given(inputs, "healthCheckConfig") and given(inputs, "healthCheckCustomConfig"):
        message = "healthCheckConfig and healthCheckCustomConfig exclude each other"
        yield Refusal(_INVALID, message, "servicediscovery.service.one-check", "healthCheckConfig")
    if inputs.get("type") == "HTTP" and given(inputs, "dnsConfig"):
        message = "a service of type HTTP has no dnsConfig"
        yield Refusal(_INVALID, message, "servicediscovery.service.http", "dnsConfig")
    kinds = texts(values_at(dns, "dnsRecords[].type"))
    if "CNAME" in kinds:
        if len(blocks(dns.get("dnsRecords"))) > 1:
            message = f"a CNAME record stands alone, got {', '.join(kinds)}"
            yield Refusal(_INVALID, message, "servicediscovery.service.cname", "dnsConfig")
        if dns.get("routingPolicy") not in ("WEIGHTED", UNKNOWN):
            message = "a CNAME record needs routingPolicy WEIGHTED"
            yield Refusal(_INVALID, message, "servicediscovery.service.cname", "dnsConfig")


def _service_account_rules(
    inputs: Properties, account: Account, current: Resource | None
) -> Refusals:
    wanted = _namespace_id(inputs)
    namespace = account.get(HTTP_NAMESPACE, wanted) or account.get(PRIVATE_NAMESPACE, wanted)
    if namespace is None:
        message = f"No namespace with id '{wanted}'"
        yield Refusal(
            "NamespaceNotFound", message, "servicediscovery.service.namespace-exists", "namespaceId"
        )
        return
    if namespace.token == HTTP_NAMESPACE and given(inputs, "dnsConfig"):
        message = f"{namespace.id} is an HTTP namespace, whose services have no dnsConfig"
        yield Refusal(_INVALID, message, "servicediscovery.service.http", "dnsConfig")
    if given(inputs, "healthCheckConfig"):
        message = f"healthCheckConfig is for public DNS namespaces, {namespace.id} is none"
        yield Refusal(
            _INVALID, message, "servicediscovery.service.health-check", "healthCheckConfig"
        )
    for each in account.where(SERVICE, "namespaceId", namespace.id):
        same_name = each.outputs.get("name") == inputs.get("name")
        if same_name and not is_current(each, current):
            message = (
                f"the service {inputs.get('name')} already exists in {namespace.id}: {each.id}"
            )
            yield Refusal(
                "ServiceAlreadyExists", message, "servicediscovery.service.unique", "name"
            )


def _service_computed(mint: Mint, _inputs: Properties) -> Properties:
    identifier = _identifier(mint, "srv")
    return {"id": identifier, "arn": mint.arn("servicediscovery", f"service/{identifier}")}


def _service_derived(inputs: Properties) -> Properties:
    dns = block(inputs.get("dnsConfig"))
    found = {"type": "DNS_HTTP" if dns else "HTTP", "namespaceId": _namespace_id(inputs)}
    return {name: value for name, value in found.items() if not given(inputs, name)}


def _replaces(name: str, old: Properties, new: Properties) -> bool:
    """Return whether a change replaces: TTLs and health checks' settings change in place."""
    before, after = block(old.get(name)), block(new.get(name))
    if name == "healthCheckConfig":
        return before.get("type") != after.get("type")
    if name != "dnsConfig":
        return False
    return _fixed_dns(before) != _fixed_dns(after)


def _fixed_dns(dns: Properties) -> tuple[object, list[str], str]:
    """Return what can't change in a DNS configuration: namespace, records' types, and policy."""
    return (
        dns.get("namespaceId"),
        texts(values_at(dns, "dnsRecords[].type")),
        dns.get("routingPolicy") or "MULTIVALUE",
    )


def _private_import_ids(namespace: Resource) -> tuple[str, ...]:
    return (f"{namespace.id}:{text(namespace.inputs.get('vpc'))}",)


TYPES = (
    ResourceType(
        token=HTTP_NAMESPACE,
        only_recorded=NO_NAME,
        autoname=AutoName(longest=1024),
        replaces=frozenset({"name", "region"}),
        limits=(Limit("name", _HTTP_NAME, "servicediscovery.namespace.name"),),
        account_rules=_namespace_account_rules,
        computed=_namespace_computed,
        deletion_rules=_namespace_deletion_rules,
    ),
    ResourceType(
        token=PRIVATE_NAMESPACE,
        only_recorded=NO_NAME,
        autoname=AutoName(longest=253),
        replaces=frozenset({"name", "vpc", "region"}),
        limits=(Limit("name", _DNS_NAME, "servicediscovery.namespace.name"),),
        references=(Reference("vpc", VPC, _INVALID, "servicediscovery.namespace.vpc-exists"),),
        account_rules=_namespace_account_rules,
        computed=_namespace_computed,
        deletion_rules=_namespace_deletion_rules,
        import_ids=_private_import_ids,
    ),
    ResourceType(
        token=SERVICE,
        only_recorded=NO_NAME,
        autoname=AutoName(longest=127),
        replaces=frozenset({"name", "namespaceId", "healthCheckCustomConfig", "type", "region"}),
        replaces_if=_replaces,
        defaults={"forceDestroy": False},
        derived=_service_derived,
        limits=(
            Limit("type", one_of("HTTP", "DNS_HTTP", "DNS"), "servicediscovery.service.type"),
            Limit(
                "dnsConfig.routingPolicy",
                one_of("MULTIVALUE", "WEIGHTED"),
                "servicediscovery.service.routing-policy",
            ),
            Limit(
                "dnsConfig.dnsRecords[].type",
                one_of("SRV", "A", "AAAA", "CNAME"),
                "servicediscovery.service.record",
            ),
        ),
        rules=_service_rules,
        account_rules=_service_account_rules,
        computed=_service_computed,
        held=("ResourceInUse", "servicediscovery.service.held"),
        # ECS knows it by its ARN.
        import_ids=lambda service: (service.id, service.outputs["arn"]),
    ),
)
