"""The principals' policies: complete for what the program registers, narrow, and valid.

What AWS evaluates for a call can't be shown here; docs/permissions.md lists what that leaves
unproven.
"""

from __future__ import annotations

import json
import re
import subprocess
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import pytest

from gate.configurations import CONFIGURATIONS, ROOT, calls, recording
from gate.permissions import authorization, policies
from gate.permissions.policies import UnknownToTheTableError
from gate.rules.permissions import WITHOUT_ARN
from gate.scanners.type_names import TYPES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from gate.permissions.authorization import Action

TABLE = policies.read()
POLICIES = (
    "deploy-edge",
    "deploy-network",
    "deploy-service",
    "deploy-service-with-boundary",
    "preview",
)
DOCUMENTS = (*POLICIES, "trust-deploy", "trust-preview")
NAMED = r"STACK|SERVICE-|ZONE|change/|[:/](alb|int|waf|flow-logs|access-logs)-|managedruleset/"
"""What a resource's pattern has that no other's has: the stack's name, or the beginning of a name
that Pulumi makes.
"""

FOLDER = ROOT / "docs" / "permissions"


Documents = dict[str, dict[str, Any]]


@pytest.fixture(scope="session")
def documents(graphs: object) -> Documents:
    """Return the documents that the table and the program make.

    The graphs have loaded pulumi-aws without its warnings.
    """
    assert graphs
    return policies.documents(TABLE, *calls())


@pytest.fixture(scope="session")
def known(commands: Path) -> Mapping[str, Action]:
    asked = {action for each in (*TABLE.statements, *TABLE.denied) for action in each.actions}
    return authorization.reference(commands, asked)


def actions(document: Mapping[str, Any]) -> set[str]:
    """What a policy allows."""
    return {
        action
        for each in document["Statement"]
        if each["Effect"] == "Allow"
        for action in each["Action"]
    }


def everything_deployed(documents: Documents) -> set[str]:
    return {
        action
        for part in ("network", "edge", "service")
        for action in actions(documents[f"deploy-{part}"])
    }


def test_every_type_and_lookup_has_a_row_and_no_row_is_of_what_is_gone(
    documents: Documents,
) -> None:
    assert documents.keys() == {*DOCUMENTS}
    types, lookups = calls()
    assert {*types} == {*TABLE.types} == {*TYPES}
    assert {*lookups} == {*TABLE.lookups}


@pytest.mark.usefixtures("graphs")
@pytest.mark.parametrize("stack", CONFIGURATIONS)
def test_every_function_that_a_run_calls_is_found_in_the_source(stack: str) -> None:
    called = {token for token, _ in recording(stack).invoked}
    assert called <= calls()[1]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_documents_are_what_the_table_and_the_program_make(
    documents: Documents, name: str
) -> None:
    written = (FOLDER / f"{name}.json").read_text()
    assert written == policies.text_of(documents[name]), (
        "run `make permissions`, and read what it changes"
    )


def test_no_document_is_left_of_something_else() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == {*DOCUMENTS}


def test_a_type_or_a_lookup_without_a_row_is_refused_by_its_name() -> None:
    for types, lookups in (
        ({"aws:sqs/queue:Queue"}, set()),
        (set(), {"aws:sqs/getQueue:getQueue"}),
    ):
        with pytest.raises(
            UnknownToTheTableError, match=r"[qQ]ueue isn't in gate/permissions/actions.yaml"
        ):
            policies.documents(TABLE, types, lookups)


def test_every_action_of_the_table_is_granted_and_every_grant_is_of_the_table(
    documents: Documents,
) -> None:
    granted = [action for each in TABLE.statements for action in each.actions]
    assert everything_deployed(documents) == {*granted}
    twice = {action for action in granted if granted.count(action) > 1}
    assert twice == {"iam:PassRole"}, "only its conditions differ from service to service"


@pytest.mark.parametrize("name", POLICIES)
def test_aws_knows_what_is_granted_and_on_what(
    documents: Documents, name: str, known: Mapping[str, Action]
) -> None:
    filled = json.loads(policies.filled_in(json.dumps(documents[name]), TABLE.samples))
    assert list(authorization.flaws(filled, known, newer=TABLE.newer)) == []


def test_what_is_newer_than_the_reference_is_not_in_it(
    documents: Documents, known: Mapping[str, Action]
) -> None:
    filled = json.loads(policies.filled_in(json.dumps(documents["deploy-edge"]), TABLE.samples))
    found = [*authorization.flaws(filled, known)]
    assert [action for action in TABLE.newer if not any(action in each for each in found)] == [], (
        "take it off the list"
    )


def test_actions_that_rules_allow_on_everything_take_nothing_narrower(commands: Path) -> None:
    known = authorization.reference(commands, WITHOUT_ARN)
    assert {*known} == WITHOUT_ARN
    assert {name for name, action in known.items() if action.formats} == set()


def test_a_preview_changes_nothing(documents: Documents, known: Mapping[str, Action]) -> None:
    assert actions(documents["preview"]) <= {*known}
    assert authorization.writes(documents["preview"], known) == set()
    assert actions(documents["preview"]) < everything_deployed(documents)


def test_whatever_an_action_may_need_besides_is_granted_or_known_not_to_be_needed(
    documents: Documents, known: Mapping[str, Action]
) -> None:
    besides = {
        each for action in everything_deployed(documents) for each in known[action].dependents
    }
    assert besides - everything_deployed(documents) == {*TABLE.not_needed}


@pytest.mark.parametrize("name", POLICIES)
def test_a_document_fits_into_a_managed_policy(documents: Documents, name: str) -> None:
    compact = json.dumps(documents[name], separators=(",", ":"))
    longest = {
        "ACCOUNT": "1" * 12,
        "REGION": "ap-southeast-99",
        "STACK": "s" * 40,
        "SERVICE": "s" * 20,
    }
    assert len(policies.filled_in(compact, {**TABLE.samples, **longest})) <= 6144


def statements_of(action: str) -> list[policies.Statement]:
    return [each for each in TABLE.statements if action in each.actions]


@pytest.mark.usefixtures("graphs")
@pytest.mark.parametrize("stack", CONFIGURATIONS)
def test_what_is_registered_has_names_that_the_policies_name(stack: str) -> None:
    run = recording(stack)
    samples = {**TABLE.samples, "STACK": stack, "ZONE": "*"}
    checked = set()
    for each in run.registered:
        made = run.cloud.find(each.type, run.id(each)) if each.type.startswith("aws:") else None
        arn = made.outputs.get("arn") if made else None
        if not arn:
            continue
        for action in TABLE.types[each.type].get("create", ()):
            patterns = [
                policies.filled_in(where, samples)
                for at in statements_of(action)
                for where in at.where
            ]
            service = action.partition(":")[0]
            if service == arn.split(":")[2]:
                assert any(fnmatchcase(arn, pattern) for pattern in patterns), (
                    f"{action} isn't granted on {arn}"
                )
                checked.add(each.type)
    assert len(checked) > 10


def test_what_others_own_is_deleted_by_no_policy(documents: Documents) -> None:
    """Without the stack's tags, or names that only such stacks have."""
    for name in POLICIES:
        for each in documents[name]["Statement"]:
            deletes = [
                action for action in each["Action"] if re.search(":(Delete|Release|Detach)", action)
            ]
            for action in deletes:
                if action.startswith(("ec2:", "acm:")) and action != "ec2:DeleteTags":
                    tags = each["Condition"]["StringEquals"]
                    assert tags == {
                        "aws:ResourceTag/Project": "fargate-web",
                        "aws:ResourceTag/Stack": "STACK",
                    }, action
                # AWS takes no resource for the one, and a new thing has no tags yet for the other's
                # condition.
                elif action not in {"logs:DeleteLogDelivery", "ec2:DeleteTags"}:
                    unnamed = [where for where in each["Resource"] if not re.search(NAMED, where)]
                    assert unnamed == [], action


def test_roles_are_passed_to_the_services_that_use_them_only(documents: Documents) -> None:
    passed = [
        (
            each["Condition"]["StringEquals"]["iam:PassedToService"],
            [arn.rpartition("/")[2] for arn in each["Resource"]],
        )
        for name in ("deploy-network", "deploy-service")
        for each in documents[name]["Statement"]
        if "iam:PassRole" in each["Action"]
    ]
    assert sorted(passed) == [
        ("ecs-tasks.amazonaws.com", ["SERVICE-execution-*", "SERVICE-task-*"]),
        ("vpc-flow-logs.amazonaws.com", ["flow-logs-*"]),
    ]
    trusted = {
        json.loads(each.inputs["assumeRolePolicy"])["Statement"][0]["Principal"]["Service"]
        for stack in CONFIGURATIONS
        for each in recording(stack).all("Role")
    }
    assert trusted == {service for service, _ in passed}


def test_with_a_boundary_no_role_is_made_or_left_without_it(documents: Documents) -> None:
    granting = {"iam:CreateRole", "iam:PutRolePolicy", "iam:PutRolePermissionsBoundary"}
    bounded = documents["deploy-service-with-boundary"]["Statement"]
    for each in bounded:
        if granting & {*each["Action"]}:
            assert each["Condition"] == {"StringEquals": {"iam:PermissionsBoundary": "BOUNDARY"}}
    allowed = actions(documents["deploy-service-with-boundary"])
    assert granting < allowed
    assert actions(documents["deploy-service"]) - allowed == {"iam:DeleteRolePermissionsBoundary"}
    assert "iam:AttachRolePolicy" not in allowed, "a managed policy would not be bounded"


@pytest.mark.parametrize("name", ["deploy-service", "deploy-service-with-boundary", "preview"])
def test_a_principal_that_looks_for_a_secret_cannot_decrypt_it(
    documents: Documents, name: str
) -> None:
    assert "ssm:GetParameter" in actions(documents[name])
    assert "secretsmanager:GetSecretValue" not in actions(documents[name])
    (denied,) = [each for each in documents[name]["Statement"] if each["Effect"] == "Deny"]
    assert (denied["Action"], denied["Resource"]) == (["kms:Decrypt"], ["*"])
    assert denied["Condition"]["StringLike"]["kms:ViaService"] == [
        "secretsmanager.*.amazonaws.com",
        "ssm.*.amazonaws.com",
    ]


@pytest.mark.parametrize(
    ("name", "subject"),
    [
        ("trust-deploy", "repo:OWNER/NAME:environment:STACK"),
        ("trust-preview", "repo:OWNER/NAME:pull_request"),
    ],
)
def test_github_takes_a_role_by_its_whole_subject_and_audience(
    documents: Documents, name: str, subject: str
) -> None:
    (statement,) = documents[name]["Statement"]
    assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"
    assert statement["Condition"] == {
        "StringEquals": {
            "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
            "token.actions.githubusercontent.com:sub": subject,
        }
    }


def test_the_manuals_command_fills_every_document_in() -> None:
    manual = (ROOT / "docs" / "permissions.md").read_text()
    fill = re.search(r"^    fill\(\) \{.*?\}$", manual, re.MULTILINE | re.DOTALL)
    assert fill
    for name in DOCUMENTS:
        done = subprocess.run(
            ["bash", "-c", f'{fill[0]}\nfill "$1"', "fill", FOLDER / f"{name}.json"],
            capture_output=True,
            text=True,
            check=True,
        )
        filled: Any = json.loads(done.stdout)
        left = re.findall(r"\b(?:[A-Z]{4,}|OWNER/NAME)\b", json.dumps(filled["Statement"]))
        assert {*left} <= ({"BOUNDARY"} if "boundary" in name else set()), name


def test_what_is_wrong_with_a_policy_is_found() -> None:
    own = {
        "s3:GetObject": authorization.Action("Read", frozenset({"arn:*:s3:::*/*"}), frozenset()),
        "ec2:DescribeVpcs": authorization.Action("List", frozenset(), frozenset()),
        "s3:DeleteBucket": authorization.Action("Write", frozenset({"arn:*:s3:::*"}), frozenset()),
    }

    def found(where: str, *names: str) -> list[str]:
        statement = {"Sid": "A", "Effect": "Allow", "Action": [*names], "Resource": [where]}
        return [*authorization.flaws({"Statement": [statement]}, own)]

    assert found("arn:aws:s3:::logs-*/*", "s3:GetObject") == []
    assert found("*", "ec2:DescribeVpcs") == []
    assert found("arn:aws:s3:::logs-*/*", "s3:GetObjekt")[0] == "A: AWS has no action s3:GetObjekt"
    assert (
        "is allowed on everything, and could be on arn:*:s3:::*/*" in found("*", "s3:GetObject")[0]
    )
    assert (
        "can be granted on nothing narrower than *"
        in found("arn:aws:ec2:x:1:vpc/*", "ec2:DescribeVpcs")[0]
    )
    assert "none of which the statement names" in found("arn:aws:s3:::logs", "s3:GetObject")[0]
    assert (
        found("arn:aws:ec2:x:1:vpc/*", "s3:GetObject")[-1]
        == "A: none of its actions is granted on arn:aws:ec2:x:1:vpc/*"
    )
    writing = {"Statement": [{"Effect": "Allow", "Action": ["s3:GetObject", "s3:DeleteBucket"]}]}
    assert authorization.writes(writing, own) == {"s3:DeleteBucket"}
