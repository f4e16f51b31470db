"""Load balancers that listen in different networks, with a proxy for each network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from localaws.alb.edge import Front
from localaws.alb.load_balancers import LoadBalancers, NotSynchronizedError
from localaws.alb.targets import Endpoint, TargetState
from localaws.catalog.elb.listeners import LISTENER
from localaws.catalog.elb.load_balancers import LOAD_BALANCER
from localaws.catalog.elb.target_groups import TARGET_GROUP
from localaws.machine.addresses import Addresses, NoAddressError
from localaws.machine.processes import CannotStartError
from tests.localaws.alb.scripted_proxy import FAIL, FewResources, ScriptedProxy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from localaws.alb.model import Listener
    from localaws.catalog.account import Resource

ADDRESSES = {"a": ("10.0.0.9", "2001:db8:1::9"), "b": ("10.0.0.9",)}
TARGET = Endpoint("10.0.1.4", 80)


class ScriptedEdge:
    """Each load balancer in a network that is named after it."""

    def __init__(self) -> None:
        self.followed: list[str] = []
        self.without_address: dict[str, str] = {}
        self.cannot_show = ""
        """The ARN of a listener."""

        self.shown: list[str] = []
        self.hidden: dict[str, str] = {}
        self.leaving: tuple[str, ...] = ()
        self.checks: list[tuple[Front, str, int, str]] = []
        """The requests of health checks' paths, by the load balancer itself."""

    async def follow(self, load_balancers: Sequence[Resource]) -> dict[str, str]:
        self.followed = [each.id for each in load_balancers]
        return self.without_address

    def front(self, load_balancer: Resource) -> Front:
        if load_balancer.id in self.without_address:
            return Front()
        return Front(f"vpc-{load_balancer.id}", ADDRESSES[load_balancer.id], self.leaving)

    async def release(self) -> bool:
        released = bool(self.leaving)
        self.leaving = ()
        return released

    def why_not_shown(self, listener: Listener) -> str:
        return self.hidden.get(listener.arn, "")

    def outside(self, load_balancer: Resource) -> dict[str, str]:
        found = {"203.0.113.1": "127.0.3.1", "203.0.113.2": "127.0.3.2"}
        return found if load_balancer.id == "a" else {}

    async def show(self, listeners: Sequence[Listener]) -> None:
        if self.cannot_show in [each.arn for each in listeners]:
            raise NoAddressError("no loopback address is free")
        self.shown += [each.arn for each in listeners]

    async def connect(self, *_: Any) -> Any:
        raise AssertionError("no rule authenticates")

    async def status_of(self, front: Front, address: str, port: int, path: str, **how: Any) -> int:
        self.checks.append((front, address, port, path))
        return 404


class TwoNetworks:
    """Two load balancers, each with a listener and a target group."""

    def __init__(self, directory: Path) -> None:
        self.cloud = FewResources()
        self.cloud.outputs.clear()
        for name in ADDRESSES:
            forward = {"type": "forward", "targetGroupArn": f"group-{name}"}
            self.cloud.outputs |= {
                (LOAD_BALANCER, name): {"arn": name},
                (LISTENER, f"listener-{name}"): {
                    "loadBalancerArn": name,
                    "port": 80.0,
                    "protocol": "HTTP",
                    "defaultActions": [forward],
                },
                (TARGET_GROUP, f"group-{name}"): {"arn": f"group-{name}", "healthCheck": {}},
            }
        self.proxies: dict[str, ScriptedProxy] = {}
        self.edge = ScriptedEdge()
        self.now = 0.0
        self.load_balancers = LoadBalancers(
            self.cloud,
            Addresses(directory),
            self._proxy,
            lambda network: Path("/envoy") / network,
            edge=self.edge,
            clock=lambda: self.now,
            issue=lambda _: pytest.fail("nothing speaks HTTPS"),
        )

    def _proxy(self, network: str) -> ScriptedProxy:
        return self.proxies.setdefault(network, ScriptedProxy())

    async def sync(self) -> None:
        await self.load_balancers.sync()

    def file(self, network: str, name: str) -> list[dict[str, Any]]:
        """Return the file with this name that a network's proxy took last."""
        return list(self.proxies[network].applied[-1][name])


@pytest.fixture
def networks(tmp_path: Path) -> TwoNetworks:
    return TwoNetworks(tmp_path)


async def test_load_balancers_have_the_addresses_of_the_edge(
    networks: TwoNetworks,
) -> None:
    await networks.sync()
    found = {each["addresses"]: each["publicAddress"] for each in networks.load_balancers.where()}
    assert found == {"10.0.0.9, 2001:db8:1::9": "203.0.113.1, 203.0.113.2", "10.0.0.9": ""}
    shown = [each["shownAt"] for each in networks.load_balancers.where()]
    assert "127.0.3.1, 127.0.3.2" in shown


async def test_only_changed_listeners_are_shown_again(networks: TwoNetworks) -> None:
    await networks.sync()
    networks.edge.shown.clear()
    networks.load_balancers.register("group-a", TARGET)
    await networks.sync()
    assert len(networks.proxies["vpc-a"].applied) == 2
    assert networks.edge.shown == []
    before = networks.cloud.outputs[LISTENER, "listener-a"]
    networks.cloud.outputs[LISTENER, "listener-a"] = {**before, "port": 81.0}
    await networks.sync()
    assert networks.edge.shown == ["listener-a"]


async def test_each_network_has_a_proxy_with_its_own_load_balancers(networks: TwoNetworks) -> None:
    await networks.sync()
    assert networks.edge.followed == ["a", "b"]
    assert networks.edge.shown == ["listener-a", "listener-b"]
    for name, addresses in ADDRESSES.items():
        opened = {each["name"] for each in networks.file(f"vpc-{name}", "listeners.json")}
        assert opened == {f"listener-{name}@{each}" for each in addresses}
        clusters = networks.file(f"vpc-{name}", "clusters.json")
        assert {each["name"] for each in clusters} == {f"group-{name}", f"group-{name}/new"}


async def test_a_listener_has_its_own_port_on_every_address_of_its_load_balancer(
    networks: TwoNetworks,
) -> None:
    await networks.sync()
    listeners = networks.file("vpc-a", "listeners.json")
    found = [each["address"]["socket_address"] for each in listeners]
    assert found == [{"address": each, "port_value": 80} for each in ADDRESSES["a"]]


async def test_an_address_in_a_subnet_that_was_left_is_listened_at_until_it_is_released(
    networks: TwoNetworks,
) -> None:
    networks.edge.leaving = ("10.0.0.7",)
    await networks.sync()
    assert "10.0.0.7" in str(networks.file("vpc-b", "listeners.json"))
    await networks.sync()
    assert "10.0.0.7" not in str(networks.file("vpc-b", "listeners.json"))


async def test_connections_to_targets_come_from_their_load_balancers_address(
    networks: TwoNetworks,
) -> None:
    await networks.sync()
    for cluster in networks.file("vpc-b", "clusters.json"):
        assert cluster["upstream_bind_config"]["source_address"]["address"] == "10.0.0.9"


async def test_the_proxy_of_a_network_without_listeners_stops(networks: TwoNetworks) -> None:
    await networks.sync()
    del networks.cloud.outputs[LISTENER, "listener-a"]
    await networks.sync()
    assert [networks.proxies[each].state for each in ("vpc-a", "vpc-b")] == ["closed", "running"]


async def test_a_proxy_that_refuses_does_not_keep_the_others_from_theirs(
    networks: TwoNetworks,
) -> None:
    refusing = networks._proxy("vpc-a")
    refusing.refuses.add("listener-a")
    with pytest.raises(NotSynchronizedError, match="cannot bind"):
        await networks.sync()
    assert networks.proxies["vpc-b"].state == "running"
    assert networks.load_balancers.listen_error("listener-a") == "cannot bind"
    assert networks.load_balancers.listen_error("listener-b") == ""
    refusing.refuses.clear()
    await networks.sync()
    assert networks.load_balancers.listen_error("listener-a") == ""
    assert sorted(networks.edge.shown) == ["listener-a", "listener-b"]


async def test_a_proxy_that_does_not_start_does_not_keep_the_others_from_theirs(
    networks: TwoNetworks, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(_: object) -> None:
        raise CannotStartError("no such network namespace")

    monkeypatch.setattr(networks._proxy("vpc-a"), "apply", fail)
    with pytest.raises(NotSynchronizedError, match="no such network namespace"):
        await networks.sync()
    assert networks.proxies["vpc-b"].state == "running"
    problems = [networks.load_balancers.problem(each) for each in ("a", "b")]
    assert problems == ["no such network namespace", ""]


async def test_a_synchronization_that_fails_as_a_whole_is_a_problem_of_every_load_balancer(
    networks: TwoNetworks,
) -> None:
    await networks.sync()
    listener = networks.cloud.outputs[LISTENER, "listener-a"]
    networks.cloud.outputs[LISTENER, "listener-a"] = {**listener, "port": "eighty"}
    with pytest.raises(ValueError, match="eighty"):
        await networks.sync()
    for name in ADDRESSES:
        assert "eighty" in networks.load_balancers.problem(name)
    networks.cloud.outputs[LISTENER, "listener-a"] = listener
    await networks.sync()
    assert [networks.load_balancers.problem(each) for each in ("a", "b")] == ["", ""]


async def test_a_load_balancer_without_an_address_does_not_keep_the_others_from_theirs(
    networks: TwoNetworks,
) -> None:
    networks.edge.without_address = {"a": "subnet 10.0.0.0/28 has no free address"}
    for _ in range(2):
        with pytest.raises(NotSynchronizedError, match=r"^subnet 10\.0\.0\.0/28 has no free"):
            await networks.sync()
        assert networks.load_balancers.address_error("a").startswith("subnet 10.0.0.0/28")
        assert networks.load_balancers.address_error("b") == ""
        assert networks.load_balancers.problem("a").startswith("subnet 10.0.0.0/28")
        assert networks.load_balancers.problem("b") == ""
        assert networks.proxies.keys() == {"vpc-b"}
        assert networks.edge.shown == ["listener-b"]
    networks.edge.without_address = {}
    await networks.sync()
    assert networks.load_balancers.address_error("a") == ""
    assert networks.load_balancers.problem("a") == ""
    assert networks.edge.shown == ["listener-b", "listener-a"]


async def test_every_reason_is_reported(networks: TwoNetworks) -> None:
    networks.edge.without_address = {"a": "subnet 10.0.0.0/28 has no free address"}
    networks._proxy("vpc-b").refuses.add("listener-b")
    with pytest.raises(NotSynchronizedError, match=r"no free address; cannot bind"):
        await networks.sync()


async def test_a_listener_that_is_not_shown_keeps_no_other_from_it_and_is_shown_later(
    networks: TwoNetworks,
) -> None:
    networks.edge.cannot_show = "listener-a"
    for _ in range(2):
        with pytest.raises(NotSynchronizedError, match="no loopback address is free"):
            await networks.sync()
        assert networks.edge.shown == ["listener-b"]
    networks.edge.cannot_show = ""
    await networks.sync()
    assert networks.edge.shown == ["listener-b", "listener-a"]


async def test_a_listener_that_this_machine_cannot_show_is_one_that_takes_no_connections(
    networks: TwoNetworks,
) -> None:
    await networks.sync()
    networks.edge.hidden["listener-b"] = "Address already in use"
    assert networks.load_balancers.listen_error("listener-a") == ""
    assert networks.load_balancers.listen_error("listener-b") == "Address already in use"


async def test_the_code_of_a_failed_check_is_found_from_where_the_load_balancer_is(
    networks: TwoNetworks,
) -> None:
    networks.load_balancers.register("group-b", TARGET)
    await networks.sync()
    networks.proxies["vpc-b"].verdicts = {("group-b/new", TARGET): FAIL}
    networks.now = 1000.0  # longer than a target may be initial
    await networks.sync()
    networks.proxies["vpc-b"].verdicts = {("group-b", TARGET): FAIL}
    await networks.sync()
    assert networks.load_balancers.health("group-b", TARGET).state is TargetState.UNHEALTHY
    assert networks.edge.checks == [(Front("vpc-b", ("10.0.0.9",)), "10.0.1.4", 80, "/")]
