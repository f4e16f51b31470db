"""The principals' policies are complete for what the program registers, narrow, and valid.

How AWS evaluates them can't be tested here; docs/permissions.md lists what that leaves unproven.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections import Counter
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
    "deploy-alarms",
    "deploy-edge",
    "deploy-instances",
    "deploy-network",
    "deploy-service",
    "deploy-service-with-boundary",
    "preview",
    "preview-alarms",
)
DOCUMENTS = (*POLICIES, "trust-deploy", "trust-preview")
NAMED = (
    r"STACK|SERVICE-|ZONE|change/|managedruleset/"
    r"|[:/](alb|int|waf|flow-logs|access-logs|instances|alarms)-"
)
"""Parts of patterns that match only the stack's resources: the stack's name, or the beginning of a
name that Pulumi generates.
"""

FOLDER = ROOT / "docs" / "permissions"


Documents = dict[str, dict[str, Any]]


@pytest.fixture(scope="session")
def documents(graphs: object) -> Documents:
    """The documents for the table and the program.

    The fixture `graphs` loads pulumi-aws without its warnings.
    """
    assert graphs
    return policies.documents(TABLE, *calls())


@pytest.fixture(scope="session")
def known(commands: Path) -> Mapping[str, Action]:
    """AWS's reference of the actions in the table."""
    names: set[str] = set()
    for statement in (*TABLE.statements, *TABLE.denied):
        names.update(statement.actions)
    return authorization.reference(commands, names)


def actions(document: Mapping[str, Any]) -> set[str]:
    """Return the actions that a policy allows."""
    allowed: set[str] = set()
    for statement in document["Statement"]:
        if statement["Effect"] == "Allow":
            allowed.update(statement["Action"])
    return allowed


def deploy_actions(documents: Documents) -> set[str]:
    """Return the actions that the policies for a deployment allow together."""
    allowed: set[str] = set()
    for part in ("network", "edge", "service", "instances", "alarms"):
        allowed |= actions(documents[f"deploy-{part}"])
    return allowed


def test_the_table_has_a_row_for_each_type_and_lookup_of_the_program_and_no_other(
    documents: Documents,
) -> None:
    assert documents.keys() == set(DOCUMENTS)
    types, lookups = calls()
    assert set(types) == set(TABLE.types) == set(TYPES)
    assert set(lookups) == set(TABLE.lookups)


@pytest.mark.usefixtures("graphs")
@pytest.mark.parametrize("stack", CONFIGURATIONS)
def test_every_function_that_a_run_calls_is_found_in_the_source(stack: str) -> None:
    called = {token for token, _ in recording(stack).invoked}
    assert called <= calls()[1]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_committed_documents_are_current(documents: Documents, name: str) -> None:
    written = (FOLDER / f"{name}.json").read_text()
    assert written == policies.text_of(documents[name]), (
        "run `make permissions`, and review what it changes"
    )


def test_the_folder_has_no_other_documents() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == set(DOCUMENTS)


def test_a_type_or_a_lookup_without_a_row_is_refused_by_its_name() -> None:
    for types, lookups in (
        ({"aws:sqs/queue:Queue"}, set()),
        (set(), {"aws:sqs/getQueue:getQueue"}),
    ):
        with pytest.raises(
            UnknownToTheTableError, match=r"[qQ]ueue isn't in gate/permissions/actions.yaml"
        ):
            policies.documents(TABLE, types, lookups)


def test_the_policies_grant_exactly_the_actions_of_the_table(documents: Documents) -> None:
    granted, of_instances, of_alarms = Counter[str](), Counter[str](), Counter[str]()
    beside = {"instances": of_instances, "alarms": of_alarms}
    for statement in TABLE.statements:
        beside.get(statement.part, granted).update(statement.actions)
    everything = granted.keys() | of_instances.keys() | of_alarms.keys()
    assert deploy_actions(documents) == everything
    assert set(of_alarms.values()) == {1}
    repeated = {action for action, count in granted.items() if count > 1}
    assert repeated == {"iam:PassRole"}, "only its conditions differ from service to service"
    repeated = {action for action, count in of_instances.items() if count > 1}
    assert repeated == {"ec2:CreateTags"}, "what is tagged at a launch has no tags yet"


@pytest.mark.parametrize("name", POLICIES)
def test_aws_has_the_granted_actions_and_they_apply_to_the_resources(
    documents: Documents, name: str, known: Mapping[str, Action]
) -> None:
    filled = json.loads(policies.filled_in(json.dumps(documents[name]), TABLE.samples))
    assert list(authorization.flaws(filled, known, newer=TABLE.newer)) == []


def test_actions_listed_as_newer_than_the_reference_are_not_in_it(
    documents: Documents, known: Mapping[str, Action]
) -> None:
    filled = json.loads(policies.filled_in(json.dumps(documents["deploy-edge"]), TABLE.samples))
    flaws = "\n".join(authorization.flaws(filled, known))
    for action in TABLE.newer:
        assert action in flaws, f"the reference has {action} by now: take it off the list"


def test_actions_that_rules_allow_on_everything_cannot_be_narrowed(commands: Path) -> None:
    known = authorization.reference(commands, WITHOUT_ARN)
    assert known.keys() == WITHOUT_ARN
    for name, action in known.items():
        assert not action.formats, name


def test_the_preview_policies_allow_no_write(
    documents: Documents, known: Mapping[str, Action]
) -> None:
    for name in ("preview", "preview-alarms"):
        assert actions(documents[name]) <= known.keys()
        assert authorization.writes(documents[name], known) == set()
        assert actions(documents[name]) < deploy_actions(documents)


def test_every_dependent_action_is_granted_or_listed_as_not_needed(
    documents: Documents, known: Mapping[str, Action]
) -> None:
    granted = deploy_actions(documents)
    dependents: set[str] = set()
    for action in granted:
        dependents.update(known[action].dependents)
    assert dependents - granted == set(TABLE.not_needed)


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


def is_granted(action: str, arn: str, samples: Mapping[str, str]) -> bool:
    """Return whether a statement of the table grants an action on a resource."""
    for statement in TABLE.statements:
        if action in statement.actions:
            for pattern in statement.where:
                if fnmatchcase(arn, policies.filled_in(pattern, samples)):
                    return True
    return False


@pytest.mark.usefixtures("graphs")
@pytest.mark.parametrize("stack", CONFIGURATIONS)
def test_the_policies_allow_the_creation_of_each_registered_resource(stack: str) -> None:
    run = recording(stack)
    services = {each.name for each in run.registered if each.type.endswith(":WebService")}
    # With several services, each has its own copy of what names SERVICE.
    samples = [
        {**TABLE.samples, "STACK": stack, "ZONE": "*", "SERVICE": service} for service in services
    ]
    checked = set()
    for each in run.registered:
        made = run.cloud.find(each.type, run.id(each)) if each.type.startswith("aws:") else None
        arn = made.outputs.get("arn") if made else None
        if not arn:
            continue
        for action in TABLE.types[each.type].get("create", ()):
            service = action.partition(":")[0]
            if service == arn.split(":")[2]:
                granted = any(is_granted(action, arn, names) for names in samples)
                assert granted, f"{action} isn't granted on {arn}"
                checked.add(each.type)
    assert len(checked) > 10


def test_no_policy_deletes_resources_without_the_stacks_tags_or_names(documents: Documents) -> None:
    checked = 0
    for name in POLICIES:
        for statement in documents[name]["Statement"]:
            for action in statement["Action"]:
                if re.search(":(Delete|Release|Detach)", action):
                    assert_only_the_stacks(statement, action)
                    checked += 1
    assert checked > 50


def assert_only_the_stacks(statement: dict[str, Any], action: str) -> None:
    """Check that a statement allows an action on the stack's resources only."""
    # The first action has no resources, and a new resource has no tags yet for a condition of the
    # second.
    if action in {"logs:DeleteLogDelivery", "ec2:DeleteTags"}:
        return
    if action.startswith(("ec2:", "acm:", "application-autoscaling:", "servicediscovery:")):
        assert statement["Condition"]["StringEquals"] == {
            "aws:ResourceTag/Project": "fargate-web",
            "aws:ResourceTag/Stack": "STACK",
        }, action
        return
    for pattern in statement["Resource"]:
        assert re.search(NAMED, pattern), f"{action} on {pattern}"


def test_roles_are_passed_only_to_the_services_that_use_them(documents: Documents) -> None:
    passed: dict[str, list[str]] = {}
    for name in ("deploy-network", "deploy-service", "deploy-instances", "deploy-alarms"):
        for statement in documents[name]["Statement"]:
            if "iam:PassRole" in statement["Action"]:
                service = statement["Condition"]["StringEquals"]["iam:PassedToService"]
                assert service not in passed
                passed[service] = [arn.rpartition("/")[2] for arn in statement["Resource"]]
    assert passed == {
        "ecs-tasks.amazonaws.com": ["SERVICE-execution-*", "SERVICE-task-*"],
        "vpc-flow-logs.amazonaws.com": ["flow-logs-*"],
        "ec2.amazonaws.com": ["instances-*"],
        "chatbot.amazonaws.com": ["alarms-*"],
    }
    trusted: set[str] = set()
    for stack in CONFIGURATIONS:
        for role in recording(stack).all("Role"):
            (statement,) = json.loads(role.inputs["assumeRolePolicy"])["Statement"]
            trusted.add(statement["Principal"]["Service"])
    assert trusted == passed.keys()


def test_with_a_boundary_no_role_is_created_or_left_without_it(documents: Documents) -> None:
    granting = {"iam:CreateRole", "iam:PutRolePolicy", "iam:PutRolePermissionsBoundary"}
    bounded = documents["deploy-service-with-boundary"]["Statement"]
    for each in bounded:
        if not granting.isdisjoint(each["Action"]):
            assert each["Condition"] == {"StringEquals": {"iam:PermissionsBoundary": "BOUNDARY"}}
    allowed = actions(documents["deploy-service-with-boundary"])
    assert granting < allowed
    assert actions(documents["deploy-service"]) - allowed == {"iam:DeleteRolePermissionsBoundary"}
    assert "iam:AttachRolePolicy" not in allowed, "a managed policy would not be bounded"


@pytest.mark.parametrize("name", ["deploy-service", "deploy-service-with-boundary", "preview"])
def test_a_principal_that_looks_up_secrets_cannot_decrypt_them(
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
def test_github_assumes_a_role_only_with_the_whole_subject_and_audience(
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


def test_the_manuals_command_replaces_every_placeholder() -> None:
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
        allowed = {"BOUNDARY"} if "boundary" in name else set()
        assert set(left) <= allowed, name


def test_flaws_of_a_policy_are_reported() -> None:
    known = {
        "s3:GetObject": authorization.Action("Read", frozenset({"arn:*:s3:::*/*"}), frozenset()),
        "ec2:DescribeVpcs": authorization.Action("List", frozenset(), frozenset()),
        "s3:DeleteBucket": authorization.Action("Write", frozenset({"arn:*:s3:::*"}), frozenset()),
    }

    def found(where: str, *names: str) -> list[str]:
        statement = {"Sid": "A", "Effect": "Allow", "Action": list(names), "Resource": [where]}
        return list(authorization.flaws({"Statement": [statement]}, known))

    assert found("arn:aws:s3:::logs-*/*", "s3:GetObject") == []
    assert found("*", "ec2:DescribeVpcs") == []
    unknown = found("arn:aws:s3:::logs-*/*", "s3:GetObjekt")
    assert unknown[0] == "A: AWS has no action s3:GetObjekt"
    too_wide = found("*", "s3:GetObject")
    assert "is allowed on everything, and could be on arn:*:s3:::*/*" in too_wide[0]
    too_narrow = found("arn:aws:ec2:x:1:vpc/*", "ec2:DescribeVpcs")
    assert "can be granted on nothing narrower than *" in too_narrow[0]
    of_bucket = found("arn:aws:s3:::logs", "s3:GetObject")
    assert "none of which the statement names" in of_bucket[0]
    of_vpc = found("arn:aws:ec2:x:1:vpc/*", "s3:GetObject")
    assert of_vpc[-1] == "A: none of its actions is granted on arn:aws:ec2:x:1:vpc/*"
    writing = {"Statement": [{"Effect": "Allow", "Action": ["s3:GetObject", "s3:DeleteBucket"]}]}
    assert authorization.writes(writing, known) == {"s3:DeleteBucket"}
