"""Health checks and start order of containers: the rules, and real processes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localaws.ecs.scheduler.model import Health
from localaws.ecs.tasks.container_health import ContainerCheck, arguments, at, of_task
from localaws.ecs.tasks.runtime import Condition, HealthCheck, TaskStartError
from localaws.machine.addresses import Addresses, ListenAddress
from tests.localaws.ecs.tasks.processes import container, runtime, task
from tests.localaws.waiting import eventually

if TYPE_CHECKING:
    from pathlib import Path

HERE = ListenAddress("127.70.0.9", 0)


def check(**how: Any) -> ContainerCheck:
    return ContainerCheck("web", HealthCheck(command=("true",), **how))


def health_after(one: ContainerCheck, code: int | None, age: float) -> Health:
    """Note the exit code of one more check, and return the container's health."""
    one.note(code, age=age)
    return one.health


def test_one_success_makes_healthy_and_several_failures_in_a_row_unhealthy() -> None:
    one = check(retries=2)
    assert health_after(one, 1, 1000) is Health.INITIAL
    for code in (0, 1, 0, 1):
        assert health_after(one, code, 1000) is Health.HEALTHY
    assert health_after(one, None, 1000) is Health.UNHEALTHY
    assert one.answer == "container web: timed out"
    assert health_after(one, 0, 1000) is Health.HEALTHY
    assert one.answer == ""


def test_failures_in_the_start_period_do_not_count_until_the_first_success() -> None:
    failing, started = check(retries=1, start_period=60), check(retries=1, start_period=60)
    assert health_after(failing, 1, age=59) is Health.INITIAL
    assert health_after(failing, 1, age=60) is Health.UNHEALTHY
    assert health_after(started, 0, age=10) is Health.HEALTHY
    assert health_after(started, 1, age=10) is Health.UNHEALTHY


@given(st.lists(st.sampled_from([0, 0, 1, None]), max_size=30), st.integers(1, 5))
def test_a_container_is_unhealthy_exactly_after_the_configured_failures_in_a_row(
    codes: list[int | None], retries: int
) -> None:
    one = check(retries=retries)
    failures_in_a_row = 0
    for code in codes:
        one.note(code, age=1000)
        failures_in_a_row = 0 if code == 0 else failures_in_a_row + 1
        assert (one.health is Health.UNHEALTHY) == (failures_in_a_row >= retries)


def test_a_task_is_as_healthy_as_the_worst_of_its_containers() -> None:
    healthy, unhealthy, initial = check(retries=1), check(retries=1), check(retries=1)
    healthy.note(0, age=0)
    unhealthy.note(7, age=0)
    assert of_task([]) == (Health.UNCHECKED, "")
    assert of_task([healthy]) == (Health.HEALTHY, "")
    assert of_task([healthy, initial]) == (Health.INITIAL, "")
    assert of_task([healthy, initial, unhealthy]) == (
        Health.UNHEALTHY,
        "container web: exit code 7",
    )


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("CMD", "check", "--fast"), ("check", "--fast")),
        (("CMD-SHELL", "check || exit 1"), ("/bin/sh", "-c", "check || exit 1")),
        (("NONE",), ()),
        ((), ()),
    ],
)
def test_a_check_is_a_command_a_line_for_the_shell_or_none(
    command: tuple[str, ...], words: tuple[str, ...]
) -> None:
    assert arguments(command) == words


@pytest.mark.parametrize(
    ("text", "here"),
    [
        ("curl -f http://localhost/ || exit 1", "curl -f http://127.70.0.9/ || exit 1"),
        ("curl http://127.0.0.1:8080/health", "curl http://127.70.0.9:8080/health"),
        ("nc -z localhost 5432", "nc -z 127.70.0.9 5432"),
        ("curl http://[::1]:80/", "curl http://127.70.0.9:80/"),
        (
            "curl http://localhost.example.com/ my-localhost",
            "curl http://localhost.example.com/ my-localhost",
        ),
        ("cat /tmp/healthy", "cat /tmp/healthy"),
    ],
)
def test_localhost_in_a_check_is_replaced_by_the_tasks_address(text: str, here: str) -> None:
    assert at(text, HERE) == here


def test_a_port_in_a_check_is_replaced_by_the_bound_one() -> None:
    high = ListenAddress("127.70.0.9", 8000)
    assert at("http://localhost/ http://localhost:80/ http://localhost:3000/", high) == (
        "http://127.70.0.9:8080/ http://127.70.0.9:8080/ http://127.70.0.9:3000/"
    )


def checked(script: str, **how: Any) -> HealthCheck:
    return HealthCheck(command=("/bin/sh", "-c", script), **{"interval": 0.05, "retries": 2, **how})


@pytest.mark.slow  # real processes
async def test_a_check_runs_beside_its_container_with_the_same_environment(tmp_path: Path) -> None:
    async with runtime(tmp_path) as running:
        script = f'test "$A" = 1 && test -e {tmp_path}/healthy'
        started = await running.start(
            task(container("sleep 1000", environment={"A": "1"}, health_check=checked(script)))
        )
        assert started.health == (Health.INITIAL, "")
        await eventually(lambda: started.health[0] is Health.UNHEALTHY, "failures")
        assert started.health[1] == "container app: exit code 1"
        (tmp_path / "healthy").touch()
        await eventually(lambda: started.health[0] is Health.HEALTHY, "a success")
        assert not started.ended.done(), "only the scheduler replaces it"
        await running.stop(started, 5)


@pytest.mark.slow  # real processes and their durations
async def test_a_check_runs_as_often_as_the_speed_requires(tmp_path: Path) -> None:
    """At AWS's own speed the first one would come after `time_limit`."""
    async with runtime(tmp_path, speed=10) as running:
        health_check = checked("true", interval=11)
        started = await running.start(task(container("sleep 1000", health_check=health_check)))
        await eventually(lambda: started.health[0] is Health.HEALTHY, "a success", time_limit=10)


@pytest.mark.slow  # real processes
@pytest.mark.parametrize(
    ("how", "answer"),
    [
        (checked("sleep 1000", timeout=0.1), "container app: timed out"),
        (
            HealthCheck(command=("no-such",), interval=0.05, retries=1),
            "container app: exit code 127",
        ),
    ],
)
async def test_a_check_that_takes_too_long_or_does_not_exist_fails(
    tmp_path: Path, how: HealthCheck, answer: str
) -> None:
    async with runtime(tmp_path) as running:
        started = await running.start(task(container("sleep 1000", health_check=how)))
        await eventually(lambda: started.health == (Health.UNHEALTHY, answer), "the verdict")


@pytest.mark.slow  # real processes
async def test_the_check_of_a_container_that_is_not_essential_does_not_decide_the_tasks_health(
    tmp_path: Path,
) -> None:
    async with runtime(tmp_path) as running:
        side = container("sleep 1000", "side", essential=False, health_check=checked("exit 1"))
        started = await running.start(task(container("sleep 1000"), side))
        await eventually(lambda: started.checks["side"].health is Health.UNHEALTHY, "the verdict")
        assert started.health == (Health.UNCHECKED, "")


@pytest.mark.slow  # real processes
@pytest.mark.parametrize("condition", [Condition.COMPLETE, Condition.SUCCESS])
async def test_a_container_starts_when_the_one_it_waits_for_is_done(
    tmp_path: Path, condition: Condition
) -> None:
    async with runtime(tmp_path) as running:
        prepare = container(f"sleep 0.2; echo ready > {tmp_path}/file", "prepare", essential=False)
        started = await running.start(
            task(container(f"cat {tmp_path}/file", depends_on={"prepare": condition}), prepare)
        )
        assert await started.ended == {"app": 0, "prepare": 0}
    assert (tmp_path / "logs/group/app").read_text().endswith(" ready\n")


@pytest.mark.slow  # real processes
async def test_a_container_starts_when_the_one_it_waits_for_is_healthy(tmp_path: Path) -> None:
    async with runtime(tmp_path) as running:
        database = container(
            f"sleep 0.2; touch {tmp_path}/up; sleep 1000",
            "db",
            health_check=checked(f"test -e {tmp_path}/up", retries=100),
        )
        before = time.monotonic()
        started = await running.start(
            task(container("sleep 1000", depends_on={"db": Condition.HEALTHY}), database)
        )
        assert time.monotonic() - before > 0.2
        assert started.health == (Health.HEALTHY, "")
        await running.stop(started, 5)


@pytest.mark.slow  # real processes
@pytest.mark.parametrize(
    ("other", "condition", "message"),
    [
        (
            container("exit 4", "other", essential=False),
            Condition.SUCCESS,
            "did not exit successfully",
        ),
        (
            container("sleep 1000", "other", health_check=checked("exit 1")),
            Condition.HEALTHY,
            "did not become healthy",
        ),
        (
            container("exit 0", "other", health_check=checked("exit 0", interval=5)),
            Condition.HEALTHY,
            "did not become",
        ),
    ],
)
async def test_a_task_whose_dependencies_fail_does_not_start_and_leaves_nothing(
    tmp_path: Path, other: Any, condition: Condition, message: str
) -> None:
    taken = Addresses(tmp_path)
    async with runtime(tmp_path, taken=taken) as running:
        with pytest.raises(
            TaskStartError,
            match=rf"TaskDependencyError: .* \[other\] for target \[app\].*{message}",
        ):
            await running.start(task(container("true", depends_on={"other": condition}), other))
        assert not taken._taken


async def test_containers_that_wait_for_each_other_cannot_start(tmp_path: Path) -> None:
    taken = Addresses(tmp_path)
    async with runtime(tmp_path, taken=taken) as running:
        with pytest.raises(
            TaskStartError, match="TaskDependencyError: containers wait for each other: "
        ):
            await running.start(
                task(
                    container("true", "a", depends_on={"b": Condition.START}),
                    container("true", "b", depends_on={"a": Condition.START}),
                )
            )
        assert not taken._taken
