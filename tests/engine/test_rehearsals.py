"""Valid and invalid changes of a stack under traffic cause no deadlock and no lost request."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.engine.gateway import time_limit
from tests.engine.requests import get, over_tls, page
from tests.engine.service import MISSING, server, service_of
from tests.engine.stack import cloud_and_engine_agree
from tests.engine.status import load_balancers
from tests.engine.traffic import PAUSE_SECONDS, Traffic, tasks
from tests.engine.waiting import eventually
from tests.infra.changes import EXAMPLES, ITS_COMMAND, REFUSED, STACKS, UNPRIVILEGED

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.engine.stack import Stack

GENTLE = (
    {key for key, example in EXAMPLES.items() if example.on == "plain"}
    - REFUSED
    - {
        "dualStack",
        "internal",
        "serviceName",
        *("headers", "hosts", "query", "routes"),
    }
)
"""The keys that change resources in place, and go back; what speaks IPv6 stays so, and the clients
here wouldn't meet the conditions of the last ones.
"""

MISSING_SECRET = {"secrets": {"APP_MESSAGE": MISSING}}
NOTHING_LISTENS: dict[str, Any] = {
    "image": "python:3",
    "command": ["sleep", "infinity"],
    "healthCheckGraceSeconds": 0,
    "unhealthyThreshold": 2,
}
OTHER_CONTAINER: dict[str, Any] = {
    "containerName": "page",
    "image": UNPRIVILEGED,
    "command": ITS_COMMAND,
    "containerPort": 8080,
    "ecsExec": EXAMPLES["ecsExec"].value,
}
"""With another port, too: the name alone changes the same resources, but not their rules. Without
ECS Exec, so that the role of the old tasks goes.
"""


def test_a_container_that_cannot_work_leaves_the_old_version_serving_until_it_is_corrected(
    stack: Stack,
) -> None:
    url = stack.outputs()["serviceUrl"]
    with Traffic(url) as traffic:
        output = stack.up(**OTHER_CONTAINER | NOTHING_LISTENS, fails=True)
        left = tasks(url)
        stack.up(**OTHER_CONTAINER)
        assert not left & tasks(url), "old tasks still answer"
        stack.needs_nothing(**OTHER_CONTAINER)
        stack.up()
    assert "likely cause: Nothing answers at the container's port" in output
    assert set(traffic.answers) == {"200"}, traffic.answers
    assert stack.outputs()["serviceUrl"] == url, "the load balancer stays"


def test_a_service_that_cannot_work_gets_no_request_until_it_is_corrected_or_taken_back(
    stack: Stack,
) -> None:
    """Also after a refresh: the service is then what was requested, so the engine does nothing."""
    url = stack.outputs()["serviceUrl"]
    other: dict[str, Any] = {"serviceName": "shop"}
    with Traffic(url) as traffic:
        stack.up(**other, **MISSING_SECRET, fails=True)
        left = tasks(url)
        stack.up(**other)
        before = tasks(url)
        assert not left & before, "old tasks still answer"
        stack.needs_nothing(**other)
        stack.up(**MISSING_SECRET, fails=True)
        stack.up("--refresh", **MISSING_SECRET, fails=True)
        stack.up(**other)
        assert before == tasks(url)
    assert set(traffic.answers) == {"200"}, traffic.answers
    assert stack.outputs()["serviceUrl"] == url, "the load balancer stays"


def test_requests_stay_where_they_are_until_a_deployment_that_a_run_stopped_waiting_for_is_complete(
    stack: Stack,
) -> None:
    """After a run that timed out, a refresh leaves Pulumi nothing to wait for.

    The requests are where the test before has left them, at the service `shop`.
    """
    url = stack.outputs()["serviceUrl"]
    slow: dict[str, Any] = {"image": "python:3", "command": list(server(200, delay_seconds=100))}
    long_wait = {"healthCheckGraceSeconds": 600, "steadyStateTimeoutMinutes": 1, **slow}
    with Traffic(url) as traffic:
        before = tasks(url)
        with time_limit(stack, 3, instead_of=60):
            stack.up(**long_wait, fails=True)
        output = stack.up("--refresh", **long_wait, fails=True)
        assert (
            "local-web has not completed a deployment yet, so alb-50000 still sends "
            "requests where it did before"
        ) in output
        assert tasks(url) == before, "the old tasks answer"
        stack.up()
        assert not before & tasks(url), "old tasks still answer"
    assert set(traffic.answers) == {"200"}, traffic.answers


def test_a_health_check_that_running_tasks_fail_is_not_rolled_back_and_ends_with_its_correction(
    stack: Stack,
) -> None:
    """The load balancer fails open, and ECS replaces tasks that answered well."""

    def events() -> list[dict[str, Any]]:
        return list(service_of(stack)["events"])

    def a_task_is_replaced() -> bool:
        for event in events():
            if event["id"] not in known and "an unhealthy status" in event["message"]:
                return True
        return False

    with Traffic(stack.outputs()["serviceUrl"]) as traffic:
        known = {each["id"] for each in events()}
        stack.up(healthCheckCodes="404")
        eventually(a_task_is_replaced, "ECS to replace a task", seconds=90)
        stack.up()
        eventually(
            lambda: "has reached a steady state" in events()[0]["message"],
            "the service to be steady",
            seconds=90,
        )
    assert set(traffic.answers) == {"200"}, traffic.answers


CLIENT = """\
import http.client, ssl, sys
for line in sys.stdin:
    address, host = line.split()
    context = ssl._create_unverified_context()
    connection = http.client.HTTPSConnection(address, timeout=5, context=context)
    try:
        connection.request("GET", "/", headers={"Host": host})
        print(connection.getresponse().status, flush=True)
    except OSError as error:
        print(repr(error), flush=True)
    connection.close()
"""
"""Requests a page from each address that it reads."""


class Following(Traffic):
    """Requests over HTTPS by a client that looks its load balancer's name up each time.

    An internal load balancer is only reached within its VPC where there is one, so there the
    client is.
    """

    pause = 2 * PAUSE_SECONDS  # as long as between two new connections of others

    def __init__(self, stack: Stack, domain: str) -> None:
        super().__init__(f"https://{domain}")
        self._stack, self._domain = stack, domain
        self._client: subprocess.Popen[str] | None = None
        self._internal: dict[str, str] = {}
        self._name, self._written = "", 0
        """What the name resolves to, and the state of which time has it so."""

        self.seen: set[str] = set()
        """What the name resolved to."""

    def lanes(self) -> tuple[Callable[[], int], ...]:
        return (self._ask,)

    def _ask(self) -> int:
        # The name is looked up last, as the request must follow at once.
        name = self._look_up()
        if name not in self._internal:
            # The load balancer of a name never becomes another one.
            self._internal = self._addresses()
            name = self._look_up()
        self.seen.add(name)
        if address := self._internal.get(name):
            return self._ask_in_vpc(address)
        return page(over_tls(name), host=self._domain).status

    def _addresses(self) -> dict[str, str]:
        """Return the address in the VPC of each load balancer by its name, "" of a public one."""
        found: dict[str, str] = {}
        for each in load_balancers(self._stack):
            internal = not each["publicAddress"]
            found[each["shownAt"]] = each["addresses"].split(",")[0] if internal else ""
        return found

    def _look_up(self) -> str:
        file = self._stack.directory.resources
        written = file.stat().st_mtime_ns
        if written != self._written:
            records = [each.inputs for each in self._stack.made_of("aws:route53/record:Record")]
            (record,) = [each for each in records if each["name"] == self._domain]
            self._name, self._written = str(record["aliases"][0]["name"]), written
        return self._name

    def _ask_in_vpc(self, address: str) -> int:
        if self._client is None:
            command = ("internet", "--from", "vpc", "--", sys.executable, "-c", CLIENT)
            self._client = self._stack.start(*command, stdin=subprocess.PIPE)
        assert self._client.stdin
        assert self._client.stdout
        self._client.stdin.write(f"{address} {self._domain}\n")
        self._client.stdin.flush()
        answer = self._client.stdout.readline().strip()
        if not answer.isdecimal():
            raise ConnectionError(answer)
        return int(answer)

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        if self._client is not None:
            self._client.communicate(timeout=30)


def test_a_load_balancer_becomes_internal_and_public_again_and_clients_of_the_domain_lose_nothing(
    empty_stack: Stack,
) -> None:
    """Also when the new service doesn't work, and its run is taken back or corrected."""
    # Without the hosts, so that requests to the domain itself are answered.
    named = {key: value for key, value in STACKS["named"].items() if key != "hosts"}
    empty_stack.up(**named)
    was = empty_stack.outputs()["albDns"]
    with Following(empty_stack, named["domain"]) as traffic:
        empty_stack.up(**named, **MISSING_SECRET, internal="true", fails=True)
        assert traffic.seen == {was}
        empty_stack.up(**named)
        assert empty_stack.outputs()["albDns"] == was
        empty_stack.up(**named, **MISSING_SECRET, internal="true", fails=True)
        rehearsal: tuple[dict[str, Any], ...] = ({"internal": "true"}, {})
        for changed in rehearsal:
            empty_stack.up(**named, **changed)
            now = empty_stack.outputs()["albDns"]
            assert now != was
            with pytest.raises(httpx.ConnectError):
                get(f"http://{was}")
            was = now
            if changed:
                empty_stack.needs_nothing(**named, **changed)
    assert set(traffic.answers) == {"200"}, traffic.answers
    assert len(traffic.seen) > 1
    assert cloud_and_engine_agree(empty_stack)
    assert len(empty_stack.made_of("aws:lb/loadBalancer:LoadBalancer")) == 1


def test_what_the_manual_calls_gentle_changes_and_goes_back_without_a_failed_request(
    stack: Stack,
) -> None:
    """All but `ecsExec`, which the keys for Exec need: OTHER_CONTAINER has it."""
    url = stack.outputs()["serviceUrl"]
    most = {key: EXAMPLES[key].value for key in GENTLE - {"ecsExec"}}
    with Traffic(url) as traffic:
        before = tasks(url)
        stack.up(**most)
        changed = tasks(url)
        assert not before & changed, "old tasks still answer"
        stack.needs_nothing(**most)
        stack.up()
        assert not changed & tasks(url), "old tasks still answer"
    assert set(traffic.answers) == {"200"}, traffic.answers
