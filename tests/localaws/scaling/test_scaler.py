"""The scaler with a made-up ECS: what it measures, sets, saves and shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from localaws.account.cloud import Cloud
from localaws.catalog.appautoscaling import POLICY, TARGET
from localaws.catalog.ecs.services import SERVICE
from localaws.machine.processes import Usage
from localaws.scaling.metrics import Metrics
from localaws.scaling.minutes import Minutes
from localaws.scaling.model import Kind, Metric
from localaws.scaling.scaler import Scaler
from tests.localaws.catalog.conftest import MINIMAL, SCALED
from tests.localaws.catalog.scaling_cases import tracking

if TYPE_CHECKING:
    from pathlib import Path

    from tests.localaws.catalog.conftest import Account


class MadeUp:
    """Tasks of one service, and the requests to them."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.used: dict[str, Usage] = {}
        self.total: dict[str, int] = {}
        self.deploying = False

    async def usage(self, service_arn: str) -> dict[str, Usage]:
        return self.used

    async def requests(self) -> dict[str, int]:
        return self.total

    def describe(self, service_arn: str) -> dict[str, Any]:
        state = "IN_PROGRESS" if self.deploying else "COMPLETED"
        return {
            "status": "ACTIVE",
            "runningCount": len(self.used),
            "deployments": [{"rolloutState": state}],
        }

    def work(self, percent: float, *, mib: float = 100) -> None:
        """Let each task use this share of its quarter of a vCPU for one minute of a second."""
        for name, before in self.used.items():
            seconds = before.cpu_seconds + percent / 100 * 0.25
            self.used[name] = Usage(seconds, mib * 1024 * 1024)

    def run(self, count: int) -> None:
        for number in range(count):
            self.used.setdefault(f"task-{number}", Usage(0, 0))


def scaler(account: Account, made_up: MadeUp, folder: Path) -> tuple[Scaler, Minutes, Metrics]:
    metrics = Metrics(account, made_up, made_up)

    def set_desired_count(service: str, count: int) -> None:
        account.overwrite(SERVICE, service, {"desiredCount": count})
        made_up.run(count)

    running = Scaler(account, made_up, metrics, folder, set_desired_count=set_desired_count)
    return running, Minutes({"scaling": running.tick}), metrics


def desired(account: Account) -> int:
    return int(account.all(SERVICE)[0].outputs["desiredCount"])


@pytest.fixture
def made_up(account: Account) -> MadeUp:
    """Two tasks of the account's service, which is scaled by CPU to 60 % and from 1 to 4 tasks."""
    found = MadeUp(account)
    found.run(2)
    return found


async def test_a_service_grows_with_its_load_and_has_a_reason(
    account: Account, made_up: MadeUp, tmp_path: Path
) -> None:
    running, minutes, _ = scaler(account, made_up, tmp_path)
    for _ in range(4):
        made_up.work(100)
        await minutes.tick(1)
    assert desired(account) == 4
    (status,) = running.status()
    assert (status["minCapacity"], status["maxCapacity"]) == (1, 4)
    assert status["policies"][0]["last"] == pytest.approx(100)
    assert status["activities"][0]["message"].startswith("set desired count to 4: CPU of 100 %")


async def test_a_run_of_the_program_keeps_the_scaled_count_until_its_own_changes(
    account: Account, made_up: MadeUp, tmp_path: Path
) -> None:
    _, minutes, _ = scaler(account, made_up, tmp_path)
    for _ in range(4):
        made_up.work(100)
        await minutes.tick(1)
    service = account.all(SERVICE)[0]
    account.update(SERVICE, service.id, {**service.inputs, "enableEcsManagedTags": True})
    assert desired(account) == 4
    account.update(SERVICE, service.id, {**service.inputs, "desiredCount": 3})
    assert desired(account) == 3


async def test_memory_and_requests_are_measured_per_task(
    account: Account, made_up: MadeUp, tmp_path: Path
) -> None:
    label, group = account.id("request-label"), account.id("target")
    inputs = {**MINIMAL[POLICY](account), "name": "requests"}
    inputs["targetTrackingScalingPolicyConfiguration"] = tracking(
        "ALBRequestCountPerTarget", resourceLabel=label
    )
    account.make(POLICY, **inputs)
    _, minutes, metrics = scaler(account, made_up, tmp_path)
    made_up.total = {group: 1000}
    await minutes.tick(1)
    made_up.total = {group: 1060}
    made_up.work(10, mib=256)
    await minutes.tick(1)
    made_up.total = {group: 5}
    await minutes.tick(1)
    points = {metric: values for (_, metric), values in metrics.points.items()}
    requests = [point.value for point in points[Metric(Kind.REQUESTS, group)]]
    assert requests == [0, 30, 0], "nothing at first, and nothing when the proxy starts again"
    assert points[Metric(Kind.MEMORY)][1].value == pytest.approx(50)


async def test_what_the_scaler_knows_survives_a_restart(
    account: Account, made_up: MadeUp, tmp_path: Path
) -> None:
    _, minutes, _ = scaler(account, made_up, tmp_path)
    await minutes.tick(1)
    account.overwrite(SERVICE, account.all(SERVICE)[0].id, {"desiredCount": 0})
    again, minutes, _ = scaler(account, made_up, tmp_path)
    again.start()
    await minutes.tick(1)
    assert desired(account) == 0, "the bounds were applied before, and a count set by hand stays"


async def test_a_target_whose_service_is_gone_does_nothing(
    account: Account, made_up: MadeUp, tmp_path: Path
) -> None:
    running, minutes, _ = scaler(account, made_up, tmp_path)
    account.delete(SERVICE, account.all(SERVICE)[0].id)
    await minutes.tick(1)
    assert running.status() == []
    assert account.get(TARGET, SCALED["resourceId"]) is not None


def test_a_cloud_changes_outputs_without_a_program() -> None:
    cloud = Cloud(seed=1)
    made = cloud.create("aws:ecs/cluster:Cluster", "urn", {"name": "main"}, region="eu-west-1")
    cloud.overwrite(made.token, made.id, {"name": "other"})
    found = cloud.get(made.token, made.id)
    assert found
    assert found.outputs["name"] == "other"
    assert found.inputs["name"] == "main"
