"""Which running task a command runs in, by what the user named."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest

from localaws.ecs.services.task_choice import NoSuchTaskError, task_for_commands


class Live:
    """Running tasks, which counts how often each is looked up."""

    def __init__(self, *running: str) -> None:
        self._running = running
        self.lookups: Counter[str] = Counter()

    def running(self, task_id: str) -> str | None:
        self.lookups[task_id] += 1
        return f"running {task_id}" if task_id in self._running else None


def service(name: str, *tasks: str, commands: bool = True) -> Any:
    return SimpleNamespace(
        spec=SimpleNamespace(name=name),
        state=SimpleNamespace(tasks=[SimpleNamespace(id=each) for each in tasks]),
        resource=SimpleNamespace(outputs={"enableExecuteCommand": commands}),
    )


SERVICES = (
    service("local-api", "a1", "a2", "b3"),
    service("local-web", "c4", "c5"),
    service("local-shut", "d6", commands=False),
)


def chosen(target: str, live: Any, *services: Any) -> Any:
    return task_for_commands(target, services, live)


@pytest.mark.parametrize(
    ("target", "task"),
    [("local-api", "a2"), ("a1", "a1"), ("a", "a2"), ("local-web", "c4"), ("c", "c4")],
)
def test_the_newest_running_task_of_what_is_named_is_chosen(target: str, task: str) -> None:
    live = Live("a1", "a2", "c4")
    assert chosen(target, live, *SERVICES) == f"running {task}"
    assert set(live.lookups.values()) == {1}, "each task is looked up once"


def test_the_only_service_needs_no_name() -> None:
    assert chosen("", Live("c4"), *SERVICES) == "running c4"


@pytest.mark.parametrize(
    ("target", "running", "problem"),
    [
        ("", (), "no task is running; `pulumi-local up` deploys a stack"),
        ("x", ("a1", "c4"), "no running task is x .*; there is local-api, local-web; "),
        ("c5", ("a1",), "no running task is c5 .*; there is local-api; "),
        ("", ("a1", "c4"), "name a service or task; there is local-api, local-web"),
        ("d6", ("d6",), "local-shut has no enableExecuteCommand"),
    ],
)
def test_what_names_no_task_or_several_services_is_refused(
    target: str, running: tuple[str, ...], problem: str
) -> None:
    with pytest.raises(NoSuchTaskError, match=problem):
        chosen(target, Live(*running), *SERVICES)
