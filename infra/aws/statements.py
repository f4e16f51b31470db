"""Check policy statements for the code in a task: they must name specific resources. Pure."""

from __future__ import annotations

import re
from typing import Final

_KEYS: Final = ("Sid", "Effect", "Action", "Resource", "Condition")

WITHOUT_RESOURCE: Final = frozenset(
    {
        "cloudwatch:PutMetricData",
        "ec2:DescribeAvailabilityZones",
        "ecr:GetAuthorizationToken",
        "kms:GenerateRandom",
        "sts:GetCallerIdentity",
        "xray:GetSamplingRules",
        "xray:GetSamplingTargets",
        "xray:PutTelemetryRecords",
        "xray:PutTraceSegments",
    }
)
"""Actions that take no resource but `*`. Source: Service Authorization Reference."""

_ARN: Final = (
    # arn:partition:service:region:account:resource
    r"arn:[^:*?]+:(?:"
    # Here a resource is a name, and so may end in a wildcard;
    r"(?:s3::|(?:execute-api|sns|sqs):[^:*?]*:[^:*?]*):[^*?]"
    # elsewhere a word comes first that says what kind of thing is named, as in secret:NAME,
    # role/NAME, /restapis/ID, or two words do, as in loadbalancer/app/NAME and
    # regional/webacl/NAME.
    r"|(?!(?:elasticloadbalancing:[^/]*:(?:loadbalancer|listener|listener-rule)|wafv2:[^/]*)/[^/*?]*/?[*?])"
    r"[^:*?]+:[^:*?]*:[^:*?]*:(?:[^*?]+$|/?[\w.-]+[:/]+[^:/*?])"
    r")"
)
"""The beginning of an ARN of specific resources, not of every resource of a kind."""


def flaw(statement: object) -> str | None:
    """Return what is wrong with a statement, to follow its number; None if nothing is."""
    if not isinstance(statement, dict):
        return "isn't an object"
    unknown = sorted(set(statement) - set(_KEYS))
    if unknown:
        return f"has {', '.join(unknown)}, not only {', '.join(_KEYS)}"
    effect = statement.get("Effect", "Allow")
    if effect not in ("Allow", "Deny"):
        return f"has Effect {effect}, not Allow or Deny"
    if not isinstance(statement.get("Condition", {}), dict):
        return "has a Condition that isn't an object"
    actions, resources = _texts(statement.get("Action")), _texts(statement.get("Resource"))
    if not actions or not resources:
        return f"has no {'Resource' if actions else 'Action'}"
    return None if effect == "Deny" else _breadth(actions, resources)


def _breadth(actions: list[str], resources: list[str]) -> str | None:
    """Return which action or resource of an allowing statement is too broad, if one is."""
    for action in actions:
        if not re.fullmatch(r"[a-z0-9-]+:[A-Za-z0-9]+", action):
            return f"allows {action}, which is not one action"
    for resource in resources:
        if resource == "*" and WITHOUT_RESOURCE.issuperset(actions):
            continue
        if not re.match(_ARN, resource):
            allowed = f"allows {', '.join(actions)} on {resource}"
            return f"{allowed}, which is not an ARN of specific resources"
    return None


def _texts(value: object) -> list[str]:
    """Return a text or a list of texts as a list; empty if any of them is empty or no text."""
    values = value if isinstance(value, list) else [value]
    texts = [each for each in values if isinstance(each, str) and each]
    return texts if len(texts) == len(values) else []
