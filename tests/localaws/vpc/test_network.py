"""What is run when the cloud changes, and what isn't."""

from __future__ import annotations

import asyncio
import re
import socket
import time
from typing import TYPE_CHECKING

import pytest

from localaws.machine.processes import CommandFailedError
from localaws.vpc.network import INTERNET, OPEN, REFUSED, Network
from tests.localaws.vpc.recording_launcher import RecordingLauncher, Run
from tests.localaws.vpc.records import ANYWHERE, Records, interface

if TYPE_CHECKING:
    from localaws.vpc.model import Interface


class Harness:
    """The network of a VPC with a subnet and a group, and a launcher that records."""

    def __init__(self) -> None:
        self.records = Records()
        self.vpc = self.records.vpc()
        self.gateway = self.records.internet_gateway(self.vpc)
        self.table = self.records.table(self.vpc)
        self.subnet = self.records.subnet(self.vpc, "10.0.0.0/24", self.table)
        self.group = self.records.group(self.vpc, "web")
        self.launcher = RecordingLauncher()
        self.network = Network(self.launcher, self.records.cloud)


@pytest.fixture
async def harness() -> Harness:
    """A network that has started; what that has run is forgotten."""
    harness = Harness()
    await harness.network.start()
    harness.launcher.take_runs()
    return harness


async def test_nothing_is_run_without_a_change(harness: Harness) -> None:
    await harness.network.attach(interface("eni-1", harness.subnet, "10.0.0.9", harness.group))
    harness.launcher.take_runs()
    await harness.network.follow()
    await harness.network.attach(interface("eni-1", harness.subnet, "10.0.0.9", harness.group))
    assert harness.launcher.take_runs() == []


async def test_an_interface_only_adds_elements_to_sets(harness: Harness) -> None:
    await harness.network.attach(interface("eni-1", harness.subnet, "10.0.0.9", harness.group))
    (change,) = [run for run in harness.launcher.take_runs() if run.program == "nft"]
    assert change.network == "vpc-1"
    assert all(line.startswith("add element ") for line in change.feed.splitlines())


async def test_a_change_of_rules_is_one_script_and_nothing_else(harness: Harness) -> None:
    await harness.network.attach(interface("eni-1", harness.subnet, "10.0.0.9", harness.group))
    harness.launcher.take_runs()
    harness.records.ingress(harness.group, ports=80, **ANYWHERE)
    harness.records.ingress(harness.group, ports=81, **ANYWHERE)
    await harness.network.follow()
    (change,) = harness.launcher.take_runs()
    assert (change.program, change.network) == ("nft", "vpc-1")
    assert change.feed.startswith("table inet vpc\ndelete table inet vpc\n")
    assert "tcp dport 80-80 return" in change.feed
    assert "{ 10.0.0.9 }" in change.feed


async def test_a_new_route_changes_only_that_route(harness: Harness) -> None:
    harness.records.route(harness.table, "0.0.0.0/0", gatewayId=harness.gateway.id)
    await harness.network.follow()
    (change,) = harness.launcher.take_runs()
    via = "0.0.0.0/0 via 169.254.0.1 dev internet onlink table 101"
    assert change == Run("ip", "vpc-1", f"route replace {via}\n")


async def test_another_group_of_an_interface_changes_elements_in_one_step() -> None:
    harness = Harness()
    other = harness.records.group(harness.vpc, "other")
    await harness.network.start()
    await harness.network.attach(interface("eni-1", harness.subnet, "10.0.0.9", harness.group))
    harness.launcher.take_runs()
    await harness.network.attach(interface("eni-1", harness.subnet, "10.0.0.9", other))
    (change,) = harness.launcher.take_runs()
    group = other.id.replace("-", "_")
    assert change.program == "nft"
    assert f"add element inet vpc {group}_4 {{ 10.0.0.9 }}" in change.feed
    verbs = [line.split()[0] for line in change.feed.splitlines()]
    assert verbs == sorted(verbs, reverse=True), "elements are deleted before others are added"


async def test_a_deleted_vpc_takes_its_namespaces_with_it_and_no_others() -> None:
    harness = Harness()
    other = harness.records.vpc()
    subnet = harness.records.subnet(other, "10.0.0.0/24")
    await harness.network.start()
    await harness.network.attach(interface("eni-1", harness.subnet, "10.0.0.9"))
    await harness.network.attach(interface("eni-2", subnet, "10.0.0.9"))
    harness.launcher.take_runs()
    harness.records.remove(subnet)
    harness.records.remove(other)
    await harness.network.follow()
    assert harness.launcher.take_runs() == [
        Run("ip", None, "netns delete eni-2\n"),
        Run(
            "ip",
            None,
            "link delete internet2\nlink delete egress2\nlink delete services2\n"
            "netns delete vpc-2\n",
        ),
    ]


async def test_interfaces_may_share_a_namespace_until_the_last_one_goes(harness: Harness) -> None:
    first = interface("alb-1", harness.subnet, "10.0.0.9")
    second = interface("alb-2", harness.subnet, "10.0.0.10")
    assert await harness.network.attach(first, "envoy") == "envoy"
    assert await harness.network.attach(second, "envoy") == "envoy"
    harness.launcher.take_runs()
    await harness.network.detach(first)
    after_one = {run.feed for run in harness.launcher.take_runs()}
    assert "addr delete 10.0.0.9/24 dev eth0\n" in after_one
    assert "netns delete envoy\n" not in after_one
    await harness.network.detach(second)
    after_both = {run.feed for run in harness.launcher.take_runs()}
    assert "netns delete envoy\n" in after_both


async def test_an_interface_of_a_subnet_made_since_is_attached(harness: Harness) -> None:
    later = harness.records.subnet(harness.vpc, "10.0.5.0/24")
    assert (await harness.network.attach(interface("eni-1", later, "10.0.5.9"))) == "eni-1"


async def test_an_interface_that_the_machine_refuses_leaves_nothing(harness: Harness) -> None:
    refused = interface("eni-1", harness.subnet, "10.0.0.9", public="203.0.113.5")
    harness.launcher.take_runs()
    harness.launcher.refused = "link add"
    with pytest.raises(CommandFailedError):
        await harness.network.attach(refused)
    harness.launcher.refused = ""
    assert Run("ip", None, "netns delete eni-1\n") in harness.launcher.take_runs()
    await harness.network.attach(interface("eni-2", harness.subnet, "10.0.0.9"))
    harness.launcher.take_runs()
    harness.records.ingress(harness.group, ports=80, **ANYWHERE)
    await harness.network.follow()
    text = "".join(run.feed for run in harness.launcher.take_runs())
    assert '"eni2" . 10.0.0.9' in text
    assert "eni1" not in text
    assert "203.0.113.5" not in text


def several(harness: Harness) -> list[Interface]:
    return [
        interface(f"eni-{number}", harness.subnet, f"10.0.0.{number}", harness.group)
        for number in (10, 11, 12)
    ]


def elements(launcher: RecordingLauncher) -> list[str]:
    """Return which addresses were added to sets, or deleted, since the last call."""
    found = []
    for run in launcher.take_runs():
        if run.program == "nft":
            found += re.findall(r"(add|delete) element inet vpc interfaces_4 { (\S+) }", run.feed)
    return [" ".join(each) for each in found]


async def test_interfaces_that_wait_come_and_go_in_one_script(harness: Harness) -> None:
    launcher = harness.launcher
    launcher.take_runs()
    launcher.scripts = 0
    await asyncio.gather(*map(harness.network.attach, several(harness)))
    tables = [run for run in launcher.runs if run.program == "nft"]
    assert len(tables) == 1, "one transaction of nft"
    attached = elements(launcher)
    await asyncio.gather(*map(harness.network.detach, several(harness)))
    detached = elements(launcher)
    assert attached == ["add 10.0.0.10", "add 10.0.0.11", "add 10.0.0.12"]
    assert detached == ["delete 10.0.0.10", "delete 10.0.0.11", "delete 10.0.0.12"]
    assert launcher.scripts == 2


async def test_one_interface_that_the_machine_refuses_holds_no_other_one_up(
    harness: Harness,
) -> None:
    harness.launcher.refused = "netns add eni-11\n"
    outcomes = await asyncio.gather(
        *map(harness.network.attach, several(harness)), return_exceptions=True
    )
    added = elements(harness.launcher)
    harness.records.ingress(harness.group, ports=80, **ANYWHERE)
    await harness.network.follow()
    (table,) = [run.feed for run in harness.launcher.take_runs() if run.program == "nft"]
    in_table = re.findall(r"interfaces_4 { (\S+) }", table)
    assert [outcomes[0], outcomes[2]] == ["eni-10", "eni-12"]
    assert isinstance(outcomes[1], CommandFailedError)
    assert added[-1] == "add 10.0.0.12"
    assert in_table == ["10.0.0.10", "10.0.0.12"]


@pytest.mark.parametrize("started", [False, True], ids=["in the queue", "in a script"])
async def test_a_cancelled_interface_leaves_nothing_and_holds_no_other_one_up(
    harness: Harness, *, started: bool
) -> None:
    expected = (
        ["add 10.0.0.10", "add 10.0.0.11", "delete 10.0.0.10"]
        if started
        else ["add 10.0.0.12", "add 10.0.0.11"]
    )
    harness.launcher.go_on.clear()
    harness.launcher.begun.clear()
    first, second, third = several(harness)
    if not started:  # these two wait for the script of another one
        blocking = asyncio.create_task(harness.network.attach(third))
        await harness.launcher.begun.wait()
    attached = [asyncio.create_task(harness.network.attach(each)) for each in (first, second)]
    await asyncio.sleep(0)  # both get to wait
    if started:
        await harness.launcher.begun.wait()
    attached[0].cancel()
    await asyncio.sleep(0)  # it gets to see that
    harness.launcher.go_on.set()
    if not started:
        await blocking
    assert await attached[1] == second.id
    with pytest.raises(asyncio.CancelledError):
        await attached[0]
    assert elements(harness.launcher) == expected


async def test_an_interface_that_comes_and_goes_at_once_is_gone(harness: Harness) -> None:
    first = several(harness)[0]
    harness.launcher.take_runs()
    await asyncio.gather(harness.network.attach(first), harness.network.detach(first))
    assert elements(harness.launcher) == ["add 10.0.0.10", "delete 10.0.0.10"]


async def test_what_failed_is_done_by_the_next_change(harness: Harness) -> None:
    harness.records.ingress(harness.group, ports=80, **ANYWHERE)
    harness.launcher.refused = "dport 80-80"
    with pytest.raises(CommandFailedError):
        await harness.network.follow()
    harness.launcher.refused = ""
    await harness.network.follow()
    assert any("dport 80-80" in run.feed for run in harness.launcher.take_runs())


class HostLauncher(RecordingLauncher):
    """Opens sockets of this machine."""

    async def open_socket(
        self,
        network: str | None,
        *,
        family: int,
        type: int,  # noqa: A002
        bind: tuple[str, int] | None = None,
        listen: int = 0,
    ) -> socket.socket:
        opened = socket.socket(family, type)
        opened.settimeout(0)
        return opened


@pytest.mark.parametrize(("listening", "expected"), [(True, OPEN), (False, REFUSED)])
async def test_an_answer_counts_that_came_while_the_machine_was_busy(
    *, listening: bool, expected: str
) -> None:
    async def be_busy() -> None:
        time.sleep(0.1)  # noqa: ASYNC251 — the point

    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        if listening:
            server.listen()
        port = server.getsockname()[1]
        network = Network(HostLauncher(), Records().cloud)
        connecting = network.connect(INTERNET, "127.0.0.1", port, 0.01)
        found, _ = await asyncio.gather(connecting, be_busy())
        assert found == expected


async def test_a_vpc_that_does_not_exist_is_an_error(harness: Harness) -> None:
    elsewhere = Records()
    subnet = elsewhere.subnet(elsewhere.vpc("10.1.0.0/16"), "10.1.0.0/24")
    elsewhere.vpc()
    lost = interface("eni-1", subnet, "10.1.0.9")
    with pytest.raises(KeyError, match="vpc-gone"):
        await harness.network.attach(type(lost)(lost.id, "vpc-gone", lost.subnet, lost.address))
