"""Policy statements for the code in a task, which must name their resources. Pure."""

from __future__ import annotations

import re
from typing import Final

_MAY: Final = ("Sid", "Effect", "Action", "Resource", "Condition")

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
"""Actions that AWS ties to no resource, so that theirs is `*`. Source: Service Authorization
Reference.
"""

_ARN: Final = re.compile(
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
    """Return what is wrong with a statement, to follow its name; None if it is narrow enough."""
    if not isinstance(statement, dict):
        return "is no object"
    if unknown := sorted(set(statement) - {*_MAY}):
        return f"has {', '.join(unknown)}, not only {', '.join(_MAY)}"
    effect = statement.get("Effect", "Allow")
    if effect not in ("Allow", "Deny"):
        return f"has Effect {effect}, not Allow or Deny"
    if not isinstance(statement.get("Condition", {}), dict):
        return "has a Condition that is no object"
    actions, resources = _texts(statement.get("Action")), _texts(statement.get("Resource"))
    if not actions or not resources:
        return f"has no {'Resource' if actions else 'Action'}"
    return None if effect == "Deny" else _breadth(actions, resources)


def _breadth(actions: list[str], resources: list[str]) -> str | None:
    """Return how a statement allows more than it names."""
    for action in actions:
        if not re.fullmatch(r"[a-z0-9-]+:[A-Za-z0-9]+", action):
            return f"allows {action}, which is not one action"
    for resource in resources:
        if resource == "*" and WITHOUT_RESOURCE.issuperset(actions):
            continue
        if not _ARN.match(resource):
            return f"allows {', '.join(actions)} on {resource}, which is not an ARN of something"
    return None


def _texts(value: object) -> list[str]:
    values = value if isinstance(value, list) else [value]
    texts = [each for each in values if isinstance(each, str) and each]
    return texts if len(texts) == len(values) else []
