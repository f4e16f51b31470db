"""The services of a stack: one from its own keys, or several from the map `services`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.infra.settings.loading import load, only_service, refusal_of, refused_keys

if TYPE_CHECKING:
    from collections.abc import Mapping

IMAGE = "public.ecr.aws/team/api:1"
BUILD = {"context": "tests/infra/app"}

REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"services": {}}, "services: an empty map; allowed: a map from the name of each service"),
    ({"services": []}, "services: a list, which is no map; allowed: a map"),
    ({"services": "web"}, "services: 3 characters, not shown, which is no map; allowed: a map"),
    ({"services": {"api": 1}}, "services.api: a value that isn't a map; allowed: a map of the"),
    (
        {"services": {"api": None}},
        "a value that isn't a map; allowed: a map of the keys that a service has, or {}",
    ),
    (
        {"services": {"api": {}, "web": ["x"]}, "volumes": {"scratch": None}},
        "a value that isn't a map; allowed: a map of efsFileSystemId, efsAccessPointId, or {}",
    ),
    (
        {"services": {"api": {"cpuUnits": None}, "web": ["x"]}},
        "services.api.cpuUnits: null; allowed: one of 256",
    ),
    (
        {"services": {"api": {"cpuUnits": None}, "web": ["x"]}},
        "services.web: a value that isn't a map; allowed: a map of the keys that a service has",
    ),
    ({"services": {"api": {"cpuUnits": 300}}}, "services.api.cpuUnits: 300; allowed: one of 256"),
    ({"services": {"api": {"cpuUnits": 512.5}}}, "services.api.cpuUnits: 512.5; allowed: one of"),
    (
        {"services": {"api": {"memoryMib": 600}}},
        "services.api.memoryMib: 600; allowed: with cpuUnits 256, one of 512",
    ),
    (
        {"cpuUnits": 1024, "memoryMib": 2048, "services": {"api": {"memoryMib": 600}}},
        "services.api.memoryMib: 600; allowed: with cpuUnits 1024, one of 2048",
    ),
    (
        {"services": {"api": {"cpuUnitz": 256}}},
        "services.api.cpuUnitz: an unknown key; allowed: perhaps cpuUnits",
    ),
    (
        {"services": {"api": {"zzz": 256}}},
        "services.api.zzz: an unknown key; allowed: one of the keys in docs/config.md",
    ),
    (
        {"services": {"": {"environment": {"1A": "x"}}}},
        'services[""].environment: the name 1A',
    ),
    (
        {"schedules": {"": {"minCount": 1}}, "maxCount": 2},
        'schedules[""].schedule: not set; allowed',
    ),
    (
        {"services": {"api": {"network": "nat"}}},
        "services.api.network: a key of the stack; allowed: network beside services",
    ),
    (
        {"services": {"api": {"services": {}}}},
        "services.api.services: a key of the stack; allowed: services beside services",
    ),
    (
        {"services": {"api": {"serviceName": "web"}}},
        "services.api.serviceName: web; allowed: none, as the service's name is api",
    ),
    (
        {"serviceName": "shop", "services": {"api": {}}},
        "serviceName: shop, beside services; allowed: only without services",
    ),
    ({"services": {"Api": {}}}, "services.Api: Api; allowed: lower-case letters, digits"),
    ({"services": {"": {}}}, 'services[""]: empty; allowed: lower-case letters, digits'),
    ({"services": {"api-": {}}}, "services.api-: api-; allowed: lower-case letters, digits"),
    ({"services": {"x" * 21: {}}}, f"services.{'x' * 21}: {'x' * 21}; allowed: lower-case"),
    (
        {"services": {"api": {}, "api-internal": {}}},
        "services.api-internal: a service beside api; allowed: another name",
    ),
    (
        {"services": {"api": {"environment": {"A": "1"}, "secrets": {"A": "/a"}}}},
        "services.api.environment: A, which secrets has too; allowed: a name",
    ),
    (
        {"services": {"api": {"targetKeepAliveSeconds": 30}}},
        "idleTimeoutSeconds: 60; allowed: less than services.api.targetKeepAliveSeconds, 30",
    ),
    (
        {"network": "endpoints", "services": {"api": {"image": IMAGE}}},
        f"services.api.image: {IMAGE}, in a registry that has no endpoint",
    ),
    (
        {"services": {"api": {"requireImageDigest": True}}},
        "services.api.image: public.ecr.aws/nginx/nginx:stable, whose tag can be moved",
    ),
    (
        {"services": {"api": {"build": BUILD, "image": IMAGE, "command": []}}},
        f"services.api.image: {IMAGE}, beside build tests/infra/app; allowed: only one",
    ),
]


@pytest.mark.parametrize(("changes", "message"), REFUSED)
def test_a_wrong_service_is_refused_by_its_name(changes: dict[str, Any], message: str) -> None:
    refusal = refusal_of(**changes)
    assert any(message in str(problem) for problem in refusal.problems), str(refusal)


@pytest.mark.parametrize("services", [[], "web", {}])
def test_services_that_are_no_map_hide_no_other_wrong_key(services: Any) -> None:
    keys = refused_keys(services=services, desiredCount="many", cpuUnits=300, logRetentionDays=2)
    assert sorted(keys) == ["cpuUnits", "desiredCount", "logRetentionDays", "services"]


def test_every_problem_of_every_service_is_reported_once() -> None:
    keys = refused_keys(
        desiredCount=-1,
        services={
            "api": {"cpuUnits": 300, "waf": "block"},
            "jobs": {"secrets": {"1": "/a"}, "desiredCount": 2, "paths": ["/jobs"]},
            "web": {"healthyThreshold": 1},
        },
    )
    assert sorted(keys) == [
        "desiredCount",
        "services.api.cpuUnits",
        "services.api.waf",
        "services.jobs.secrets",
        "services.web.healthyThreshold",
        "services.web.paths",
    ]


def test_a_wrong_default_is_refused_even_if_no_service_has_it() -> None:
    assert refused_keys(cpuUnits=300, services={"api": {"cpuUnits": 256}}) == ["cpuUnits"]


@pytest.mark.parametrize("key", ["services", "environment"])
def test_an_encrypted_value_is_refused_without_its_text(key: str) -> None:
    hidden = {"MODE": "hidden"}
    refusal = refusal_of(secret={key}, environment=hidden, services={"api": {"image": "hidden"}})
    assert [problem.key for problem in refusal.problems] == [key]
    assert "hidden" not in str(refusal)


def test_a_service_has_its_own_values_and_otherwise_the_stacks() -> None:
    settings = load(
        cpuUnits=512,
        memoryMib=1024,
        environment={"MODE": "fast", "LEVEL": "info"},
        services={"api": {"containerPort": 8080, "memoryMib": 2048, "user": 101}},
    )
    service = only_service(settings)
    assert service.name == "api"
    assert (service.container.cpu_units, service.container.memory_mib) == (512, 2048)
    assert service.container.user == "101"
    assert service.container.environment == {"MODE": "fast", "LEVEL": "info"}


def test_a_map_of_a_service_replaces_the_stacks() -> None:
    settings = load(
        environment={"MODE": "fast", "LEVEL": "info"},
        services={"api": {"environment": {"MODE": "slow"}}},
    )
    assert only_service(settings).container.environment == {"MODE": "slow"}


@pytest.mark.parametrize(
    ("defaults", "own", "image"),
    [
        ({"build": BUILD, "command": []}, {"image": IMAGE}, IMAGE),
        ({"image": IMAGE, "command": []}, {"build": BUILD}, None),
        ({"build": BUILD, "command": []}, {}, None),
        ({"build": BUILD}, {"build": ""}, "public.ecr.aws/nginx/nginx:stable"),
    ],
)
def test_a_services_image_or_build_replaces_the_stacks_build_and_image(
    defaults: Mapping[str, Any], own: Mapping[str, Any], image: str | None
) -> None:
    container = only_service(load(**defaults, services={"api": own})).container
    assert (None if container.build else container.image) == image


@pytest.mark.parametrize("services", ["", None])
def test_without_services_the_stacks_keys_make_one_service(services: str | None) -> None:
    service = only_service(load(serviceName="shop", services=services))
    assert (service.name, service.path) == ("shop", "")


@pytest.mark.parametrize(
    ("defaults", "api", "message"),
    [
        ({"maxCount": 4}, {}, "maxCount: 4; allowed: 0, or with it targetCpuPercent"),
        (
            {"maxCount": 4},
            {"targetCpuPercent": 60},
            "maxCount: 4, in services.web; allowed: 0, or with it targetCpuPercent",
        ),
        ({"targetProtocol": "GRPC"}, {}, "targetProtocol: GRPC without HTTPS; allowed: HTTP1, or"),
        ({"logOptions": {"Name": "null"}}, {}, "logOptions: Name without logTo; allowed: none, or"),
        ({"logSecrets": {"key": "/key"}}, {}, "logSecrets: key without logTo; allowed: none, or"),
        ({"connectContainer": "web"}, {}, "connectContainer: web, which is no container with a"),
        (
            {"memoryMib": 600},
            {"cpuUnits": 512},
            "memoryMib: 600, in services.api; allowed: with cpuUnits 512, one of 1024",
        ),
        (
            {"cpuUnits": 512, "memoryMib": 2048},
            {"memoryMib": 600},
            "services.api.memoryMib: 600; allowed: with cpuUnits 512, one of 1024",
        ),
        ({"paths": ["/*", "/*"]}, {}, "paths: /* twice; allowed: each value once"),
    ],
)
def test_a_wrong_default_is_reported_with_the_key_where_it_was_set(
    defaults: dict[str, Any], api: dict[str, Any], message: str
) -> None:
    refusal = refusal_of(**defaults, services={"api": {"paths": ["/api/*"], **api}, "web": {}})
    found = [each for each in refusal.problems if str(each).startswith(message)]
    assert len(found) == 1, str(refusal)
