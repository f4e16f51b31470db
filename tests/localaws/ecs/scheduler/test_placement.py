"""Availability-zone rebalancing, and what even zones mean."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localaws.ecs.scheduler import placement
from localaws.ecs.scheduler.model import Task, Zone
from tests.localaws.ecs.world import TIMING, ZONES, Behaviour, World, spec, steady_world

ONE_A, ONE_B = (zone.name for zone in ZONES)


def lopsided_world(count: int = 4, **wishes: Any) -> World:
    """A service all of whose tasks run in the first zone."""
    world = steady_world(desired=count)
    world.state = replace(
        world.state, tasks=tuple(replace(task, zone=ZONES[0]) for task in world.state.tasks)
    )
    world.spec = replace(world.spec, **{"rebalances": True, **wishes})
    return world


def spread(world: World) -> Counter[str]:
    return Counter(task.zone.name for task in world.active())


def test_tasks_move_to_an_empty_zone_one_by_one_and_each_starts_before_another_stops() -> None:
    world = lopsided_world()
    before = world.state.deployments[0].id
    counts = set()
    for _ in range(60):
        world.run(1)
        counts.add(len(world.active()))
        assert world.healthy() >= world.spec.desired
    assert counts == {4, 5}
    assert spread(world) == {ONE_A: 2, ONE_B: 2}
    assert world.steady()
    assert world.state.deployments[0].id == before, "rebalancing is not a deployment"
    assert world.says(
        f"is not AZ balanced with 4 tasks in {ONE_A}, 0 tasks in {ONE_B}. AZ Rebalancing "
        "in progress."
    )
    assert (
        world.event_count(f"(service web) has started 1 tasks in {ONE_B} to AZ Rebalance: (task ")
        == 2
    )
    assert world.registered == {task.id for task in world.active()}


@pytest.mark.parametrize("wishes", [{"rebalances": False}, {"maximum_percent": 100}])
def test_tasks_stay_without_rebalancing_or_room_for_it(wishes: dict[str, Any]) -> None:
    world = lopsided_world(**wishes)
    world.run(60)
    assert spread(world) == {ONE_A: 4}


def test_nothing_moves_until_the_service_has_been_steady_for_a_while() -> None:
    world = lopsided_world()
    world.spec = replace(world.spec, desired=5)
    while not world.steady():
        world.run(1)
    world.run(TIMING.rebalanced - 1)
    assert len(world.active()) == 5
    world.run(1)
    assert len(world.active()) == 6


def test_one_task_more_in_a_zone_is_even_enough() -> None:
    world = steady_world(desired=3, rebalances=True)
    begun = len(world.begun)
    world.run(60)
    assert len(world.begun) == begun


def test_a_version_that_does_not_work_any_more_costs_no_working_task() -> None:
    world = lopsided_world()
    old = {task.id for task in world.active()}
    world.behaviours |= {
        "web:1": Behaviour(warm_up=float("inf")),
        **dict.fromkeys(old, Behaviour()),
    }
    for _ in range(60):
        world.run(1)
        assert world.healthy_ids() == old
        assert len(world.active()) <= 5
    assert len(world.begun) < 4 + 12, "and it is tried less and less often"


def test_scaling_in_while_a_task_moves_ends_with_even_zones_all_the_same() -> None:
    world = lopsided_world()
    for _ in range(20):
        world.run(1)
        if len(world.active()) == 5:
            break
    world.spec = replace(world.spec, desired=2)
    world.run(60)
    assert spread(world) == {ONE_A: 1, ONE_B: 1}
    world.spec = replace(world.spec, desired=0)
    world.run(20)
    assert not world.active()
    assert not world.draining()


def test_a_moving_task_takes_the_place_of_one_that_dies_meanwhile() -> None:
    world = lopsided_world()
    while len(world.active()) < 5:
        world.run(1)
    world.end(next(task for task in world.active() if not task.evens_zones))
    assert len(world.active()) == 4
    world.run(60)
    assert spread(world) == {ONE_A: 2, ONE_B: 2}


def test_a_restart_in_the_middle_changes_nothing_in_the_end() -> None:
    world = lopsided_world()
    while len(world.active()) < 5:
        world.run(1)
    world.crash()
    world.run(60)
    assert spread(world) == {ONE_A: 2, ONE_B: 2}
    assert world.steady()


def test_without_subnets_there_is_one_zone_which_is_even() -> None:
    nowhere = (Zone(subnet="", name=""),)
    assert not placement.uneven(nowhere, [])


@given(
    st.lists(st.sampled_from(ZONES), max_size=12), st.lists(st.booleans(), min_size=12, max_size=12)
)
def test_the_unwell_leave_first_and_then_each_leaves_the_most_crowded_zone(
    listen_addresses: list[Zone], well: list[bool]
) -> None:
    tasks = [
        Task(id=str(i), deployment="d", task_definition="t", zone=zone, created_at=i)
        for i, zone in enumerate(listen_addresses)
    ]
    order = placement.leaving_order(tasks, lambda task: well[int(task.id)])
    assert sorted(order, key=lambda task: int(task.id)) == tasks
    fate = [well[int(task.id)] for task in order]
    assert fate == sorted(fate), "the unwell first"
    crowd = Counter(task.zone.name for task in order if well[int(task.id)])
    for task in (task for task in order if well[int(task.id)]):
        assert crowd[task.zone.name] == max(crowd.values())
        crowd[task.zone.name] -= 1
    for zone in ZONES:
        ages = [task.created_at for task in order if task.zone == zone and well[int(task.id)]]
        assert ages == sorted(ages, reverse=True), "the youngest of a zone first"


def test_a_task_goes_to_the_emptiest_zone_and_in_it_to_the_emptiest_subnet() -> None:
    second = Zone(subnet="subnet-b2", name=ONE_B)
    listen_addresses = (*ZONES, second)
    tasks: list[Task] = []
    for number in range(4):
        zone = placement.emptiest(listen_addresses, tasks)
        tasks.append(
            Task(id=str(number), deployment="d", task_definition="t", zone=zone, created_at=0)
        )
    assert [task.zone.subnet for task in tasks] == ["subnet-a", "subnet-b", "subnet-b2", "subnet-a"]
    assert placement.emptiest(listen_addresses, tasks[:2] + tasks[1:2]).subnet == "subnet-a", (
        "the zone counts before the subnet"
    )


def test_rebalancing_is_off_by_default() -> None:
    assert not spec().rebalances
