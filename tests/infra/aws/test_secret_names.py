"""Names of secrets in a configuration, and their ARNs for ECS and IAM."""

from __future__ import annotations

import json
import re
from fnmatch import fnmatchcase
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.aws import locality
from infra.aws import secret_names as secrets
from infra.aws.environment import AwsEnvironment
from localaws.catalog.ecs.container_definitions import container_rules
from tests.infra import recorder

ENVIRONMENT = AwsEnvironment(partition="aws", region="eu-west-1", account="123456789012")
HERE = "eu-west-1:123456789012"
KEY = f"arn:aws:kms:{HERE}:key/12345678-1234-1234-1234-123456789012"

VERSION = "a1b2c3d4-5678-90ab-cdef-EXAMPLE11111"


def of_rds(suffix: str, value_from: str) -> tuple[str, str, str]:
    """Return a secret that RDS made, as a configuration, ECS and IAM name it."""
    return (
        f"secretsmanager:rds!db-1{suffix}",
        f"arn:aws:secretsmanager:{HERE}:secret:rds!db-1{value_from}",
        f"arn:aws:secretsmanager:{HERE}:secret:rds!db-1-??????",
    )


SPELLINGS = [
    ("plain", f"arn:aws:ssm:{HERE}:parameter/plain", f"arn:aws:ssm:{HERE}:parameter/plain"),
    ("/a/b", f"arn:aws:ssm:{HERE}:parameter/a/b", f"arn:aws:ssm:{HERE}:parameter/a/b"),
    *[(f"arn:aws:ssm:{HERE}:parameter/a",) * 3],
    (
        "secretsmanager:demo/db",
        f"arn:aws:secretsmanager:{HERE}:secret:demo/db",
        f"arn:aws:secretsmanager:{HERE}:secret:demo/db-??????",
    ),
    (
        "secretsmanager:demo/db#password",
        f"arn:aws:secretsmanager:{HERE}:secret:demo/db:password::",
        f"arn:aws:secretsmanager:{HERE}:secret:demo/db-??????",
    ),
    of_rds("", ""),
    of_rds(":::", ""),
    of_rds("#password", ":password::"),
    of_rds(":password::", ":password::"),
    of_rds(":password:AWSCURRENT:", ":password:AWSCURRENT:"),
    of_rds("::AWSPREVIOUS:", "::AWSPREVIOUS:"),
    of_rds(f":password::{VERSION}", f":password::{VERSION}"),
    (
        f"arn:aws:secretsmanager:{HERE}:secret:rds!db-1-AbCdEf:password:AWSCURRENT:",
        f"arn:aws:secretsmanager:{HERE}:secret:rds!db-1-AbCdEf:password:AWSCURRENT:",
        f"arn:aws:secretsmanager:{HERE}:secret:rds!db-1-AbCdEf",
    ),
    (
        f"arn:aws:secretsmanager:{HERE}:secret:db-AbCdEf",
        f"arn:aws:secretsmanager:{HERE}:secret:db-AbCdEf",
        f"arn:aws:secretsmanager:{HERE}:secret:db-AbCdEf",
    ),
    (
        f"arn:aws:secretsmanager:{HERE}:secret:db-AbCdEf#user",
        f"arn:aws:secretsmanager:{HERE}:secret:db-AbCdEf:user::",
        f"arn:aws:secretsmanager:{HERE}:secret:db-AbCdEf",
    ),
]


@pytest.mark.parametrize(("text", "value_from", "resource"), SPELLINGS)
def test_each_form_has_its_value_from_and_its_policy_resource(
    text: str, value_from: str, resource: str
) -> None:
    assert re.fullmatch(secrets.FORM, text)
    found = secrets.resolve(ENVIRONMENT, text)
    assert (found.value_from, found.resource) == (value_from, resource)
    assert found.service == resource.split(":")[2]


@given(st.from_regex(re.compile(secrets.FORM, re.ASCII), fullmatch=True))
def test_every_accepted_name_has_a_valid_arn_and_one_resource(text: str) -> None:
    found = secrets.resolve(ENVIRONMENT, text)
    service, resource = {
        "ssm": ("ssm", r"parameter/[\w./-]+"),
        "secretsmanager": ("secretsmanager", r"secret:[\w/+=.@!-]+(:[^:\s]*:([^:\s]*:|:[\w-]+))?"),
    }[found.service]
    assert re.fullmatch(rf"arn:[\w-]+:{service}:[\w-]+:\d{{12}}:{resource}", found.value_from)
    assert "*" not in found.resource
    assert found.resource.count("?") in {0, 6}


@given(st.from_regex(re.compile(secrets.FORM, re.ASCII), fullmatch=True))
def test_ecs_accepts_every_accepted_name(text: str) -> None:
    container = {
        "name": "a",
        "image": "b",
        "secrets": [{"name": "A", "valueFrom": secrets.resolve(ENVIRONMENT, text).value_from}],
    }
    inputs = {"executionRoleArn": "role", "containerDefinitions": json.dumps([container])}
    assert not list(container_rules(inputs, fargate=True))


@given(st.text(max_size=40))
def test_every_refused_text_has_a_described_flaw(text: str) -> None:
    if not re.fullmatch(secrets.FORM, text):
        assert secrets.flaw(text) in {words for _, words in secrets.FLAWS}


@pytest.mark.parametrize(
    ("text", "flaw"),
    [
        ("", "empty"),
        (" /a", "begins or ends with a space"),
        (f"arn:aws:s3:{HERE}:a", "an ARN of another service"),
        (f"arn:aws:ssm:{HERE}:parameter/a#b", "a #KEY after what isn't in Secrets Manager"),
        ("/a#b", "a #KEY after what isn't in Secrets Manager"),
        (
            "arn:aws:ssm:eu-west-1:1:parameter/a",
            "not like arn:aws:ssm:REGION:ACCOUNT:parameter/NAME",
        ),
        (
            f"arn:aws:secretsmanager:{HERE}:a",
            "not like arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME-AbCdEf",
        ),
        (f"arn:aws:secretsmanager:{HERE}:secret:db", "without the hyphen and six characters"),
        (
            f"arn:aws:secretsmanager:{HERE}:secret:db:password::",
            "without the hyphen and six characters",
        ),
        (f"arn:aws:secretsmanager:{HERE}:secret:d b-AbCdEf", "a secret whose name isn't"),
        ("secretsmanager:a$b", "a secret whose name isn't"),
        ("secretsmanager:test-secret", "whose name ends like an ARN"),
        ("secretsmanager:test-secret#key", "whose name ends like an ARN"),
        ("secretsmanager:test-secret:key::", "whose name ends like an ARN"),
        ("secretsmanager:a:b#c::", "with # in what follows its name"),
        ("secretsmanager:a#", "#KEY is empty, or has a space"),
        ("secretsmanager:a#b c", "#KEY is empty, or has a space"),
        ("secretsmanager:a:b", "isn't followed by exactly :KEY:STAGE:VERSION"),
        ("secretsmanager:a:b:c:d:e", "isn't followed by exactly :KEY:STAGE:VERSION"),
        (f"secretsmanager:a:b:AWSCURRENT:{VERSION}", "both a stage and a version"),
        ("secretsmanager:a:b::1", "whose version isn't 32 to 64"),
        ("/aws/a", "AWS keeps for itself"),
        ("/" + "/".join("abcdefghijklmnop"), "more than 15 levels"),
        ("hunter 2", "no ARN, no secretsmanager:NAME, and no parameter's name"),
    ],
)
def test_a_flaw_is_described_without_the_text(text: str, flaw: str) -> None:
    assert not re.fullmatch(secrets.FORM, text)
    described = secrets.flaw(text)
    assert flaw in described
    assert text == "" or text not in described


@given(st.from_regex("[a-z]{1,9}", fullmatch=True), st.from_regex("[a-z-]{1,9}", fullmatch=True))
def test_a_name_grants_no_secret_with_a_longer_name(name: str, more: str) -> None:
    granted = secrets.resolve(ENVIRONMENT, f"secretsmanager:{name}").resource
    assert fnmatchcase(f"arn:aws:secretsmanager:{HERE}:secret:{name}-AbCdEf", granted)
    assert not fnmatchcase(f"arn:aws:secretsmanager:{HERE}:secret:{name}{more}-AbCdEf", granted)


@pytest.mark.parametrize(
    ("key", "changes", "message"),
    [
        (
            "secrets",
            {"secrets": {"A": "arn:aws:ssm:us-east-1:123456789012:parameter/a"}},
            "A, in us-east-1, not ap-nor",
        ),
        (
            "secrets",
            {"secrets": {"A": "arn:aws-cn:ssm:cn-north-1:123456789012:parameter/a"}},
            "A, in partition aws-cn, not aws",
        ),
        (
            "secrets",
            {"secrets": {"A": "arn:aws:secretsmanager:us-east-1:123456789012:secret:a-AbCdEf#k"}},
            "allowed: a secret of this region; with another one, that region's outage",
        ),
        (
            "secretKeyArns",
            {"secretKeyArns": [KEY]},
            "in eu-west-1, not ap-northeast-1; allowed: a key of this region",
        ),
        ("logKeyArn", {"logKeyArn": KEY}, "in eu-west-1, not ap-northeast-1"),
        ("execKeyArn", {"execKeyArn": KEY}, "in eu-west-1, not ap-northeast-1"),
        (
            "permissionsBoundaryArn",
            {"permissionsBoundaryArn": "arn:aws-cn:iam::123456789012:policy/p"},
            "in partition aws-cn, not aws; allowed: a policy of this partition",
        ),
    ],
)
def test_a_secret_of_another_region_is_refused_before_anything_is_registered(
    key: str, changes: dict[str, Any], message: str
) -> None:
    refusal = recorder.refusal_of(**changes)
    assert [problem.key for problem in refusal.problems] == [key]
    assert message in str(refusal)


def test_names_and_arns_without_a_region_are_in_the_stacks_region() -> None:
    names = ["/a", "secretsmanager:b", "arn:aws:iam::1:policy/p", KEY]
    assert not list(locality.foreign(ENVIRONMENT, names))


def test_each_secret_is_read_by_its_own_action_and_only_under_its_own_keys() -> None:
    key = KEY.replace("eu-west-1", "ap-northeast-1")
    recording = recorder.run(
        "dev",
        secrets={"A": "/demo/a", "B": "secretsmanager:db#password", "C": "secretsmanager:db#user"},
        secretKeyArns=[key],
    )
    statements = recorder.statements(recording.one("RolePolicy", "web-execution"))
    read_secrets, read_parameters, decrypt, _write_log = statements
    here = "ap-northeast-1:123456789012"
    assert (read_parameters["Action"], read_parameters["Resource"]) == (
        "ssm:GetParameters",
        [f"arn:aws:ssm:{here}:parameter/demo/a"],
    )
    assert read_secrets == {
        "Effect": "Allow",
        "Action": "secretsmanager:GetSecretValue",
        "Resource": [f"arn:aws:secretsmanager:{here}:secret:db-??????"],
    }
    assert decrypt == {
        "Effect": "Allow",
        "Action": "kms:Decrypt",
        "Resource": [key],
        "Condition": {
            "StringEquals": {
                "kms:ViaService": [
                    "secretsmanager.ap-northeast-1.amazonaws.com",
                    "ssm.ap-northeast-1.amazonaws.com",
                ]
            }
        },
    }
    assert recorder.container(recording)["secrets"] == [
        {"name": "A", "valueFrom": f"arn:aws:ssm:{here}:parameter/demo/a"},
        {"name": "B", "valueFrom": f"arn:aws:secretsmanager:{here}:secret:db:password::"},
        {"name": "C", "valueFrom": f"arn:aws:secretsmanager:{here}:secret:db:user::"},
    ]


def test_without_customer_managed_keys_nothing_is_decrypted() -> None:
    policy = recorder.deployed("dev").one("RolePolicy", "web-execution")
    assert "kms:" not in policy.inputs["policy"]
