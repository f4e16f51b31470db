"""Properties over random services, versions, clocks and crashes.

`SimulatedService` asserts at every step that the scheduler keeps within the bounds, that its state
has every running task, and that exactly the running tasks get requests.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from localaws.ecs.scheduler.model import Breaker, Rollout, ServiceSpec
from tests.localaws.ecs.simulated_service import (
    Behaviour,
    SimulatedService,
    revision,
    spec,
    steady_service,
)

pytestmark = pytest.mark.slow  # hundreds of random histories of a service

ROLLBACK = Breaker(enable=True, rollback=True)
NEVER = float("inf")
LONG_ENOUGH = 300
"""Seconds of the fake clock in which any deployment of at most eight tasks ends, one after the
other if need be.
"""


CALM = 12
"""Seconds that are longer than any pause or delay in these services."""


def can_progress(service: ServiceSpec) -> bool:
    return service.upper_bound > service.lower_bound


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
unreliable = st.builds(
    Behaviour,
    start=st.floats(0, 3),
    warm_up=st.sampled_from([0.0, 1.0, 3.0, 8.0, NEVER]),
    crash_after=st.sampled_from([None, None, None, 0.5, 10.0]),
    unpullable=st.sampled_from([False, False, False, True]),
)
breakers = st.builds(Breaker, enable=st.booleans(), rollback=st.booleans())
tripping = st.builds(Breaker, enable=st.just(value=True), rollback=st.booleans())
crashes = st.lists(st.tuples(st.integers(0, 25), st.integers(0, 4)), max_size=4)
"""The seconds and the steps before each crash."""

paces = st.sampled_from([0.25, 1.0, 3.0])


def updated_service(behaviour: Behaviour, *, pace: float = 1, **changes: Any) -> SimulatedService:
    """Return a service that replaces a working version 1 by a version 2 with this behaviour."""
    service = steady_service(**changes)
    service.pace = pace
    service.behaviours["web:2"] = behaviour
    service.spec = replace(service.spec, revision=revision(2))
    return service


def run_until_calm(service: SimulatedService) -> None:
    """Let time pass until the scheduler has had nothing to do for a while."""
    calm = 0
    for _ in range(LONG_ENOUGH):
        done = len(service.actions)
        service.run(1)
        over = service.state.deployments[0].rollout is not Rollout.IN_PROGRESS
        calm = calm + 1 if over and len(service.actions) == done else 0
        if calm > CALM:
            break
    assert calm > CALM, "a deployment always ends"
    assert service.alive() == service.active_ids() == service.registered, "a task is left over"


def final_state(service: SimulatedService) -> tuple[object, ...]:
    """Return what two services with the same history have in common: no ids and no times."""
    deployments = [
        (each.revision.task_definition, each.rollout) for each in service.state.deployments
    ]
    tasks = Counter((task.task_definition, task.status) for task in service.active())
    return deployments, tasks, service.healthy(), len(service.registered)


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
    st.dictionaries(st.sampled_from(["web:2", "web:3", "web:4"]), unreliable),
    shapes,
    working,
    st.data(),
)
def test_after_any_history_a_working_version_is_deployed(
    history: list[tuple[dict[str, Any], int]],
    behaviours: dict[str, Behaviour],
    shape: dict[str, Any],
    good: Behaviour,
    data: st.DataObject,
) -> None:
    service = SimulatedService(spec(), {**behaviours, "web:9": good})
    service.settle()
    for change, seconds in history:
        service.spec = spec(**change)
        service.run(seconds)
        if data.draw(st.booleans()) and service.active():
            service.end(data.draw(st.sampled_from(service.active())))
        if data.draw(st.booleans()):
            service.crash_after_steps(data.draw(st.integers(0, 4)))
    service.spec = spec(revision=revision(9), breaker=ROLLBACK, **shape)
    run_until_calm(service)
    assert service.steady()
    assert service.active_counts().keys() == {"web:9"}
    assert [each.revision.task_definition for each in service.state.deployments] == ["web:9"]
    assert service.registered == service.active_ids()


@settings(deadline=None, max_examples=60)
@given(shapes, broken, breakers, crashes, paces)
def test_a_broken_version_never_stops_a_working_one(
    shape: dict[str, Any],
    behaviour: Behaviour,
    breaker: Breaker,
    accidents: list[tuple[int, int]],
    pace: float,
) -> None:
    service = updated_service(behaviour, pace=pace, breaker=breaker, **shape)
    for seconds, steps in accidents:
        service.run(seconds)
        service.crash_after_steps(steps)
    if accidents:
        service.run(10)  # the scheduler can't prevent a crash, only start the tasks again
    for _ in range(60):
        service.run(1)
        assert service.healthy() >= service.spec.lower_bound
    for task in service.active():
        assert task.id not in service.healthy_ids() or task.task_definition == "web:1"


@settings(deadline=None, max_examples=60)
@given(shapes, st.one_of(broken, working), tripping, crashes, paces)
@example(
    shape={"desired": 4, "minimum_percent": 50},
    behaviour=Behaviour(unpullable=True),
    breaker=Breaker(enable=True),
    accidents=[(0, 0)],
    pace=1.0,
)
def test_crashes_during_a_deployment_do_not_change_its_outcome(
    shape: dict[str, Any],
    behaviour: Behaviour,
    breaker: Breaker,
    accidents: list[tuple[int, int]],
    pace: float,
) -> None:
    undisturbed = updated_service(behaviour, pace=pace, breaker=breaker, **shape)
    crashing = updated_service(behaviour, pace=pace, breaker=breaker, **shape)
    for seconds, steps in accidents:
        crashing.run(seconds)
        crashing.crash_after_steps(steps)
    for service in (undisturbed, crashing):
        run_until_calm(service)
    assert final_state(crashing) == final_state(undisturbed)
    works = behaviour.warm_up < NEVER and not behaviour.unpullable
    last = undisturbed.state.deployments[0]
    outcome = (last.revision.task_definition, last.rollout)
    if works:
        assert outcome == ("web:2", Rollout.COMPLETED)
    elif breaker.rollback:
        assert outcome == ("web:1", Rollout.COMPLETED)
    else:
        assert outcome == ("web:2", Rollout.FAILED)


@settings(deadline=None, max_examples=40)
@given(shapes, st.lists(st.tuples(broken, st.integers(0, 25)), max_size=3), working, crashes)
def test_a_working_version_that_supersedes_failing_ones_is_deployed(
    shape: dict[str, Any],
    attempts: list[tuple[Behaviour, int]],
    good: Behaviour,
    accidents: list[tuple[int, int]],
) -> None:
    service = steady_service(breaker=ROLLBACK, **shape)
    for number, (behaviour, seconds) in enumerate(attempts, start=2):
        service.behaviours[f"web:{number}"] = behaviour
        service.spec = replace(service.spec, revision=revision(number))
        service.run(seconds)
    service.behaviours["web:9"] = good
    service.spec = replace(service.spec, revision=revision(9))
    for seconds, steps in accidents:
        service.run(seconds)
        service.crash_after_steps(steps)
    run_until_calm(service)
    assert final_state(service)[0] == [("web:9", Rollout.COMPLETED)]
    assert service.steady()


@settings(deadline=None, max_examples=40)
@given(shapes, unreliable, breakers, st.integers(0, 40), crashes)
def test_a_service_deleted_at_any_moment_of_a_deployment_leaves_nothing(
    shape: dict[str, Any],
    behaviour: Behaviour,
    breaker: Breaker,
    seconds: int,
    accidents: list[tuple[int, int]],
) -> None:
    service = updated_service(behaviour, breaker=breaker, **shape)
    service.run(seconds)
    service.spec = replace(service.spec, desired=0)
    for wait, steps in accidents:
        service.run(wait)
        service.crash_after_steps(steps)
    begun = len(service.begun)
    service.run(20)
    assert len(service.begun) == begun, "nothing is started any more"
    assert not service.registered
    assert not service.alive()


@settings(deadline=None, max_examples=30)
@given(shapes, st.integers(0, 8), st.integers(0, 10), crashes)
def test_a_changed_count_is_reached_and_a_count_of_zero_leaves_nothing(
    shape: dict[str, Any], count: int, seconds: int, accidents: list[tuple[int, int]]
) -> None:
    service = steady_service(**shape)
    for desired in (count, 0):
        service.spec = replace(service.spec, desired=desired)
        service.run(seconds)
        for wait, steps in accidents:
            service.run(wait)
            service.crash_after_steps(steps)
        service.run(30)
        assert service.steady()
        assert len(service.active()) == desired
    assert not service.registered
    assert not service.alive()
