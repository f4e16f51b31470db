"""What the models of AWS's services forbid, beyond what the types' own tables say."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from localaws.catalog.service_models import MODELS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Located = Callable[[object, str], Iterator[tuple[str, Any]]]

CODES = {
    "acm": "ValidationException",
    "cloudwatch": "InvalidParameterException",
    "ec2": "InvalidParameterValue",
    "ecr": "InvalidParameterException",
    "ecs": "InvalidParameterException",
    "iam": "ValidationError",
    "kms": "ValidationException",
    "lb": "ValidationError",
    "route53": "InvalidInput",
    "s3": "MalformedXML",
    "secretsmanager": "ValidationException",
    "ssm": "ValidationException",
    "wafv2": "WAFInvalidParameterException",
}
"""What each service answers to a value that its model forbids, by Pulumi's module."""

OTHERWISE = {
    "aws:ecs/service:Service networkConfiguration.assignPublicIp": "Pulumi has a boolean for ENABLED and DISABLED",
    "aws:s3/bucket:Bucket acl": "the provider takes aws-exec-read and log-delivery-write too",
    "aws:s3/bucketVersioning:BucketVersioning versioningConfiguration.status": (
        "the provider takes Disabled for a bucket that never had versions"
    ),
    "aws:secretsmanager/secretVersion:SecretVersion secretBinary": "Pulumi has the bytes in Base64",
}
"""Inputs that don't reach the API as they are, and why."""


def model_rules(token: str, values: object, located: Located, *, below: str = "") -> Iterator[tuple[str, str]]:
    """Where values break what the model says of the type's inputs, and what is allowed there.

    Args:
        token: The type.
        values: Its inputs, or what one of them holds.
        located: Finds what is at a path.
        below: The path of that one.
    """
    for path, says in MODELS.get(token, {}).items():
        if path.startswith(below) and f"{token} {path}" not in OTHERWISE:
            for place, value in located(values, path.removeprefix(below)):
                allowed = broken(says, value)
                # The provider leaves an empty text out.
                if allowed and value != "":
                    yield place, allowed


def broken(says: Mapping[str, Any], value: object) -> str | None:
    """What is allowed in place of a value; None where the value is. It is never shown: it may be a secret."""
    low, high = says.get("min"), says.get("max")
    if "enum" in says and isinstance(value, str):
        return None if value in says["enum"] else f"one of {', '.join(says['enum'])}"
    match says["type"], value:
        case "integer" | "long" | "float" | "double", int() | float() if not isinstance(value, bool):
            within = (low is None or value >= low) and (high is None or value <= high)
            return None if within else f"a number{_bounds(low, high)}, got {value:g}"
        case "list" | "map", list() | dict() if high is not None and len(value) > high:
            return f"at most {high} items, got {len(value)}"
        case "string", str():
            if not (low or 0) <= len(value) <= (len(value) if high is None else high):
                return f"a text of{_bounds(low, high)} characters, got {len(value)}"
            if "pattern" in says and not _matches(says["pattern"], value):
                return f"a text like {says['pattern']}"
    return None


def _bounds(low: float | None, high: float | None) -> str:
    if high is None:
        return f" at least {low}"
    return f" at most {high}" if low is None else f" {low} to {high}"


def _matches(pattern: str, value: str) -> bool:
    """Whether a text matches a pattern of a model, which are Java's; one that Python can't read forbids nothing."""
    for java, python in (("\\p{Print}", " -~"), ("\\p{L}", "\\w"), ("\\p{Z}", "\\s"), ("\\p{N}", "\\d")):
        pattern = pattern.replace(java, python)
    try:
        return re.search(pattern if pattern.startswith("^") else f"^(?:{pattern})$", value) is not None
    except re.error:
        return True
