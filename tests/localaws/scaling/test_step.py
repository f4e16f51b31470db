"""The scaler's pure step: policies, bounds, schedules, and what holds for any load."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localaws.catalog.schedules import schedule
from localaws.scaling.model import (
    IN_POINTS,
    Bounds,
    Kind,
    Metric,
    Observation,
    Point,
    Policy,
    ScheduledAction,
    State,
    Target,
)
from localaws.scaling.step import step
from tests.examples import examples

CPU, MEMORY = Metric(Kind.CPU), Metric(Kind.MEMORY)
NOON = datetime(2027, 1, 4, 12, tzinfo=UTC).timestamp()


def target(*policies: Policy, low: int = 1, high: int = 10, **more: Any) -> Target:
    return Target(
        resource_id="service/main/web",
        service="arn",
        bounds=Bounds(low, high),
        policies=policies,
        **more,
    )


def cpu(goal: float = 50, **more: Any) -> Policy:
    return Policy(name="cpu", metric=CPU, target=goal, **more)


def seen(
    desired: int,
    values: dict[Metric, list[float]] | None = None,
    *,
    running: int | None = None,
    deploying: bool = False,
) -> Observation:
    points = {}
    for metric, each in (values or {}).items():
        first = 100 - len(each) + 1
        points[metric] = tuple(Point(first + n, value) for n, value in enumerate(each))
    return Observation(
        desired=desired,
        running=desired if running is None else running,
        deploying=deploying,
        minute=100,
        points=points,
    )


def settled(of: Target) -> State:
    return State(registered=of.bounds, bounds=of.bounds, checked_at=NOON)


def count(
    of: Target, what: Observation, state: State | None = None, at: float = NOON
) -> int | None:
    return step(of, state or settled(of), what, at, factor=1)[1]


def test_three_minutes_above_the_target_scale_out_in_proportion() -> None:
    web = target(cpu(50))
    assert count(web, seen(2, {CPU: [80, 90, 100]})) == 4
    assert count(web, seen(2, {CPU: [90, 100]})) is None, "two minutes don't"
    assert count(web, seen(2, {CPU: [100, 50, 100]})) is None, "nor does one at the target"


def test_a_minute_without_data_scales_nothing() -> None:
    web = target(cpu(50))
    gap = seen(2, {CPU: [100, 100, 100]})
    without_last = replace(gap, minute=101)
    assert count(web, without_last) is None
    long_gap = replace(seen(4, {CPU: [1] * IN_POINTS}), minute=101)
    assert count(web, long_gap) is None


def test_scaling_out_starts_from_the_running_tasks() -> None:
    web = target(cpu(50))
    assert count(web, seen(4, {CPU: [100] * 3}, running=2)) is None, "four are on their way"
    assert count(web, seen(4, {CPU: [150] * 3}, running=2)) == 6


def test_fifteen_minutes_below_nine_tenths_scale_in() -> None:
    web = target(cpu(50))
    assert count(web, seen(4, {CPU: [10.0] * 15})) == 1
    assert count(web, seen(4, {CPU: [10.0] * 14})) is None
    assert count(web, seen(4, {CPU: [46.0] * 15})) is None, "within a tenth of the target"
    assert count(web, seen(4, {CPU: [10.0] * 14 + [30.0]})) == 3, "the highest minute counts"


def test_nothing_is_scaled_in_during_a_deployment() -> None:
    web = target(cpu(50))
    assert count(web, seen(4, {CPU: [10.0] * 15}, deploying=True)) is None
    assert count(web, seen(4, {CPU: [90.0] * 3}, deploying=True)) == 8, "out, it is"


def test_of_several_policies_the_largest_count_wins_and_all_must_agree_to_scale_in() -> None:
    web = target(cpu(50), Policy(name="memory", metric=MEMORY, target=80))
    both = {CPU: [100.0] * 3, MEMORY: [90.0] * 3}
    assert count(web, seen(4, both)) == 8
    assert count(web, seen(4, {CPU: [10.0] * 15, MEMORY: [75.0] * 15})) is None
    assert count(web, seen(4, {CPU: [10.0] * 15, MEMORY: [40.0] * 15})) == 3
    only_out = target(cpu(50), Policy(name="memory", metric=MEMORY, target=80, scales_in=False))
    assert count(only_out, seen(4, {CPU: [10.0] * 15, MEMORY: [75.0] * 15})) == 1


def test_the_bounds_hold() -> None:
    web = target(cpu(50), low=2, high=5)
    assert count(web, seen(4, {CPU: [400.0] * 3})) == 5
    assert count(web, seen(5, {CPU: [400.0] * 3})) is None
    assert count(web, seen(4, {CPU: [1.0] * 15})) == 2


def test_a_registration_moves_the_count_into_its_bounds_at_once() -> None:
    web = target(low=3, high=5)
    assert count(web, seen(2), State()) == 3
    assert count(web, seen(9), State()) == 5
    assert count(web, seen(4), State()) is None
    raised = replace(web, bounds=Bounds(4, 8))
    assert count(raised, seen(3), settled(web)) == 4
    assert count(web, seen(2), settled(web)) is None, "a count set by hand stays"


def test_cooldowns_delay_the_next_scale_in_only() -> None:
    web = target(cpu(50, scale_in_cooldown=120, scale_out_cooldown=60))
    low, high = seen(8, {CPU: [20.0] * 15}), seen(4, {CPU: [90.0] * 3})
    after_in = replace(settled(web), scaled_in_at=NOON)
    assert count(web, low, after_in, NOON + 119) is None
    assert count(web, low, after_in, NOON + 120) == 4
    assert count(web, high, after_in, NOON + 1) == 8
    after_out = replace(settled(web), scaled_out_at=NOON)
    assert count(web, low, after_out, NOON + 59) is None
    assert count(web, high, after_out, NOON + 1) == 8
    assert step(web, after_in, low, NOON + 2, factor=60)[1] is not None, "a minute is a second"


def test_suspended_scaling_does_nothing() -> None:
    out, low = seen(2, {CPU: [100.0] * 3}), seen(4, {CPU: [1.0] * 15})
    assert count(target(cpu(), scales_out=False), out) is None
    assert count(target(cpu(), scales_in=False), low) is None


def test_a_service_without_tasks_has_no_metric_to_scale_out_by() -> None:
    web = target(cpu(50), low=0)
    assert count(web, seen(0, {CPU: [100.0] * 3})) is None


def nightly(**more: Any) -> ScheduledAction:
    return ScheduledAction(
        name="night",
        schedule=schedule("cron(0 22 * * ? *)"),
        since=datetime.fromtimestamp(NOON, UTC),
        minimum=1,
        maximum=1,
        **more,
    )


def test_a_scheduled_action_changes_the_bounds_until_the_next_one() -> None:
    web = target(cpu(50), low=2, high=6, actions=(nightly(),))
    ten = NOON + 10 * 3600
    state, wanted = step(web, settled(web), seen(4), ten - 1, factor=1)
    assert wanted is None
    state, wanted = step(web, state, seen(4), ten, factor=1)
    assert wanted == 1
    assert state.bounds == Bounds(1, 1)
    state, wanted = step(web, state, seen(1, {CPU: [400.0] * 3}), ten + 60, factor=1)
    assert wanted is None, "the maximum is the action's"
    again, wanted = step(replace(web, bounds=Bounds(3, 6)), state, seen(1), ten + 61, factor=1)
    assert (again.bounds, wanted) == (Bounds(3, 6), 3), "a registration sets both"


@pytest.mark.parametrize(
    "more",
    [
        {"starts_at": datetime(2027, 2, 1, tzinfo=UTC)},
        {"ends_at": datetime(2027, 1, 1, tzinfo=UTC)},
    ],
)
def test_an_action_outside_its_time_does_nothing(more: dict[str, Any]) -> None:
    web = target(low=2, high=6, actions=(nightly(**more),))
    assert count(web, seen(4), at=NOON + 86_400) is None


def test_an_action_that_falls_into_a_suspension_is_lost() -> None:
    web = target(low=2, high=6, actions=(nightly(),), follows_schedules=False)
    state, wanted = step(web, settled(web), seen(4), NOON + 11 * 3600, factor=1)
    assert wanted is None
    resumed = replace(web, follows_schedules=True)
    assert step(resumed, state, seen(4), NOON + 11 * 3600 + 1, factor=1)[1] is None


def test_each_change_says_why() -> None:
    web = target(cpu(50))
    state, _ = step(web, settled(web), seen(2, {CPU: [100.0] * 3}), NOON, factor=1)
    assert state.activities[0].message == (
        "set desired count to 4: CPU of 100 % for a target of 50 %, policy cpu"
    )


@examples(60, derandomize=True)
@given(
    load=st.floats(0, 3000),
    start=st.integers(1, 10),
    bounds=st.tuples(st.integers(1, 5), st.integers(5, 20)),
    goal=st.floats(10, 90),
)
def test_a_constant_load_ends_scaling_within_the_bounds(
    load: float, start: int, bounds: tuple[int, int], goal: float
) -> None:
    """The metric is what a real load would give: shared among the running tasks."""
    web = target(cpu(goal), low=bounds[0], high=bounds[1])
    state = State()
    desired = start
    history = []
    changes = []
    for minute in range(400):
        history.append(Point(minute, load / desired))
        what = Observation(
            desired=desired,
            running=desired,
            deploying=False,
            minute=minute,
            points={CPU: tuple(history[-IN_POINTS:])},
        )
        state, wanted = step(web, state, what, NOON + 60 * minute, factor=1)
        if wanted is not None:
            assert bounds[0] <= wanted <= bounds[1]
            desired = wanted
            changes.append(minute)
    assert not changes or changes[-1] < 200, f"it still scales: {changes}"
    enough = math.ceil(load / goal)
    assert desired >= min(max(enough, bounds[0]), bounds[1])
