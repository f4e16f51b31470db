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


def stickiness_of(group: Properties) -> str:
    """Return the type of a target group's stickiness; empty if it has none.

    A block without `enabled` enables it.
    """
    sticky = block(group.get("stickiness"))
    enabled = sticky.get("enabled") in (None, True)
    return (text(sticky.get("type")) or "") if enabled else ""


def groups_of(action: Properties) -> list[str]:
    """Return the ARNs of the target groups that an action forwards to."""
    named = texts([action.get("targetGroupArn")])
    return list(dict.fromkeys([*named, *texts(values_at(action, "forward.targetGroups[].arn"))]))


def keeps_clients(action: Properties) -> bool:
    """Return whether an action has group stickiness, which is off by default."""
    return block(block(action.get("forward")).get("stickiness")).get("enabled") is True


def action_rules(
    actions: Sequence[Properties], listener_protocol: object, groups: Mapping[str, Properties]
) -> Refusals:
    """Refuse actions that the target groups don't allow.

    Args:
        actions: Those of a rule, or the default ones of a listener.
        listener_protocol: The listener's.
        groups: The known target groups' inputs, by ARN.
    """
    kinds = [str(each.get("type")) for each in actions]
    for action in actions:
        arns = groups_of(action)
        for arn in arns:
            version = groups.get(arn, {}).get("protocolVersion")
            if version not in HTTP2_ONLY:
                continue
            if listener_protocol == "HTTP":
                message = (
                    "Listener protocol 'HTTP' is not supported with a target group with the "
                    f"protocol-version '{version}'"
                )
                yield _refusal(message, "elbv2.action.protocol-version")
            if len(kinds) > 1:
                message = (
                    f"forward is the only action for a target group with the protocol-version "
                    f"'{version}', got {', '.join(kinds)}"
                )
                yield _refusal(message, "elbv2.action.forward-only")
        types = {stickiness_of(groups.get(arn, {})) for arn in arns} - {""}
        if len(arns) > 1 and types and not keeps_clients(action):
            message = (
                "You must enable group stickiness on a rule if you enabled target stickiness on "
                "one of its target groups"
            )
            yield _refusal(message, "elbv2.action.sticky-groups")
        if len(arns) > 1 and "app_cookie" in types:
            yield _refusal(_APP_COOKIE, "elbv2.action.app-cookie")


_APP_COOKIE = (
    "Application-based stickiness does not work with weighted target groups: an action that "
    "forwards to several groups needs groups without stickiness or with lb_cookie"
)


def _refusal(message: str, rule: str, code: str = "InvalidLoadBalancerAction") -> Refusal:
    return Refusal(code, message, rule)


def group_rules(inputs: Properties, account: Account, current: Resource | None) -> Refusals:
    """Refuse stickiness that listeners and rules, which forward to a target group, don't allow."""
    kind, code = stickiness_of(inputs), "InvalidConfigurationRequest"
    if current is None or not kind:
        return
    for holder in account.holders(current):
        for action in blocks(holder.inputs.get("actions") or holder.inputs.get("defaultActions")):
            arns = groups_of(action)
            if len(arns) < 2 or current.id not in arns:  # noqa: PLR2004 — several groups
                continue
            if not keeps_clients(action):
                message = (
                    "This target group appears behind a rule with group stickiness disabled "
                    f"({holder.id}). You must enable group stickiness before enabling target "
                    "stickiness"
                )
                yield _refusal(message, "elbv2.action.sticky-groups", code)
            if kind == "app_cookie":
                yield _refusal(_APP_COOKIE, "elbv2.action.app-cookie", code)
