"""A service on instances: real containers behind ports of the instance, behind a real Envoy."""

from __future__ import annotations

import re
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from localaws.daemon.data_plane import DataPlane, data_plane
from localaws.daemon.runtime_choice import Choice, Runtime
from localaws.machine import isolation
from localaws.machine.addresses import Addresses
from localaws.machine.isolation import Isolation
from localaws.machine.programs import find
from localaws.not_settled import NotSettled
from tests.engine.images import PYTHON, write_python, write_table
from tests.localaws.ecs.instance_records import IMAGE, OnInstances, user_data
from tests.localaws.ecs.plane import traffic
from tests.localaws.http_client import plain_client
from tests.localaws.waiting import TIMEOUT, eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from localaws.ecs.services.instance_waits import InstanceWaits

pytestmark = [
    pytest.mark.slow,  # real namespaces, and instances that take seconds
    pytest.mark.skipif(find("nft") is None, reason="needs nft, which set-up gets"),
]

ID = re.compile(r"[0-9a-f]{12}")


@dataclass
class Plane:
    """A running data plane with instances."""

    running: DataPlane
    records: OnInstances
    url: str

    @property
    def instances(self) -> list[dict[str, Any]]:
        found = self.running.controller.fleet
        assert found is not None
        return found.status()

    @property
    def instance_waits(self) -> InstanceWaits:
        found = self.running.controller.instance_waits
        assert found is not None
        return found

    @property
    def _service(self) -> dict[str, Any]:
        return self.running.controller.descriptions.describe(self.records.service.id)

    def tasks(self, status: str = "RUNNING") -> list[dict[str, Any]]:
        found = self.running.controller.descriptions.status()
        tasks = [task for service in found for task in service["tasks"]]
        return [task for task in tasks if task["lastStatus"] == status]

    def has_event(self, part: str) -> bool:
        return any(part in event["message"] for event in self._service.get("events", ()))

    async def settle(self) -> None:
        await self.running.controller.waits.settle(
            self.records.service.id, timeout=TIMEOUT, report=lambda _: None
        )

    async def hostnames(self, count: int = 12) -> Counter[str]:
        """Return how often each host answers."""
        found: Counter[str] = Counter()
        async with plain_client() as client:
            for _ in range(count):
                answer = await client.get(f"{self.url}/hostname", timeout=10)
                assert answer.status_code == 200
                found[answer.text] += 1
        return found


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An image table with Python."""
    assert IMAGE == PYTHON
    folder = tmp_path_factory.mktemp("images")
    write_python(folder / "python.tar")
    return write_table(folder, {PYTHON: "python.tar"})


@asynccontextmanager
async def plane(
    records: OnInstances, directory: Path, images: Path, *, speed: float = 5
) -> AsyncIterator[Plane]:
    found = isolation.find()
    assert found.isolation is not Isolation.NONE, f"no containers here: {dict(found.why_not)}"
    addresses = Addresses(directory)
    running = data_plane(
        records.cloud,
        directory,
        parameters=lambda _: None,
        addresses=addresses,
        image_table=images,
        speed=speed,
        choice=Choice(Runtime.CONTAINER, found.isolation),
    )
    await running.start()
    name = addresses.load_balancer(records.balancer.id).dns_name
    try:
        yield Plane(running, records, f"http://{name}")
    finally:
        await running.close()


async def test_a_service_on_instances_scales_out_behind_its_load_balancer(
    tmp_path: Path, images: Path
) -> None:
    records = OnInstances()
    async with plane(records, tmp_path / ".local", images) as running:
        await running.settle()
        assert [each["agent"] for each in running.instances] == ["ACTIVE", "ACTIVE"]
        assert {each["availabilityZone"] for each in running.tasks()} == {
            "eu-west-1a",
            "eu-west-1c",
        }
        assert {each["capacityProviderName"] for each in running.tasks()} == {"instances"}
        assert [each["hostPorts"] for each in running.tasks()] == [
            ["0.0.0.0:32768->4567/tcp"],
            ["0.0.0.0:32768->4567/tcp"],
        ]
        addresses = {each["privateIp"] for each in running.instances}
        endpoints = {each["endpoint"] for each in running.tasks()}
        assert endpoints == {f"{each}:32768" for each in addresses}
        await eventually(lambda: running.has_event("steady state"), "a steady state")
        first = await running.hostnames()
        assert len(first) == 2
        assert all(ID.fullmatch(name) for name in first)
        records.change(records.service, desiredCount=3)
        await running.settle()
        assert len(await running.hostnames(24)) == 3
        ports = sorted(each["endpoint"].rpartition(":")[2] for each in running.tasks())
        assert ports == ["32768", "32768", "32769"]


async def test_instances_and_tasks_exist_after_a_restart_and_a_lost_instance_is_replaced(
    tmp_path: Path, images: Path
) -> None:
    records = OnInstances()
    async with plane(records, tmp_path / ".local", images) as running:
        await running.settle()
        before = {each["instanceId"]: each["privateIp"] for each in running.instances}
    async with plane(records, tmp_path / ".local", images) as running:
        await running.settle()
        after = {each["instanceId"]: each["privateIp"] for each in running.instances}
        assert after == before
        assert len(await running.hostnames()) == 2
        lost = running.tasks()[0]
        running.running.controller.fail_instance(lost["ec2InstanceId"])
        stopped = await eventually_stopped(running, lost["taskId"])
        assert stopped["stoppedReason"] == (
            f"Host EC2 (instance {lost['ec2InstanceId']}) terminated."
        )
        await running.settle()
        await eventually(
            lambda: [each["agent"] for each in running.instances] == ["ACTIVE"] * 2,
            "another instance",
        )
        assert lost["ec2InstanceId"] not in {each["instanceId"] for each in running.instances}
        assert len(await running.hostnames()) == 2


async def eventually_stopped(running: Plane, task: str) -> dict[str, Any]:
    def stopped() -> list[dict[str, Any]]:
        return [each for each in running.tasks("STOPPED") if each["taskId"] == task]

    await eventually(stopped, f"the end of task {task}")
    return stopped()[0]


async def test_tasks_wait_if_no_instance_can_register_and_the_status_has_the_reason(
    tmp_path: Path, images: Path
) -> None:
    records = OnInstances()
    records.change(records.template, userData=user_data("shoop"))
    records.change(
        records.scaling_group, launchTemplate={"id": records.template.id, "version": "2"}
    )
    async with plane(records, tmp_path / ".local", images) as running:
        await eventually(
            lambda: running.has_event("No Container Instances were found"), "its event"
        )
        await eventually(lambda: len(running.instances) >= 2, "instances")
        await eventually(
            lambda: {each["lifecycle"] for each in running.instances} == {"InService"},
            "instances in service",
        )
        assert {each["agent"] for each in running.instances} == {""}
        assert "cluster shoop, which doesn't exist" in running.instances[0]["whyNotRegistered"]
        assert len(running.tasks("PROVISIONING")) == 2


async def test_a_refresh_under_traffic_fails_no_request(tmp_path: Path, images: Path) -> None:
    records = OnInstances()
    async with plane(records, tmp_path / ".local", images) as running:
        await running.settle()
        before = {each["instanceId"] for each in running.instances}
        async with traffic(f"{running.url}/hostname") as statuses:
            records.change(records.template, description="a newer one")
            records.change(
                records.scaling_group,
                launchTemplate={"id": records.template.id, "version": "2"},
            )

            def refreshed() -> bool:
                now = {each["instanceId"] for each in running.instances}
                serving = [each["agent"] for each in running.instances] == ["ACTIVE"] * 2
                return serving and not now & before

            await eventually(refreshed, "new instances")
            await running.settle()
        assert set(statuses) == {200}
        assert len(await running.hostnames()) == 2
        stopped = running.tasks("STOPPED")
        assert len(stopped) >= 2
        assert {each["stopCode"] for each in stopped} == {"ServiceSchedulerInitiated"}


async def test_tasks_without_room_start_an_instance_and_a_forced_deletion_ends_all(
    tmp_path: Path, images: Path
) -> None:
    records = OnInstances()
    records.change(records.scaling_group, minSize=1)
    async with plane(records, tmp_path / ".local", images) as running:
        await running.settle()
        assert len(running.instances) == 1
        records.change(records.service, desiredCount=4)
        await eventually(lambda: running.tasks("PROVISIONING"), "a task without room")
        assert running.has_event("has insufficient memory available.")
        await running.settle()
        assert len(running.instances) == 2, "the group grew by itself"
        waits = running.instance_waits
        group = records.scaling_group.id
        with records.cloud.deleting(group):
            await waits.drain_group(group, timeout=TIMEOUT, report=lambda _: None)
        assert not running.instances
        await waits.wait_until_empty("shop", timeout=TIMEOUT, report=lambda _: None)


async def test_a_group_that_is_not_forced_waits_for_its_tasks_and_a_cluster_for_its_instances(
    tmp_path: Path, images: Path
) -> None:
    records = OnInstances()
    records.change(records.scaling_group, forceDelete=False)
    async with plane(records, tmp_path / ".local", images) as running:
        await running.settle()
        waits, group = running.instance_waits, records.scaling_group.id
        with pytest.raises(NotSettled, match="ClusterContainsContainerInstancesException"):
            await waits.wait_until_empty("shop", timeout=0.3, report=lambda _: None)
        with records.cloud.deleting(group):
            with pytest.raises(NotSettled, match="2 instances left, want 0"):
                await waits.drain_group(group, timeout=1, report=lambda _: None)
            assert {each["agent"] for each in running.instances} == {"DRAINING"}
            records.change(records.service, desiredCount=0)
            await waits.drain_group(group, timeout=TIMEOUT, report=lambda _: None)
