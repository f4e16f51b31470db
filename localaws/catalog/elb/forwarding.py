"""Elastic Load Balancing: what target groups require of the actions that forward to them.

Sources: ELB's guide to sticky sessions, and "Protocol version" in its guide to target groups. The
messages are those that users of AWS report.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from localaws.catalog.properties import values_at
from localaws.catalog.refusals import Refusal
from localaws.catalog.values import block, blocks, text, texts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from localaws.catalog.account import Account, Resource
    from localaws.catalog.properties import Properties
    from localaws.catalog.refusals import Refusals

HTTP2_ONLY = ("HTTP2", "GRPC")
"""The protocol versions that only a listener with protocol HTTPS can forward to."""

WITHOUT_STICKINESS = ("lambda", "alb")
"""The target types for which the provider sends no stickiness."""


def stickiness_of(group: Properties) -> str:
    """Return the type of a target group's stickiness; empty if it has none.

    A block without `enabled` enables it.
    """
    if group.get("targetType") in WITHOUT_STICKINESS:
        return ""
    stickiness = block(group.get("stickiness"))
    if stickiness.get("enabled") not in (None, True):
        return ""
    return text(stickiness.get("type")) or ""


def groups_of(action: Properties) -> list[str]:
    """Return the ARNs of the target groups that an action forwards to, each once."""
    arns = [action.get("targetGroupArn"), *values_at(action, "forward.targetGroups[].arn")]
    return list(dict.fromkeys(texts(arns)))


def has_group_stickiness(action: Properties) -> bool:
    """Return whether an action sends each client to the same group; that is off by default."""
    return block(block(action.get("forward")).get("stickiness")).get("enabled") is True


def rules_for_actions(
    actions: Sequence[Properties], listener_protocol: object, groups: Mapping[str, Properties]
) -> Refusals:
    """Refuse actions that their target groups don't allow.

    Args:
        actions: The actions of a rule, or the default actions of a listener.
        listener_protocol: The listener's protocol.
        groups: The inputs of the known target groups, by ARN.
    """
    types = [str(each.get("type")) for each in actions]
    for action in actions:
        known_groups = [groups.get(arn, {}) for arn in groups_of(action)]
        for group in known_groups:
            yield from _version_rules(group, listener_protocol, types)
        if len(known_groups) > 1:
            yield from _weighted_groups_rules(action, known_groups)


def _version_rules(
    group: Properties, listener_protocol: object, action_types: Sequence[str]
) -> Refusals:
    """Refuse to forward to HTTP/2 or gRPC from HTTP, or after another action."""
    version = group.get("protocolVersion")
    # The provider leaves the version out for Lambda functions.
    if version not in HTTP2_ONLY or group.get("targetType") == "lambda":
        return
    if listener_protocol == "HTTP":
        message = (
            "Listener protocol 'HTTP' is not supported with a target group with the "
            f"protocol-version '{version}': use a listener with protocol HTTPS"
        )
        yield _refusal(message, "elbv2.action.protocol-version")
    if len(action_types) > 1:
        message = (
            "forward is the only action for a target group with the protocol-version "
            f"'{version}', got {', '.join(action_types)}"
        )
        yield _refusal(message, "elbv2.action.forward-only")


def _weighted_groups_rules(action: Properties, groups: Sequence[Properties]) -> Refusals:
    """Refuse an action that forwards to several groups and doesn't allow their stickiness."""
    types = {stickiness_of(group) for group in groups} - {""}
    if types and not has_group_stickiness(action):
        message = (
            "You must enable group stickiness on a rule if you enabled target stickiness on "
            "one of its target groups: set forward.stickiness.enabled to true"
        )
        yield _refusal(message, "elbv2.action.sticky-groups")
    if "app_cookie" in types:
        yield _refusal(_APP_COOKIE, "elbv2.action.app-cookie")


_APP_COOKIE = (
    "Application-based stickiness does not work with weighted target groups: an action that "
    "forwards to several groups needs groups without stickiness or with lb_cookie"
)


def _refusal(message: str, rule: str, code: str = "InvalidLoadBalancerAction") -> Refusal:
    return Refusal(code, message, rule)


def rules_for_group(inputs: Properties, account: Account, current: Resource | None) -> Refusals:
    """Refuse a group's stickiness that a listener or rule which forwards to it doesn't allow."""
    kind = stickiness_of(inputs)
    if current is None or not kind:
        return
    for holder in account.holders(current):
        # A rule has `actions`, a listener `defaultActions`.
        for action in blocks(holder.inputs.get("actions") or holder.inputs.get("defaultActions")):
            arns = groups_of(action)
            if current.id in arns and len(arns) > 1:
                yield from _weighted_group_rules(kind, action, holder)


def _weighted_group_rules(kind: str, action: Properties, holder: Resource) -> Refusals:
    """Refuse stickiness of a target group that is one of several in an action.

    `holder` is the listener or rule with the action.
    """
    code = "InvalidConfigurationRequest"
    if not has_group_stickiness(action):
        message = (
            "This target group appears behind a rule with group stickiness disabled "
            f"({holder.id}). You must enable group stickiness before enabling target "
            "stickiness"
        )
        yield _refusal(message, "elbv2.action.sticky-groups", code)
    if kind == "app_cookie":
        yield _refusal(_APP_COOKIE, "elbv2.action.app-cookie", code)
