"""Elastic Load Balancing: listener rules, with their conditions and transforms."""

from __future__ import annotations

import re
from ipaddress import ip_network
from typing import TYPE_CHECKING

from localaws.catalog import regexes
from localaws.catalog.elb.listener_actions import (
    action_limits,
    action_references,
    action_rules,
    https_only_action_rules,
    targets_of,
)
from localaws.catalog.elb.listeners import (
    LISTENER,
    LISTENER_RULE,
    forwarding_rules,
    target_account_rules,
)
from localaws.catalog.elb.load_balancers import LOAD_BALANCER
from localaws.catalog.elb.target_groups import VALIDATION
from localaws.catalog.properties import UNKNOWN, first_name, items_at, values_at
from localaws.catalog.refusals import Refusal
from localaws.catalog.resource_type import Reference, ResourceType, Unique
from localaws.catalog.values import (
    ARN,
    Allowed,
    Limit,
    block,
    blocks,
    exactly_one,
    given,
    length,
    matches,
    network,
    number,
    text,
    within,
)

if TYPE_CHECKING:
    from localaws.catalog.account import Account, Mint, Resource
    from localaws.catalog.properties import Properties
    from localaws.catalog.refusals import Refusals

RULES_PER_LOAD_BALANCER = 100
VALUES_PER_RULE = WILDCARDS_PER_RULE = EVALUATIONS_PER_RULE = 5
"""AWS's default quotas."""

LOWEST_PRECEDENCE = 50000
"""The highest number that a rule's priority can have."""

_CONDITIONS = (
    "hostHeader",
    "httpHeader",
    "httpRequestMethod",
    "pathPattern",
    "queryStrings",
    "sourceIp",
)
_WITH_REGEX = ("hostHeader", "httpHeader", "pathPattern")
_AT_MOST_ONCE = ("hostHeader", "httpRequestMethod", "pathPattern", "sourceIp")


def _is_network(value: object) -> bool:
    return network(value) is not None


_NOT_BROADCAST = Allowed(
    "a network other than 255.255.255.255/32",
    lambda value: network(value) != ip_network("255.255.255.255/32"),
)
"""AWS refuses it, although its documentation doesn't mention it."""


def _condition_limits() -> tuple[Limit, ...]:
    method = matches(r"[A-Z_-]{1,40}", "1 to 40 capital letters, - and _")
    header = matches(
        r"(?i)(?!host$)[!#$%&'*+.^_`|~0-9a-z-]{1,40}",
        "a header name of 1 to 40 characters other than Host",
    )
    source = Allowed("a network such as 10.0.0.0/16", _is_network)

    def limit(path: str, allowed: Allowed) -> Limit:
        return Limit(f"conditions[].{path}", allowed, "elbv2.condition.value")

    return (
        limit("hostHeader.values[]", length(1, 128)),
        limit("hostHeader.regexValues[]", length(1, 128)),
        limit("pathPattern.values[]", length(1, 128)),
        limit("pathPattern.regexValues[]", length(1, 128)),
        limit("httpHeader.values[]", length(1, 128)),
        limit("httpHeader.regexValues[]", length(1, 128)),
        limit("httpHeader.httpHeaderName", header),
        limit("httpRequestMethod.values[]", method),
        limit("queryStrings[].key", length(0, 128)),
        limit("queryStrings[].value", length(1, 128)),
        limit("sourceIp.values[]", source),
        Limit(
            "conditions[].sourceIp.values[]",
            _NOT_BROADCAST,
            "elbv2.condition.broadcast",
            VALIDATION,
        ),
    )


_VALUE_PATHS = (
    "conditions[].hostHeader.values[]",
    "conditions[].httpHeader.values[]",
    "conditions[].httpRequestMethod.values[]",
    "conditions[].pathPattern.values[]",
    "conditions[].sourceIp.values[]",
    "conditions[].queryStrings[].value",
)
"""The paths of the values that count towards a rule's quotas."""


def _has_values(condition: object) -> bool:
    """Return whether a condition has a value; a condition on query strings is a list of pairs."""
    if isinstance(condition, dict):
        return any(condition.get(name) for name in ("values", "regexValues"))
    return condition is UNKNOWN or bool(condition)


_TRANSFORMS = {"host-header-rewrite": "hostHeaderRewriteConfig", "url-rewrite": "urlRewriteConfig"}
"""The kinds of transforms, and the block of each.

Source: ELB's guide to transforms for listener rules.
"""

_REGEX_PATHS = (
    "conditions[].hostHeader.regexValues[]",
    "conditions[].httpHeader.regexValues[]",
    "conditions[].pathPattern.regexValues[]",
    "transforms[].hostHeaderRewriteConfig.rewrite.regex",
    "transforms[].urlRewriteConfig.rewrite.regex",
)


def _transform_limits() -> tuple[Limit, ...]:
    limits: list[Limit] = []
    for name in _TRANSFORMS.values():
        path = f"transforms[].{name}.rewrite"
        rule = "elbv2.transform.value"
        limits.append(Limit(f"{path}.regex", length(1, 1024), rule))
        limits.append(Limit(f"{path}.replace", length(0, 1024), rule))
    return tuple(limits)


def _transform_rules(inputs: Properties) -> Refusals:
    transforms = blocks(inputs.get("transforms"))
    types = [text(each.get("type")) for each in transforms]
    for kind in _TRANSFORMS:
        if types.count(kind) > 1:
            message = f"A rule can have only one transform of type {kind}"
            yield Refusal(VALIDATION, message, "elbv2.transform.once", "transforms")
    for index, transform in enumerate(transforms):
        where = f"transforms[{index}]"
        for kind, name in _TRANSFORMS.items():
            yield from _block_rules(transform, kind, name, where)
            yield from _rewrite_rules(transform.get(name), f"{where}.{name}")


def _block_rules(transform: Properties, kind: str, name: str, where: str) -> Refusals:
    """Refuse a transform without the block of its type, or with that of another type."""
    actual = text(transform.get("type"))
    has_block = bool(given(transform, name))
    if actual is None or has_block == (actual == kind):
        return
    if has_block:
        message = f"{where}: {name} is for type {kind} only, got type {actual}"
    else:
        message = f"{where}: type {kind} needs {name}"
    yield Refusal("InvalidArgument", message, "elbv2.transform.block", "transforms")


def _rewrite_rules(config: object, where: str) -> Refusals:
    if not isinstance(config, dict):
        return
    if not given(config, "rewrite"):
        yield Refusal(
            "InvalidArgument", f"{where} needs rewrite", "elbv2.transform.block", "transforms"
        )
    rewrite = block(config.get("rewrite"))
    regex, replace = text(rewrite.get("regex")), text(rewrite.get("replace"))
    if regex is None or replace is None:
        return
    groups = regexes.read(regex).groups
    missing = [each for each in re.findall(r"\$(\d)", replace) if int(each) > groups]
    if missing:
        message = (
            f"{where}: replace has ${missing[0]}, but regex {regex!r} has {groups} capture "
            "groups; replace can only use these"
        )
        yield Refusal(VALIDATION, message, "elbv2.transform.groups", "transforms")


def _regex_rules(inputs: Properties) -> Refusals:
    for path in _REGEX_PATHS:
        for exact_path, regex in items_at(inputs, path):
            fault = regexes.read(regex).fault if isinstance(regex, str) else None
            if fault:
                message = (
                    f"{exact_path}: {regex!r} has {fault}, which regular expressions of a rule "
                    "can't have"
                )
                yield Refusal(VALIDATION, message, "elbv2.regex.supported", first_name(path))


def _rules(inputs: Properties) -> Refusals:
    yield from _condition_rules(inputs)
    if inputs.get("actions") == []:
        message = "actions needs at least one action"
        yield Refusal("InvalidArgument", message, "elbv2.action.some", "actions")
    yield from action_rules(inputs, "actions")
    yield from _transform_rules(inputs)
    yield from _regex_rules(inputs)


def _condition_rules(inputs: Properties) -> Refusals:
    conditions = blocks(inputs.get("conditions"))
    for index, condition in enumerate(conditions):
        yield from exactly_one(
            condition, _CONDITIONS, "elbv2.condition.one-field", where=f"conditions[{index}]: "
        )
        for name in given(condition, *_CONDITIONS):
            if not _has_values(condition[name]):
                message = f"conditions[{index}].{name} needs at least one value"
                yield Refusal("InvalidArgument", message, "elbv2.condition.some", "conditions")
    for name in _AT_MOST_ONCE:
        count = sum(condition.get(name) is not None for condition in conditions)
        if count > 1:
            message = f"A rule can have only one {name} condition; put all values into one"
            yield Refusal(VALIDATION, message, "elbv2.condition.once", "conditions")
    yield from _quota_rules(inputs)
    if inputs.get("conditions") == []:
        message = "conditions needs at least one condition"
        yield Refusal("InvalidArgument", message, "elbv2.condition.some", "conditions")


def _quota_rules(inputs: Properties) -> Refusals:
    """Refuse more values than a rule can have."""
    values: list[str] = []
    for path in _VALUE_PATHS:
        values += map(str, values_at(inputs, path))
    if len(values) > VALUES_PER_RULE:
        message = f"A rule can only have '{VALUES_PER_RULE}' condition values, got {len(values)}"
        yield Refusal(VALIDATION, message, "elbv2.condition.values", "conditions")
    evaluations = len(values)
    for name in _WITH_REGEX:
        evaluations += len(values_at(inputs, f"conditions[].{name}.regexValues[]"))
    # Values alone that are too many are refused above.
    if evaluations > EVALUATIONS_PER_RULE >= len(values):
        message = (
            f"A rule can only have '{EVALUATIONS_PER_RULE}' match evaluations, which values and "
            f"regexValues are, got {evaluations}"
        )
        yield Refusal(VALIDATION, message, "elbv2.condition.evaluations", "conditions")
    wildcards = sum(value.count("*") + value.count("?") for value in values)
    if wildcards > WILDCARDS_PER_RULE:
        message = (
            f"A rule can only have '{WILDCARDS_PER_RULE}' condition wildcards, * and ?, got "
            f"{wildcards}"
        )
        yield Refusal(VALIDATION, message, "elbv2.condition.wildcards", "conditions")


def _account_rules(inputs: Properties, account: Account, current: Resource | None) -> Refusals:
    listener = account.get(LISTENER, inputs.get("listenerArn"))
    if listener is None:
        return
    balancer = account.get(LOAD_BALANCER, listener.inputs.get("loadBalancerArn"))
    if current is None:
        yield from _rule_quota_rules(listener, account)
        if not given(inputs, "priority"):
            yield from _generated_priority_rules(listener, account)
    yield from target_account_rules(targets_of(inputs, "actions"), balancer, account, current)
    protocol = listener.outputs.get("protocol")
    if protocol == "HTTP":
        yield from https_only_action_rules(inputs, "actions")
    yield from forwarding_rules(inputs, "actions", protocol, account)


def _rule_quota_rules(listener: Resource, account: Account) -> Refusals:
    """Refuse more rules than a load balancer can have, on all of its listeners."""
    count = 0
    balancer = listener.inputs.get("loadBalancerArn")
    for each in account.where(LISTENER, "loadBalancerArn", balancer):
        count += len(account.where(LISTENER_RULE, "listenerArn", each.id))
    if count >= RULES_PER_LOAD_BALANCER:
        message = f"{balancer} has {RULES_PER_LOAD_BALANCER} rules, no more are allowed: remove one"
        yield Refusal("TooManyRules", message, "elbv2.listener-rule.quota")


def _generated_priority_rules(listener: Resource, account: Account) -> Refusals:
    highest = _highest_priority(account, listener.id)
    if highest >= LOWEST_PRECEDENCE:
        message = (
            f"priority must be set: the listener's highest one is {highest}, after which there is "
            "no other"
        )
        yield Refusal(VALIDATION, message, "elbv2.listener-rule.priority", "priority")


def _highest_priority(account: Account, listener: object) -> int:
    highest = 0
    for rule in account.where(LISTENER_RULE, "listenerArn", listener):
        highest = max(highest, int(number(rule.outputs.get("priority")) or 0))
    return highest


def _computed(mint: Mint, inputs: Properties) -> Properties:
    listener = inputs.get("listenerArn")
    arn = f"{str(listener).replace(':listener/', ':listener-rule/')}/{mint.hex(16)}"
    computed: dict[str, object] = {"id": arn, "arn": arn}
    if not given(inputs, "priority"):
        computed["priority"] = _highest_priority(mint.account, listener) + 1
    return computed


TYPES = (
    ResourceType(
        token=LISTENER_RULE,
        unordered=frozenset({"conditions", *_VALUE_PATHS}),
        replaces=frozenset({"listenerArn", "region"}),
        limits=(
            Limit("listenerArn", ARN, "elbv2.listener-rule.arn"),
            Limit("priority", within(1, LOWEST_PRECEDENCE), "elbv2.listener-rule.priority"),
            *_condition_limits(),
            *_transform_limits(),
            *action_limits("actions"),
        ),
        references=(
            Reference(
                "listenerArn",
                LISTENER,
                "ListenerNotFound",
                "elbv2.listener-rule.listener-exists",
                "gone",
            ),
            *action_references("actions"),
        ),
        unique=(
            Unique(
                ("priority", "listenerArn"),
                "PriorityInUse",
                "elbv2.listener-rule.priority-unique",
                "Priority '{priority:g}' is currently in use",
            ),
        ),
        rules=_rules,
        account_rules=_account_rules,
        computed=_computed,
    ),
)
