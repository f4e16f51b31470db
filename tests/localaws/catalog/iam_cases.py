"""Refusals of IAM's roles and policies.

Each has a type, a rule, an error code, refused inputs and similar accepted inputs;
`test_refusals.py` runs them.
"""

from __future__ import annotations

import json
from typing import Any

from tests.localaws.catalog.conftest import GRANT, statement

Case = tuple[str, str, str, dict[str, Any], dict[str, Any]]

ROLE = "aws:iam/role:Role"
ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"


def inline_policies(*characters: int) -> list[dict[str, str]]:
    """Return inline policies of a role, with actions of these lengths."""
    return [
        {"name": f"policy-{number}", "policy": statement(Action=f"s3:{'a' * count}", Resource="*")}
        for number, count in enumerate(characters)
    ]


def aws_managed(count: int) -> list[str]:
    return [f"arn:aws:iam::aws:policy/Policy{number}" for number in range(count)]


IAM_CASES: tuple[Case, ...] = (
    (
        ROLE,
        "iam.role.quota",
        "LimitExceeded",
        {"managedPolicyArns": aws_managed(11)},
        {"managedPolicyArns": aws_managed(10)},
    ),
    (
        ROLE,
        "iam.policy.size",
        "LimitExceeded",
        {"inlinePolicies": inline_policies(6000, 6000)},
        {"inlinePolicies": inline_policies(6000, 1000)},
    ),
    (
        ROLE_POLICY,
        "iam.policy.type",
        "MalformedPolicyDocument",
        {"policy": json.dumps({"Statement": ["Allow", *json.loads(GRANT)["Statement"]]})},
        {"policy": json.dumps({"Statement": json.loads(GRANT)["Statement"]})},
    ),
)
