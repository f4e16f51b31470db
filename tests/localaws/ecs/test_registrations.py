"""Tasks as instances of Cloud Map's services and endpoints of Service Connect."""

from __future__ import annotations

from dataclasses import replace

import pytest

from localaws.ecs.registrations import Location, instances, registries
from localaws.ecs.scheduler.model import (
    Deployment,
    Health,
    Process,
    ServiceRevision,
    ServiceState,
    Status,
    Task,
    TaskObservation,
    Zone,
)
from localaws.vpc.names import Instance

REGISTRY = "arn:aws:servicediscovery:eu-west-1:123456789012:service/srv-1"
ZONE = Zone(subnet="a", name="eu-west-1a")
RUNS = TaskObservation(process=Process.RUNNING)


def state(*tasks: Task, port: int | None = None) -> ServiceState:
    revision = ServiceRevision(
        fingerprint="1",
        task_definition="web:1",
        zones=(ZONE,),
        launch={"registries": [{"arn": REGISTRY, "container": "web", "port": port}]},
    )
    older = replace(revision, launch={})  # of a version that saved none
    deployments = (
        Deployment(id="d", revision=revision, created_at=0, updated_at=0),
        Deployment(id="older", revision=older, created_at=0, updated_at=0),
    )
    return ServiceState(deployments=deployments, tasks=tasks)


def task(identifier: str = "t1", status: Status = Status.RUNNING, deployment: str = "d") -> Task:
    return Task(
        id=identifier,
        deployment=deployment,
        task_definition="web:1",
        zone=ZONE,
        created_at=0,
        status=status,
    )


def registered(
    state: ServiceState, observation: TaskObservation = RUNS, registry: str = REGISTRY
) -> list[object]:
    """Return the registry's instances; tasks have the addresses 10.0.0.5 and following."""
    observations = {each.id: observation for each in state.tasks}
    locations = {
        each.id: Location(f"10.0.0.{number}") for number, each in enumerate(state.tasks, 5)
    }
    return list(instances(registry, state, observations, locations))


def test_each_running_task_is_an_instance_with_its_address() -> None:
    assert registered(state(task("t1"), task("t2"))) == [
        Instance("t1", "10.0.0.5"),
        Instance("t2", "10.0.0.6"),
    ]
    assert registered(state(task(), port=8080)) == [Instance("t1", "10.0.0.5", port=8080)]
    assert registered(state(task()), registry=f"{REGISTRY}2") == []
    assert registered(state(task(deployment="older"))) == []


def test_an_instance_has_its_tasks_ipv6_address() -> None:
    locations = {"t1": Location("10.0.0.5", "2001:db8::5")}
    (instance,) = instances(REGISTRY, state(task()), {"t1": RUNS}, locations)
    assert instance.ipv6 == "2001:db8::5"


def test_a_task_on_an_ec2_instance_is_registered_with_its_host_port() -> None:
    locations = {"t1": Location("10.0.0.9", host_ports={("web", 8080): 32768, ("other", 80): 1})}
    (instance,) = instances(REGISTRY, state(task(), port=8080), {"t1": RUNS}, locations)
    assert (instance.address, instance.port) == ("10.0.0.9", 32768)


@pytest.mark.parametrize("status", [each for each in Status if each is not Status.RUNNING])
def test_a_task_that_stops_or_has_not_started_is_not_registered(status: Status) -> None:
    assert registered(state(task(status=status))) == []


def test_a_task_whose_process_has_ended_is_not_registered() -> None:
    assert registered(state(task()), TaskObservation(process=Process.ENDED)) == []


@pytest.mark.parametrize(
    ("health", "healthy"),
    [
        (Health.UNCHECKED, True),
        (Health.HEALTHY, True),
        (Health.INITIAL, False),
        (Health.UNHEALTHY, False),
    ],
)
def test_an_instances_health_is_that_of_its_containers_and_not_of_its_targets(
    health: Health, *, healthy: bool
) -> None:
    observation = replace(RUNS, container_health=health, target_health=Health.UNHEALTHY)
    assert registered(state(task()), observation) == [Instance("t1", "10.0.0.5", healthy=healthy)]


@pytest.mark.parametrize(
    ("configured", "container", "port"),
    [
        ({}, "", None),
        ({"port": 80.0}, "", 80),
        ({"containerName": "web", "containerPort": 8080}, "web", 8080),
    ],
)
def test_a_registry_gets_the_port_that_the_service_names(
    configured: dict[str, object], container: str, port: int | None
) -> None:
    outputs = {"serviceRegistries": {"registryArn": REGISTRY, **configured}}
    assert registries(outputs) == [{"arn": REGISTRY, "container": container, "port": port}]
    assert registries({"serviceRegistries": None}) == []


CONNECTED = {
    "enabled": True,
    "namespace": "shop",
    "services": [
        {"portName": "api", "discoveryName": "api-v2", "clientAlias": [{"dnsName": "api"}]},
        {"portName": "metrics"},
    ],
}


@pytest.mark.parametrize(
    ("outputs", "arns"),
    [
        (
            {"serviceConnectConfiguration": CONNECTED, "networkConfiguration": {"subnets": ["a"]}},
            ["shop/api-v2", "shop/metrics"],
        ),
        # The tasks of an instance have its address and other ports.
        ({"serviceConnectConfiguration": CONNECTED}, []),
        (
            {
                "serviceConnectConfiguration": {**CONNECTED, "enabled": False},
                "networkConfiguration": {"subnets": ["a"]},
            },
            [],
        ),
    ],
)
def test_tasks_with_their_own_addresses_are_endpoints_of_service_connect(
    outputs: dict[str, object], arns: list[str]
) -> None:
    assert [each["arn"] for each in registries(outputs)] == arns
