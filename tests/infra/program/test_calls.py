"""Services call each other by Service Connect, and only those that are configured to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.infra import recorder
from tests.infra.changes import as_documented, promised
from tests.infra.settings.loading import refusal_of

if TYPE_CHECKING:
    from tests.infra.recorder import Recording, Registered

SERVICES: dict[str, dict[str, Any]] = {
    "api": {"paths": ["/api/*"], "serviceConnect": True, "containerPort": 8080},
    "jobs": {"paths": ["/jobs/*"]},
    "web": {"calls": ["api"]},
}


@pytest.fixture(scope="module")
def stack() -> Recording:
    return recorder.run("dev", services=SERVICES)


def connected(recording: Recording) -> dict[str, Any]:
    """Return each service's configuration of Service Connect, by its name."""
    return {
        each.name: each.inputs.get("serviceConnectConfiguration")
        for each in recording.all("Service")
    }


def port_names(recording: Recording) -> dict[str, Any]:
    """Return the name of each service's port, by the service's name."""
    found: dict[str, Any] = {}
    for each in recording.all("TaskDefinition"):
        (container,) = recorder.containers(recording, each.name).values()
        found[each.name] = container["portMappings"][0].get("name")
    return found


def groups(recording: Recording) -> dict[str, str]:
    """Return the name of each security group by its id."""
    return {recording.id(each): each.name for each in recording.all("SecurityGroup")}


def test_a_called_service_has_a_name_in_the_stacks_namespace_which_its_callers_join(
    stack: Recording,
) -> None:
    namespace = stack.one("HttpNamespace")
    assert namespace.inputs["name"] == "ecs-cluster-dev"
    made = stack.cloud.get(namespace.type, stack.id(namespace))
    assert made is not None
    arn = made.outputs["arn"]
    assert connected(stack) == {
        "api": {
            "enabled": True,
            "namespace": arn,
            "services": [
                {
                    "portName": "api",
                    "discoveryName": "api",
                    "clientAlias": [{"dnsName": "api", "port": 8080}],
                }
            ],
        },
        "jobs": None,
        "web": {"enabled": True, "namespace": arn},
    }
    assert port_names(stack) == {"api": "api", "jobs": None, "web": None}


def allowed(recording: Recording) -> set[tuple[str, str, int]]:
    """Return the security groups that may connect to tasks: source, target and port."""
    names = groups(recording)
    found: set[tuple[str, str, int]] = set()
    for rule in recording.all("SecurityGroupIngressRule"):
        source = names.get(rule.inputs.get("referencedSecurityGroupId", ""))
        target = names[rule.inputs["securityGroupId"]]
        if source and target != "alb":
            found.add((source, target, rule.inputs["fromPort"]))
    return found


def test_only_callers_may_connect_to_a_services_tasks(stack: Recording) -> None:
    names = groups(stack)
    assert allowed(stack) == {
        ("alb", "api", 8080),
        ("alb", "jobs", 80),
        ("alb", "web", 80),
        ("web", "api", 8080),
    }
    outbound = stack.one("SecurityGroupEgressRule", "web-calls-api-8080").inputs
    assert names[outbound["securityGroupId"]] == "web"
    assert names[outbound["referencedSecurityGroupId"]] == "api"


def test_a_sidecar_gets_the_requests_of_load_balancer_and_callers() -> None:
    api: dict[str, Any] = {
        **SERVICES["api"],
        "sidecars": {
            "proxy": {"image": "public.ecr.aws/team/proxy:1", "port": 9000},
            "grpc": {"image": "public.ecr.aws/team/grpc:1", "port": 50051},
        },
        "ingressContainer": "proxy",
        "connectContainer": "grpc",
    }
    recording = recorder.run("dev", services={**SERVICES, "api": api})
    containers = recorder.containers(recording, "api")
    assert {name: each["portMappings"] for name, each in containers.items()} == {
        "nginx": [{"containerPort": 8080, "hostPort": 8080, "protocol": "tcp"}],
        "proxy": [
            {"containerPort": 9000, "hostPort": 9000, "protocol": "tcp", "name": "proxy"},
        ],
        "grpc": [
            {"containerPort": 50051, "hostPort": 50051, "protocol": "tcp", "name": "api"},
        ],
    }
    (balancer,) = recording.one("Service", "api").inputs["loadBalancers"]
    assert (balancer["containerName"], balancer["containerPort"]) == ("proxy", 9000)
    (endpoint,) = connected(recording)["api"]["services"]
    assert endpoint["clientAlias"] == [{"dnsName": "api", "port": 50051}]
    assert {rule for rule in allowed(recording) if "api" in rule} == {
        ("alb", "api", 9000),
        ("web", "api", 50051),
    }


@pytest.mark.parametrize("key", ["ingressContainer", "connectContainer"])
def test_naming_the_services_own_container_changes_nothing(stack: Recording, key: str) -> None:
    api = {**SERVICES["api"], key: "nginx"}
    assert not recorder.run("dev", after=stack, services={**SERVICES, "api": api}).done()


def test_a_caller_depends_on_the_service_that_it_calls(stack: Recording) -> None:
    services = recorder.by_name(stack, "Service")
    assert services["api"].urn in services["web"].dependencies, (
        "a task knows only the names that existed when its deployment began"
    )
    assert services["web"].urn not in services["api"].dependencies


def test_without_calls_there_is_no_namespace(dev: Recording) -> None:
    assert not dev.all("HttpNamespace")
    assert connected(dev) == {"web": None}


def test_a_new_caller_changes_no_other_service(stack: Recording) -> None:
    more = {**SERVICES, "jobs": {**SERVICES["jobs"], "calls": ["api"]}}
    after = recorder.run("dev", after=stack, services=more)
    by_urn = {each.urn: each for each in after.registered}
    assert {parent_name(by_urn, urn) for urn in recorder.changes(after)} == {"jobs"}
    assert after.done() == promised("calls"), as_documented(after.done())


@pytest.mark.parametrize(
    "changes",
    [
        {"web": {"calls": ["api", "mail"]}},
        {"web": {"calls": ["mail"]}},
        {"api": {**SERVICES["api"], "containerPort": 9090}},
    ],
)
def test_a_caller_is_deployed_again_when_the_names_that_it_calls_change(
    changes: dict[str, Any],
) -> None:
    services = {**SERVICES, "mail": {"paths": ["/mail/*"], "serviceConnect": True}}
    before = recorder.deployed("dev", services=services)
    after = recorder.run("dev", after=before, services={**services, **changes})
    assert after.operations[after.one("TaskDefinition", "web").urn] == "replace", (
        "a task knows only the names that existed when its deployment began"
    )


def parent_name(by_urn: dict[str, Registered], urn: str) -> str:
    parent = by_urn[urn].parent
    assert parent is not None
    return by_urn[parent].name


REFUSED: list[tuple[dict[str, Any], str]] = [
    (
        {"api": {"paths": ["/api"]}, "web": {"calls": ["api"]}},
        "services.web.calls: api, which no service can call; allowed: a service with",
    ),
    (
        {"api": {"paths": ["/api"]}, "web": {"calls": ["apis"]}},
        "services.web.calls: apis, which is no other service; allowed: api",
    ),
    (
        {"web": {"calls": ["web"], "serviceConnect": True}},
        "services.web.calls: web, which is no other service; allowed: none, as it is the only",
    ),
    (
        {
            "api": {"paths": ["/api"], "serviceConnect": True},
            "web": {"calls": ["api", "api"]},
        },
        "services.web.calls: api; allowed: each service once",
    ),
    (
        {
            "api": {"paths": ["/api"], "serviceConnect": True, "calls": ["web"]},
            "web": {"calls": ["api"], "serviceConnect": True},
        },
        "allowed: services that don't call each other",
    ),
    (
        {"web": {"serviceConnect": True, "capacity": "ec2"}},
        "services.web.serviceConnect: true; allowed: none with capacity ec2",
    ),
    (
        {
            "api": {"paths": ["/api"], "serviceConnect": True},
            "web": {"calls": ["api"], "capacity": "ec2"},
        },
        "services.web.calls: api; allowed: none with capacity ec2",
    ),
    (
        {"web": {"ephemeralStorageGib": 30, "capacity": "ec2"}},
        "services.web.ephemeralStorageGib: 30; allowed: 20 with capacity ec2",
    ),
    (
        {
            "web": {
                "volumes": {
                    "a": {"efsFileSystemId": "fs-01234567", "efsAccessPointId": "fsap-01234567"}
                },
                "mounts": {"a": "/a"},
                "capacity": "ec2",
            }
        },
        "services.web.volumes.a: an access point of EFS; allowed: a volume that is deleted",
    ),
]


@pytest.mark.parametrize(("services", "message"), REFUSED)
def test_a_call_that_cannot_work_is_refused(services: dict[str, Any], message: str) -> None:
    refusal = refusal_of(services=services)
    assert any(message in str(problem) for problem in refusal.problems), str(refusal)
