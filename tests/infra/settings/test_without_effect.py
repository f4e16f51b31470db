"""Keys that would have no effect: they are refused unless what they need is set as well."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.infra import recorder
from tests.infra.changes import EXAMPLES, REFUSED, documented, promised
from tests.infra.settings.loading import KEY_ARN, load, refusal_of, refused_keys

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

ACCEPTED_WITHOUT_EFFECT = {
    "writablePaths": "Exec, which makes the whole file system writable, is switched on to look for "
    "a fault, and off again",
}
"""Keys that are accepted although nothing uses them, and why."""

OFF: dict[str, dict[str, Any]] = {
    "execLogRetentionDays": {"ecsExec": False},
    "vpcCidr": {"vpcId": "vpc-12345678"},
    "availabilityZoneCount": {"vpcTags": {"Name": "shared"}},
}
"""Keys of parts that a stack has by default, and the change that switches the part off."""

DEPENDENT = sorted(
    key
    for key, example in EXAMPLES.items()
    if example.on != "plain" and key not in {*CHECKS, *ALONE, *ACCEPTED_WITHOUT_EFFECT}
)


def test_a_key_that_changes_no_resource_is_used_by_a_check() -> None:
    changing = {key for key in EXAMPLES if promised(key)}
    assert EXAMPLES.keys() - changing - REFUSED == CHECKS.keys()


@pytest.mark.parametrize("key", DEPENDENT)
def test_a_key_without_what_it_needs_is_refused(key: str) -> None:
    assert refused_keys(**{key: EXAMPLES[key].value})


@pytest.mark.parametrize("key", sorted(OFF))
def test_a_key_of_a_part_that_is_switched_off_is_refused(key: str) -> None:
    (problem,) = refusal_of(**{key: EXAMPLES[key].value}, **OFF[key]).problems
    assert problem.key == key
    assert ", which has no effect; allowed: only" in str(problem)


@pytest.mark.parametrize("key", sorted(ALONE))
def test_a_key_that_needs_nothing_else_has_an_effect(key: str) -> None:
    before = recorder.deployed("dev")
    assert recorder.run("dev", after=before, **{key: EXAMPLES[key].value}).done()


def test_the_manual_documents_the_key_that_is_accepted_without_an_effect() -> None:
    for key in ACCEPTED_WITHOUT_EFFECT:
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
def test_a_default_is_accepted_only_if_a_service_can_use_it(key: str) -> None:
    value = EXAMPLES[key].value
    api = {"paths": ["/api/*"]}
    load(**{key: value}, services={"api": {**api, **NEEDS[key]}, "web": {}})
    (problem,) = refusal_of(**{key: value}, services={"api": api, "web": {}}).problems
    assert problem.key == key
    assert ", which has no effect" in str(problem)


@pytest.mark.parametrize("key", NEEDS)
def test_a_key_of_a_service_that_cannot_use_it_is_refused_beside_one_that_can(key: str) -> None:
    api = {"paths": ["/api/*"], **NEEDS[key], key: EXAMPLES[key].value}
    services = {"api": api, "web": {key: EXAMPLES[key].value}}
    (problem,) = refusal_of(services=services).problems
    assert problem.key == f"services.web.{key}"
    assert ", which has no effect" in str(problem)


def test_a_default_cookie_does_not_affect_services_without_stickiness() -> None:
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
    "secretKeyArns": ({"secretKeyArns": [KEY_ARN], "secrets": {}}, {"secrets": {"A": "/shop/a"}}),
    "weightStickinessSeconds": (
        {"weightStickinessSeconds": 60},
        {"weights": {"api": 1, "next": 1}},
    ),
}
"""By the key that is refused without use: defaults, and the keys of a service that uses them."""


@pytest.mark.parametrize("key", DEFAULTS)
def test_a_default_without_an_effect_is_refused_where_it_was_set(key: str) -> None:
    defaults, _ = DEFAULTS[key]
    refusal = refusal_of(**defaults, services={"api": {"paths": ["/api/*"]}, "web": {}})
    assert [problem.key for problem in refusal.problems] == [key]
    assert ", in services" not in str(refusal)


@pytest.mark.parametrize("key", DEFAULTS)
def test_a_default_is_accepted_if_one_service_uses_it(key: str) -> None:
    defaults, of_user = DEFAULTS[key]
    services: dict[str, Any] = {"api": {"paths": ["/api/*"], **of_user}, "web": {}}
    if "weights" in of_user:
        services["next"] = {}
        services["web"] = {"paths": ["/web/*"]}
    run = recorder.deployed("dev", **defaults, services=services)
    assert len(run.all("TaskDefinition")) == len(services)


def test_a_default_log_router_is_only_in_tasks_of_services_that_log_to_it() -> None:
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
def test_a_log_router_that_gets_no_output_is_refused_where_a_container_depends_on_it(
    needed: dict[str, Any],
) -> None:
    defaults = {"sidecars": ROUTER, **needed}
    refusal = refusal_of(**defaults, services={"api": {"paths": ["/api/*"], **OUTPUT}, "web": {}})
    (problem,) = refusal.problems
    assert str(problem).startswith(
        "sidecars.router.logRouter: a log router that gets no container's output, in services.web;"
    )


def test_a_default_is_refused_if_the_only_service_that_could_use_it_has_its_own_value() -> None:
    api = {"paths": ["/api/*"], "capacity": "fargate-spot", "onDemandBase": 2}
    (problem,) = refusal_of(onDemandBase=1, services={"api": api, "web": {}}).problems
    assert str(problem).startswith("onDemandBase: 1, which has no effect")


def test_a_default_volume_is_only_in_tasks_of_services_that_mount_it() -> None:
    services = {"api": {"paths": ["/api/*"], "mounts": {"data": "/data"}}, "web": {}}
    run = recorder.deployed("dev", volumes={"data": EFS}, services=services)
    volumes = {}
    for definition in run.all("TaskDefinition"):
        volumes[definition.inputs["family"]] = definition.inputs.get("volumes")
    assert sorted(name for name, found in volumes.items() if found) == ["dev-api"]
