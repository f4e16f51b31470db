"""Target health, from what a proxy's health checks would say, under a fake clock."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from localaws.account.cloud import Cloud
from localaws.alb.edge import LocalEdge
from localaws.alb.envoy import EnvoyError, Verdict
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
PASS, FAIL, TIMEOUT = Verdict(True, False), Verdict(False, False), Verdict(False, True)  # noqa: FBT003


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
        self.verdicts: dict[tuple[str, Endpoint], Verdict] = {}
        self.applied: list[Mapping[str, Any]] = []
        self.state = "new"
        self.refuses: set[str] = set()
        """Listeners that it can't open."""

    async def apply(self, files: Mapping[str, Any]) -> None:
        if self.refuses & {each["name"] for each in files["listeners.json"]}:
            raise EnvoyError("cannot bind")
        self.applied.append(files)
        self.state = "running"

    async def health(self) -> Mapping[tuple[str, Endpoint], Verdict]:
        return self.verdicts

    async def requests(self) -> Mapping[str, int]:
        return {}

    async def traffic(self) -> Traffic:
        return Traffic()

    async def listening(self) -> Container[str]:
        return AllExcept(*self.refuses)

    async def close(self) -> None:
        self.state = "closed"


class Stage:
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
        return Served(Path("/home/ca/1.pem"), Path("/home/ca/1.key"))

    async def _status_of(self, address: str, port: int, path: str) -> int:
        assert (address, port, path) == (TARGET.address, TARGET.port, "/")
        self.asked += 1
        return self.code

    async def look(self, verdict: Verdict | None = None, room: str = "") -> TargetState:
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
def stage(tmp_path: Any) -> Stage:
    return Stage(tmp_path)


async def test_a_new_target_is_initial_and_gets_no_requests(stage: Stage) -> None:
    stage.load_balancer.register(GROUP, TARGET)
    assert await stage.look() is TargetState.INITIAL
    assert stage.load_balancer.health(GROUP, TARGET).reason == "Elb.RegistrationInProgress"
    assert await stage.look(FAIL, NEW) is TargetState.INITIAL
    assert stage.load_balancer.health(GROUP, TARGET).reason == "Elb.InitialHealthChecking"
    assert (stage.members(NEW), stage.members(OWN)) == (1, 0)


async def test_one_pass_makes_a_new_target_healthy(stage: Stage) -> None:
    stage.load_balancer.register(GROUP, TARGET)
    await stage.look(PASS, NEW)
    assert (stage.members(NEW), stage.members(OWN)) == (0, 1)
    assert await stage.look(PASS, OWN) is TargetState.HEALTHY


async def test_a_new_target_that_never_passes_is_unhealthy_after_the_threshold_and_fails_open(
    stage: Stage,
) -> None:
    stage.load_balancer.register(GROUP, TARGET)
    await stage.look(FAIL, NEW)
    stage.now = 89
    assert await stage.look(FAIL, NEW) is TargetState.INITIAL
    stage.now = 90
    assert await stage.look(FAIL, NEW) is TargetState.UNHEALTHY
    assert stage.members(OWN) == 1


async def test_an_unhealthy_targets_code_is_requested_once_and_reported(stage: Stage) -> None:
    stage.load_balancer.register(GROUP, TARGET)
    await stage.look(PASS, NEW)
    await stage.look(PASS, OWN)
    for _ in range(3):
        assert await stage.look(FAIL, OWN) is TargetState.UNHEALTHY
    health = stage.load_balancer.health(GROUP, TARGET)
    assert health.reason == "Target.ResponseCodeMismatch"
    assert health.description == "Health checks failed with these codes: [404]"
    assert stage.asked == 1


async def test_a_target_that_recovered_before_the_request_has_no_code(stage: Stage) -> None:
    stage.code = 200
    stage.load_balancer.register(GROUP, TARGET)
    await stage.look(PASS, NEW)
    assert await stage.look(FAIL, OWN) is TargetState.UNHEALTHY
    assert await stage.look(FAIL, OWN) is TargetState.UNHEALTHY
    assert stage.load_balancer.health(GROUP, TARGET).description == "Health checks failed"
    assert stage.asked == 1


async def test_a_silent_target_times_out(stage: Stage) -> None:
    stage.load_balancer.register(GROUP, TARGET)
    await stage.look(PASS, NEW)
    await stage.look(TIMEOUT, OWN)
    assert stage.load_balancer.health(GROUP, TARGET).reason == "Target.Timeout"
    assert stage.asked == 0


async def test_a_target_keeps_its_health_while_the_proxy_restarts(stage: Stage) -> None:
    stage.load_balancer.register(GROUP, TARGET)
    await stage.look(PASS, NEW)
    await stage.look(PASS, OWN)
    assert await stage.look(None) is TargetState.HEALTHY


async def test_a_deregistered_target_drains_outside_the_rotation_until_it_is_forgotten(
    stage: Stage,
) -> None:
    stage.load_balancer.register(GROUP, TARGET)
    await stage.look(PASS, NEW)
    await stage.look(PASS, OWN)
    stage.load_balancer.deregister(GROUP, TARGET)
    assert await stage.look(PASS, OWN) is TargetState.DRAINING
    assert stage.members(OWN) == 0
    stage.load_balancer.forget(GROUP, TARGET)
    assert await stage.look() is TargetState.UNUSED
    assert stage.load_balancer.targets(GROUP) == {}


async def test_a_target_of_a_group_that_no_listener_uses_is_unused(stage: Stage) -> None:
    del stage.cloud.outputs[LISTENER, HTTP]
    stage.load_balancer.register(GROUP, TARGET)
    assert await stage.look() is TargetState.UNUSED
    assert stage.proxy.applied == [], "no listener, no proxy"


async def test_a_group_that_only_a_rule_uses_is_in_use(stage: Stage) -> None:
    listener = stage.cloud.outputs[LISTENER, HTTP]
    listener["defaultActions"] = [
        {"type": "fixed-response", "fixedResponse": {"contentType": "text/plain"}}
    ]
    stage.cloud.outputs[LISTENER_RULE, "rule"] = {
        "listenerArn": HTTP,
        "priority": 10.0,
        "conditions": [{"pathPattern": {"values": ["/*"]}}],
        "actions": [
            {"type": "forward", "forward": {"targetGroups": [{"arn": GROUP, "weight": 1}]}}
        ],
    }
    stage.load_balancer.register(GROUP, TARGET)
    assert await stage.look(FAIL, NEW) is TargetState.INITIAL
    assert stage.members(NEW) == 1


async def test_the_proxy_gets_only_changes(stage: Stage) -> None:
    await stage.look()
    await stage.look()
    assert len(stage.proxy.applied) == 1
    stage.load_balancer.register(GROUP, TARGET)
    await stage.look()
    assert len(stage.proxy.applied) == 2


async def test_a_listener_that_the_proxy_cannot_open_says_why_until_it_can_and_others_do_not(
    stage: Stage,
) -> None:
    stage.cloud.outputs[LISTENER, "other"] = {**stage.cloud.outputs[LISTENER, HTTP], "port": 81}
    stage.proxy.refuses = {"other"}
    for _ in range(2):
        with pytest.raises(EnvoyError):
            await stage.look()
        assert (
            stage.load_balancer.listen_error("other"),
            stage.load_balancer.listen_error(HTTP),
        ) == (
            "cannot bind",
            "",
        )
    stage.proxy.refuses = set()
    await stage.look()
    assert stage.load_balancer.listen_error("other") == ""


async def test_the_proxy_runs_as_long_as_there_is_a_listener(stage: Stage) -> None:
    listener = stage.cloud.outputs[LISTENER, HTTP]
    states = []
    for there in (False, True, False, True):
        stage.cloud.outputs[LISTENER, HTTP] = listener
        if not there:
            del stage.cloud.outputs[LISTENER, HTTP]
        await stage.look()
        states.append(stage.proxy.state)
    assert states == ["new", "running", "closed", "running"]


async def test_a_listener_for_https_serves_a_certificate_that_is_issued_for_it(
    stage: Stage,
) -> None:
    more = {
        "protocol": "HTTPS",
        "port": 443,
        "certificateArn": "arn:aws:acm:eu-west-1:123456789012:certificate/1",
    }
    stage.cloud.outputs[LISTENER, "https"] = {**stage.cloud.outputs[LISTENER, HTTP], **more}
    await stage.look()
    assert stage.issued == [(stage.addresses.load_balancer(ALB).address,)]
    assert "/home/ca/1.pem" in str(stage.proxy.applied[-1]["listeners.json"])


async def test_a_deleted_load_balancer_gives_its_address_back(stage: Stage) -> None:
    address = stage.addresses.load_balancer(ALB).address
    await stage.look()
    for key in [(LISTENER, HTTP), (LOAD_BALANCER, ALB)]:
        del stage.cloud.outputs[key]
    await stage.look()
    assert stage.addresses.load_balancer("another").address == address


async def test_a_change_of_one_target_group_compiles_only_its_own_files_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(20):
        group = f"{PREFIX}:targetgroup/other{number}/{number}"
        check = {"interval": 30, "unhealthyThreshold": 3, "matcher": "200"}
        stage.cloud.outputs[TARGET_GROUP, group] = {"arn": group, "healthCheck": check}
        actions = [{"type": "forward", "targetGroupArn": group}]
        rule = {"listenerArn": HTTP, "priority": number, "actions": actions}
        stage.cloud.outputs[LISTENER_RULE, f"rule{number}"] = rule
    await stage.look()
    stage.load_balancer.register(GROUP, TARGET)
    await stage.look()
    before, after = stage.proxy.applied
    compiled = [name for name in after if after[name] is not before[name]]
    endpoints = [name for name in compiled if name.startswith("endpoints")]
    assert endpoints == ["endpoints-web_3.json", "endpoints-web_3_new.json"]
    clusters = zip(before["clusters.json"], after["clusters.json"], strict=True)
    assert [new["name"] for old, new in clusters if new is not old] == [OWN, NEW]
    monkeypatch.setattr("localaws.alb.load_balancers.compile_files", None)  # it isn't even called
    await stage.look()


SECOND, THIRD = Endpoint("127.99.0.2", 80), Endpoint("127.99.0.3", 80)


async def test_a_target_that_joins_a_healthy_one_starts_slowly_and_the_first_ones_dont(
    stage: Stage,
) -> None:
    stage.cloud.outputs[TARGET_GROUP, GROUP]["slowStart"] = 30.0

    async def look(**verdicts: Verdict) -> None:
        """Sync with these verdicts on targets by number, wherever they are checked."""
        known = {"a": TARGET, "b": SECOND, "c": THIRD}
        stage.proxy.verdicts = {}
        for name, verdict in verdicts.items():
            for cluster in (NEW, OWN):
                stage.proxy.verdicts[cluster, known[name]] = verdict
        await stage.load_balancer.sync()

    def weights() -> dict[str, int | None]:
        resources = itertools.chain.from_iterable(stage.proxy.applied[-1].values())
        (assignment,) = [each for each in resources if each.get("cluster_name") == OWN]
        return {
            each["endpoint"]["address"]["socket_address"]["address"][-1]: each.get(
                "load_balancing_weight"
            )
            for each in assignment["endpoints"][0]["lb_endpoints"]
        }

    for each in (TARGET, SECOND):
        stage.load_balancer.register(GROUP, each)
    await look(a=PASS)
    await look(a=PASS)
    stage.now = 5
    await look(a=PASS, b=PASS)
    await look(a=PASS, b=PASS)
    assert weights() == {"1": None, "2": None}, "both were registered with an empty group"

    stage.load_balancer.register(GROUP, THIRD)
    stage.now = 10
    await look(a=PASS, b=PASS, c=PASS)
    await look(a=PASS, b=PASS, c=PASS)
    assert weights() == {"1": 100, "2": 100, "3": 1}
    stage.now = 25
    await look(a=PASS, b=PASS, c=PASS)
    assert weights()["3"] == 50
    stage.now = 40
    await look(a=PASS, b=PASS, c=PASS)
    assert weights() == {"1": None, "2": None, "3": None}

    # One that fails starts slowly again, beside others that are warm.
    await look(a=PASS, b=PASS, c=TIMEOUT)
    await look(a=PASS, b=PASS, c=PASS)
    stage.now = 46
    await look(a=PASS, b=PASS, c=PASS)
    assert weights() == {"1": 100, "2": 100, "3": 20}
    await look(a=TIMEOUT, b=TIMEOUT, c=TIMEOUT)
    await look(a=PASS, b=TIMEOUT, c=TIMEOUT)
    assert weights() == {"1": None, "2": None, "3": None}, "there was no warm one left"

    # Without the attribute nothing starts slowly.
    await look(a=PASS, b=PASS, c=PASS)
    assert weights()["2"] == 1
    del stage.cloud.outputs[TARGET_GROUP, GROUP]["slowStart"]
    await look(a=PASS, b=PASS, c=PASS)
    assert weights() == {"1": None, "2": None, "3": None}
