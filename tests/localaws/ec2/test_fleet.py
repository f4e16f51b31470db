"""Auto Scaling groups of instances: bounds, managed scaling, draining, refreshes; a fake clock."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localaws.ec2.fleet import (
    Demand,
    FleetActionKind,
    FleetState,
    FleetTiming,
    Group,
    Instance,
    InstanceIds,
    ManagedScaling,
    Refresh,
    Template,
    Waiting,
    metric,
    step,
)
from tests.examples import examples

TEMPLATE = Template(
    version="1", instance_type="t3.small", cpu=2048, memory=1901, architecture="X86_64", cluster="c"
)
TIMING = FleetTiming().at(1)
SCALING = ManagedScaling(warm_up=120)


def group(**changes: Any) -> Group:
    """Return a group of two instances with a capacity provider, with some values changed."""
    defaults: dict[str, Any] = {
        "name": "web",
        "minimum": 2,
        "maximum": 4,
        "subnets": (("subnet-a", "a"), ("subnet-b", "b")),
        "template": TEMPLATE,
        "provider": "instances",
        "scaling": SCALING,
        "termination_protection": True,
        "managed_draining": True,
        "refresh": Refresh(protected="Refresh"),
    }
    return Group(**{**defaults, **changes})


@dataclass
class Fleet:
    """A fleet whose tasks are placed as they find room, and leave draining instances."""

    group: Group
    tasks: int = 0
    """How many tasks of 256 CPU units and 512 MiB there should be."""

    memory: int = 512
    moves: bool = True
    """Whether tasks leave an instance that drains, once there is room elsewhere."""

    now: float = 1000
    state: FleetState = field(default_factory=FleetState)
    placed: dict[str, int] = field(default_factory=dict)
    terminated: list[Instance] = field(default_factory=list)
    launched: list[Instance] = field(default_factory=list)
    lost_tasks: int = 0

    def __post_init__(self) -> None:
        numbers = itertools.count(1)
        self._ids = InstanceIds(
            instance=lambda: f"i-{next(numbers):017x}",
            container_instance=lambda: f"{next(numbers):032x}",
        )

    def run(self, seconds: float, tick: float = 0.25) -> None:
        end = self.now + seconds
        while self.now < end:
            self.now += tick
            self.step()

    def step(self, *groups: Group) -> None:
        self._move()
        demand = self.demand()
        self.state, actions = step(
            groups or (self.group,), self.state, demand, self.now, ids=self._ids, timing=TIMING
        )
        for action in actions:
            if action.kind is FleetActionKind.LAUNCH:
                self.launched.append(action.instance)
            else:
                self.terminated.append(action.instance)
                self.lost_tasks += self.placed.pop(action.instance.id, 0)

    def demand(self) -> Demand:
        waiting = self.tasks - sum(self.placed.values())
        one = Waiting(provider="instances", cpu=256, memory=self.memory)
        return Demand(tasks=dict(self.placed), waiting=(one,) * max(0, waiting))

    def _move(self) -> None:
        """Stop surplus tasks, place missing ones, and move those of draining instances."""
        while sum(self.placed.values()) > self.tasks:
            fullest = max(self.placed, key=lambda each: self.placed[each])
            self._remove(fullest)
        for _ in range(self.tasks - sum(self.placed.values())):
            self._add()
        for each in self.state.instances:
            while each.draining and self.placed.get(each.id) and self.moves and self._add():
                self._remove(each.id)

    def _add(self) -> bool:
        for each in self.state.instances:
            there = self.placed.get(each.id, 0)
            fits = (there + 1) * self.memory <= each.template.memory
            if each.registered and not each.draining and fits:
                self.placed[each.id] = there + 1
                return True
        return False

    def _remove(self, instance: str) -> None:
        self.placed[instance] -= 1
        if not self.placed[instance]:
            del self.placed[instance]

    @property
    def ids(self) -> set[str]:
        return {each.id for each in self.state.instances}


def settled(**changes: Any) -> Fleet:
    fleet = Fleet(group(**changes))
    fleet.run(10)
    return fleet


def test_a_new_group_launches_its_minimum_over_its_zones_and_they_register_once_booted() -> None:
    fleet = Fleet(group())
    fleet.step()
    assert [each.zone for each in fleet.state.instances] == ["a", "b"]
    assert not any(each.registered for each in fleet.state.instances)
    fleet.run(2)
    assert all(each.registered for each in fleet.state.instances)
    assert len(fleet.launched) == 2


def test_an_instance_that_could_not_register_serves_and_never_registers() -> None:
    fleet = Fleet(group(why_not_registered="its user data name no cluster"))
    fleet.run(60)
    assert len(fleet.state.instances) == 2
    assert not any(each.registered for each in fleet.state.instances)


def test_a_lost_instance_is_replaced() -> None:
    fleet = settled()
    gone = fleet.state.instances[0].id
    fleet.state = fleet.state.without_instance(gone)
    fleet.run(5)
    assert len(fleet.ids) == 2
    assert gone not in fleet.ids
    assert all(each.registered for each in fleet.state.instances)


def test_tasks_without_room_add_the_instances_that_they_need_up_to_the_maximum() -> None:
    fleet = settled()
    fleet.tasks = 7
    fleet.run(10)
    assert len(fleet.ids) == 3, "three tasks fit each"
    assert sum(fleet.placed.values()) == 7
    fleet.tasks = 100
    fleet.run(30)
    assert len(fleet.ids) == 4, "the maximum"


def test_from_zero_the_first_scale_out_is_two_instances() -> None:
    fleet = settled(minimum=0)
    assert not fleet.ids
    fleet.tasks = 1
    assert metric(fleet.group, (), fleet.demand()) == 200
    fleet.run(5)
    assert len(fleet.launched) == 2


def test_a_task_larger_than_the_type_changes_nothing() -> None:
    fleet = settled(minimum=1)
    fleet.tasks, fleet.memory = 1, 4096
    assert metric(fleet.group, fleet.state.instances, fleet.demand()) < 100
    fleet.run(60)
    assert len(fleet.ids) == 1


def test_no_instance_is_added_while_another_warms_up() -> None:
    fleet = settled(minimum=1, scaling=ManagedScaling(warm_up=1200, maximum_step=1))
    fleet.run(20)
    fleet.tasks = 12
    fleet.run(3)
    assert len(fleet.launched) == 2
    fleet.run(15)
    assert len(fleet.launched) == 2, "20 s of warm-up have not passed"
    fleet.run(10)
    assert len(fleet.launched) == 3


def test_empty_instances_go_after_a_quarter_of_an_hour_and_busy_ones_stay() -> None:
    fleet = settled()
    fleet.tasks = 12
    fleet.run(20)
    assert len(fleet.ids) == 4
    fleet.tasks = 1
    fleet.run(10)
    assert len(fleet.ids) == 4, "the alarm needs 15 s here"
    fleet.run(40)
    assert len(fleet.ids) == 2, "not below the minimum"
    assert fleet.lost_tasks == 0


def test_a_target_below_100_keeps_instances_spare() -> None:
    fleet = settled(minimum=0, maximum=10, scaling=ManagedScaling(target=50, warm_up=0))
    fleet.tasks = 6
    fleet.run(60)
    assert len(fleet.ids) == 4, "two are needed"


def test_a_group_without_instances_and_tasks_stays_so_whatever_its_target() -> None:
    fleet = settled(minimum=0, scaling=ManagedScaling(target=30))
    fleet.run(60)
    assert not fleet.launched


def test_a_declared_capacity_holds_when_the_group_is_made_and_when_it_changes() -> None:
    fleet = settled(desired=3, scaling=None)
    assert len(fleet.ids) == 3
    fleet.group = group(desired=3, minimum=2, maximum=2, scaling=None)
    fleet.run(5)
    assert len(fleet.ids) == 2
    fleet.group = group(desired=4, scaling=None)
    fleet.run(5)
    assert len(fleet.ids) == 4


def test_a_refresh_replaces_every_instance_one_at_a_time_and_loses_no_task() -> None:
    fleet = settled()
    fleet.tasks = 6
    fleet.run(5)
    before = fleet.ids
    fleet.group = group(template=replace(TEMPLATE, version="2"))
    fleet.run(30)
    assert not fleet.ids & before
    assert {each.template.version for each in fleet.state.instances} == {"2"}
    assert fleet.lost_tasks == 0
    assert len(fleet.terminated) >= 2
    assert not fleet.state.groups["web"].refreshing


@pytest.mark.parametrize(("desired", "most"), [(1, 2), (2, 3), (4, 6)])
def test_a_refresh_may_launch_before_it_terminates(desired: int, most: int) -> None:
    refresh = Refresh(minimum_healthy_percent=100, maximum_healthy_percent=150, protected="Refresh")
    fleet = settled(minimum=desired, maximum=desired, refresh=refresh)
    fleet.tasks = desired
    fleet.run(2)
    before = fleet.ids
    fleet.group = replace(fleet.group, template=replace(TEMPLATE, version="2"))
    counts = []
    for _ in range(160):
        fleet.run(0.25)
        counts.append(sum(each.registered for each in fleet.state.instances))
    assert min(counts) >= desired
    assert max(counts) == most
    assert len(fleet.ids) == desired
    assert not fleet.ids & before
    assert fleet.lost_tasks == 0


def test_a_refresh_that_ignores_protected_instances_leaves_busy_ones() -> None:
    fleet = settled(refresh=Refresh(protected="Ignore"), scaling=None)
    fleet.tasks = 1
    fleet.run(2)
    fleet.group = replace(fleet.group, template=replace(TEMPLATE, version="2"))
    fleet.run(30)
    assert sorted(each.template.version for each in fleet.state.instances) == ["1", "2"]


def test_without_a_refresh_a_new_template_holds_for_new_instances_only() -> None:
    fleet = settled(refresh=None)
    fleet.group = group(template=replace(TEMPLATE, version="2"), refresh=None)
    fleet.run(10)
    assert {each.template.version for each in fleet.state.instances} == {"1"}
    fleet.group = group(template=replace(TEMPLATE, version="2"))
    fleet.run(10)
    assert {each.template.version for each in fleet.state.instances} == {"1"}, (
        "a refresh configured later is none of that change"
    )


def test_an_instance_waits_for_its_tasks_to_leave_at_most_an_hour() -> None:
    fleet = settled(termination_protection=False, scaling=None)
    fleet.tasks, fleet.moves = 6, False
    fleet.run(2)
    fleet.group = replace(fleet.group, minimum=1, maximum=1)
    fleet.run(60)
    assert [each.draining for each in fleet.state.instances].count(True) == 1
    assert not fleet.terminated
    fleet.run(3600, tick=5)
    assert len(fleet.terminated) == 1


def test_without_managed_draining_tasks_are_lost() -> None:
    fleet = settled(termination_protection=False, managed_draining=False, scaling=None)
    fleet.tasks = 6
    fleet.run(2)
    fleet.group = replace(fleet.group, minimum=1, maximum=1)
    fleet.run(2)
    assert len(fleet.ids) == 1
    assert fleet.lost_tasks == 3


@pytest.mark.parametrize("forced", [True, False])
def test_a_deleted_group_ends_at_once_if_forced_else_when_its_tasks_have_left(
    *,
    forced: bool,
) -> None:
    fleet = settled()
    fleet.tasks, fleet.moves = 2, False
    fleet.run(2)
    fleet.group = replace(fleet.group, deleted=True, forced=forced)
    fleet.run(30)
    assert bool(fleet.ids) is not forced
    fleet.tasks = 0
    fleet.run(2)
    assert not fleet.ids, "nothing is left and nothing is launched"
    assert len(fleet.launched) == 2


def test_instances_of_a_group_that_is_gone_are_terminated() -> None:
    fleet = settled()
    fleet.step(group(name="other", minimum=0))
    assert not fleet.ids
    assert set(fleet.state.groups) == {"other"}


_GROUPS = st.builds(
    lambda low, more, target, protects, warm_up, step: group(
        minimum=low,
        maximum=low + more,
        termination_protection=protects,
        scaling=ManagedScaling(target=target, warm_up=warm_up, maximum_step=step),
    ),
    st.integers(0, 3),
    st.integers(0, 6),
    st.sampled_from((30, 50, 75, 100)),
    st.booleans(),
    st.sampled_from((0, 120, 300)),
    st.sampled_from((1, 2, 10000)),
)


@examples(40)
@given(_GROUPS, st.lists(st.integers(0, 20), min_size=1, max_size=3))
def test_scaling_ends_within_the_bounds_and_loses_no_task(
    scaled: Group, demands: list[int]
) -> None:
    fleet = Fleet(scaled)
    for demanded in demands:
        fleet.tasks = demanded
        fleet.run(20, tick=1)
        assert len(fleet.ids) <= scaled.maximum or any(
            each.draining for each in fleet.state.instances
        )
    fleet.run(400, tick=1)
    before = fleet.ids
    launches = len(fleet.launched)
    fleet.run(200, tick=1)
    assert (fleet.ids, len(fleet.launched)) == (before, launches), "it has come to rest"
    assert scaled.minimum <= len(before) <= scaled.maximum
    held = min(demands[-1], 3 * scaled.maximum)
    assert sum(fleet.placed.values()) == held, "all tasks run that the maximum has room for"
    assert fleet.lost_tasks == 0


@examples(25)
@given(
    st.integers(1, 3),
    st.integers(0, 9),
    st.sampled_from(("Refresh", "Ignore", "Wait")),
    st.sampled_from(((90, 100), (100, 150), (50, 100), (100, 110))),
)
def test_a_refresh_ends_and_loses_no_task(
    low: int, tasks: int, protected: str, bounds: tuple[int, int]
) -> None:
    least, most = bounds
    refresh = Refresh(
        minimum_healthy_percent=least, maximum_healthy_percent=most, protected=protected
    )
    fleet = settled(minimum=low, maximum=low + 2, refresh=refresh)
    fleet.tasks = tasks
    fleet.run(20, tick=1)
    fleet.group = replace(fleet.group, template=replace(TEMPLATE, version="2"))
    fleet.run(200, tick=1)
    assert fleet.lost_tasks == 0
    if protected == "Refresh":
        assert {each.template.version for each in fleet.state.instances} == {"2"}
