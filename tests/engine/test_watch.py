"""`verify watch` over real deployments: it reports no lost request, or how long an outage took."""

from __future__ import annotations

import shlex
import time
from typing import TYPE_CHECKING, Any

from tests.engine.requests import Connection
from tests.engine.stack import WITHOUT_ASKING, settings
from tests.engine.traffic import InBackground, Traffic, answering, tasks
from tests.engine.watching import INTERVAL_MS, UP, watch

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.engine.stack import Stack


class Outage(InBackground):
    """Bounds of an outage's length, from requests far more frequent than `verify watch` sends."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url
        self.answers: list[tuple[float, float, bool]] = []
        """When each was requested and when it came, in milliseconds, and whether it was good."""

    def _run(self) -> None:
        with Connection(self.url) as connection:
            while not self._stop.wait(0.01):
                asked = time.monotonic()
                good = connection.page().status == 200
                self.answers.append((asked * 1000, time.monotonic() * 1000, good))

    @property
    def bounds(self) -> tuple[float, float]:
        """It began between the last good question and the first bad answer, and ended likewise."""
        bad = [number for number, (_, _, good) in enumerate(self.answers) if not good]
        assert bad, "nothing failed"
        first, last = bad[0], bad[-1]
        shortest = self.answers[last][0] - self.answers[first][1]
        return shortest, self.answers[last + 1][1] - self.answers[first - 1][0]


def test_a_good_rollout_has_no_failed_request_in_either_lane_and_replaces_every_task(
    stack: Stack,
) -> None:
    url = stack.outputs()["serviceUrl"]
    report = watch(stack, url, "--expect-change", command=f"{UP} -c fargate-web:memoryMib=1024")
    assert report["exit_code"] == 0, report
    assert report["watch"]["failures"] == {}
    seen = report["watch"]["tasks"].values()
    old = [task for task in seen if task["old"]]
    new = [task for task in seen if task["old"] is False]
    assert (len(old), len(new)) == (2, 2)
    watched_ms = report["samples"]["count"] / 2 * INTERVAL_MS
    for task in old:
        assert task["last_ms"] < watched_ms - 1000, "it was left in the target group"


def test_an_empty_target_group_is_measured(stack: Stack) -> None:
    url = stack.outputs()["serviceUrl"]
    with Outage(url) as truth:
        report = watch(stack, url, command=f"{UP} -c fargate-web:desiredCount=0", then=UP)
    reason = "503 from the load balancer: no target is registered and healthy"
    assert list(report["watch"]["failures"]) == [reason]
    assert (report["fault"], report["exit_code"]) == ("balancer_error", 34)
    assert {outage["lane"] for outage in report["watch"]["outages"]} == {"fresh", "kept"}
    shortest, longest = truth.bounds
    # Each end is known to an interval, and on a busy machine requests are sent a little late.
    error = 2 * INTERVAL_MS
    assert shortest - error <= report["watch"]["longest_outage_ms"] <= longest + error


def test_a_service_comes_is_rolled_out_swaps_and_goes_without_a_lost_request_to_another(
    stack: Stack,
) -> None:
    url = stack.outputs()["serviceUrl"]
    rewrite = {"regex": "^/api/(.*)$", "replace": "/$1"}
    services: dict[str, dict[str, Any]] = {
        "api": {"paths": ["/api/*"], "rewriteUrl": rewrite, "desiredCount": 1},
        "web": {"desiredCount": 2},  # the CLI takes no empty map
    }
    new = {**services["api"], "environment": {"VERSION": "2"}}
    with Traffic(url) as of_web:
        assert changes(stack.up_steps(services=services)) == {("create", "api")}
        assert stack.outputs()["services"]["api"]["serviceName"] == "local-api"
        command = f"{up_with({**services, 'api': new})} --event-log {stack.event_log}"
        report = watch(stack, f"{url}/api/", "--expect-change", command=command)
        assert changes(stack.logged_steps()) <= {("replace", "api"), ("update", "api")}
        assert changes(stack.steps()) == {("delete", "api")}
        # The services swap their requests, and a third one gets some of those of another.
        of_each = {path: tasks(f"{url}{path}") for path in ("/", "/api/")}
        swapped = {
            "api": {key: new[key] for key in ("environment", "desiredCount")},
            "deep": {
                "paths": ["/api/deep/*"],
                "rewriteUrl": {"regex": "^/api/deep/(.*)$", "replace": "/$1"},
                "desiredCount": 1,
            },
            "web": {**services["api"], **services["web"]},
        }
        swap = watch(stack, f"{url}/api/", command=up_with(swapped))
        assert {path: tasks(f"{url}{path}") for path in of_each} == {
            "/": of_each["/api/"],
            "/api/": of_each["/"],
        }
        assert not tasks(f"{url}/api/deep/") & (of_each["/"] | of_each["/api/"])
        stack.up()
    assert (report["exit_code"], swap["exit_code"]) == (0, 0), (report, swap)
    assert swap["watch"]["failures"] == {}
    assert set(of_web.answers) == {"200"}, of_web.answers


def test_requests_are_split_by_weight_and_shifted_without_a_lost_request(stack: Stack) -> None:
    url = stack.outputs()["serviceUrl"]
    of_web = tasks(url)
    try:
        begun = watch(stack, url, command=up_with(split(3, 1)))
        answers = answering(url, 200)
        canary = {each for each in answers if each not in of_web}
        share = sum(each in canary for each in answers)
        # 50 on average; the bounds are 5.7 standard deviations away: one run in 80 million.
        assert 15 <= share <= 85, answers
        shifted = watch(stack, url, command=up_with(split(0, 1)))
        assert tasks(url) == canary
    finally:
        ended = watch(stack, url, command=UP)
    assert tasks(url) == of_web, "the service with the rule wasn't touched"
    for report in (begun, shifted, ended):
        assert (report["exit_code"], report["watch"]["failures"]) == (0, {}), report


def split(web: int, following: int) -> dict[str, dict[str, Any]]:
    """Return a service that gives another one a share of its requests, by these weights."""
    return {
        "web": {"desiredCount": 2, "weights": {"web": web, "next": following}},
        "next": {"desiredCount": 1},
    }


def up_with(services: dict[str, dict[str, Any]]) -> str:
    """Return the command that deploys these services."""
    return shlex.join(["pulumi-local", "up", *WITHOUT_ASKING, *settings({"services": services})])


def changes(steps: Iterable[dict[str, Any]]) -> set[tuple[str, str]]:
    """Return the operations of steps, and on resources of which service."""
    found = set()
    for step in steps:
        name = step["urn"].rpartition("::")[2]
        owner = (step.get("newState") or step["oldState"]).get("parent", "")
        # A log group that outlived the service of an earlier test is adopted.
        done = "create" if step["op"] == "import" else step["op"]
        found.add((done, owner.rpartition("::")[2] if "WebService::" in owner else name))
    return found
