"""Availability zone rebalancing, and the choice of zones for starts and stops."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localaws.ecs.scheduler import placement
from localaws.ecs.scheduler.model import Task, Zone
from tests.localaws.ecs.simulated_service import (
    TIMING,
    ZONES,
    Behaviour,
    SimulatedService,
    spec,
    steady_service,
)

ONE_A = ZONES[0].name
ONE_B = ZONES[1].name


def uneven_service(count: int = 4, **changes: Any) -> SimulatedService:
    """Return a service whose tasks all run in the first zone."""
    service = steady_service(desired=count)
    in_first_zone = [replace(task, zone=ZONES[0]) for task in service.state.tasks]
    service.state = replace(service.state, tasks=tuple(in_first_zone))
    service.spec = replace(service.spec, **{"rebalances": True, **changes})
    return service


def spread(service: SimulatedService) -> Counter[str]:
    return Counter(task.zone.name for task in service.active())


def test_tasks_are_moved_to_an_empty_zone_one_by_one_with_a_start_before_each_stop() -> None:
    service = uneven_service()
    before = service.state.deployments[0].id
    counts = set()
    for _ in range(60):
        service.run(1)
        counts.add(len(service.active()))
        assert service.healthy() >= service.spec.desired
    assert counts == {4, 5}
    assert spread(service) == {ONE_A: 2, ONE_B: 2}
    assert service.steady()
    assert service.state.deployments[0].id == before, "rebalancing is not a deployment"
    assert service.has_event(
        f"is not AZ balanced with 4 tasks in {ONE_A}, 0 tasks in {ONE_B}. AZ Rebalancing "
        "in progress."
    )
    started = f"(service web) has started 1 tasks in {ONE_B} to AZ Rebalance: (task "
    assert service.event_count(started) == 2
    assert service.registered == service.active_ids()


@pytest.mark.parametrize("changes", [{"rebalances": False}, {"maximum_percent": 100}])
def test_tasks_stay_without_rebalancing_or_room_for_it(changes: dict[str, Any]) -> None:
    service = uneven_service(**changes)
    service.run(60)
    assert spread(service) == {ONE_A: 4}


def test_no_task_is_moved_until_the_service_has_been_steady_for_a_while() -> None:
    service = uneven_service()
    service.spec = replace(service.spec, desired=5)
    while not service.steady():
        service.run(1)
    service.run(TIMING.rebalanced - 1)
    assert len(service.active()) == 5
    service.run(1)
    assert len(service.active()) == 6


def test_one_task_more_in_a_zone_is_even_enough() -> None:
    service = steady_service(desired=3, rebalances=True)
    begun = len(service.begun)
    service.run(60)
    assert len(service.begun) == begun


def test_rebalancing_stops_no_healthy_task_if_new_ones_fail() -> None:
    service = uneven_service()
    old = service.active_ids()
    service.behaviours |= {
        "web:1": Behaviour(warm_up=float("inf")),
        **dict.fromkeys(old, Behaviour()),
    }
    for _ in range(60):
        service.run(1)
        assert service.healthy_ids() == old
        assert len(service.active()) <= 5
    assert len(service.begun) < 4 + 12, "and it is retried less and less often"


def test_scaling_in_during_a_move_still_ends_with_even_zones() -> None:
    service = uneven_service()
    for _ in range(20):
        service.run(1)
        if len(service.active()) == 5:
            break
    service.spec = replace(service.spec, desired=2)
    service.run(60)
    assert spread(service) == {ONE_A: 1, ONE_B: 1}
    service.spec = replace(service.spec, desired=0)
    service.run(20)
    assert not service.active()
    assert not service.draining()


def test_a_task_started_for_a_move_replaces_one_that_exits_meanwhile() -> None:
    service = uneven_service()
    while len(service.active()) < 5:
        service.run(1)
    service.end(next(task for task in service.active() if not task.evens_zones))
    assert len(service.active()) == 4
    service.run(60)
    assert spread(service) == {ONE_A: 2, ONE_B: 2}


def test_zones_become_even_after_a_crash_during_a_move() -> None:
    service = uneven_service()
    while len(service.active()) < 5:
        service.run(1)
    service.crash()
    service.run(60)
    assert spread(service) == {ONE_A: 2, ONE_B: 2}
    assert service.steady()


def test_a_service_without_subnets_is_never_uneven() -> None:
    nowhere = (Zone(subnet="", name=""),)
    assert not placement.is_uneven(nowhere, [])


@given(
    st.lists(st.sampled_from(ZONES), max_size=12), st.lists(st.booleans(), min_size=12, max_size=12)
)
def test_unhealthy_tasks_are_stopped_first_then_those_in_the_fullest_zone(
    zones: list[Zone], healthy: list[bool]
) -> None:
    tasks = [task_in(zone, number) for number, zone in enumerate(zones)]
    order = placement.stop_order(tasks, lambda task: healthy[int(task.id)])
    assert sorted(order, key=lambda task: int(task.id)) == tasks
    healthy_ones = [task for task in order if healthy[int(task.id)]]
    assert order[len(order) - len(healthy_ones) :] == healthy_ones, "the unhealthy first"
    left = Counter(task.zone.name for task in healthy_ones)
    ages: dict[str, list[float]] = defaultdict(list)
    for task in healthy_ones:
        assert left[task.zone.name] == max(left.values())
        left[task.zone.name] -= 1
        ages[task.zone.name].append(task.created_at)
    for created in ages.values():
        assert created == sorted(created, reverse=True), "the youngest of a zone first"


def task_in(zone: Zone, number: int) -> Task:
    return Task(id=str(number), deployment="d", task_definition="t", zone=zone, created_at=number)


def test_a_task_starts_in_the_emptiest_zone_and_there_in_the_emptiest_subnet() -> None:
    zones = (*ZONES, Zone(subnet="subnet-b2", name=ONE_B))
    tasks: list[Task] = []
    for number in range(4):
        tasks.append(task_in(placement.emptiest(zones, tasks), number))
    assert [task.zone.subnet for task in tasks] == ["subnet-a", "subnet-b", "subnet-b2", "subnet-a"]
    assert placement.emptiest(zones, tasks[:2] + tasks[1:2]).subnet == "subnet-a", (
        "the zone counts before the subnet"
    )


def test_rebalancing_is_off_by_default() -> None:
    assert not spec().rebalances
