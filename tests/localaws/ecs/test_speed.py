"""AWS's durations at another speed: which pass faster, which don't, and every use of them."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import pytest

from localaws.alb.model import TargetGroup
from localaws.cli.status import table
from localaws.ecs.scheduler.model import Timing
from localaws.ecs.tasks.runtime import HealthCheck
from localaws.speed import BadSpeed, speed
from tests.localaws.alb.compiled_files import compiled
from tests.localaws.ecs.conftest import Web
from tests.localaws.ecs.plane import plane
from tests.localaws.ecs.simulated_service import GROUP, spec
from tests.localaws.waiting import TIMEOUT

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow  # real processes and their durations


def test_durations_are_awss_own_unless_a_speed_is_set() -> None:
    assert speed({}) == speed({"LOCALAWS_SPEED": ""}) == 1
    assert speed({"LOCALAWS_SPEED": "2.5"}) == 2.5


@pytest.mark.parametrize("text", ["fast", "0", "-5", "0.5", "11", "nan", "inf"])
def test_a_wrong_speed_is_refused_with_the_allowed_ones(text: str) -> None:
    expected = f"LOCALAWS_SPEED: {text}; allowed: a number from 1 to 10. Change it, or unset it"
    with pytest.raises(BadSpeed, match=re.escape(expected)):
        speed({"LOCALAWS_SPEED": text})


def test_a_speed_shortens_ecss_durations_and_not_those_of_this_machine() -> None:
    assert asdict(Timing().at(5)) == {
        "healthy_without_checks": 8,
        "healthy_beside_unchecked": 0.6,
        "first_pause": 0.2,
        "longest_pause": 12,
        "crash_window": 24,
        "shortest_drain": 0.5,
        "remembered": 3600,
        "repeated": 6 * 3600,
        "rebalanced": 1,
        "bake": 1,
    }
    assert Timing().at(1) == Timing()


def test_a_speed_shortens_a_services_grace_period_and_drain_delays_only() -> None:
    given = spec(grace=60, drain_delays={GROUP: 30})
    assert given.at(5) == spec(grace=12, drain_delays={GROUP: 6})
    assert given.at(1) == given


def test_a_speed_shortens_intervals_of_checks_and_not_their_timeouts() -> None:
    container = HealthCheck(command=("true",), interval=30, timeout=5, start_period=10, retries=4)
    assert container.at(5) == HealthCheck(
        command=("true",), interval=6, timeout=5, start_period=2, retries=4
    )
    check = {"interval": 30, "timeout": 6}
    assert TargetGroup(arn="g", health_check=check, speed=5).interval == 6
    settled, initial = (
        cluster["health_checks"][0]
        for cluster in compiled(health_check=check, speed=7)["clusters.json"]
    )
    for each, pause in ((settled, "4.286s"), (initial, "0.014s")):
        assert each["interval"] == pause, "Envoy accepts at most nine digits"
        assert each["timeout"] == "6.0s"


async def test_a_rollout_passes_through_all_durations_at_the_speed(directory: Path) -> None:
    """At AWS's own speed the drain alone would take longer than `settle` waits."""
    web = Web()
    group: Any = {"deregistrationDelay": TIMEOUT + 5, "healthCheck": {"interval": 5, "timeout": 1}}
    web.put("aws:lb/targetGroup:TargetGroup", web.group, **group)
    async with plane(web, directory, speed=10) as running:
        await running.settle()
        web.change(taskDefinition=web.define(2))
        await running.settle()
        assert {task["taskDefinition"] for task in running.tasks()} == {web.define(2)}
        # One event, or two where one new task was healthy before the other.
        events = " ".join(event["message"] for event in running.describe()["events"])
        drained = re.findall(r"has begun draining connections on (\d) tasks", events)
        assert sum(map(int, drained)) == 2
        clusters = json.loads((directory / "envoy" / "clusters.json").read_text())["resources"]
        checks = [each["health_checks"][0]["interval"] for each in clusters]
        assert checks == ["0.5s", "0.01s"]


def test_status_shows_any_speed_other_than_awss_own() -> None:
    status: dict[str, Any] = {"services": [], "names": {}, "problems": []}
    assert table({**status, "speed": 1.0}) == "the local AWS is running, without services"
    assert table({**status, "speed": 5.0}).endswith(
        "AWS's durations pass 5 times as fast (LOCALAWS_SPEED)"
    )
