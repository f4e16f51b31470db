"""Rules about policies: of roles, of what roles are trusted with, and of resources."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from gate.patterns import overlap
from gate.rules.readers import actions_of, listed, statements
from gate.rules.registry import rule

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gate.graph import Graph, Node

WITHOUT_ARN: Final = frozenset(
    {
        "cloudwatch:PutMetricData",
        "ec2:DescribeAvailabilityZones",
        "ecr:GetAuthorizationToken",
        "ecs:DiscoverPollEndpoint",
        "kms:GenerateRandom",
        "logs:DescribeLogGroups",
        "ssmmessages:CreateControlChannel",
        "ssmmessages:CreateDataChannel",
        "ssmmessages:OpenControlChannel",
        "ssmmessages:OpenDataChannel",
        "sts:GetCallerIdentity",
        "xray:GetSamplingRules",
        "xray:GetSamplingTargets",
        "xray:PutTelemetryRecords",
        "xray:PutTraceSegments",
    }
)
"""Actions that take no narrower resource than `*`. Source: Service Authorization Reference."""

_ARN_PARTS: Final = 6
"""arn:partition:service:region:account:resource"""

_NAMES_ONLY: Final = frozenset({"execute-api", "sns", "sqs"})
"""Services with one kind of resource, whose ARNs end in its name without a word for the kind; S3's
buckets are named so too.
"""

_KINDS_OF_TWO_WORDS: Final = {
    "elasticloadbalancing": ("listener/", "listener-rule/", "loadbalancer/"),
    "wafv2": ("global/", "regional/"),
}
"""Where a second word follows before the name, as in loadbalancer/app/NAME and regional/ipset/NAME;
by service. Source: Service Authorization Reference.
"""

_UNRELATED: Final = "zz-*"
"""Names of resources that no stack is about."""

_REQUEST_ORIGIN: Final = re.compile(
    r"(?i)aws:(Principal(Account|Arn|OrgID|OrgPaths)"
    r"|Source(Account|Arn|OrgID|OrgPaths|Vpc|Vpce|VpcArn))"
)
"""Condition keys that tell where a request comes from. Source: IAM, global condition context
keys.
"""


@rule
def role_policies_name_their_resources(graph: Graph) -> Iterator[Node]:
    """Require exact actions, on resources of the stack or under a name."""
    for policy in graph.all("RolePolicy"):
        for statement in statements(policy, "policy"):
            if statement["Effect"] == "Allow" and _is_broad(graph, policy, statement):
                yield policy


@rule
def resource_policies_name_their_principals(graph: Graph) -> Iterator[Node]:
    """Require a principal, or a condition on the request's origin."""
    for node in graph.nodes:
        # Not a VPC endpoint's policy: the resource behind it still has to allow the request.
        document = "policy" if node.kind == "BucketPolicy" else "assumeRolePolicy"
        if document not in node.inputs:
            continue
        for statement in statements(node, document):
            if statement["Effect"] == "Allow" and _allows_anyone(statement):
                yield node


@rule
def topic_policies_name_their_sources(graph: Graph) -> Iterator[Node]:
    """Require a condition on the origin of messages, also where AWS's services publish them.

    Without it, anyone's alarm or event rule may publish to the topic (the confused deputy problem).
    """
    for policy in graph.all("TopicPolicy"):
        for statement in statements(policy, "policy"):
            condition = statement.get("Condition", {})
            if statement["Effect"] == "Allow" and not _restricts_origin(condition):
                yield policy


@rule
def trust_policies_name_the_account(graph: Graph) -> Iterator[Node]:
    """Require conditions where AWS's services may use a role (the confused deputy problem).

    EC2 is no such deputy: it uses a role only for instances of the role's own account.
    """
    for role in graph.all("Role"):
        for statement in statements(role, "assumeRolePolicy"):
            if _trusts_only_ec2(statement):
                continue
            if "aws:SourceAccount" not in json.dumps(statement.get("Condition", {})):
                yield role


def _trusts_only_ec2(statement: Mapping[str, Any]) -> bool:
    principal = statement.get("Principal")
    if not isinstance(principal, dict) or principal.keys() != {"Service"}:
        return False
    service = principal["Service"]
    return isinstance(service, str) and service.startswith("ec2.")


def _is_broad(graph: Graph, policy: Node, statement: Mapping[str, Any]) -> bool:
    """Return whether a statement's actions or resources are patterns that match too much."""
    actions = actions_of(statement)
    if {"NotAction", "NotResource"} & statement.keys():
        return True
    if any(map(_is_pattern, actions)):
        return True
    for resource in listed(statement.get("Resource", "*")):
        if resource == "*":
            if not WITHOUT_ARN.issuperset(actions):
                return True
        elif _matches_unrelated(resource) or _matches_others(graph, policy, resource):
            return True
    return False


def _matches_unrelated(resource: str) -> bool:
    """Return whether an ARN pattern also matches resources with names that it doesn't mention."""
    parts = resource.split(":", _ARN_PARTS - 1)
    if len(parts) < _ARN_PARTS:
        return True
    *prefix, pattern = parts
    if _is_pattern("".join(prefix)):
        return True
    if not _is_pattern(pattern):
        return False
    kind = _kind(service=parts[2], account=parts[4], pattern=pattern)
    return kind is None or overlap(pattern, kind + _UNRELATED)


def _matches_others(graph: Graph, policy: Node, resource: str) -> bool:
    """Return whether an ARN pattern matches a resource of the stack that the policy isn't about."""
    if not _is_pattern(resource):
        return False
    named = set(policy.named(resource))
    for node in graph.nodes:
        arn = node.outputs.get("arn")
        if isinstance(arn, str) and node not in named and overlap(resource, arn):
            return True
    return False


def _is_pattern(text: str) -> bool:
    return "*" in text or "?" in text


def _kind(*, service: str, account: str, pattern: str) -> str | None:
    """Return the words before the name in an ARN's last part; None where a wildcard is in them."""
    if service in _NAMES_ONLY or (service == "s3" and not account):
        return ""
    words = 2 if pattern.startswith(_KINDS_OF_TWO_WORDS.get(service, ())) else 1
    found = re.match(rf"/?(?:[^/:*?]+[/:]+){{{words}}}", pattern)
    return found[0] if found else None


def _allows_anyone(statement: Mapping[str, Any]) -> bool:
    """Return whether a statement allows anyone, without a condition on the request's origin."""
    principal = statement.get("Principal", "*")
    anyone = True
    if isinstance(principal, dict):
        anyone = any("*" in listed(names) for names in principal.values())
    return anyone and not _restricts_origin(statement.get("Condition", {}))


def _restricts_origin(condition: Mapping[str, Mapping[str, Any]]) -> bool:
    # IfExists and the negated operators also hold for requests without the key.
    for operator in ("StringEquals", "StringLike", "ArnEquals", "ArnLike"):
        if any(map(_REQUEST_ORIGIN.fullmatch, condition.get(operator, {}))):
            return True
    return False
