"""Options of services on instances that AWS has and the local AWS refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from localaws.daemon.instance_support import capacity_timeout, group_problem, service_problem
from tests.localaws.ecs.instance_records import OnInstances

if TYPE_CHECKING:
    from localaws.catalog import Resource


@pytest.fixture(scope="module")
def records() -> OnInstances:
    return OnInstances()


def problem(records: OnInstances, definition: Resource | None = None, **service: Any) -> str:
    """Return why the service can't run with another task definition and other inputs."""
    changes = {"forceNewDeployment": True, **service}
    if definition is not None:
        changes["taskDefinition"] = definition.id
    changed = records.change(records.service, **changes)
    try:
        return service_problem(changed, records.cloud, in_containers=True)
    finally:
        records.change(records.service, **records.service.inputs)


def test_a_service_on_instances_runs_only_in_containers(records: OnInstances) -> None:
    assert service_problem(records.service, records.cloud, in_containers=True) == ""
    refused = service_problem(records.service, records.cloud, in_containers=False)
    assert "need the runtime `container`" in refused
    assert "docs/vpc.md" in refused


@pytest.mark.parametrize(
    ("container", "part"),
    [
        ({"links": ["other"]}, "links"),
        ({"privileged": True}, "privileged"),
        ({"extraHosts": [{"hostname": "h", "ipAddress": "10.0.0.1"}]}, "extraHosts"),
        ({"dnsServers": ["10.0.0.2"]}, "dnsServers"),
        ({"linuxParameters": {"sharedMemorySize": 64}}, "linuxParameters.sharedMemorySize"),
    ],
)
def test_options_of_containers_without_an_effect_are_refused(
    records: OnInstances, container: dict[str, Any], part: str
) -> None:
    refused = problem(records, records.define(**container))
    assert refused == f"{part} of container web isn't done on instances here: leave it out"


def test_another_network_mode_is_refused(records: OnInstances) -> None:
    same = records.define(portMappings=[{"containerPort": 4567, "hostPort": 4567}])
    inputs = {**same.inputs, "networkMode": "host", "family": "host"}
    refused = problem(records, records.make("aws:ecs/taskDefinition:TaskDefinition", **inputs))
    assert refused.startswith("networkMode host on EC2 instances isn't done here; allowed: bridge")


@pytest.mark.parametrize(
    ("service", "message"),
    [
        (
            {"placementConstraints": [{"type": "memberOf", "expression": "task:group == a"}]},
            "placement constraint 'task:group == a'; allowed here",
        ),
        (
            {"orderedPlacementStrategies": [{"type": "spread", "field": "attribute:rack"}]},
            "placement strategy spread attribute:rack; allowed here",
        ),
    ],
)
def test_unsupported_placement_is_refused(
    records: OnInstances, service: dict[str, Any], message: str
) -> None:
    assert message in problem(records, **service)


def test_a_volume_of_the_host_is_refused(records: OnInstances) -> None:
    volumes = [{"name": "host", "hostPath": "/srv"}]
    inputs = {**records.define().inputs, "volumes": volumes, "family": "volume"}
    refused = problem(records, records.make("aws:ecs/taskDefinition:TaskDefinition", **inputs))
    assert refused == "hostPath of a volume isn't done on instances here: leave it out"


def test_a_group_with_supported_options_has_no_problem(records: OnInstances) -> None:
    assert group_problem(records.scaling_group, records.cloud) == ""


@pytest.mark.parametrize(
    ("duration", "seconds"), [("0", 0), ("0s", 0), ("10m", 600), ("1h30m", 5400), ("500ms", 0.5)]
)
def test_a_run_waits_for_a_groups_instances_as_long_as_configured(
    records: OnInstances, duration: str, seconds: float
) -> None:
    group = records.change(records.scaling_group, waitForCapacityTimeout=duration)
    assert capacity_timeout(group) == seconds
