"""Options of a container's start, with a launcher that only records them."""

from __future__ import annotations

import signal
import socket
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from localaws.ecs.tasks.container_runtime import Containers, ContainerSandbox
from localaws.ecs.tasks.runtime import (
    ContainerSpec,
    LogRouter,
    MountPoint,
    RoutedLogs,
    TaskNetwork,
    TaskSpec,
    TaskStartError,
)
from localaws.ecs.tasks.task_network import OwnInterface
from localaws.images.config import ImageConfig
from localaws.images.errors import CannotPullError
from localaws.images.puller import Image
from localaws.machine.addresses import Addresses
from localaws.machine.container import DEFAULT_CAPABILITIES, Container
from localaws.machine.processes import CannotStartError
from localaws.machine.root_file_system import Mount, TemporaryFolder
from localaws.vpc.attachments import Attachments
from localaws.vpc.host_ports import HostPorts
from localaws.vpc.metadata import TaskDescription, TaskMetadata
from localaws.vpc.model import Interface
from localaws.vpc.network import Network
from tests.localaws.vpc.records import Records, ipv6_prefix

HOST = "ip-10-0-0-4.eu-west-1.compute.internal"
INTERFACE = Interface("t1", "vpc-1", "a", "10.0.0.4")
CONFIG = ImageConfig(entry_point=("/start",), command=("all",), user="www", stop_signal="SIGQUIT")


TASK = TaskDescription(
    arn="arn:aws:ecs:eu-west-1:123456789012:task/shop/t1",
    cluster="arn:aws:ecs:eu-west-1:123456789012:cluster/shop",
    family="web",
    revision="3",
    zone="eu-west-1a",
    vpc="vpc-1",
    address="10.0.0.4",
    cidr="10.0.0.0/24",
)


async def released(*_: object) -> None:
    """Release nothing."""


class Launcher:
    def __init__(self) -> None:
        self.started: list[Container] = []

    async def start_container(self, container: Container, **_: object) -> object:
        self.started.append(container)
        return SimpleNamespace(pid=7)


class Child:
    def __init__(self) -> None:
        self.stopped: list[tuple[float, int]] = []

    async def stop(self, time_limit: float, first: int) -> int:
        self.stopped.append((time_limit, first))
        return 0


def sandbox(launcher: Launcher, config: ImageConfig, spec: ContainerSpec) -> ContainerSandbox:
    image = Image(Path("/images/web"), config, "sha256:1", "registry")
    task = TaskSpec(id="t1", hostname=HOST, containers=(spec,))
    metadata = SimpleNamespace(environment=lambda *_: {"ECS_CONTAINER_METADATA_URI_V4": "http://m"})
    return ContainerSandbox(
        task,
        {spec.name: image},
        OwnInterface(INTERFACE, HOST, cast("Any", None)),
        cast("Any", launcher),
        release=released,
        description=TASK,
        metadata=cast("Any", metadata),
    )


async def started(config: ImageConfig = CONFIG, **container: Any) -> Container:
    """Return what the launcher gets to start a container."""
    launcher = Launcher()
    spec = ContainerSpec(name="web", image="web", **container)
    await sandbox(launcher, config, spec).run(spec, 1)
    (found,) = launcher.started
    return found


async def test_options_that_the_task_definition_leaves_out_are_the_images() -> None:
    found = await started(command=("some",))
    assert (found.argv, found.user) == (("/start", "some"), "www")
    assert (found.network, found.hostname, found.image) == ("t1", HOST, "/images/web")
    assert (await started(entry_point=("sh",), user="0")).argv == ("sh",)


async def test_a_container_has_its_host_name_and_the_address_of_its_metadata() -> None:
    found = await started(environment={"A": "1"})
    assert found.environment["A"] == "1"
    assert found.environment["HOSTNAME"] == HOST
    assert found.environment["ECS_CONTAINER_METADATA_URI_V4"] == "http://m"
    assert found.files["/etc/hostname"] == f"{HOST}\n"
    assert f"10.0.0.4 {HOST}\n" in found.files["/etc/hosts"]
    assert "search eu-west-1.compute.internal\n" in found.files["/etc/resolv.conf"]


async def test_a_log_router_has_its_configuration_and_a_folder_for_its_socket() -> None:
    found = await started(log_router=LogRouter())
    configuration = found.files["/fluent-bit/etc/fluent-bit.conf"]
    assert "Record ecs_cluster shop\n" in configuration
    assert "Record ecs_task_definition web:3\n" in configuration
    assert "Record ecs_task_arn arn:aws:ecs:eu-west-1:123456789012:task/shop/t1" in configuration
    assert [each.target for each in found.temporary] == ["/var/run"]
    assert "/fluent-bit/etc/fluent-bit.conf" not in (await started()).files


class Redirected(socket.socket):
    """A socket of another network namespace: it connects to the test's own listener."""

    address: object = None
    listener: Any = None

    def connect(self, address: Any) -> None:
        self.address = address
        super().connect(self.listener.getsockname())


class Connecting(Launcher):
    """A launcher that opens sockets, and records in which networks."""

    def __init__(self) -> None:
        super().__init__()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.opened: list[tuple[str, Redirected]] = []

    async def open_socket(self, network: str, **_: object) -> socket.socket:
        made = Redirected()
        made.settimeout(0)
        made.listener = self.listener
        self.opened.append((network, made))
        return made


async def test_a_containers_output_reaches_its_log_router_before_the_router_is_stopped() -> None:
    launcher = Connecting()
    web = ContainerSpec(name="web", image="i", routed_logs=RoutedLogs(options={}, limit=9))
    made = sandbox(launcher, CONFIG, web)
    await made.run(web, 1)
    made.notice(web, [b"the last line"])
    await made.stop(replace(web, log_router=LogRouter()), cast("Any", Child()), 5)
    with launcher.listener, launcher.listener.accept()[0] as connection:
        received = connection.recv(1000)
    opened = [(network, made.address) for network, made in launcher.opened]
    await made.close()
    assert b"web-firelens-t1" in received
    assert b"the last line" in received
    assert opened == [("t1", ("127.0.0.1", 24224))], "it listens in the task's network only"


async def test_containers_of_a_task_share_its_volumes_and_have_their_own_temporary_folders() -> (
    None
):
    scratch = TemporaryFolder("/scratch", 16, ("exec",))
    found = await started(
        mounts=(MountPoint(volume="data", path="/data", read_only=True),),
        temporary=(scratch,),
        shared_memory=128,
    )
    assert found.mounts == (Mount("/run/tasks/t1/volumes/data", "/data", read_only=True),)
    assert (found.temporary, found.shared_memory) == ((scratch,), 128)
    assert found.work == "/run/tasks/t1/containers/web"


async def test_a_volume_is_filled_at_a_path_that_the_image_declares_as_one() -> None:
    mounts = [MountPoint(volume=path, path=path) for path in ("/data/", "/data/more", "/other")]
    found = await started(replace(CONFIG, volumes=("/data", "/other")), mounts=tuple(mounts))
    assert [each.filled for each in found.mounts] == [True, False, True]


async def test_an_unknown_option_of_a_temporary_folder_is_refused() -> None:
    with pytest.raises(CannotStartError, match="/scratch: tmpfs mount option rbind; allowed: ro,"):
        await started(temporary=(TemporaryFolder("/scratch", 16, ("noexec", "rbind")),))


@pytest.mark.parametrize(
    ("added", "dropped", "expected"),
    [
        ((), (), DEFAULT_CAPABILITIES),
        ((), ("MKNOD",), DEFAULT_CAPABILITIES - {"MKNOD"}),
        (("SYS_PTRACE",), (), DEFAULT_CAPABILITIES | {"SYS_PTRACE"}),
        (("SYS_PTRACE",), ("ALL",), {"SYS_PTRACE"}),
    ],
)
async def test_capabilities_are_dockers_without_the_dropped_and_with_the_added_ones(
    added: tuple[str, ...], dropped: tuple[str, ...], expected: frozenset[str]
) -> None:
    found = await started(
        added_capabilities=frozenset(added), dropped_capabilities=frozenset(dropped)
    )
    assert found.capabilities == expected


async def test_an_image_without_a_command_cannot_start() -> None:
    with pytest.raises(CannotStartError, match="no command specified"):
        await started(ImageConfig())


@pytest.mark.parametrize(
    ("name", "number"),
    [("SIGQUIT", signal.SIGQUIT), ("QUIT", signal.SIGQUIT), ("10", 10), ("?", signal.SIGTERM)],
)
async def test_a_container_is_stopped_by_its_images_signal(name: str, number: int) -> None:
    spec = ContainerSpec(name="web", image="web")
    child = Child()
    containers = sandbox(Launcher(), ImageConfig(command=("x",), stop_signal=name), spec)
    await containers.stop(spec, cast("Any", child), 5)
    assert child.stopped == [(5, number)]


async def test_an_image_that_cannot_be_pulled_is_ecss_error_and_attaches_nothing() -> None:
    async def pull(name: str, *, platform: str) -> Image:
        raise CannotPullError(f"{name} for {platform}: not found")

    nothing = cast("Any", None)
    containers = Containers(
        nothing,
        cast("Any", SimpleNamespace(pull=pull)),
        nothing,
        nothing,
        metadata=nothing,
        account=nothing,
        bridges=nothing,
    )
    spec = ContainerSpec(name="web", image="shop:1")
    task = TaskSpec(id="t1", hostname=HOST, containers=(spec,), platform="linux/arm64")
    with pytest.raises(TaskStartError, match=r"^CannotPullContainerError: shop:1 for linux/arm64"):
        await containers.prepare(task)


class Pulled:
    async def pull(self, name: str, *, platform: str) -> Image:
        return Image(Path("/images/web"), CONFIG, "sha256:1", "registry")


class Running(Launcher):
    async def run(self, argv: list[str], **_: object) -> str:
        return " ".join(argv)


@pytest.mark.parametrize("dual", [True, False])
async def test_a_task_has_an_ipv6_address_if_its_subnet_has_a_range(
    tmp_path: Path, *, dual: bool
) -> None:
    records = Records()
    vpc = records.vpc(assignGeneratedIpv6CidrBlock=True)
    subnet = records.subnet(vpc, "10.0.0.0/24", ipv6=0 if dual else None)
    launcher = cast("Any", Running())
    network = Network(launcher, records.cloud)
    attachments = Attachments(network, HostPorts(network), records.cloud, lambda: None)
    metadata = TaskMetadata()
    containers = Containers(
        launcher,
        Pulled(),
        attachments,
        Addresses(tmp_path),
        metadata=metadata,
        account=records.cloud,
        bridges=cast("Any", None),
    )
    own = TaskNetwork(vpc=vpc.id, subnet=subnet.id, address="10.0.0.4")
    spec = ContainerSpec(name="web", image="web")
    task = TaskSpec(id="t1", hostname=HOST, containers=(spec,), network=own)
    await network.start()
    assert (await containers.prepare(task)).ipv6 == (f"{ipv6_prefix(vpc)}00::4" if dual else "")
