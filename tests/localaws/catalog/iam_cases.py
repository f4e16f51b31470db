"""Refusals of IAM's roles and policies; `test_refusals.py` runs them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.localaws.catalog.conftest import GRANT, statement

if TYPE_CHECKING:
    from tests.localaws.catalog.refusal_case import Case

ROLE = "aws:iam/role:Role"
ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"
ATTACHMENT = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
POLICY = "aws:iam/policy:Policy"


def inline_policies(*characters: int) -> list[dict[str, str]]:
    """Return inline policies of a role, with actions of these lengths."""
    return [
        {"name": f"policy-{number}", "policy": statement(Action=f"s3:{'a' * count}", Resource="*")}
        for number, count in enumerate(characters)
    ]


def aws_managed(count: int) -> list[str]:
    return [f"arn:aws:iam::aws:policy/Policy{number}" for number in range(count)]


IAM_CASES: tuple[Case, ...] = (
    (ROLE, "iam.role.name", "InvalidArgument", {"name": "a" * 65}, {"name": "a" * 64}),
    (ROLE, "iam.role.unique", "EntityAlreadyExists", {"name": "Tasks"}, {}),
    (
        ROLE,
        "iam.role.description",
        "InvalidArgument",
        {"description": "a" * 1001},
        {"description": "a" * 1000},
    ),
    (
        ROLE,
        "iam.role.session",
        "InvalidArgument",
        {"maxSessionDuration": 3599},
        {"maxSessionDuration": 43200},
    ),
    (ROLE, "iam.role.path", "InvalidArgument", {"path": "service"}, {"path": "/service/"}),
    (
        ROLE,
        "iam.role.boundary",
        "InvalidArgument",
        {"permissionsBoundary": "boundary"},
        {"permissionsBoundary": "arn:aws:iam::aws:policy/Boundary"},
    ),
    (ROLE, "iam.policy.json", "MalformedPolicyDocument", {"assumeRolePolicy": "not json"}, {}),
    (
        ROLE,
        "iam.policy.fields",
        "MalformedPolicyDocument",
        {"assumeRolePolicy": '{"Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole"}]}'},
        {},
    ),
    (
        ROLE,
        "iam.policy.exists",
        "NoSuchEntity",
        {"managedPolicyArns": ["arn:aws:iam::123456789012:policy/none"]},
        {"managedPolicyArns": ["arn:aws:iam::aws:policy/ReadOnlyAccess"]},
    ),
    (ROLE_POLICY, "iam.role.exists", "NoSuchEntity", {"role": "no-such-role"}, {}),
    (ROLE_POLICY, "iam.role-policy.name", "InvalidArgument", {"name": "a b"}, {}),
    (ROLE_POLICY, "iam.policy.statement", "MalformedPolicyDocument", {"policy": "{}"}, {}),
    (
        ROLE_POLICY,
        "iam.policy.effect",
        "MalformedPolicyDocument",
        {"policy": '{"Statement": {"Effect": "allow", "Action": "*", "Resource": "*"}}'},
        {"policy": '{"Statement": {"Effect": "Deny", "Action": "*", "Resource": "*"}}'},
    ),
    (
        ROLE_POLICY,
        "iam.policy.version",
        "MalformedPolicyDocument",
        {
            "policy": (
                '{"Version": "2020-01-01", "Statement": {"Effect": "Deny", "Action": "*", '
                '"Resource": "*"}}'
            )
        },
        {},
    ),
    (
        ROLE_POLICY,
        "iam.policy.size",
        "LimitExceeded",
        {
            "policy": '{"Statement": {"Effect": "Deny", "Action": "a:%s", "Resource": "*"}}'
            % ("a" * 10240)
        },
        {},
    ),
    (
        ATTACHMENT,
        "iam.role-policy-attachment.arn",
        "InvalidArgument",
        {"policyArn": "ReadOnlyAccess"},
        {},
    ),
    (
        ATTACHMENT,
        "iam.policy.exists",
        "NoSuchEntity",
        {"policyArn": "arn:aws:iam::123456789012:policy/none"},
        {},
    ),
    (POLICY, "iam.policy.name", "InvalidArgument", {"name": "a b"}, {}),
    (ROLE, "iam.role.name", "InvalidArgument", {"name": "José"}, {"name": "Jose"}),
    (
        ROLE_POLICY,
        "iam.policy.action",
        "MalformedPolicyDocument",
        {"policy": statement(Action=["s3:GetObject", "PutObject"], Resource="*")},
        {"policy": statement(Action="*", Resource="*")},
    ),
    (
        ROLE_POLICY,
        "iam.policy.resource",
        "MalformedPolicyDocument",
        {"policy": statement(Action="s3:GetObject", Resource="files")},
        {"policy": statement(Action="s3:GetObject", Resource=["arn:aws:s3:::files"])},
    ),
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
