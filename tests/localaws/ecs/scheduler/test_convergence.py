"""Properties over random services, versions, clocks and crashes.

`World` itself asserts at every step that the scheduler neither goes below the lower bound nor above
the upper one, that no task runs of which it doesn't know, and that those and only those tasks get
requests that run.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from localaws.ecs.scheduler.model import Breaker, Rollout, ServiceSpec, Status
from tests.localaws.ecs.world import Behaviour, World, revision, spec, steady_world

pytestmark = pytest.mark.slow  # hundreds of made-up histories of a service

ROLLBACK = Breaker(enable=True, rollback=True)
NEVER = float("inf")
LONG_ENOUGH = 300
"""Seconds of the fake clock in which any deployment of at most eight tasks ends, one after the
other if need be.
"""


CALM = 12
"""Longer than any pause or delay in these worlds."""


def can_progress(wish: ServiceSpec) -> bool:
    return wish.upper_bound > wish.lower_bound


shapes = st.fixed_dictionaries(
    {
        "desired": st.integers(1, 8),
        "minimum_percent": st.sampled_from([0, 50, 75, 100]),
        "maximum_percent": st.sampled_from([100, 125, 150, 200, 250]),
        "grace": st.sampled_from([0, 5]),
        "rebalances": st.booleans(),
    }
).filter(lambda shape: can_progress(spec(**shape)))
working = st.builds(
    Behaviour,
    start=st.floats(0, 3),
    warm_up=st.sampled_from([0.0, 1.0, 3.0]),
    checks_itself=st.booleans(),
)
broken = st.one_of(
    st.just(Behaviour(unpullable=True)),
    st.builds(
        Behaviour, start=st.floats(0, 5), warm_up=st.just(NEVER), checks_itself=st.booleans()
    ),
    st.builds(
        Behaviour, start=st.floats(0, 5), warm_up=st.just(NEVER), crash_after=st.floats(0, 6)
    ),
)
fickle = st.builds(
    Behaviour,
    start=st.floats(0, 3),
    warm_up=st.sampled_from([0.0, 1.0, 3.0, 8.0, NEVER]),
    crash_after=st.sampled_from([None, None, None, 0.5, 10.0]),
    unpullable=st.sampled_from([False, False, False, True]),
)
breakers = st.builds(Breaker, enable=st.booleans(), rollback=st.booleans())
tripping = st.builds(Breaker, enable=st.just(value=True), rollback=st.booleans())
crashes = st.lists(st.tuples(st.integers(0, 25), st.integers(0, 4)), max_size=4)
"""Each after some seconds and some steps."""

paces = st.sampled_from([0.25, 1.0, 3.0])


def updated_world(behaviour: Behaviour, *, pace: float = 1, **wishes: Any) -> World:
    """A service whose working version 1 is being replaced by a version 2 with given behaviour."""
    world = steady_world(**wishes)
    world.pace = pace
    world.behaviours["web:2"] = behaviour
    world.spec = replace(world.spec, revision=revision(2))
    return world


def come_to_rest(world: World) -> None:
    """Run until nothing is done any more for a while, which must be soon."""
    calm = 0
    for _ in range(LONG_ENOUGH):
        done = len(world.actions)
        world.run(1)
        over = world.state.deployments[0].rollout is not Rollout.IN_PROGRESS
        calm = calm + 1 if over and len(world.actions) == done else 0
        if calm > CALM:
            break
    assert calm > CALM, "a deployment always ends"
    alive = {task.id for task in world.state.tasks if task.status is not Status.STOPPED}
    assert alive == {task.id for task in world.active()} == world.registered, (
        "something was left over"
    )


def end_of(world: World) -> tuple[object, ...]:
    """What a service has come to, ids and times apart."""
    deployments = [
        (each.revision.task_definition, each.rollout) for each in world.state.deployments
    ]
    tasks = Counter((task.task_definition, task.status) for task in world.active())
    return deployments, tasks, world.healthy(), len(world.registered)


changes = st.fixed_dictionaries(
    {
        "desired": st.integers(0, 6),
        "minimum_percent": st.sampled_from([0, 50, 75, 100]),
        "maximum_percent": st.sampled_from([100, 125, 150, 200]),
        "grace": st.sampled_from([0, 5]),
        "breaker": breakers,
        "rebalances": st.booleans(),
        "revision": st.integers(2, 4).map(revision),
    }
)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(changes, st.integers(0, 15)), max_size=4),
    st.dictionaries(st.sampled_from(["web:2", "web:3", "web:4"]), fickle),
    shapes,
    working,
    st.data(),
)
def test_whatever_happened_a_working_version_wins(
    history: list[tuple[dict[str, Any], int]],
    behaviours: dict[str, Behaviour],
    shape: dict[str, Any],
    good: Behaviour,
    data: st.DataObject,
) -> None:
    world = World(spec(), {**behaviours, "web:9": good})
    world.settle()
    for change, seconds in history:
        world.spec = spec(**change)
        world.run(seconds)
        if data.draw(st.booleans()) and world.active():
            world.end(data.draw(st.sampled_from(world.active())))
        if data.draw(st.booleans()):
            world.crash_on_the_way(data.draw(st.integers(0, 4)))
    world.spec = spec(revision=revision(9), breaker=ROLLBACK, **shape)
    come_to_rest(world)
    assert world.steady()
    assert {task.task_definition for task in world.active()} == {"web:9"}
    assert [each.revision.task_definition for each in world.state.deployments] == ["web:9"]
    assert world.registered == {task.id for task in world.active()}


@settings(deadline=None, max_examples=60)
@given(shapes, broken, breakers, crashes, paces)
def test_a_broken_version_never_takes_down_a_working_one(
    shape: dict[str, Any],
    behaviour: Behaviour,
    breaker: Breaker,
    accidents: list[tuple[int, int]],
    pace: float,
) -> None:
    world = updated_world(behaviour, pace=pace, breaker=breaker, **shape)
    for seconds, steps in accidents:
        world.run(seconds)
        world.crash_on_the_way(steps)
    if accidents:
        world.run(10)  # what a crash takes down the scheduler can only bring back
    for _ in range(60):
        world.run(1)
        assert world.healthy() >= world.spec.lower_bound
    assert {task.task_definition for task in world.active() if task.id in world.healthy_ids()} <= {
        "web:1"
    }


@settings(deadline=None, max_examples=60)
@given(shapes, st.one_of(broken, working), tripping, crashes, paces)
@example(
    shape={"desired": 4, "minimum_percent": 50},
    behaviour=Behaviour(unpullable=True),
    breaker=Breaker(enable=True),
    accidents=[(0, 0)],
    pace=1.0,
)
def test_a_deployment_ends_and_crashes_on_the_way_do_not_change_how(
    shape: dict[str, Any],
    behaviour: Behaviour,
    breaker: Breaker,
    accidents: list[tuple[int, int]],
    pace: float,
) -> None:
    undisturbed, crashing = (
        updated_world(behaviour, pace=pace, breaker=breaker, **shape) for _ in range(2)
    )
    for seconds, steps in accidents:
        crashing.run(seconds)
        crashing.crash_on_the_way(steps)
    for world in (undisturbed, crashing):
        come_to_rest(world)
    assert end_of(crashing) == end_of(undisturbed)
    works = behaviour.warm_up < NEVER and not behaviour.unpullable
    version, rollout = (
        undisturbed.state.deployments[0].revision.task_definition,
        undisturbed.state.deployments[0].rollout,
    )
    if works:
        assert (version, rollout) == ("web:2", Rollout.COMPLETED)
    elif breaker.rollback:
        assert (version, rollout) == ("web:1", Rollout.COMPLETED)
    else:
        assert (version, rollout) == ("web:2", Rollout.FAILED)


@settings(deadline=None, max_examples=40)
@given(shapes, st.lists(st.tuples(broken, st.integers(0, 25)), max_size=3), working, crashes)
def test_a_version_that_supersedes_failing_ones_wins(
    shape: dict[str, Any],
    attempts: list[tuple[Behaviour, int]],
    good: Behaviour,
    accidents: list[tuple[int, int]],
) -> None:
    world = steady_world(breaker=ROLLBACK, **shape)
    for number, (behaviour, seconds) in enumerate(attempts, start=2):
        world.behaviours[f"web:{number}"] = behaviour
        world.spec = replace(world.spec, revision=revision(number))
        world.run(seconds)
    world.behaviours["web:9"] = good
    world.spec = replace(world.spec, revision=revision(9))
    for seconds, steps in accidents:
        world.run(seconds)
        world.crash_on_the_way(steps)
    come_to_rest(world)
    assert end_of(world)[0] == [("web:9", Rollout.COMPLETED)]
    assert world.steady()


@settings(deadline=None, max_examples=40)
@given(shapes, fickle, breakers, st.integers(0, 40), crashes)
def test_a_service_deleted_at_any_moment_of_a_deployment_leaves_nothing(
    shape: dict[str, Any],
    behaviour: Behaviour,
    breaker: Breaker,
    seconds: int,
    accidents: list[tuple[int, int]],
) -> None:
    world = updated_world(behaviour, breaker=breaker, **shape)
    world.run(seconds)
    world.spec = replace(world.spec, desired=0)
    for wait, steps in accidents:
        world.run(wait)
        world.crash_on_the_way(steps)
    begun = len(world.begun)
    world.run(20)
    assert len(world.begun) == begun, "nothing is started any more"
    assert not world.registered
    assert not [task for task in world.state.tasks if task.status is not Status.STOPPED]


@settings(deadline=None, max_examples=30)
@given(shapes, st.integers(0, 8), st.integers(0, 10), crashes)
def test_a_changed_count_is_reached_and_nothing_stays_of_a_service_wound_down(
    shape: dict[str, Any], count: int, seconds: int, accidents: list[tuple[int, int]]
) -> None:
    world = steady_world(**shape)
    for desired in (count, 0):
        world.spec = replace(world.spec, desired=desired)
        world.run(seconds)
        for wait, steps in accidents:
            world.run(wait)
            world.crash_on_the_way(steps)
        world.run(30)
        assert world.steady()
        assert len(world.active()) == desired
    assert not world.registered
    assert not [task for task in world.state.tasks if task.status is not Status.STOPPED]
