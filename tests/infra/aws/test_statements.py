"""Statements of a configuration, which allow actions to a task's own code."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.aws.statements import flaw
from infra.settings.statements_kind import Statements
from tests.infra import recorder
from tests.infra.arns import MATCHING_EVERY_RESOURCE, SPECIFIC

BUCKET = "arn:aws:s3:::files/*"

TOO_WIDE: list[tuple[object, str]] = [
    ("s3:GetObject", "isn't an object"),
    ({"Action": "s3:GetObject"}, "has no Resource"),
    ({"Resource": BUCKET}, "has no Action"),
    ({"Action": [], "Resource": BUCKET}, "has no Action"),
    ({"Action": ["s3:GetObject", 1], "Resource": BUCKET}, "has no Action"),
    (
        {"NotAction": "s3:GetObject", "Resource": BUCKET},
        "has NotAction, not only Sid, Effect, Action, Resource",
    ),
    ({"Action": "s3:GetObject", "NotResource": BUCKET}, "has NotResource, not only"),
    ({"Action": "s3:GetObject", "Resource": BUCKET, "Principal": "*"}, "has Principal, not only"),
    (
        {"Effect": "Maybe", "Action": "s3:GetObject", "Resource": BUCKET},
        "has Effect Maybe, not Allow or Deny",
    ),
    ({"Action": "*", "Resource": BUCKET}, "allows *, which is not one action"),
    ({"Action": "s3:*", "Resource": BUCKET}, "allows s3:*, which is not one action"),
    (
        {"Action": ["s3:GetObject", "s3:Put?bject"], "Resource": BUCKET},
        "allows s3:Put?bject, which is not one action",
    ),
    (
        {"Action": "s3:GetObject", "Resource": "*"},
        "allows s3:GetObject on *, which is not an ARN of specific resources",
    ),
    (
        {"Action": "s3:GetObject", "Resource": [BUCKET, "arn:aws:s3:::*"]},
        "on arn:aws:s3:::*, which is not an ARN",
    ),
    (
        {"Action": "sqs:SendMessage", "Resource": "arn:aws:sqs:*:*:queue"},
        "on arn:aws:sqs:*:*:queue, which is not",
    ),
    (
        {"Action": "s3:GetObject", "Resource": "files"},
        "on files, which is not an ARN of specific resources",
    ),
    (
        {"Action": "s3:GetObject", "Resource": "arn:aws:s3:::"},
        "on arn:aws:s3:::, which is not an ARN of specific resources",
    ),
    (
        {"Action": ["cloudwatch:PutMetricData", "s3:GetObject"], "Resource": "*"},
        "on *, which is not an ARN",
    ),
    (
        {"Action": "s3:GetObject", "Resource": BUCKET, "Condition": "x"},
        "has a Condition that isn't an object",
    ),
    (
        {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": None},
        "has a Condition that isn't an object",
    ),
    *(
        ({"Action": action, "Resource": arn}, f"allows {action} on {arn}, which is not an ARN")
        for action, arn in MATCHING_EVERY_RESOURCE
    ),
]


@pytest.mark.parametrize(
    ("statement", "message"), TOO_WIDE, ids=[json.dumps(each) for each, _ in TOO_WIDE]
)
def test_a_statement_that_allows_too_much_is_refused(statement: object, message: str) -> None:
    assert message in str(flaw(statement))
    text = json.dumps([statement])
    with pytest.raises(ValueError, match=rf"Expecting value|{re.escape(text)}"):
        Statements().read(text)


@pytest.mark.parametrize(
    "statement",
    [
        {"Action": "s3:GetObject", "Resource": BUCKET},
        {
            "Action": ["sqs:SendMessage"],
            "Resource": ["arn:aws:sqs:eu-west-1:123456789012:queue"],
            "Sid": "Send",
        },
        {"Action": "cloudwatch:PutMetricData", "Resource": "*"},
        {"Effect": "Deny", "Action": "s3:*", "Resource": "*"},
        {
            "Action": "s3:GetObject",
            "Resource": BUCKET,
            "Condition": {"Bool": {"aws:SecureTransport": "true"}},
        },
        *({"Action": "s3:GetObject", "Resource": arn} for arn in SPECIFIC),
    ],
)
def test_a_narrow_statement_is_read_from_an_object_and_from_its_text(
    statement: dict[str, Any],
) -> None:
    expected = ({"Effect": "Allow", **statement},)
    assert Statements().read(json.dumps([statement])) == expected
    assert Statements().read(json.dumps([json.dumps(statement)])) == expected


def test_every_flawed_statement_is_reported_by_its_number() -> None:
    statements = [
        {"Action": "s3:GetObject", "Resource": BUCKET},
        7,
        {"Action": "*", "Resource": BUCKET},
    ]
    assert Statements().shown(json.dumps(statements)) == (
        "statement 1 isn't an object; statement 2 allows *, which is not one action"
    )


@pytest.mark.parametrize("text", ["", "{}", "no list", '["no statement"]'])
def test_a_text_that_is_no_list_is_reported(text: str) -> None:
    assert Statements().shown(text) == f"{text or 'empty'}, which is not a list"


@given(
    st.recursive(
        st.none() | st.booleans() | st.text() | st.integers(),
        lambda each: (
            st.lists(each)
            | st.dictionaries(
                st.sampled_from(["Sid", "Effect", "Action", "Resource", "Condition", "x"]), each
            )
        ),
    )
)
def test_any_statement_is_accepted_or_refused_with_a_reason(statement: object) -> None:
    assert flaw(statement) != ""


def test_statements_are_granted_to_the_task_role_even_without_exec() -> None:
    own = {"Action": "s3:GetObject", "Resource": BUCKET}
    recording = recorder.run("dev", ecsExec=False, taskPolicyStatements=[own])
    assert recorder.names(recording, "RolePolicy") == {"web-execution", "web-task-own"}
    policy = recording.one("RolePolicy", "web-task-own")
    assert recorder.statements(policy) == [{"Effect": "Allow", **own}]
    assert policy.inputs["role"] == recording.id(recording.one("Role", "web-task"))
    assert "taskRoleArn" in recording.one("TaskDefinition").inputs
    assert policy.urn in recording.one("Service").dependencies, (
        "tasks would start without their permissions"
    )


def test_statements_have_a_policy_separate_from_execs() -> None:
    recording = recorder.run(
        "dev", taskPolicyStatements=[{"Action": "s3:GetObject", "Resource": BUCKET}]
    )
    assert recorder.names(recording, "RolePolicy") == {
        "web-execution",
        "web-task",
        "web-task-own",
    }
