"""A configuration that can't be deployed stops the run before anything is registered."""

from __future__ import annotations

import dataclasses
import json
import re
from typing import TYPE_CHECKING, Any

import pulumi
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.aws import fargate
from infra.aws.image_build import ImageBuild
from infra.errors import SettingsError
from infra.settings import Settings, kinds
from infra.settings.topic import camel
from localaws.account.cloud import Cloud
from tests.infra import recorder
from tests.infra.changes import task_sizes
from tests.infra.settings.loading import KEY_ARN, load, only_service, refusal_of, refused_keys
from tests.infra.settings.refusals import APP, HERE, OWN_IMAGE, REFUSED, SUBNET

if TYPE_CHECKING:
    from collections.abc import Mapping


def value_of(settings: Settings, key: str) -> Any:
    """Return the value that was read for a key."""
    for topic in (*only_service(settings).topics, *settings.topics):
        for name in topic.kinds():
            if camel(name) == key:
                return getattr(topic, name)
    raise KeyError(key)


OPTIONAL = {
    *("build", "environment", "logOptions", "logSecrets", "secrets", "taskPolicyStatements"),
    *("headers", "oidc", "oidcClientSecrets", "query", "rewriteHost", "rewriteUrl", "routes"),
    *("schedules", "services", "sidecars", "dependsOn", "volumes", "mounts"),
    *("vpcTags", "subnetTags", "taskSubnetTags", "weights"),
}
"""Keys that have no value unless a stack sets them."""


@pytest.mark.parametrize(
    ("changes", "message"), REFUSED, ids=[json.dumps(changes) for changes, _ in REFUSED]
)
def test_a_wrong_value_is_refused_with_its_key_and_what_is_allowed(
    changes: Mapping[str, Any], message: str
) -> None:
    refusal = refusal_of(**changes)
    assert message in str(refusal)
    assert len(refusal.problems) == 1, "one mistake is one problem"


@pytest.mark.parametrize("stack", ["feature.x", "x" * 101])
def test_a_stack_whose_name_ecs_would_refuse_is_refused(stack: str) -> None:
    expected = f"stack: {stack}; allowed: a stack name of at most 100 letters"
    assert expected in str(refusal_of(stack))


def test_every_problem_is_reported_at_once() -> None:
    keys = refused_keys("my.stack", containerPort=0, memoryMib=600, logRetentionDays=15, typo=1)
    assert keys == ["typo", "stack", "containerPort", "logRetentionDays", "memoryMib"]


def test_problems_of_a_build_are_reported_with_those_of_the_image() -> None:
    assert refused_keys(build="missing", image=OWN_IMAGE) == ["image", "command", "build"]


def test_values_of_build_arguments_are_not_shown() -> None:
    refusal = refusal_of(build={"context": APP, "args": {"VERSION": ["hunter2"]}}, command=[])
    assert "hunter2" not in str(refusal)


def test_a_missing_key_is_reported_too() -> None:
    with pytest.raises(SettingsError) as refusal:
        Settings.of({}, project="fargate-web", stack="dev")
    missing = {problem.key for problem in refusal.value.problems}
    assert missing == set(kinds()) - OPTIONAL


def test_an_encrypted_value_is_refused_without_showing_it() -> None:
    refusal = refusal_of(secret={"environment"}, environment={"TOKEN": "hunter2"})
    assert "environment: an encrypted value; allowed: plain text; name secrets" in str(refusal)
    assert "hunter2" not in str(refusal)


def test_this_programs_keys_in_another_projects_namespace_are_refused() -> None:
    foreign = {
        "shop:domain": "a.example.com",
        "shop:network": "nat",
        "shop:other": "1",
        "aws:domain": "a",
    }
    config = {**recorder.configuration("dev", {}), **foreign}
    refusal = recorder.refusal_by(recorder.Recorder(Cloud(seed=1)), config)
    assert [str(problem) for problem in refusal.problems] == [
        (
            "shop:domain: a key of another project, shop; allowed: fargate-web:domain, as "
            "this project is fargate-web"
        ),
        (
            "shop:network: a key of another project, shop; allowed: fargate-web:network, as "
            "this project is fargate-web"
        ),
    ]


def test_a_settings_error_is_one_that_pulumi_prints_without_a_traceback() -> None:
    assert issubclass(SettingsError, pulumi.RunError)


@pytest.mark.parametrize(
    "changes", [{"containerPort": 0}, {"typo": 1}, {"secrets": {"A": "not a name"}}]
)
def test_nothing_is_registered_or_looked_up_before_the_settings_are_valid(
    changes: Mapping[str, Any],
) -> None:
    engine = recorder.Recorder(Cloud(seed=1))
    recorder.refusal_by(engine, recorder.configuration("dev", changes))
    assert (engine.registered, engine.invoked) == ([], [])


@pytest.mark.parametrize(
    "changes",
    [
        {"serviceName": "x" * 20},
        {"containerPort": 65535},
        {"cpuUnits": 16384, "memoryMib": 122880},
        {"desiredCount": 0, "minimumHealthyPercent": 100, "maximumPercent": 101},
        {"desiredCount": 1, "minimumHealthyPercent": 100},
        {"command": []},
        {"healthCheckCodes": "200,301-302,404"},
        {"secrets": {"A": "plain-name", "_b2": "/a/b.c_d-e"}},
        {"environment": {"EMPTY": "", "LINES": "a\nb"}},
        {"image": "localhost:5000/a/b:tag"},
        {"image": "nginx@sha256:" + "0" * 64, "requireImageDigest": True},
        {"user": "101", "containerPort": 1024},
        {"user": "101:0", "containerPort": 8080},
        {"dropCapabilities": []},
        {"writablePaths": ["/tmp", "/tmp-2", "/a.b/c_d"]},
        {
            "secrets": {
                "A": "secretsmanager:a/b@c#k.e-y",
                "B": f"arn:aws:secretsmanager:{HERE}:secret:a/b-AbCdEf",
            }
        },
        {"secretKeyArns": [KEY_ARN], "logKeyArn": KEY_ARN, "execKeyArn": KEY_ARN},
        {"permissionsBoundaryArn": "arn:aws:iam::aws:policy/PowerUserAccess"},
        {"stopTimeoutSeconds": 120, "deregistrationDelaySeconds": 1},
        {"drainSeconds": 120, "stopTimeoutSeconds": 2, "deregistrationDelaySeconds": 2},
        {"network": "endpoints", "image": OWN_IMAGE},
        {"network": "nat-per-zone", "vpcCidr": "10.0.0.0/23", "availabilityZoneCount": 6},
        {"vpcId": "vpc-12345678", "egress": ["::/0:443"]},
        {"dualStack": True, "egress": ["::/0:80", "2001:db8::/32:443"]},
        {
            "network": "nat",
            "vpcTags": {"Name": "shared"},
            "subnetTags": {"Tier": ""},
            "taskSubnetIds": [SUBNET],
        },
    ],
)
def test_values_at_the_limits_are_accepted(changes: Mapping[str, Any]) -> None:
    settings = load(**changes)
    for key, value in changes.items():
        found = value_of(settings, key)
        if key == "egress":
            found = tuple(map(str, found))
        assert found == (tuple(value) if isinstance(value, list) else value)


@pytest.mark.parametrize(
    ("changes", "build"),
    [
        ({"build": f"./{APP}/"}, ImageBuild(context=f"./{APP}/")),
        (
            {"build": APP, "requireImageDigest": True, "network": "endpoints"},
            ImageBuild(context=APP),
        ),
        (
            {"build": {"context": APP, "target": "SERVICE", "args": {"VERSION": 2}}},
            ImageBuild(context=APP, target="SERVICE", args={"VERSION": "2"}),
        ),
        (
            {"build": {"context": APP, "target": "1", "args": {"https_proxy": "a"}}},
            ImageBuild(context=APP, target="1", args={"https_proxy": "a"}),
        ),
        (
            {
                "build": {
                    "context": "tests/infra",
                    "dockerfile": "app/Dockerfile",
                    "platform": "linux/arm64",
                },
                "cpuArchitecture": "ARM64",
            },
            ImageBuild(context="tests/infra", dockerfile="app/Dockerfile", platform="linux/arm64"),
        ),
    ],
)
def test_a_build_is_read_from_a_folder_or_a_map(
    changes: Mapping[str, Any], build: ImageBuild
) -> None:
    assert only_service(load(command=[], **changes)).container.build == build


def test_settings_are_immutable() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        load().stack = "prod"  # type: ignore[misc]


def test_numbers_and_booleans_are_read_as_the_texts_they_were_written_as() -> None:
    settings = load(environment={"PORT": 8080, "DEBUG": True}, command=["serve", 8080])
    assert only_service(settings).container.environment == {"PORT": "8080", "DEBUG": "true"}
    assert only_service(settings).container.command == ("serve", "8080")


@pytest.mark.parametrize("stack", recorder.STACKS)
def test_every_stack_file_deploys(stack: str) -> None:
    recording = recorder.deployed(stack)
    assert recording.one("Service").inputs["name"] == f"{stack}-web"


COMPARED = {
    *("allowedCidrs", "command", "containerPort", "environment", "healthCheckTimeoutSeconds"),
    *("hostedZone", "idleTimeoutSeconds", "image", "instanceType", "maxCount", "maxInstances"),
    *("maximumPercent", "memoryMib", "slowStartSeconds", "steadyStateTimeoutMinutes"),
    *("subnetIds", "vpcCidr"),
}
"""Keys that are named in a problem although another key's value causes it."""


@given(st.dictionaries(st.sampled_from(list(kinds())), st.text() | st.integers().map(str)))
def test_any_value_is_accepted_or_refused_with_its_key(changes: dict[str, Any]) -> None:
    try:
        load(**changes)
    except SettingsError as refusal:
        named = {problem.key for problem in refusal.problems}
        assert named <= changes.keys() | COMPARED


@pytest.mark.parametrize(("cpu", "memory"), task_sizes())
def test_every_task_size_that_fargate_offers_is_accepted(cpu: int, memory: int) -> None:
    load(cpuUnits=cpu, memoryMib=memory)


def test_the_manual_lists_the_task_sizes() -> None:
    manual = (recorder.ROOT_FOLDER / "docs" / "config.md").read_text()
    table = manual.partition("<!-- sizes:")[2].partition("<!-- /sizes -->")[0]
    documented: dict[int, tuple[int, ...]] = {}
    for cpu, memory in re.findall(r"^\| (\d+) \| (.*) \|$", table, re.MULTILINE):
        numbers = list(map(int, re.findall(r"\d+", memory)))
        if " in steps of " in memory:
            first, last, step = numbers
            numbers = list(range(first, last + 1, step))
        documented[int(cpu)] = tuple(numbers)
    assert documented == fargate.MEMORY_MIB


@given(st.sampled_from(sorted(fargate.MEMORY_MIB)), st.integers(512, 249856))
def test_a_task_size_is_accepted_exactly_when_fargate_offers_it(cpu: int, memory: int) -> None:
    offered = memory in fargate.MEMORY_MIB[cpu]
    try:
        load(cpuUnits=cpu, memoryMib=memory)
    except SettingsError:
        assert not offered
    else:
        assert offered


@pytest.mark.parametrize("key", ["secrets", "environment"])
def test_a_value_that_may_be_a_misplaced_secret_is_not_shown(key: str) -> None:
    refusal = refusal_of(**{key: {"1A": "hunter 2"}})
    assert "1A" in str(refusal)
    assert "hunter" not in str(refusal)
