"""What the local AWS's code and tables contain: ids of rules, and paths of inputs."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from localaws.catalog.inputs import blocks_of

ROOT = Path(__file__).parents[3]
_SERVICES = (
    "catalog|cloud|cloudwatch|name|invokes|acm|appautoscaling|autoscaling|chatbot|ec2|ecr|efs|elbv2"
    "|ecs|events|iam|kms|logs|route53|s3|secretsmanager|servicediscovery|sns|ssm|wafv2"
)
RULE = re.compile(rf"(?!cloud\.(?:json|adc-e\.uk))(?:{_SERVICES})(?:\.[a-z0-9-]+){{1,2}}")
"""The form of a rule's id; a file and a domain have the same form."""


@cache
def rules_in_code() -> frozenset[str]:
    """Return every quoted text in the local AWS's code that has the form of a rule's id.

    Parsing all of its files would take forty times as long.
    """
    quoted = re.compile(rf"""(["'])({RULE.pattern})\1""")
    found: set[str] = set()
    for path in (ROOT / "localaws").rglob("*.py"):
        found.update(match[2] for match in quoted.finditer(path.read_text()))
    return frozenset(found)


def input_paths(token: str) -> set[str]:
    """Return the path of every input of a type, at any depth."""
    paths: set[str] = set()
    for block in blocks_of(token):
        paths.update(f"{block.path}.{name}".lstrip(".") for name in block.names)
    return paths
