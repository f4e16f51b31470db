"""Sidecars, log routers and volumes: those that are accepted, and problems with others."""

from __future__ import annotations

from typing import Any

import pytest

from tests.infra.settings.loading import KEY_ARN, load, only_service, refusal_of, refused_keys

IMAGE = "public.ecr.aws/docker/library/busybox:stable"
EFS = {"efsFileSystemId": "fs-01234567", "efsAccessPointId": "fsap-01234567"}


def with_sidecar(**keys: Any) -> dict[str, Any]:
    return {"sidecars": {"proxy": {"image": IMAGE, **keys}}}


def wrong_buffer_limit(limit: str) -> tuple[dict[str, Any], str]:
    """Return a configuration with a limit that isn't allowed, and how its refusal begins."""
    router = with_sidecar(logRouter="fluentbit")
    options = {"Name": "null", "log-driver-buffer-limit": limit}
    text = f"logOptions: log-driver-buffer-limit {limit}; allowed: a whole number of lines from 0"
    return {**router, "logTo": "proxy", "logOptions": options}, text


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"sidecars": {"proxy": {}}}, "sidecars.proxy.image: not set; allowed: an image's name"),
    (
        {"sidecars": {"proxy": "x"}},
        "sidecars.proxy: a value that isn't a map; allowed: a map of image, command, port,",
    ),
    ({"sidecars": {"proxy": {"image": None}}}, "sidecars.proxy.image: null; allowed: an image's"),
    ({"sidecars": {"my proxy": {"image": IMAGE}}}, "sidecars.my proxy: my proxy; allowed: letters"),
    ({"sidecars": {"nginx": {"image": IMAGE}}}, "sidecars.nginx: nginx, which is containerName"),
    (
        {"sidecars": {f"number-{number}": {"image": IMAGE} for number in range(10)}},
        "sidecars: 10 of them; allowed: at most 9, as ECS takes 10 containers in a task",
    ),
    (with_sidecar(imag="x"), "sidecars.proxy.imag: an unknown key; allowed: perhaps image"),
    (with_sidecar(image="My image"), "sidecars.proxy.image: My image; allowed: an image's name"),
    (with_sidecar(user="root"), "sidecars.proxy.user: root; allowed: a user id"),
    (with_sidecar(essential="maybe"), "sidecars.proxy.essential: maybe; allowed: true or false"),
    (with_sidecar(memoryMib=5), "sidecars.proxy.memoryMib: 5; allowed: 0 for no limit but the"),
    (with_sidecar(memoryMib=512), "sidecars: memoryMib of 512 in all; allowed: less than the"),
    (with_sidecar(cpuUnits=256), "sidecars: cpuUnits of 256 in all; allowed: less than the task's"),
    (
        with_sidecar(environment={"A": "1"}, secrets={"A": "/a"}),
        "sidecars.proxy.environment: A, which secrets has too; allowed: a name",
    ),
    (
        with_sidecar(secrets={"A": "secretsmanager:"}),
        "sidecars.proxy.secrets: A with a value of 15 characters, not shown",
    ),
    (
        with_sidecar(healthCheckCommand=["curl", "-f"]),
        "sidecars.proxy.healthCheckCommand: curl -f; allowed: CMD or CMD-SHELL, and after it",
    ),
    (
        with_sidecar(healthCheckCommand=["CMD"]),
        "sidecars.proxy.healthCheckCommand: CMD; allowed: CMD or CMD-SHELL, and after it",
    ),
    (
        with_sidecar(writablePaths=["/a", "/a/b"]),
        "sidecars.proxy.writablePaths: /a/b; allowed: each folder once",
    ),
    (
        with_sidecar(dependsOn={"proxy": "START"}),
        "sidecars.proxy.dependsOn: proxy, which is no other container of the task; allowed: one",
    ),
    (
        {"dependsOn": {"proxy": "START"}},
        "dependsOn: proxy, which is no other container of the task; allowed: none without sidecars",
    ),
    (
        with_sidecar(healthCheckRetries=5),
        "sidecars.proxy.healthCheckRetries: 5; allowed: none without healthCheckCommand",
    ),
    (
        {**with_sidecar(), "dependsOn": {"proxy": "HEALTHY"}},
        "dependsOn: HEALTHY of proxy, which has no healthCheckCommand; allowed: START",
    ),
    (
        with_sidecar(dependsOn={"nginx": "HEALTHY"}),
        "sidecars.proxy.dependsOn: HEALTHY of nginx, which has no healthCheckCommand",
    ),
    (
        {**with_sidecar(), "dependsOn": {"proxy": "SUCCESS"}},
        "dependsOn: SUCCESS of proxy, whose end stops the task; allowed: the end of a sidecar",
    ),
    (
        with_sidecar(dependsOn={"nginx": "COMPLETE"}),
        "sidecars.proxy.dependsOn: COMPLETE of nginx, whose end stops the task",
    ),
    (
        {**with_sidecar(dependsOn={"nginx": "START"}), "dependsOn": {"proxy": "START"}},
        "containers that don't wait for each other",
    ),
    (
        {**with_sidecar(), "requireImageDigest": True, "image": f"{IMAGE}@sha256:{'0' * 64}"},
        f"sidecars.proxy.image: {IMAGE}, whose tag can be moved to another image",
    ),
    (
        {**with_sidecar(), "network": "endpoints"},
        f"sidecars.proxy.image: {IMAGE}, in a registry that has no endpoint",
    ),
    (with_sidecar(port=80), "sidecars.proxy.port: 80, which is containerPort too; allowed: a port"),
    (
        {"sidecars": {name: {"image": IMAGE, "port": 9000} for name in ("a", "b")}},
        "sidecars.b.port: 9000, which is sidecars.a.port too; allowed: a port that no other",
    ),
    (
        with_sidecar(port=443, user="101"),
        "sidecars.proxy.port: 443; allowed: with a user that isn't root, at least 1024",
    ),
    (
        {**with_sidecar(), "ingressContainer": "proxy"},
        "ingressContainer: proxy, which is no container with a port; allowed: one of nginx; a",
    ),
    (
        {**with_sidecar(port=9000), "connectContainer": "prox", "serviceConnect": True},
        "connectContainer: prox, which is no container with a port; allowed: one of nginx, proxy",
    ),
    (
        {**with_sidecar(port=9000), "connectContainer": "proxy"},
        "connectContainer: proxy without serviceConnect; allowed: empty, or any with",
    ),
    (
        {**with_sidecar(port=9000), "serviceConnect": True},
        "sidecars.proxy.port: 9000, to which no requests come; allowed: 0, or any with ingress",
    ),
    (
        {"sidecars": {"Proxy": {"image": IMAGE, "port": 9000}}},
        "sidecars.Proxy: Proxy, which names its port; allowed: with a port, at most 64 lower-case",
    ),
    (
        {"sidecars": {"web": {"image": IMAGE, "port": 9000}}, "serviceConnect": True},
        "sidecars.web: web, which names its port, and is the name by which others call the",
    ),
    (with_sidecar(logRouter="fluentd"), "sidecars.proxy.logRouter: fluentd; allowed: fluentbit"),
    (
        with_sidecar(logRouter="fluentbit"),
        "sidecars.proxy.logRouter: a log router that gets no container's output; allowed: empty",
    ),
    (
        with_sidecar(logRouterFile="/extra.conf"),
        "sidecars.proxy.logRouterFile: /extra.conf without logRouter; allowed: empty, or any",
    ),
    (
        {**with_sidecar(), "logTo": "proxy"},
        "logTo: proxy, which is no sidecar with logRouter; allowed: empty, as no ",
    ),
    (
        {**with_sidecar(logRouter="fluentbit"), "logTo": "nginx"},
        "logTo: nginx, which is no sidecar with logRouter; allowed: empty, or proxy",
    ),
    (
        with_sidecar(logRouter="fluentbit", logTo="proxy"),
        "sidecars.proxy.logTo: proxy of a log router; allowed: empty, so that its own output",
    ),
    (
        {
            "sidecars": {name: {"image": IMAGE, "logRouter": "fluentbit"} for name in ("a", "b")},
            "logTo": "a",
        },
        "sidecars: logRouter of a and b; allowed: one per task",
    ),
    (
        {**with_sidecar(logRouter="fluentbit"), "logTo": "proxy", "containerPort": 24224},
        "containerPort: 24224, where the log router listens; allowed: another port",
    ),
    (
        {**with_sidecar(logRouter="fluentbit", port=8877), "logTo": "proxy"},
        "sidecars.proxy.port: 8877, where the log router listens; allowed: another port",
    ),
    (
        {"logOptions": {"Name": "datadog"}},
        "logOptions: Name without logTo; allowed: none, or logTo with the name of a sidecar that",
    ),
    (
        with_sidecar(logSecrets={"apikey": "/shop/key"}),
        "sidecars.proxy.logSecrets: apikey without logTo; allowed: none, or logTo",
    ),
    (
        {
            **with_sidecar(logRouter="fluentbit"),
            "logTo": "proxy",
            "logOptions": {"Host": "x", "exclude-pattern": "x"},
        },
        "logOptions: Host without Name; allowed: Name with the output of Fluent Bit, such as",
    ),
    (
        {
            **with_sidecar(logRouter="fluentbit"),
            "logTo": "proxy",
            "logOptions": {"Name": "datadog", "apikey": "x"},
            "logSecrets": {"apikey": "/shop/key"},
        },
        "logOptions: apikey, which logSecrets has too; allowed: a name that only one of the two",
    ),
    (
        {**with_sidecar(logRouter="fluentbit"), "logTo": "proxy"},
        "logOptions: no Name for proxy, which would drop the output; allowed: Name",
    ),
    (
        {
            "sidecars": {
                "proxy": {"image": IMAGE, "logRouter": "fluentbit"},
                "b": {"image": IMAGE, "logTo": "proxy", "logOptions": {"exclude-pattern": "x"}},
            },
        },
        "sidecars.b.logOptions: no Name for proxy, which would drop the output; allowed: Name with",
    ),
    (
        {
            **with_sidecar(logRouter="fluentbit"),
            "logTo": "proxy",
            "logOptions": {"Host": "x"},
            "logSecrets": {"Name": "/shop/name", "apikey": "/shop/key"},
        },
        "logSecrets: Name, which names the output and isn't a secret; allowed: other options",
    ),
    wrong_buffer_limit("x"),
    wrong_buffer_limit("-0"),
    wrong_buffer_limit("1.5"),
    wrong_buffer_limit("536870912"),
    (
        with_sidecar(logTo="a", logOptions={"Name": "null", "exclude-pattern": "GET /health("}),
        "sidecars.proxy.logOptions: exclude-pattern GET /health(, in which a ( isn't closed",
    ),
    (
        with_sidecar(logTo="a", logOptions={"Name": "null", "include-pattern": "*.css"}),
        "sidecars.proxy.logOptions: include-pattern *.css, in which * has nothing before it",
    ),
    ({"logOptions": {"Name": "a\nb"}}, "logOptions: Name with a value of 3 characters"),
    ({"logOptions": {"Name": ""}}, "logOptions: Name with an empty value; allowed: a map, each"),
    (
        {"logOptions": {"": "x"}},
        "logOptions: the name empty; allowed: a map, each name an option of Fluent Bit",
    ),
    ({"mounts": ""}, "mounts: empty, which is no map; allowed: a map, each name at most 63"),
    ({"logOptions": {"Name": "a\rb"}}, "logOptions: Name with a value of 3 characters"),
    (
        {"volumes": {"a": {}}},
        "volumes.a: a volume that no container has; allowed: a volume that the key",
    ),
    ({"mounts": {"a": "/a"}}, "mounts: a, which is no volume; allowed: a name that volumes has"),
    (
        with_sidecar(mounts={"a": "/a"}),
        "sidecars.proxy.mounts: a, which is no volume; allowed: a name that volumes has",
    ),
    ({"mounts": {"a": "a"}}, "mounts: a with a value of 1 character, not shown"),
    (
        {"volumes": {"a": {}, "b": {}}, "mounts": {"a": "/a", "b": "/a/b:ro"}},
        "mounts: /a/b; allowed: each folder once, and none that is inside another one",
    ),
    ({"volumes": {"a": {}}, "mounts": {"a": "/tmp/a"}}, "mounts: /tmp/a; allowed: each folder"),
    ({"volumes": {"scratch-1": {}}}, "volumes.scratch-1: scratch-1; allowed: at most 63"),
    ({"volumes": {"a": {"path": "/"}}}, "volumes.a.path: an unknown key; allowed: efsFileSystemId"),
    (
        {"volumes": {"a": {"efsFileSystemId": "fs-01234567"}}, "mounts": {"a": "/a"}},
        "volumes.a: only one of efsFileSystemId and efsAccessPointId; allowed: both",
    ),
    (
        {"volumes": {"a": {**EFS, "efsAccessPointId": "x"}}, "mounts": {"a": "/a"}},
        "volumes.a.efsAccessPointId: x; allowed: an EFS access point's id",
    ),
    ({"ephemeralStorageGib": 201}, "ephemeralStorageGib: 201; allowed: a whole number from 20 to"),
    (
        {"services": {"api": {**with_sidecar(user="root"), "volumes": {"a": {"b": 1}}}}},
        "services.api.sidecars.proxy.user: root; allowed: a user id",
    ),
    (
        {"services": {"api": {"sidecars": {"x": {"image": IMAGE}}, "volumes": {"a": {"b": 1}}}}},
        "services.api.volumes.a.b: an unknown key; allowed: efsFileSystemId, efsAccessPointId",
    ),
]


@pytest.mark.parametrize(("changes", "message"), REFUSED)
def test_a_wrong_sidecar_or_volume_is_refused_by_its_path(
    changes: dict[str, Any], message: str
) -> None:
    refusal = refusal_of(**changes)
    assert any(message in str(problem) for problem in refusal.problems), str(refusal)


def test_the_largest_buffer_of_a_log_router_is_accepted() -> None:
    options = {"Name": "null", "log-driver-buffer-limit": "536870911"}
    settings = load(**with_sidecar(logRouter="fluentbit"), logTo="proxy", logOptions=options)
    assert only_service(settings).logs.log_options == options


def test_a_wrong_value_of_a_sidecar_hides_no_other_problem() -> None:
    assert refused_keys(
        sidecars={"a": {"image": "", "memoryMib": -1}, "b": {"image": IMAGE, "memoryMib": 999}},
        volumes={"unused": {}},
        memoryMib=600,
    ) == [
        "memoryMib",
        "sidecars.a.image",
        "sidecars.a.memoryMib",
        "sidecars",
        "volumes.unused",
    ]


def test_a_wrong_file_of_a_log_router_hides_no_problem_that_does_not_depend_on_it() -> None:
    router = {"image": IMAGE, "logRouter": "fluentbit"}
    keys = refused_keys(
        sidecars={
            "a": {**router, "logRouterFile": "extra.conf", "logTo": "b"},
            "b": {**router, "port": 24224},
        },
        ingressContainer="b",
        logTo="b",
        logOptions={"Name": "null"},
    )
    assert sorted(keys) == [
        "sidecars",
        "sidecars.a.logRouter",
        "sidecars.a.logRouterFile",
        "sidecars.a.logTo",
        "sidecars.b.port",
    ]


def test_a_wrong_port_hides_no_problem_with_another_container() -> None:
    sidecars = {
        "a": {"image": IMAGE, "port": 99999, "mounts": {"none": "/none"}, "memoryMib": 512},
        "proxy": {"image": IMAGE},
    }
    of_sidecars = ["sidecars", "sidecars.a.mounts", "sidecars.a.port"]
    for other, keys in (
        ({"ingressContainer": "proxy"}, ["ingressContainer", *of_sidecars]),
        ({"ingressContainer": "a"}, of_sidecars),
        ({"dependsOn": {"a": "SUCCESS"}}, ["dependsOn", *of_sidecars]),
    ):
        assert sorted(refused_keys(sidecars=sidecars, **other)) == keys


def test_a_wrong_key_of_a_log_router_is_the_only_problem_with_it() -> None:
    for wrong in ({"logRouter": "fluentd"}, {"logRouterFile": "extra.conf"}):
        router = {"image": IMAGE, "logRouter": "fluentbit", **wrong}
        sidecars = {"router": router, "b": {"image": IMAGE, "logTo": "router"}}
        assert refused_keys(sidecars=sidecars) == [f"sidecars.router.{next(iter(wrong))}"]
    sidecars = {
        "router": {"image": IMAGE, "logRouter": "fluentbit"},
        "b": {"image": IMAGE, "logTo": "no name"},
    }
    assert refused_keys(sidecars=sidecars) == ["sidecars.b.logTo"]


def test_keys_are_not_refused_if_the_secrets_that_they_may_encrypt_could_not_be_read() -> None:
    wrong = with_sidecar(secrets={"A": ""})
    assert refused_keys(secrets={}, secretKeyArns=[KEY_ARN], **wrong) == ["sidecars.proxy.secrets"]


@pytest.mark.parametrize(
    "named",
    [{"ingressContainer": "proxy"}, {"connectContainer": "proxy", "serviceConnect": True}],
    ids=["load balancer", "other services"],
)
def test_a_port_to_which_requests_come_is_accepted(named: dict[str, Any]) -> None:
    service = only_service(load(**with_sidecar(port=9000), **named))
    assert service.sidecars.readable["proxy"].port == 9000


def test_a_port_of_a_default_sidecar_needs_one_service_that_names_the_sidecar() -> None:
    named = {"ingressContainer": "proxy", "paths": ["/api/*"]}
    load(**with_sidecar(port=9000), services={"api": named, "web": {}})
    plain = {"paths": ["/api/*"]}
    assert refused_keys(**with_sidecar(port=9000), services={"api": plain, "web": {}}) == [
        "sidecars.proxy.port"
    ]
    own = {"web": with_sidecar(port=9000), "api": named}
    assert refused_keys(**with_sidecar(port=9000), services=own) == [
        "services.web.sidecars.proxy.port"
    ]


def test_a_services_empty_map_replaces_the_stacks_sidecars() -> None:
    service = only_service(load(**with_sidecar(), services={"api": {"sidecars": {}}}))
    assert not service.sidecars.readable
    service = only_service(load(**with_sidecar(), services={"api": {}}))
    assert service.sidecars.readable["proxy"].image == IMAGE


def test_keys_are_accepted_if_only_a_sidecar_has_secrets() -> None:
    settings = load(secrets={}, secretKeyArns=[KEY_ARN], **with_sidecar(secrets={"A": "/a"}))
    assert only_service(settings).secrets.secret_key_arns == (KEY_ARN,)
