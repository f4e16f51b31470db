"""Keys that need another one: set alone, they are refused or have an effect."""

from __future__ import annotations

import json
from typing import Any

import pytest

from infra.errors import SettingsError
from tests.infra import recorder
from tests.infra.changes import ATTEMPTS, EXAMPLES, documented, promised
from tests.infra.settings.test_settings import KEY, load

CHECKS = {
    "monthlyCostLimitUsd": "compared with the estimate",
    "requireImageDigest": "compared with the image",
    "steadyStateTimeoutMinutes": "how long a run waits",
    "targetKeepAliveSeconds": "compared with idleTimeoutSeconds",
}
"""Keys that change no resource, and what uses them."""

ALONE = {
    "certificateArn": "switches HTTPS on",
    "slowStartSeconds": "its example needs nothing else of its stack",
}
"""Keys whose example is tried on a stack with more in it, but which need nothing else."""

EVEN_WITHOUT_EFFECT = {
    "writablePaths": "Exec, which makes the whole file system writable, is switched on to look for "
    "a fault, and off again",
}
"""Keys that are accepted although nothing uses them, and why."""

OFF: dict[str, dict[str, Any]] = {
    "execLogRetentionDays": {"ecsExec": False},
    "vpcCidr": {"vpcId": "vpc-12345678"},
    "availabilityZoneCount": {"vpcTags": {"Name": "shared"}},
}
"""Keys of what a stack has by default, and how it is switched off."""

NEEDY = sorted(
    key
    for key, example in EXAMPLES.items()
    if example.on != "plain" and key not in {*CHECKS, *ALONE, *EVEN_WITHOUT_EFFECT}
)


def test_a_key_that_changes_no_resource_is_used_by_a_check() -> None:
    changing = {key for key in EXAMPLES if promised(key)}
    assert EXAMPLES.keys() - changing - ATTEMPTS.keys() == CHECKS.keys()


@pytest.mark.parametrize("key", NEEDY)
def test_a_key_without_what_it_needs_is_refused(key: str) -> None:
    with pytest.raises(SettingsError):
        load(**{key: EXAMPLES[key].value})


@pytest.mark.parametrize("key", sorted(OFF))
def test_a_key_of_what_is_switched_off_is_refused(key: str) -> None:
    with pytest.raises(SettingsError, match=f"{key}: .*, which has no effect; allowed: only"):
        load(**{key: EXAMPLES[key].value}, **OFF[key])


@pytest.mark.parametrize("key", sorted(ALONE))
def test_a_key_that_needs_nothing_else_has_an_effect(key: str) -> None:
    before = recorder.deployed("dev")
    assert recorder.run("dev", after=before, **{key: EXAMPLES[key].value}).done()


def test_the_manual_says_when_a_key_is_accepted_without_an_effect() -> None:
    for key in EVEN_WITHOUT_EFFECT:
        load(**{key: EXAMPLES[key].value}, ecsExec=True)
        assert "ecsExec" in documented()[key]


NEEDS: dict[str, dict[str, Any]] = {
    "minCount": {"maxCount": 4, "targetMemoryPercent": 60},
    "schedules": {"maxCount": 4},
    "targetCpuPercent": {"maxCount": 4},
    "targetMemoryPercent": {"maxCount": 4},
    "targetRequestsPerMinute": {"maxCount": 4},
    "scaleInCooldownSeconds": {"maxCount": 4, "targetMemoryPercent": 60},
    "scaleOutCooldownSeconds": {"maxCount": 4, "targetMemoryPercent": 60},
    "onDemandBase": {"capacity": "fargate-spot"},
    "stickinessCookie": {"stickinessSeconds": 3600},
    "maxErrorPercent": {"alarms": True},
    "maxLatencySeconds": {"alarms": True},
    "rollbackOnAlarms": {"alarms": True},
}
"""Keys of a service, and what they need of the same service."""


@pytest.mark.parametrize("key", NEEDS)
def test_a_default_of_the_services_is_for_those_that_can_use_it(key: str) -> None:
    value = EXAMPLES[key].value
    api = {"paths": ["/api/*"]}
    load(**{key: value}, services={"api": {**api, **NEEDS[key]}, "web": {}})
    with pytest.raises(SettingsError, match=f"\n  - {key}: .*, which has no effect") as refusal:
        load(**{key: value}, services={"api": api, "web": {}})
    assert len(refusal.value.problems) == 1


@pytest.mark.parametrize("key", NEEDS)
def test_a_key_of_a_service_that_cannot_use_it_is_refused_beside_one_that_can(key: str) -> None:
    api = {"paths": ["/api/*"], **NEEDS[key], key: EXAMPLES[key].value}
    with pytest.raises(SettingsError, match=rf"services\.web\.{key}: .*, which has no") as refusal:
        load(services={"api": api, "web": {key: EXAMPLES[key].value}})
    assert len(refusal.value.problems) == 1


def test_a_cookie_that_a_service_does_not_use_keeps_it_from_no_split_route() -> None:
    load(
        stickinessCookie="session",
        services={
            "api": {"paths": ["/api/*"], "stickinessSeconds": 60},
            "web": {"weights": {"web": 90, "next": 10}},
            "next": {},
        },
    )


ROUTER = {
    "router": {"image": "public.ecr.aws/aws-observability/fluent-bit:1", "logRouter": "fluentbit"}
}
IMAGE = "public.ecr.aws/nginx/nginx:1"
PROXY = {"proxy": {"image": "public.ecr.aws/nginx/nginx:1", "port": 9000}}
OUTPUT = {"logTo": "router", "logOptions": {"Name": "null"}}
EFS = {"efsFileSystemId": "fs-01234567", "efsAccessPointId": "fsap-01234567"}

DEFAULTS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "sidecars.router.logRouter": ({"sidecars": ROUTER}, OUTPUT),
    "sidecars.proxy.port": ({"sidecars": PROXY}, {"ingressContainer": "proxy"}),
    "logOptions": (
        {"logOptions": {"Name": "null"}},
        {"logTo": "router", "sidecars": ROUTER},
    ),
    "logSecrets": (
        {"logSecrets": {"key": "/shop/key"}},
        {**OUTPUT, "sidecars": ROUTER},
    ),
    "connectContainer": (
        {"connectContainer": "proxy", "ingressContainer": "proxy", "sidecars": PROXY},
        {"serviceConnect": True},
    ),
    "volumes.data": ({"volumes": {"data": EFS}}, {"mounts": {"data": "/data"}}),
    "secretKeyArns": ({"secretKeyArns": [KEY], "secrets": {}}, {"secrets": {"A": "/shop/a"}}),
    "weightStickinessSeconds": (
        {"weightStickinessSeconds": 60},
        {"weights": {"api": 1, "next": 1}},
    ),
}
"""Defaults of the services by the key that is refused, with what makes one use it."""


@pytest.mark.parametrize("key", DEFAULTS)
def test_a_default_without_an_effect_is_refused_where_it_was_set(key: str) -> None:
    defaults, _ = DEFAULTS[key]
    with pytest.raises(SettingsError) as refusal:
        load(**defaults, services={"api": {"paths": ["/api/*"]}, "web": {}})
    assert [problem.key for problem in refusal.value.problems] == [key]
    assert ", in services" not in str(refusal.value)


@pytest.mark.parametrize("key", DEFAULTS)
def test_a_default_is_accepted_if_one_service_uses_it(key: str) -> None:
    defaults, used = DEFAULTS[key]
    services: dict[str, Any] = {"api": {"paths": ["/api/*"], **used}, "web": {}}
    if "weights" in used:
        services["next"] = {}
        services["web"] = {"paths": ["/web/*"]}
    run = recorder.run("dev", **defaults, services=services)
    assert len(run.all("TaskDefinition")) == len(services)


def test_a_log_router_is_in_the_tasks_of_the_services_only_that_send_it_something() -> None:
    services = {"api": {"paths": ["/api/*"], **OUTPUT}, "web": {}}
    run = recorder.run(
        "dev", sidecars={**ROUTER, **PROXY}, ingressContainer="proxy", services=services
    )
    containers = {}
    for definition in run.all("TaskDefinition"):
        found = json.loads(definition.inputs["containerDefinitions"])
        containers[definition.inputs["family"]] = sorted(each["name"] for each in found)
    assert containers == {"dev-api": ["nginx", "proxy", "router"], "dev-web": ["nginx", "proxy"]}


@pytest.mark.parametrize(
    "needed",
    [
        {"dependsOn": {"router": "START"}},
        {"sidecars": {**ROUTER, "b": {"image": IMAGE, "dependsOn": {"router": "START"}}}},
    ],
)
def test_a_log_router_that_gets_nothing_is_refused_where_a_container_waits_for_it(
    needed: dict[str, Any],
) -> None:
    defaults = {"sidecars": ROUTER, **needed}
    with pytest.raises(SettingsError) as refusal:
        load(**defaults, services={"api": {"paths": ["/api/*"], **OUTPUT}, "web": {}})
    (problem,) = refusal.value.problems
    assert str(problem).startswith(
        "sidecars.router.logRouter: a log router that gets no container's output, in services.web;"
    )


def test_a_default_that_the_only_service_with_a_use_replaces_is_refused() -> None:
    api = {"paths": ["/api/*"], "capacity": "fargate-spot", "onDemandBase": 2}
    with pytest.raises(SettingsError, match="\n  - onDemandBase: 1, which has no effect"):
        load(onDemandBase=1, services={"api": api, "web": {}})


def test_a_volume_is_in_the_tasks_of_the_services_only_that_mount_it() -> None:
    services = {"api": {"paths": ["/api/*"], "mounts": {"data": "/data"}}, "web": {}}
    run = recorder.run("dev", volumes={"data": EFS}, services=services)
    volumes = {}
    for definition in run.all("TaskDefinition"):
        volumes[definition.inputs["family"]] = definition.inputs.get("volumes")
    assert sorted(name for name, found in volumes.items() if found) == ["dev-api"]
