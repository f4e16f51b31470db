"""WAF: web ACLs, IP sets, associations and logging."""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

from localaws.catalog.account import Resource, others_with_same, uuid
from localaws.catalog.elb.load_balancers import LOAD_BALANCER
from localaws.catalog.only_recorded import NO_FILTER
from localaws.catalog.properties import values_at
from localaws.catalog.refusals import Refusal
from localaws.catalog.resource_type import AutoName, Reference, ResourceType, Unique
from localaws.catalog.values import (
    ARN,
    Limit,
    block,
    blocks,
    exactly_one,
    given,
    length,
    matches,
    number,
    one_of,
    size,
    texts,
    within,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from localaws.catalog.account import Account, Mint
    from localaws.catalog.properties import Properties
    from localaws.catalog.refusals import Refusals

WEB_ACL = "aws:wafv2/webAcl:WebAcl"
IP_SET = "aws:wafv2/ipSet:IpSet"
ASSOCIATION = "aws:wafv2/webAclAssociation:WebAclAssociation"
LOGGING = "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration"

CLOUDFRONT_REGION = "us-east-1"
"""The region of all resources for CloudFront. Source: AWS's description of a web ACL's scope."""

_INVALID = "WAFInvalidParameterException"
_NAME = r"[\w-]{1,128}"
_WORDS = "1 to 128 letters, digits, underscores and hyphens"
_GROUPS = ("managedRuleGroupStatement", "ruleGroupReferenceStatement")
"""Statements with groups of rules, whose actions only `overrideAction` can change."""


def _region_rules(inputs: Properties, rule: str) -> Refusals:
    """Refuse a resource for CloudFront outside of the region that has all of them."""
    region = inputs.get("region")
    if inputs.get("scope") != "CLOUDFRONT" or not isinstance(region, str):
        return
    if region != CLOUDFRONT_REGION:
        message = (
            "Error reason: The scope is not valid., field: SCOPE_VALUE, parameter: CLOUDFRONT; "
            f"scope CLOUDFRONT needs region {CLOUDFRONT_REGION}, got {region}"
        )
        yield Refusal(_INVALID, message, rule, "scope")


def _web_acl_rules(inputs: Properties) -> Refusals:
    default = inputs.get("defaultAction")
    if isinstance(default, dict):
        yield from exactly_one(
            default, ("allow", "block"), "wafv2.web-acl.default-action", where="defaultAction: "
        )
    yield from _region_rules(inputs, "wafv2.web-acl.cloudfront-region")
    if given(inputs, "ruleJson") and given(inputs, "rules"):
        yield Refusal(
            "InvalidArgument",
            "rules and ruleJson exclude each other",
            "wafv2.web-acl.rules",
            "ruleJson",
        )
    yield from _rule_rules(blocks(inputs.get("rules")))


def _rule_rules(rules: Sequence[Properties]) -> Refusals:
    for field in ("priority", "name"):
        counts = Counter(filter(_is_text_or_number, [rule.get(field) for rule in rules]))
        for value, times in counts.items():
            if times > 1:
                message = f"rules: {field} {value} is used {times} times"
                yield Refusal("WAFDuplicateItemException", message, "wafv2.rule.unique", "rules")
    for index, rule in enumerate(rules):
        where = f"rules[{index}]: "
        statement = block(rule.get("statement"))
        yield from exactly_one(rule, ("action", "overrideAction"), "wafv2.rule.action", where=where)
        if given(statement, *_GROUPS) and given(rule, "action"):
            message = f"{where}a rule group's own rules have actions, use overrideAction"
            yield Refusal(_INVALID, message, "wafv2.rule.group-action", "rules")
        if statement and not given(statement, *_GROUPS) and given(rule, "overrideAction"):
            message = f"{where}overrideAction is for rule groups only, use action"
            yield Refusal(_INVALID, message, "wafv2.rule.group-action", "rules")


def _is_text_or_number(value: object) -> bool:
    return isinstance(value, str) or number(value) is not None


def _web_acl_computed(mint: Mint, inputs: Properties) -> Properties:
    identifier = uuid(mint)
    cloudfront = inputs.get("scope") == "CLOUDFRONT"
    kind = "global" if cloudfront else "regional"
    region = CLOUDFRONT_REGION if cloudfront else None
    return {
        "id": identifier,
        "arn": mint.arn("wafv2", f"{kind}/webacl/{inputs.get('name')}/{identifier}", region=region),
        "lockToken": uuid(mint),
        "applicationIntegrationUrl": "",
    }


def _web_acl_deletion_rules(acl: Resource, account: Account) -> Refusals:
    for each in account.all(ASSOCIATION):
        if each.inputs.get("webAclArn") == acl.computed["arn"]:
            message = (
                f"AWS WAF couldn't delete {acl.id}: {each.inputs.get('resourceArn')} is "
                "associated with it"
            )
            yield Refusal("WAFAssociatedItemException", message, "wafv2.web-acl.held")


def _web_acl_exists_rules(account: Account, arn: object, name: str, rule: str) -> Refusals:
    if isinstance(arn, str) and not account.where(WEB_ACL, "arn", arn):
        message = f"AWS WAF couldn't find the web ACL {arn}"
        yield Refusal("WAFNonexistentItemException", message, rule, name)


def _association_account_rules(
    inputs: Properties, account: Account, current: Resource | None
) -> Refusals:
    yield from _web_acl_exists_rules(
        account, inputs.get("webAclArn"), "webAclArn", "wafv2.association.web-acl-exists"
    )
    if others_with_same(account, ASSOCIATION, inputs, current, "resourceArn"):
        message = (
            f"{inputs.get('resourceArn')} has a web ACL already, and it would lose both: "
            "disassociate the first one"
        )
        yield Refusal(
            "WAFAssociatedItemException", message, "wafv2.association.unique", "resourceArn"
        )


def _logging_rules(inputs: Properties) -> Refusals:
    for arn in texts(inputs.get("logDestinationConfigs")):
        kind, name = _destination(arn)
        if kind is not None and not name.startswith("aws-waf-logs-"):
            message = (
                f"the name of a {kind} for WAF's logs must start with aws-waf-logs-, got {name!r}"
            )
            yield Refusal(_INVALID, message, "wafv2.logging.name", "logDestinationConfigs")


def _destination(arn: str) -> tuple[str | None, str]:
    """Return the kind of a log destination, or None if it is unknown, and its name."""
    parts = arn.split(":", 5) + [""] * 6
    service, resource = parts[2], parts[5]
    name = resource.removeprefix("log-group:").removesuffix(":*").removeprefix("deliverystream/")
    kind = {"logs": "log group", "s3": "bucket", "firehose": "delivery stream"}.get(service)
    return kind, name.partition("/")[0] if service == "s3" else name


def _logging_account_rules(
    inputs: Properties, account: Account, _current: Resource | None
) -> Refusals:
    yield from _web_acl_exists_rules(
        account, inputs.get("resourceArn"), "resourceArn", "wafv2.logging.web-acl-exists"
    )


def _capacity(inputs: Properties) -> Properties:
    """Estimate capacity units: a rule group's published units, or 200; other rules count 1."""
    groups = texts(values_at(inputs, "rules[].statement.managedRuleGroupStatement.name"))
    group_units = sum(_GROUP_CAPACITY.get(group, 200) for group in groups)
    other_rules = max(len(blocks(inputs.get("rules"))) - len(groups), 0)
    return {"capacity": group_units + other_rules}


_GROUP_CAPACITY = {
    "AWSManagedRulesCommonRuleSet": 700,
    "AWSManagedRulesAdminProtectionRuleSet": 100,
    "AWSManagedRulesKnownBadInputsRuleSet": 200,
    "AWSManagedRulesSQLiRuleSet": 200,
    "AWSManagedRulesLinuxRuleSet": 200,
    "AWSManagedRulesUnixRuleSet": 100,
    "AWSManagedRulesAmazonIpReputationList": 25,
    "AWSManagedRulesAnonymousIpList": 50,
    "AWSManagedRulesBotControlRuleSet": 50,
}
"""Web ACL capacity units. Source: AWS's list of managed rule groups."""

LARGEST_CAPACITY = 5000


def _ip_sets(value: object) -> Iterator[str]:
    """Yield the ARNs of the IP sets that rules refer to, at any depth of their statements."""
    if isinstance(value, Mapping):
        for name, each in value.items():
            if name == "ipSetReferenceStatement":
                yield from texts([block(each).get("arn")])
            yield from _ip_sets(each)
    elif isinstance(value, list):
        for each in value:
            yield from _ip_sets(each)


def _web_acl_account_rules(
    inputs: Properties, account: Account, current: Resource | None
) -> Refusals:
    known = {each.computed["arn"] for each in account.all(IP_SET)}
    before = set(_ip_sets(current.inputs.get("rules"))) if current else set()
    for arn in sorted(set(_ip_sets(inputs.get("rules"))) - known - before):
        message = (
            f"AWS WAF couldn't perform the operation because your resource doesn't exist: {arn}"
        )
        yield Refusal("WAFNonexistentItemException", message, "wafv2.rule.ip-set-exists", "rules")


def _ip_set_rules(inputs: Properties) -> Refusals:
    version = {"IPV4": 4, "IPV6": 6}.get(str(inputs.get("ipAddressVersion")))
    for address in texts(inputs.get("addresses")):
        found = _range(address)
        if found is None or (version and found.version != version) or found.prefixlen == 0:
            words = f"a range of {inputs.get('ipAddressVersion')} such as 192.0.2.0/24, and not /0"
            message = f"addresses must each be {words}, got {address!r}"
            yield Refusal(_INVALID, message, "wafv2.ip-set.address", "addresses")
    yield from _region_rules(inputs, "wafv2.ip-set.region")


def _range(address: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(address, strict=False) if "/" in address else None
    except ValueError:
        return None


def _ip_set_computed(mint: Mint, inputs: Properties) -> Properties:
    identifier = uuid(mint)
    scope = "global" if inputs.get("scope") == "CLOUDFRONT" else "regional"
    arn = mint.arn("wafv2", f"{scope}/ipset/{inputs.get('name')}/{identifier}")
    return {"id": identifier, "arn": arn, "lockToken": uuid(mint)}


def _ip_set_deletion_rules(ip_set: Resource, account: Account) -> Refusals:
    for acl in account.all(WEB_ACL):
        if ip_set.computed["arn"] in _ip_sets(acl.inputs.get("rules")):
            message = (
                "AWS WAF couldn't perform the operation because your resource is being used "
                f"by {acl.id}"
            )
            yield Refusal("WAFAssociatedItemException", message, "wafv2.ip-set.held")


def _capacity_rules(inputs: Properties) -> Refusals:
    yield from _web_acl_rules(inputs)
    capacity = _capacity(inputs)["capacity"]
    if capacity > LARGEST_CAPACITY:
        message = f"the rules need {capacity} capacity units, {LARGEST_CAPACITY} are allowed"
        yield Refusal("WAFLimitsExceededException", message, "wafv2.web-acl.capacity", "rules")


def _visibility_limits(path: str) -> tuple[Limit, ...]:
    return (
        Limit(
            f"{path}.metricName",
            matches(r"[\w-]{1,255}", "1 to 255 letters, digits, _ and -"),
            "wafv2.metric",
        ),
    )


TYPES = (
    ResourceType(
        token=WEB_ACL,
        only_recorded=NO_FILTER,
        autoname=AutoName(),
        replaces=frozenset({"name", "namePrefix", "scope", "region"}),
        unordered=frozenset({"rules", "tokenDomains", "customResponseBodies"}),
        json=frozenset({"ruleJson"}),
        limits=(
            Limit("name", matches(_NAME, _WORDS), "wafv2.web-acl.name"),
            Limit("scope", one_of("REGIONAL", "CLOUDFRONT"), "wafv2.web-acl.scope"),
            Limit("description", length(1, 256), "wafv2.web-acl.description"),
            Limit("rules[].name", matches(_NAME, _WORDS), "wafv2.rule.name"),
            Limit("rules[].priority", within(0, 2**31 - 1), "wafv2.rule.priority"),
            Limit(
                "rules[].statement.rateBasedStatement.limit",
                within(10, 2 * 10**9),
                "wafv2.rule.rate",
                code=_INVALID,
            ),
            *_visibility_limits("visibilityConfig"),
            *_visibility_limits("rules[].visibilityConfig"),
        ),
        unique=(
            Unique(
                ("name", "scope"),
                "WAFDuplicateItemException",
                "wafv2.web-acl.unique",
                "a web ACL named {name} exists already",
            ),
        ),
        rules=_capacity_rules,
        account_rules=_web_acl_account_rules,
        derived=_capacity,
        computed=_web_acl_computed,
        deletion_rules=_web_acl_deletion_rules,
        import_ids=lambda acl: (f"{acl.id}/{acl.outputs['name']}/{acl.inputs['scope']}",),
    ),
    ResourceType(
        token=IP_SET,
        only_recorded=NO_FILTER,
        autoname=AutoName(longest=128),
        replaces=frozenset({"name", "namePrefix", "scope", "ipAddressVersion", "region"}),
        unordered=frozenset({"addresses"}),
        limits=(
            Limit("name", matches(_NAME, _WORDS), "wafv2.ip-set.name"),
            Limit("scope", one_of("REGIONAL", "CLOUDFRONT"), "wafv2.ip-set.scope"),
            Limit("ipAddressVersion", one_of("IPV4", "IPV6"), "wafv2.ip-set.version"),
            Limit("description", length(1, 256), "wafv2.ip-set.description"),
            Limit("addresses", size(0, 10000), "wafv2.ip-set.addresses"),
        ),
        unique=(
            Unique(
                ("name", "scope"),
                "WAFDuplicateItemException",
                "wafv2.ip-set.unique",
                "an IP set named {name} exists already",
            ),
        ),
        rules=_ip_set_rules,
        computed=_ip_set_computed,
        deletion_rules=_ip_set_deletion_rules,
        import_ids=lambda each: (f"{each.id}/{each.outputs['name']}/{each.inputs['scope']}",),
    ),
    ResourceType(
        token=ASSOCIATION,
        only_recorded=NO_FILTER,
        replaces=frozenset({"resourceArn", "webAclArn", "region"}),
        limits=(
            Limit("resourceArn", ARN, "wafv2.association.arn"),
            Limit("webAclArn", ARN, "wafv2.association.arn"),
        ),
        references=(
            Reference(
                "resourceArn",
                LOAD_BALANCER,
                "WAFNonexistentItemException",
                "wafv2.association.resource-exists",
                "gone",
            ),
        ),
        account_rules=_association_account_rules,
        computed=lambda _mint, inputs: {
            "id": f"{inputs.get('webAclArn')},{inputs.get('resourceArn')}"
        },
    ),
    ResourceType(
        token=LOGGING,
        only_recorded=NO_FILTER,
        replaces=frozenset({"logDestinationConfigs", "resourceArn", "region"}),
        unordered=frozenset({"redactedFields"}),
        limits=(
            Limit("logDestinationConfigs", size(1, 1), "wafv2.logging.one", code=_INVALID),
            Limit("logDestinationConfigs[]", ARN, "wafv2.logging.arn"),
            Limit("resourceArn", ARN, "wafv2.logging.arn"),
            Limit("redactedFields", size(0, 100), "wafv2.logging.redacted"),
        ),
        rules=_logging_rules,
        account_rules=_logging_account_rules,
        computed=lambda _mint, inputs: {"id": inputs.get("resourceArn")},
    ),
)
