"""What a change of the configuration does, under the real engine: as the manual says, without a deadlock.

A preview takes seconds, so keys that touch different types share one; tests/infra/test_config_changes.py looks at each
key by itself. What no running stack takes previews well and fails when it is tried, so that is tried, on a stack of its
own.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.engine.test_lifecycle import Traffic, operations, tasks
from tests.engine.test_watch import Outage
from tests.infra.changes import ATTEMPTS, EXAMPLES, NO_WAY_BACK, as_said, promised, said
from tests.infra.recorder import word

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.engine.stack import Stack


def groups() -> list[list[str]]:
    """Keys that can change at the same time and still show what each of them does; none that no running stack takes."""
    found: list[tuple[list[str], set[str]]] = []
    for key in sorted(EXAMPLES, key=lambda each: -len(promised(each))):
        if EXAMPLES[key].given or key in ATTEMPTS:
            continue
        types = {kind for _, kind in promised(key)}
        for keys, taken in found:
            if not types & taken:
                keys.append(key)
                taken.update(types)
                break
        else:
            found.append(([key], types))
    return [keys for keys, _ in found]


def preview(stack: Stack, changed: dict[str, Any]) -> set[tuple[str, str]]:
    """What the engine would do, and to which types."""
    settings = " ".join(
        f"-c '{place}={value}'" for key in changed for place, value in leaves(f"fargate-web:{key}", changed[key])
    )
    run = stack.shell(f"pulumi-local preview --json --non-interactive --config-path {settings}")
    assert run.returncode == 0, run.stdout + run.stderr
    done = {(each["op"], each["urn"].split("::")[2].rpartition("$")[2]) for each in json.loads(run.stdout)["steps"]}
    return {(operation, word(kind)) for operation, kind in done if operation != "same" and kind.startswith("aws:")}


def leaves(path: str, value: Any) -> Iterator[tuple[str, str]]:
    """A value as paths and texts, as the CLI takes lists and maps."""
    if isinstance(value, list):
        for number, each in enumerate(value):
            yield from leaves(f"{path}[{number}]", each)
    elif isinstance(value, dict):
        for name, each in value.items():
            yield from leaves(f"{path}.{name}", each)
    else:
        yield path, value if isinstance(value, str) else json.dumps(value)


@pytest.mark.parametrize("keys", groups(), ids="+".join)
def test_the_engine_does_to_each_resource_what_the_manual_says(stack: Stack, keys: list[str]) -> None:
    done = preview(stack, {key: EXAMPLES[key].value for key in keys})
    assert done == set().union(*map(promised, keys)), as_said(done)


@pytest.mark.parametrize("key", ["containerPort", "serviceName"])
def test_what_replaces_a_target_group_is_rehearsed_there_and_back(stack: Stack, key: str) -> None:
    """No deadlock, and 503 as the manual says, between the old target group's leaving and new tasks' first good check.

    A check every 5 s and tasks that start at once: seconds here, a minute or two on AWS.
    """
    assert "503 until the new tasks are healthy" in said()[key]
    url = stack.outputs()["serviceUrl"]
    for changed in ({key: EXAMPLES[key].value}, {}):
        before = tasks(url)
        with Outage(url) as outage:
            done = operations(stack.up(**changed))
        assert done["replaced"] + done["created"] > 1
        assert not before & tasks(url), "old tasks still answer"
        assert stack.outputs()["serviceUrl"] == url, "the load balancer stays"
        assert outage.bounds[1] < 15_000
    stack.run("preview", "--non-interactive", "--expect-no-changes")


def test_a_load_balancer_becomes_internal_and_public_again_and_a_run_that_fails_between_is_taken_back(
    stack: Stack,
) -> None:
    """The old load balancer leads to the old tasks until the new ones are healthy."""
    was = stack.outputs()["serviceUrl"]
    with Traffic(was) as traffic:
        stack.up("-c", 'fargate-web:secrets={"APP_MESSAGE":"/demo/local/missing"}', internal="true", fails=True)
        stack.up()
    assert set(traffic.answers) == {"200"}, traffic.answers
    assert stack.outputs()["serviceUrl"] == was
    rehearsal: tuple[dict[str, Any], ...] = ({"internal": "true"}, {})
    for changed in rehearsal:
        stack.up(**changed)
        url = stack.outputs()["serviceUrl"]
        assert url != was
        assert len(tasks(url)) == 2
        with pytest.raises(httpx.ConnectError):
            httpx.get(was, timeout=5, trust_env=False)
        was = url
    stack.run("preview", "--non-interactive", "--expect-no-changes")


def test_what_only_replaces_tasks_is_rehearsed_there_and_back_without_a_failed_request(stack: Stack) -> None:
    """Another container behind the same target group, less time to leave, and a role that goes while tasks have it."""
    keys = ("containerName", "drainSeconds", "ecsExec")
    assert all("no request is lost" in said()[key] for key in keys)
    url = stack.outputs()["serviceUrl"]
    rehearsal: tuple[dict[str, Any], ...] = ({"containerName": "page", "drainSeconds": 3, "ecsExec": "false"}, {})
    for changed in rehearsal:
        before = tasks(url)
        with Traffic(url) as traffic:
            stack.up(**changed)
        assert set(traffic.answers) == {"200"}, traffic.answers
        assert not before & tasks(url), "old tasks still answer"


def test_what_no_running_stack_takes_fails_and_can_be_taken_back_where_the_manual_says_so(empty_stack: Stack) -> None:
    empty_stack.up()
    for key in ATTEMPTS:
        empty_stack.up(**{key: EXAMPLES[key].value}, fails=True)
        empty_stack.up(fails=NO_WAY_BACK in said()[key])
    empty_stack.run("destroy", "--yes", "--non-interactive", "--skip-preview")
