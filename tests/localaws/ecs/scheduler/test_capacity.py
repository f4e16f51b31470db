"""Services on container instances: placement, waiting, draining, losses; and Spot interruptions."""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localaws.ec2.placement import ContainerInstance, Need, PlacedTask
from localaws.ecs.instance_capacity import Instances, need_of
from localaws.ecs.scheduler import messages
from localaws.ecs.scheduler.capacity import FARGATE_SPOT, Fargate, next_provider
from localaws.ecs.scheduler.model import (
    CapacityChoice,
    Process,
    Rollout,
    ServiceRevision,
    Status,
    StopCode,
    StrategyItem,
    Task,
    TaskObservation,
    Zone,
)
from tests.examples import examples
from tests.localaws.ecs.simulated_service import (
    Behaviour,
    SimulatedService,
    revision,
    spec,
    steady_service,
)

PROVIDER = (StrategyItem(provider="instances", weight=1),)
NONE_FOUND = (
    "(service web) was unable to place a task because no container instance met all of its "
    "requirements. Reason: No Container Instances were found in your cluster. For more "
    "information, see the Troubleshooting section of the Amazon ECS Developer Guide."
)


def instance(name: str, zone: str = "a", *, draining: bool = False) -> ContainerInstance:
    """Return a t3.small of the provider."""
    return ContainerInstance(
        id=name,
        container_instance=f"ci-{name}",
        zone=zone,
        instance_type="t3.small",
        cpu=2048,
        memory=1901,
        provider="instances",
        draining=draining,
    )


def on(*instances: ContainerInstance, strategy: tuple[StrategyItem, ...] = PROVIDER) -> Instances:
    return Instances("service", CapacityChoice(on_instances=True, strategy=strategy), instances)


def sized(number: int, *, cpu: int = 256, memory: int = 512, port: int = 0) -> ServiceRevision:
    """Return a revision in bridge mode."""
    containers = [{"name": "web", "portMappings": [{"containerPort": 80, "hostPort": port}]}]
    definition = {
        "cpu": str(cpu),
        "memory": str(memory),
        "containerDefinitions": json.dumps(containers),
    }
    return replace(revision(number), launch={"taskDefinition": definition})


def service_on(capacity: Instances, **changes: object) -> SimulatedService:
    return SimulatedService(
        spec(**{"revision": sized(1), "desired": 2, **changes}), capacity=capacity
    )


def by_instance(service: SimulatedService) -> Counter[str]:
    return Counter(task.instance for task in service.active())


def test_without_a_capacity_provider_nothing_starts_and_an_event_has_the_reason() -> None:
    service = service_on(on(strategy=()))
    service.run(60)
    assert not service.state.tasks
    assert not service.steady()
    assert service.state.deployments[0].rollout is Rollout.IN_PROGRESS
    assert service.state.events[0].message == NONE_FOUND
    assert service.event_count("unable to place") == 1, (
        "a lasting problem is repeated only after hours"
    )


def test_with_a_capacity_provider_tasks_wait_and_start_once_there_is_an_instance() -> None:
    service = service_on(on())
    service.run(20)
    assert [task.status for task in service.state.tasks] == [Status.PROVISIONING] * 2
    assert service.event_count(NONE_FOUND) == 1
    service.capacity = on(instance("i-1"))
    service.run(20)
    assert service.steady()
    assert by_instance(service) == {"i-1": 2}
    assert {task.capacity_provider for task in service.state.tasks} == {"instances"}
    assert {task.zone.name for task in service.state.tasks} == {"a"}


def test_a_service_without_tasks_needs_no_instance() -> None:
    service = service_on(on(), desired=0)
    service.run(60)
    assert service.steady()
    assert not service.has_event("unable to place")


def test_waiting_tasks_are_stopped_first_when_the_count_is_reduced() -> None:
    service = service_on(on(instance("i-1")), desired=5)
    service.run(20)
    assert Counter(task.status for task in service.active()) == {
        Status.RUNNING: 3,
        Status.PROVISIONING: 2,
    }
    assert service.has_event(
        "The closest matching (container-instance ci-i-1) has insufficient memory available."
    )
    service.spec = spec(revision=sized(1), desired=3)
    service.run(20)
    assert service.steady()
    assert service.has_event("stopped 2 pending tasks.")


def test_a_waiting_task_survives_a_restart_without_being_started() -> None:
    service = service_on(on())
    service.run(5)
    service.crash()
    assert not service.begun
    service.capacity = on(instance("i-1"))
    service.run(20)
    assert service.steady()


def test_other_services_tasks_take_room() -> None:
    taken = PlacedTask(id="x", service="other", need=Need(cpu=256, memory=1000))
    service = service_on(on(replace(instance("i-1"), tasks=(taken,))))
    service.run(20)
    assert Counter(task.status for task in service.active()) == {
        Status.RUNNING: 1,
        Status.PROVISIONING: 1,
    }


def test_a_rollout_with_room_starts_new_tasks_first() -> None:
    service = service_on(on(instance("i-1"), instance("i-2", "b")), desired=3)
    service.run(20)
    service.spec = spec(revision=sized(2), desired=3)
    service.run(2, tick=0.5)
    assert service.active_counts() == {"web:1": 3, "web:2": 3}
    service.run(40)
    assert service.steady()
    assert service.active_counts() == {"web:2": 3}


def test_a_rollout_without_room_stops_old_tasks_first_if_the_minimum_allows_it() -> None:
    service = service_on(on(instance("i-1")), desired=3, minimum_percent=50)
    service.run(20)
    service.spec = spec(revision=sized(2), desired=3, minimum_percent=50)
    service.run(60)
    assert service.steady()
    assert service.active_counts() == {"web:2": 3}


def test_a_rollout_without_room_and_with_a_minimum_of_100_waits_for_room() -> None:
    service = service_on(on(instance("i-1")), desired=3)
    service.run(20)
    service.spec = spec(revision=sized(2), desired=3)
    service.run(60)
    assert not service.steady()
    assert service.healthy() == 3
    service.capacity = on(instance("i-1"), instance("i-2", "b"))
    service.run(60)
    assert service.steady()
    assert service.active_counts() == {"web:2": 3}


def test_tasks_of_a_draining_instance_are_replaced_before_they_stop() -> None:
    service = service_on(on(instance("i-1")), desired=2)
    service.run(20)
    service.capacity = on(instance("i-1", draining=True), instance("i-2", "b"))
    for _ in range(60):
        service.run(0.5, tick=0.5)
        assert service.healthy() >= 2
    assert service.steady()
    assert by_instance(service) == {"i-2": 2}


def test_tasks_of_a_draining_instance_stop_first_if_no_more_may_run() -> None:
    changes = {"desired": 2, "minimum_percent": 50, "maximum_percent": 100}
    service = service_on(on(instance("i-1")), **changes)
    service.run(20)
    service.capacity = on(instance("i-1", draining=True), instance("i-2", "b"))
    service.run(60)
    assert service.steady()
    assert by_instance(service) == {"i-2": 2}


def test_tasks_of_a_draining_instance_stay_if_the_bounds_allow_no_change() -> None:
    changes = {"desired": 2, "minimum_percent": 100, "maximum_percent": 100}
    service = service_on(on(instance("i-1")), **changes)
    service.run(20)
    service.capacity = on(instance("i-1", draining=True), instance("i-2", "b"))
    service.run(60)
    assert by_instance(service) == {"i-1": 2}
    assert service.has_event(messages.STUCK)


def test_tasks_of_a_lost_instance_are_replaced_at_once_and_count_as_no_failure() -> None:
    service = service_on(on(instance("i-1"), instance("i-2", "b")), desired=2)
    service.run(20)
    (lost,) = [task for task in service.active() if task.instance == "i-1"]
    service.capacity = on(instance("i-2", "b"))
    service.now += 1
    service.observe()
    service.observations[lost.id] = TaskObservation(
        process=Process.ENDED, host_lost=True, failure="its instance is gone"
    )
    service.settle()
    gone = service.task(lost.id)
    assert gone.stop_reason == "Host EC2 (instance i-1) terminated."
    assert gone.stop_code is None
    assert service.state.deployments[0].failures == 0
    service.run(20)
    assert service.steady()
    assert by_instance(service) == {"i-2": 2}


def test_a_task_that_was_never_healthy_is_no_failure_when_its_instance_is_lost() -> None:
    service = service_on(on(instance("i-1")), desired=1)
    service.settle()
    (starting,) = service.active()
    service.capacity = on()
    service.now += 1
    service.observations = {
        starting.id: TaskObservation(process=Process.ENDED, host_lost=True, failure="it is gone")
    }
    service.settle()
    assert service.task(starting.id).status is Status.STOPPED
    assert service.state.deployments[0].failures == 0
    assert [each.status for each in service.active()] == [Status.PROVISIONING], "without a pause"


def test_an_unhealthy_target_is_named_with_its_instance_and_host_port() -> None:
    service = service_on(on(instance("i-1")), desired=1)
    service.run(20)
    (task,) = service.active()
    service.behaviours[task.id] = Behaviour(warm_up=math.inf)
    service.run(20)
    assert service.steady()
    expected = f"(task {task.id}) (instance i-1) (port 32768) is unhealthy in (target-group "
    assert service.has_event(expected)


def test_an_interrupted_task_stops_at_once_and_another_starts() -> None:
    service = steady_service()
    service.capacity = Fargate((StrategyItem(provider=FARGATE_SPOT, weight=1),))
    interrupted = service.active()[0]
    service.now += 1
    service.observe()
    service.observations[interrupted.id] = replace(
        service.observations[interrupted.id], interrupted=True
    )
    service.settle()
    stopping = service.task(interrupted.id)
    assert (stopping.status, stopping.stop_code) == (Status.STOPPING, StopCode.SPOT_INTERRUPTION)
    assert stopping.stop_reason == "Your Spot Task was interrupted."
    assert len(service.active()) == 2
    assert service.state.deployments[0].failures == 0
    service.run(20)
    assert service.steady()


def _tasks(*providers: str) -> list[Task]:
    return [
        Task(
            id=str(number),
            deployment="d",
            task_definition="t",
            zone=Zone(subnet="", name=""),
            created_at=0,
            capacity_provider=provider,
        )
        for number, provider in enumerate(providers)
    ]


def test_a_base_is_filled_first_and_the_rest_is_shared_by_weight() -> None:
    strategy = (
        StrategyItem(provider="FARGATE", base=2, weight=1),
        StrategyItem(provider=FARGATE_SPOT, weight=3),
    )
    chosen: list[str] = []
    for _ in range(10):
        chosen.append(next_provider(strategy, _tasks(*chosen)))
    assert chosen[:2] == ["FARGATE"] * 2
    assert Counter(chosen[2:]) == {FARGATE_SPOT: 6, "FARGATE": 2}


def test_a_launch_type_has_no_provider() -> None:
    assert next_provider((), []) == ""


@given(st.lists(st.integers(0, 5), min_size=1, max_size=4), st.integers(1, 60))
def test_shares_are_as_even_as_whole_tasks_allow(weights: list[int], count: int) -> None:
    strategy = tuple(
        StrategyItem(provider=str(number), weight=weight) for number, weight in enumerate(weights)
    )
    total = sum(each.weight for each in strategy)
    if not total:
        return
    chosen: list[str] = []
    for _ in range(count):
        chosen.append(next_provider(strategy, _tasks(*chosen)))
    counts = Counter(chosen)
    for item in strategy:
        exact = count * item.weight / total
        assert abs(counts[item.provider] - exact) < len(strategy), (item, counts)
        if not item.weight:
            assert not counts[item.provider], "a weight of 0 gets no task"


@pytest.mark.parametrize(
    ("definition", "need"),
    [
        ({"cpu": "256", "memory": "512"}, Need(cpu=256, memory=512)),
        ({"cpu": ".5 vCPU", "memory": "1 GB"}, Need(cpu=512, memory=1024)),
        ({}, Need(cpu=30, memory=192, ports=frozenset({80}))),
    ],
)
def test_a_task_takes_its_size_or_that_of_its_containers(
    definition: dict[str, str], need: Need
) -> None:
    containers = [
        {"cpu": 10, "memory": 256, "memoryReservation": 128},
        {"cpu": 20, "memory": 64, "portMappings": [{"containerPort": 80, "hostPort": 80}]},
    ]
    plain = [{"cpu": 10, "memory": 5}]
    document = json.dumps(plain if definition else containers)
    assert need_of({**definition, "containerDefinitions": document}) == need


@dataclass(frozen=True)
class _Change:
    """A change of instances and revision, and the seconds after it."""

    seconds: int
    draining: frozenset[str]
    release: int


_CHANGES = st.lists(
    st.builds(
        _Change,
        st.integers(1, 25),
        st.frozensets(st.sampled_from(("i-1", "i-2", "i-3")), max_size=2),
        st.integers(1, 3),
    ),
    max_size=4,
)


@examples(40)
@given(
    _CHANGES,
    st.integers(2, 5),
    st.sampled_from(((100, 200), (50, 100), (100, 150), (0, 100))),
)
def test_draining_never_drops_below_the_lower_bound_and_ends_if_there_is_room(
    changes: list[_Change], desired: int, bounds: tuple[int, int]
) -> None:
    """`SimulatedService.step` checks the bounds at every step."""
    names = (("i-1", "a"), ("i-2", "b"), ("i-3", "c"))
    low, high = bounds
    limits = {"minimum_percent": low, "maximum_percent": high}
    service = service_on(
        on(*(instance(name, zone) for name, zone in names)), desired=desired, **limits
    )
    service.run(30)
    for change in changes:
        instances = [instance(name, zone, draining=name in change.draining) for name, zone in names]
        service.capacity = on(*instances)
        service.spec = spec(revision=sized(change.release), desired=desired, **limits)
        service.run(change.seconds)
        used = Counter(service.task(identifier).instance for identifier in service.alive())
        for each in instances:
            assert used[each.id] * 512 <= each.memory, "no instance is overfull"
    service.capacity = on(*(instance(name, zone) for name, zone in names))
    service.run(150)
    assert service.steady()
