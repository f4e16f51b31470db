"""Host ports of an instance: those that a task's containers get, and their release."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest

from localaws.ec2.fleet import Instance, Template
from localaws.ecs.tasks.runtime import ContainerSpec, TaskSpec, TaskStartError
from localaws.ecs.tasks.task_network import Bridges, OnBridge
from localaws.vpc.instances import BridgedContainer, NoSuchInstanceError
from localaws.vpc.model import Interface

if TYPE_CHECKING:
    from collections.abc import Mapping

PORTS = (32768, 32770)
INSTANCE = Instance(
    id="i-1",
    container_instance="c",
    group="g",
    subnet="subnet-a",
    zone="a",
    template=Template(
        version="1",
        instance_type="t3.small",
        cpu=2048,
        memory=1901,
        architecture="X86_64",
        cluster="c",
        ports=PORTS,
    ),
    launched_at=0,
    address="10.0.0.4",
)


class Networks:
    """Instances whose networks are only recorded."""

    def __init__(self) -> None:
        self.there: dict[str, Mapping[int, int]] = {}
        self.fails_at = ""

    async def boot(self, identifier: str, **_: Any) -> None:
        assert identifier == "i-1"

    async def terminate(self, identifier: str) -> None:
        assert identifier == "i-1"

    def interface(self, identifier: str) -> Interface:
        if identifier != "i-1":
            raise NoSuchInstanceError(f"instance {identifier} doesn't run")
        return Interface("i-1", "vpc-1", "subnet-a", "10.0.0.4")

    async def connect(self, _: str, network: str, ports: Mapping[int, int]) -> BridgedContainer:
        if network == self.fails_at:
            raise NoSuchInstanceError("it has just ended")
        self.there[network] = dict(ports)
        return BridgedContainer(network, f"172.17.0.{len(self.there) + 1}", ports)

    async def disconnect(self, _: str, network: str) -> None:
        del self.there[network]


def task(name: str, *containers: ContainerSpec, instance: str = "i-1") -> TaskSpec:
    return TaskSpec(id=name, hostname="", containers=containers, instance=instance)


def web(host_port: int = 0, name: str = "web") -> ContainerSpec:
    return ContainerSpec(name=name, image="i", host_ports={4567: host_port}, hostname="0123")


@pytest.fixture
def networks() -> Networks:
    return Networks()


@pytest.fixture
async def bridges(networks: Networks) -> Bridges:
    """The bridge of one instance."""
    bridges = Bridges(cast("Any", networks))
    await bridges.boot(INSTANCE)
    return bridges


async def test_a_task_gets_the_next_ports_of_the_range_and_a_namespace_for_each_container(
    bridges: Bridges, networks: Networks
) -> None:
    first = await bridges.connect(task("a", web(), web(name="side")))
    assert first.host_ports == {("web", 4567): 32768, ("side", 4567): 32769}
    assert networks.there == {"a-0": {32768: 4567}, "a-1": {32769: 4567}}
    assert first.namespace(web(name="side")) == "a-1"
    assert first.host(web()) == ("0123", "172.17.0.2")
    second = await bridges.connect(task("b", web()))
    assert second.host_ports == {("web", 4567): 32770}


async def test_a_task_without_a_free_port_fails_with_the_agents_message_and_leaves_nothing(
    bridges: Bridges, networks: Networks
) -> None:
    held: list[OnBridge] = [await bridges.connect(task(name, web())) for name in "ab"]
    with pytest.raises(TaskStartError, match="a host port is unavailable"):
        await bridges.connect(task("c", web(), web(name="side")))
    assert networks.there.keys() == {"a-0", "b-0"}
    await held[0].release()
    assert (await bridges.connect(task("d", web(), web(name="side")))).host_ports == {
        ("web", 4567): 32768,
        ("side", 4567): 32770,
    }, "after the end of the range, ports from its beginning are used"


async def test_the_ports_of_a_container_that_gets_too_few_are_free_again(
    bridges: Bridges, networks: Networks
) -> None:
    # One port more than the range has
    many = ContainerSpec(name="web", image="i", host_ports=dict.fromkeys(range(80, 84), 0))
    with pytest.raises(TaskStartError, match="a host port is unavailable"):
        await bridges.connect(task("a", many))
    for name in "bcd":
        await bridges.connect(task(name, web()))
    assert networks.there.keys() == {"b-0", "c-0", "d-0"}


async def test_a_configured_host_port_is_used_once(bridges: Bridges, networks: Networks) -> None:
    await bridges.connect(task("a", web(80)))
    assert networks.there == {"a-0": {80: 4567}}
    with pytest.raises(TaskStartError, match="host port 80 is already in use"):
        await bridges.connect(task("b", web(80)))


async def test_a_task_fails_and_keeps_no_port_if_its_instance_ends_meanwhile(
    bridges: Bridges, networks: Networks
) -> None:
    networks.fails_at = "a-1"
    with pytest.raises(TaskStartError, match="it has just ended"):
        await bridges.connect(task("a", web(), web(name="side")))
    assert not networks.there
    for name in "bcd":
        await bridges.connect(task(name, web()))
    with pytest.raises(TaskStartError, match="instance i-2 doesn't run"):
        await bridges.connect(task("e", web(), instance="i-2"))
