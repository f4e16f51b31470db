"""Target health by the results of a scripted proxy's health checks, with a fake clock."""

from __future__ import annotations

from typing import Any

import pytest

from localaws.alb.envoy import CheckResult
from localaws.alb.load_balancers import NotSynchronizedError
from localaws.alb.targets import Endpoint, TargetState
from localaws.catalog.elb.listeners import LISTENER, LISTENER_RULE
from localaws.catalog.elb.load_balancers import LOAD_BALANCER
from localaws.catalog.elb.target_groups import TARGET_GROUP
from tests.localaws.alb.scripted_proxy import (
    ALB,
    CHECKED,
    FAIL,
    GROUP,
    HTTP,
    INITIAL,
    PASS,
    PREFIX,
    TARGET,
    Harness,
)

TIMED_OUT = CheckResult(healthy=False, timed_out=True)


@pytest.fixture
def harness(tmp_path: Any) -> Harness:
    return Harness(tmp_path)


async def test_a_new_target_is_initial_and_gets_no_requests(harness: Harness) -> None:
    harness.load_balancer.register(GROUP, TARGET)
    assert await harness.sync() is TargetState.INITIAL
    assert harness.load_balancer.health(GROUP, TARGET).reason == "Elb.RegistrationInProgress"
    assert await harness.check(FAIL, INITIAL) is TargetState.INITIAL
    assert harness.load_balancer.health(GROUP, TARGET).reason == "Elb.InitialHealthChecking"
    assert harness.target_count(INITIAL) == 1
    assert harness.target_count(CHECKED) == 0


async def test_one_pass_makes_a_new_target_healthy(harness: Harness) -> None:
    harness.load_balancer.register(GROUP, TARGET)
    await harness.check(PASS, INITIAL)
    assert harness.target_count(INITIAL) == 0
    assert harness.target_count(CHECKED) == 1
    assert await harness.check(PASS, CHECKED) is TargetState.HEALTHY


async def test_a_new_target_that_never_passes_is_unhealthy_after_the_threshold_and_fails_open(
    harness: Harness,
) -> None:
    harness.load_balancer.register(GROUP, TARGET)
    await harness.check(FAIL, INITIAL)
    harness.now = 89  # 3 failed checks take 90 seconds
    assert await harness.check(FAIL, INITIAL) is TargetState.INITIAL
    harness.now = 90
    assert await harness.check(FAIL, INITIAL) is TargetState.UNHEALTHY
    assert harness.target_count(CHECKED) == 1


async def test_a_target_is_initial_until_its_first_check_beside_the_others_is_over(
    harness: Harness,
) -> None:
    """Until then the proxy reports nothing of it there."""
    harness.load_balancer.register(GROUP, TARGET)
    await harness.check(PASS, INITIAL)
    harness.now = 20
    assert await harness.sync() is TargetState.INITIAL
    assert await harness.check(FAIL, CHECKED) is TargetState.UNHEALTHY


async def test_an_unhealthy_targets_code_is_requested_once_and_reported(harness: Harness) -> None:
    harness.load_balancer.register(GROUP, TARGET)
    await harness.check(PASS, INITIAL)
    await harness.check(PASS, CHECKED)
    for _ in range(3):
        assert await harness.check(FAIL, CHECKED) is TargetState.UNHEALTHY
    health = harness.load_balancer.health(GROUP, TARGET)
    assert health.reason == "Target.ResponseCodeMismatch"
    assert health.description == "Health checks failed with these codes: [404]"
    assert harness.requests == 1


async def test_a_target_that_recovered_before_the_request_has_no_code(harness: Harness) -> None:
    harness.status = 200
    harness.load_balancer.register(GROUP, TARGET)
    await harness.check(PASS, INITIAL)
    await harness.check(PASS, CHECKED)
    assert await harness.check(FAIL, CHECKED) is TargetState.UNHEALTHY
    assert await harness.check(FAIL, CHECKED) is TargetState.UNHEALTHY
    assert harness.load_balancer.health(GROUP, TARGET).description == "Health checks failed"
    assert harness.requests == 1


async def test_a_silent_target_times_out(harness: Harness) -> None:
    harness.load_balancer.register(GROUP, TARGET)
    await harness.check(PASS, INITIAL)
    await harness.check(TIMED_OUT, CHECKED)
    assert harness.load_balancer.health(GROUP, TARGET).reason == "Target.Timeout"
    assert harness.requests == 0


async def test_a_target_keeps_its_health_while_the_proxy_restarts(harness: Harness) -> None:
    harness.load_balancer.register(GROUP, TARGET)
    await harness.check(PASS, INITIAL)
    await harness.check(PASS, CHECKED)
    harness.proxy.verdicts = {}
    assert await harness.sync() is TargetState.HEALTHY


async def test_a_deregistered_target_drains_outside_the_rotation_until_it_is_forgotten(
    harness: Harness,
) -> None:
    harness.load_balancer.register(GROUP, TARGET)
    await harness.check(PASS, INITIAL)
    await harness.check(PASS, CHECKED)
    harness.load_balancer.deregister(GROUP, TARGET)
    assert await harness.check(PASS, CHECKED) is TargetState.DRAINING
    assert harness.target_count(CHECKED) == 0
    harness.load_balancer.forget(GROUP, TARGET)
    harness.proxy.verdicts = {}
    assert await harness.sync() is TargetState.UNUSED
    assert harness.load_balancer.targets(GROUP) == {}


async def test_a_target_of_a_group_that_no_listener_uses_is_unused(harness: Harness) -> None:
    del harness.cloud.outputs[LISTENER, HTTP]
    harness.load_balancer.register(GROUP, TARGET)
    assert await harness.sync() is TargetState.UNUSED
    assert harness.proxy.applied == [], "no listener, no proxy"


async def test_a_group_that_only_a_rule_uses_is_in_use(harness: Harness) -> None:
    listener = harness.cloud.outputs[LISTENER, HTTP]
    listener["defaultActions"] = [
        {"type": "fixed-response", "fixedResponse": {"contentType": "text/plain"}}
    ]
    harness.cloud.outputs[LISTENER_RULE, "rule"] = {
        "listenerArn": HTTP,
        "priority": 10.0,
        "conditions": [{"pathPattern": {"values": ["/*"]}}],
        "actions": [
            {"type": "forward", "forward": {"targetGroups": [{"arn": GROUP, "weight": 1}]}}
        ],
    }
    harness.load_balancer.register(GROUP, TARGET)
    assert await harness.check(FAIL, INITIAL) is TargetState.INITIAL
    assert harness.target_count(INITIAL) == 1


async def test_the_proxy_gets_only_changes(harness: Harness) -> None:
    await harness.sync()
    await harness.sync()
    assert len(harness.proxy.applied) == 1
    harness.load_balancer.register(GROUP, TARGET)
    await harness.sync()
    assert len(harness.proxy.applied) == 2


async def test_only_a_listener_that_the_proxy_cannot_open_has_an_error_until_it_can(
    harness: Harness,
) -> None:
    harness.cloud.outputs[LISTENER, "other"] = {**harness.cloud.outputs[LISTENER, HTTP], "port": 81}
    harness.proxy.refuses = {"other"}
    for _ in range(2):
        with pytest.raises(NotSynchronizedError):
            await harness.sync()
        assert harness.load_balancer.listen_error("other") == "cannot bind"
        assert harness.load_balancer.listen_error(HTTP) == ""
    harness.proxy.refuses = set()
    await harness.sync()
    assert harness.load_balancer.listen_error("other") == ""


async def test_the_proxy_runs_as_long_as_there_is_a_listener(harness: Harness) -> None:
    listener = harness.cloud.outputs[LISTENER, HTTP]
    states = []
    for there in (False, True, False, True):
        harness.cloud.outputs[LISTENER, HTTP] = listener
        if not there:
            del harness.cloud.outputs[LISTENER, HTTP]
        await harness.sync()
        states.append(harness.proxy.state)
    assert states == ["new", "running", "closed", "running"]


async def test_a_listener_for_https_serves_a_certificate_that_is_issued_for_it(
    harness: Harness,
) -> None:
    harness.cloud.outputs[LISTENER, "https"] = {
        **harness.cloud.outputs[LISTENER, HTTP],
        "protocol": "HTTPS",
        "port": 443,
        "certificateArn": "arn:aws:acm:eu-west-1:123456789012:certificate/1",
    }
    await harness.sync()
    assert harness.issued == [(harness.addresses.load_balancer(ALB).address,)]
    assert "/project/.local/ca/1.pem" in str(harness.proxy.applied[-1]["listeners.json"])


async def test_a_deleted_load_balancer_gives_its_address_back(harness: Harness) -> None:
    address = harness.addresses.load_balancer(ALB).address
    await harness.sync()
    for key in [(LISTENER, HTTP), (LOAD_BALANCER, ALB)]:
        del harness.cloud.outputs[key]
    await harness.sync()
    assert harness.addresses.load_balancer("another").address == address


async def test_a_change_of_one_target_group_compiles_only_its_own_files_again(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(20):
        group = f"{PREFIX}:targetgroup/other{number}/{number}"
        check = {"interval": 30, "unhealthyThreshold": 3, "matcher": "200"}
        harness.cloud.outputs[TARGET_GROUP, group] = {"arn": group, "healthCheck": check}
        actions = [{"type": "forward", "targetGroupArn": group}]
        rule = {"listenerArn": HTTP, "priority": number, "actions": actions}
        harness.cloud.outputs[LISTENER_RULE, f"rule{number}"] = rule
    await harness.sync()
    harness.load_balancer.register(GROUP, TARGET)
    await harness.sync()
    before, after = harness.proxy.applied
    compiled = [name for name in after if after[name] is not before[name]]
    endpoints = [name for name in compiled if name.startswith("endpoints")]
    assert endpoints == ["endpoints-web_3.json", "endpoints-web_3_new.json"]
    clusters = zip(before["clusters.json"], after["clusters.json"], strict=True)
    assert [new["name"] for old, new in clusters if new is not old] == [CHECKED, INITIAL]
    monkeypatch.setattr("localaws.alb.load_balancers.compile_files", None)  # it isn't even called
    await harness.sync()


MEMBERS = {
    "first": TARGET,
    "second": Endpoint("127.99.0.2", 80),
    "third": Endpoint("127.99.0.3", 80),
}


async def test_a_target_that_joins_a_healthy_one_starts_slowly_and_the_first_ones_dont(
    harness: Harness,
) -> None:
    harness.cloud.outputs[TARGET_GROUP, GROUP]["slowStart"] = 30.0

    async def check(**verdicts: CheckResult) -> None:
        """Sync with these verdicts, in whichever cluster the members are."""
        harness.proxy.verdicts = {}
        for name, verdict in verdicts.items():
            for cluster in (INITIAL, CHECKED):
                harness.proxy.verdicts[cluster, MEMBERS[name]] = verdict
        await harness.load_balancer.sync()

    def weights() -> dict[str, int | None]:
        """Return the weights of the members that get requests."""
        by_address = {}
        for each in harness.proxy.endpoints(CHECKED):
            address = each["endpoint"]["address"]["socket_address"]["address"]
            by_address[address] = each.get("load_balancing_weight")
        found = {}
        for name, member in MEMBERS.items():
            if member.address in by_address:
                found[name] = by_address[member.address]
        return found

    for name in ("first", "second"):
        harness.load_balancer.register(GROUP, MEMBERS[name])
    await check(first=PASS)
    await check(first=PASS)
    harness.now = 5
    await check(first=PASS, second=PASS)
    await check(first=PASS, second=PASS)
    assert weights() == {"first": None, "second": None}, "both were registered with an empty group"

    harness.load_balancer.register(GROUP, MEMBERS["third"])
    harness.now = 10
    await check(first=PASS, second=PASS, third=PASS)
    await check(first=PASS, second=PASS, third=PASS)
    assert weights() == {"first": 100, "second": 100, "third": 1}
    harness.now = 25
    await check(first=PASS, second=PASS, third=PASS)
    assert weights()["third"] == 50
    harness.now = 40
    await check(first=PASS, second=PASS, third=PASS)
    assert weights() == {"first": None, "second": None, "third": None}

    # One that fails starts slowly again, beside others that are warm.
    await check(first=PASS, second=PASS, third=TIMED_OUT)
    await check(first=PASS, second=PASS, third=PASS)
    harness.now = 46
    await check(first=PASS, second=PASS, third=PASS)
    assert weights() == {"first": 100, "second": 100, "third": 20}
    await check(first=TIMED_OUT, second=TIMED_OUT, third=TIMED_OUT)
    await check(first=PASS, second=TIMED_OUT, third=TIMED_OUT)
    assert weights() == {"first": None, "second": None, "third": None}, "there was no warm one left"

    # Without the attribute nothing starts slowly.
    await check(first=PASS, second=PASS, third=PASS)
    assert weights()["second"] == 1
    del harness.cloud.outputs[TARGET_GROUP, GROUP]["slowStart"]
    await check(first=PASS, second=PASS, third=PASS)
    assert weights() == {"first": None, "second": None, "third": None}
