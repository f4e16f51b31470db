"""Target health, from what a proxy's health checks would say, under a fake clock."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from localaws.account.cloud import Cloud
from localaws.alb.edge import LocalEdge
from localaws.alb.envoy import CheckResult, EnvoyError
from localaws.alb.load_balancers import LoadBalancers
from localaws.alb.parts import cluster_name, initial_cluster_name
from localaws.alb.targets import Endpoint, TargetState
from localaws.alb.tls import Served
from localaws.alb.traffic import Traffic
from localaws.catalog.account import Resource
from localaws.catalog.elb.listeners import LISTENER, LISTENER_RULE
from localaws.catalog.elb.load_balancers import LOAD_BALANCER
from localaws.catalog.elb.target_groups import TARGET_GROUP
from localaws.catalog.resource_type import AllExcept
from localaws.machine.addresses import Addresses

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence

PREFIX = "arn:aws:elasticloadbalancing:eu-west-1:123456789012"
ALB, HTTP, GROUP = (
    f"{PREFIX}:loadbalancer/app/web/1",
    f"{PREFIX}:listener/app/web/1/2",
    f"{PREFIX}:targetgroup/web/3",
)
TARGET = Endpoint("127.99.0.1", 80)
# a tuple of two
PASS, FAIL, TIMEOUT = CheckResult(True, False), CheckResult(False, False), CheckResult(False, True)  # noqa: FBT003


class FewResources(Cloud):
    """A load balancer with a listener and a target group."""

    def __init__(self) -> None:
        super().__init__()
        self.outputs: dict[tuple[str, str], dict[str, Any]] = {
            (LOAD_BALANCER, ALB): {"arn": ALB, "idleTimeout": 60.0},
            (LISTENER, HTTP): {
                "loadBalancerArn": ALB,
                "port": 80.0,
                "protocol": "HTTP",
                "defaultActions": [{"type": "forward", "targetGroupArn": GROUP}],
            },
            (TARGET_GROUP, GROUP): {
                "arn": GROUP,
                "healthCheck": {"interval": 30, "unhealthyThreshold": 3, "matcher": "200-399"},
            },
        }

    def all(self, token: str) -> list[Resource]:
        return [
            Resource(kind, identifier, "", "eu-west-1", outputs, {})
            for (kind, identifier), outputs in self.outputs.items()
            if kind == token
        ]

    def get(self, token: str, identifier: object) -> Resource | None:
        for each in self.all(token):
            if each.id == identifier:
                return each
        return None


class ScriptedProxy:
    """A proxy whose health checks have the results that a test sets."""

    def __init__(self) -> None:
        self.verdicts: dict[tuple[str, Endpoint], CheckResult] = {}
        self.applied: list[Mapping[str, Any]] = []
        self.state = "new"
        self.refuses: set[str] = set()
        """Listeners that it can't open."""

    async def apply(self, files: Mapping[str, Any]) -> None:
        if self.refuses & {each["name"] for each in files["listeners.json"]}:
            raise EnvoyError("cannot bind")
        self.applied.append(files)
        self.state = "running"

    async def health(self) -> Mapping[tuple[str, Endpoint], CheckResult]:
        return self.verdicts

    async def requests(self) -> Mapping[str, int]:
        return {}

    async def traffic(self) -> Traffic:
        return Traffic()

    async def listening(self) -> Container[str]:
        return AllExcept(*self.refuses)

    async def close(self) -> None:
        self.state = "closed"


class Harness:
    def __init__(self, directory: Any) -> None:
        self.cloud, self.proxy, self.now, self.code = FewResources(), ScriptedProxy(), 0.0, 404
        self.asked, self.issued = 0, list[tuple[str, ...]]()
        self.addresses = Addresses(directory)
        self.load_balancer = LoadBalancers(
            self.cloud,
            self.addresses,
            lambda _: self.proxy,
            lambda _: directory,
            edge=LocalEdge(self._status_of),
            issue=self._issue,
            clock=lambda: self.now,
        )

    def _issue(self, names: Sequence[str]) -> Served:
        self.issued.append(tuple(names))
        return Served(Path("/project/.local/ca/1.pem"), Path("/project/.local/ca/1.key"))

    async def _status_of(self, address: str, port: int, path: str) -> int:
        assert (address, port, path) == (TARGET.address, TARGET.port, "/")
        self.asked += 1
        return self.code

    async def look(self, verdict: CheckResult | None = None, room: str = "") -> TargetState:
        """Sync with this verdict, the target's state."""
        if not self.proxy.applied:
            await self.load_balancer.sync()  # nothing checks anything before that
        self.proxy.verdicts = {(room, TARGET): verdict} if verdict else {}
        await self.load_balancer.sync()
        return self.load_balancer.health(GROUP, TARGET).state

    def members(self, room: str) -> int:
        """Return how many targets the proxy has in a cluster."""
        resources = itertools.chain.from_iterable(self.proxy.applied[-1].values())
        (assignment,) = [each for each in resources if each.get("cluster_name") == room]
        return len(assignment["endpoints"][0]["lb_endpoints"])


NEW, OWN = initial_cluster_name(GROUP), cluster_name(GROUP)


@pytest.fixture
def harness(tmp_path: Any) -> Harness:
    return Harness(tmp_path)


async def test_a_new_target_is_initial_and_gets_no_requests(harness: Harness) -> None:
    harness.load_balancer.register(GROUP, TARGET)
    assert await harness.look() is TargetState.INITIAL
    assert harness.load_balancer.health(GROUP, TARGET).reason == "Elb.RegistrationInProgress"
    assert await harness.look(FAIL, NEW) is TargetState.INITIAL
    assert harness.load_balancer.health(GROUP, TARGET).reason == "Elb.InitialHealthChecking"
    assert (harness.members(NEW), harness.members(OWN)) == (1, 0)


async def test_one_pass_makes_a_new_target_healthy(harness: Harness) -> None:
    harness.load_balancer.register(GROUP, TARGET)
    await harness.look(PASS, NEW)
    assert (harness.members(NEW), harness.members(OWN)) == (0, 1)
    assert await harness.look(PASS, OWN) is TargetState.HEALTHY


async def test_a_new_target_that_never_passes_is_unhealthy_after_the_threshold_and_fails_open(
    harness: Harness,
) -> None:
    harness.load_balancer.register(GROUP, TARGET)
    await harness.look(FAIL, NEW)
    harness.now = 89
    assert await harness.look(FAIL, NEW) is TargetState.INITIAL
    harness.now = 90
    assert await harness.look(FAIL, NEW) is TargetState.UNHEALTHY
    assert harness.members(OWN) == 1


async def test_an_unhealthy_targets_code_is_requested_once_and_reported(harness: Harness) -> None:
    harness.load_balancer.register(GROUP, TARGET)
    await harness.look(PASS, NEW)
    await harness.look(PASS, OWN)
    for _ in range(3):
        assert await harness.look(FAIL, OWN) is TargetState.UNHEALTHY
    health = harness.load_balancer.health(GROUP, TARGET)
    assert health.reason == "Target.ResponseCodeMismatch"
    assert health.description == "Health checks failed with these codes: [404]"
    assert harness.asked == 1


async def test_a_target_that_recovered_before_the_request_has_no_code(harness: Harness) -> None:
    harness.code = 200
    harness.load_balancer.register(GROUP, TARGET)
    await harness.look(PASS, NEW)
    assert await harness.look(FAIL, OWN) is TargetState.UNHEALTHY
    assert await harness.look(FAIL, OWN) is TargetState.UNHEALTHY
    assert harness.load_balancer.health(GROUP, TARGET).description == "Health checks failed"
    assert harness.asked == 1


async def test_a_silent_target_times_out(harness: Harness) -> None:
    harness.load_balancer.register(GROUP, TARGET)
    await harness.look(PASS, NEW)
    await harness.look(TIMEOUT, OWN)
    assert harness.load_balancer.health(GROUP, TARGET).reason == "Target.Timeout"
    assert harness.asked == 0


async def test_a_target_keeps_its_health_while_the_proxy_restarts(harness: Harness) -> None:
    harness.load_balancer.register(GROUP, TARGET)
    await harness.look(PASS, NEW)
    await harness.look(PASS, OWN)
    assert await harness.look(None) is TargetState.HEALTHY


async def test_a_deregistered_target_drains_outside_the_rotation_until_it_is_forgotten(
    harness: Harness,
) -> None:
    harness.load_balancer.register(GROUP, TARGET)
    await harness.look(PASS, NEW)
    await harness.look(PASS, OWN)
    harness.load_balancer.deregister(GROUP, TARGET)
    assert await harness.look(PASS, OWN) is TargetState.DRAINING
    assert harness.members(OWN) == 0
    harness.load_balancer.forget(GROUP, TARGET)
    assert await harness.look() is TargetState.UNUSED
    assert harness.load_balancer.targets(GROUP) == {}


async def test_a_target_of_a_group_that_no_listener_uses_is_unused(harness: Harness) -> None:
    del harness.cloud.outputs[LISTENER, HTTP]
    harness.load_balancer.register(GROUP, TARGET)
    assert await harness.look() is TargetState.UNUSED
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
    assert await harness.look(FAIL, NEW) is TargetState.INITIAL
    assert harness.members(NEW) == 1


async def test_the_proxy_gets_only_changes(harness: Harness) -> None:
    await harness.look()
    await harness.look()
    assert len(harness.proxy.applied) == 1
    harness.load_balancer.register(GROUP, TARGET)
    await harness.look()
    assert len(harness.proxy.applied) == 2


async def test_a_listener_that_the_proxy_cannot_open_says_why_until_it_can_and_others_do_not(
    harness: Harness,
) -> None:
    harness.cloud.outputs[LISTENER, "other"] = {**harness.cloud.outputs[LISTENER, HTTP], "port": 81}
    harness.proxy.refuses = {"other"}
    for _ in range(2):
        with pytest.raises(EnvoyError):
            await harness.look()
        assert (
            harness.load_balancer.listen_error("other"),
            harness.load_balancer.listen_error(HTTP),
        ) == (
            "cannot bind",
            "",
        )
    harness.proxy.refuses = set()
    await harness.look()
    assert harness.load_balancer.listen_error("other") == ""


async def test_the_proxy_runs_as_long_as_there_is_a_listener(harness: Harness) -> None:
    listener = harness.cloud.outputs[LISTENER, HTTP]
    states = []
    for there in (False, True, False, True):
        harness.cloud.outputs[LISTENER, HTTP] = listener
        if not there:
            del harness.cloud.outputs[LISTENER, HTTP]
        await harness.look()
        states.append(harness.proxy.state)
    assert states == ["new", "running", "closed", "running"]


async def test_a_listener_for_https_serves_a_certificate_that_is_issued_for_it(
    harness: Harness,
) -> None:
    more = {
        "protocol": "HTTPS",
        "port": 443,
        "certificateArn": "arn:aws:acm:eu-west-1:123456789012:certificate/1",
    }
    harness.cloud.outputs[LISTENER, "https"] = {**harness.cloud.outputs[LISTENER, HTTP], **more}
    await harness.look()
    assert harness.issued == [(harness.addresses.load_balancer(ALB).address,)]
    assert "/project/.local/ca/1.pem" in str(harness.proxy.applied[-1]["listeners.json"])


async def test_a_deleted_load_balancer_gives_its_address_back(harness: Harness) -> None:
    address = harness.addresses.load_balancer(ALB).address
    await harness.look()
    for key in [(LISTENER, HTTP), (LOAD_BALANCER, ALB)]:
        del harness.cloud.outputs[key]
    await harness.look()
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
    await harness.look()
    harness.load_balancer.register(GROUP, TARGET)
    await harness.look()
    before, after = harness.proxy.applied
    compiled = [name for name in after if after[name] is not before[name]]
    endpoints = [name for name in compiled if name.startswith("endpoints")]
    assert endpoints == ["endpoints-web_3.json", "endpoints-web_3_new.json"]
    clusters = zip(before["clusters.json"], after["clusters.json"], strict=True)
    assert [new["name"] for old, new in clusters if new is not old] == [OWN, NEW]
    monkeypatch.setattr("localaws.alb.load_balancers.compile_files", None)  # it isn't even called
    await harness.look()


SECOND, THIRD = Endpoint("127.99.0.2", 80), Endpoint("127.99.0.3", 80)


async def test_a_target_that_joins_a_healthy_one_starts_slowly_and_the_first_ones_dont(
    harness: Harness,
) -> None:
    harness.cloud.outputs[TARGET_GROUP, GROUP]["slowStart"] = 30.0

    async def look(**verdicts: CheckResult) -> None:
        """Sync with these verdicts on targets by number, wherever they are checked."""
        known = {"a": TARGET, "b": SECOND, "c": THIRD}
        harness.proxy.verdicts = {}
        for name, verdict in verdicts.items():
            for cluster in (NEW, OWN):
                harness.proxy.verdicts[cluster, known[name]] = verdict
        await harness.load_balancer.sync()

    def weights() -> dict[str, int | None]:
        resources = itertools.chain.from_iterable(harness.proxy.applied[-1].values())
        (assignment,) = [each for each in resources if each.get("cluster_name") == OWN]
        return {
            each["endpoint"]["address"]["socket_address"]["address"][-1]: each.get(
                "load_balancing_weight"
            )
            for each in assignment["endpoints"][0]["lb_endpoints"]
        }

    for each in (TARGET, SECOND):
        harness.load_balancer.register(GROUP, each)
    await look(a=PASS)
    await look(a=PASS)
    harness.now = 5
    await look(a=PASS, b=PASS)
    await look(a=PASS, b=PASS)
    assert weights() == {"1": None, "2": None}, "both were registered with an empty group"

    harness.load_balancer.register(GROUP, THIRD)
    harness.now = 10
    await look(a=PASS, b=PASS, c=PASS)
    await look(a=PASS, b=PASS, c=PASS)
    assert weights() == {"1": 100, "2": 100, "3": 1}
    harness.now = 25
    await look(a=PASS, b=PASS, c=PASS)
    assert weights()["3"] == 50
    harness.now = 40
    await look(a=PASS, b=PASS, c=PASS)
    assert weights() == {"1": None, "2": None, "3": None}

    # One that fails starts slowly again, beside others that are warm.
    await look(a=PASS, b=PASS, c=TIMEOUT)
    await look(a=PASS, b=PASS, c=PASS)
    harness.now = 46
    await look(a=PASS, b=PASS, c=PASS)
    assert weights() == {"1": 100, "2": 100, "3": 20}
    await look(a=TIMEOUT, b=TIMEOUT, c=TIMEOUT)
    await look(a=PASS, b=TIMEOUT, c=TIMEOUT)
    assert weights() == {"1": None, "2": None, "3": None}, "there was no warm one left"

    # Without the attribute nothing starts slowly.
    await look(a=PASS, b=PASS, c=PASS)
    assert weights()["2"] == 1
    del harness.cloud.outputs[TARGET_GROUP, GROUP]["slowStart"]
    await look(a=PASS, b=PASS, c=PASS)
    assert weights() == {"1": None, "2": None, "3": None}
