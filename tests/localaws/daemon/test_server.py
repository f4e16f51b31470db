"""The daemon's gRPC server, without a daemon process."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from localaws.account.cloud import Cloud
from localaws.daemon.client import DaemonFailed
from localaws.daemon.functions import STATUS, call
from localaws.daemon.server import serving
from localaws.daemon.state_directory import Address
from localaws.protocol.aws import AwsProvider
from localaws.protocol.property_values import from_wire, to_wire
from tests.localaws.protocol.served_provider import Idle

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from grpc.aio import Channel


async def configure(channel: Channel, region: str) -> Any:
    stub: Any = provider_pb2_grpc.ResourceProviderStub(channel)
    await stub.Configure(provider_pb2.ConfigureRequest(args=to_wire({"region": region})))
    return stub


async def region_of(stub: Any) -> object:
    answer = await stub.Invoke(provider_pb2.InvokeRequest(tok="aws:index/getRegion:getRegion"))
    return from_wire(getattr(answer, "return"))["region"]


async def test_each_connection_keeps_its_own_region(tmp_path: Path) -> None:
    """The socket behind the port shows no client port that would distinguish connections."""
    directory = tmp_path / ("long" * 40)
    directory.mkdir()
    folder = os.open(directory, os.O_PATH)
    provider = AwsProvider(Cloud(seed=1), Idle(), version="7.0.0")
    async with serving(provider, folder, "aws.sock", tmp_path / "daemon.log") as port:
        address = f"127.0.0.1:{port}"
        # Otherwise gRPC gives both channels the same connection.
        separate = [("grpc.use_local_subchannel_pool", 1)]
        async with (
            grpc.aio.insecure_channel(address, separate) as one,
            grpc.aio.insecure_channel(address, separate) as two,
        ):
            first, second = await configure(one, "eu-west-1"), await configure(two, "eu-west-3")
            assert [await region_of(each) for each in (first, second)] == [
                "eu-west-1",
                "eu-west-3",
            ]
    os.close(folder)
    assert not list(directory.iterdir()), "the socket is gone"


async def test_what_connects_before_the_server_starts_is_answered(tmp_path: Path) -> None:
    folder = os.open(tmp_path, os.O_PATH)
    log_file = tmp_path / "daemon.log"
    provider = AwsProvider(Cloud(seed=1), Idle(), version="7.0.0")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            configuring = asyncio.ensure_future(configure(channel, "eu-west-1"))
            await asyncio.sleep(0.05)
            assert not configuring.done()
            async with serving(provider, folder, "aws.sock", log_file, listener) as served:
                assert served == port
                assert await region_of(await configuring) == "eu-west-1"
    os.close(folder)


class Failing(provider_pb2_grpc.ResourceProviderServicer):
    """A provider whose methods fail."""

    async def Invoke(self, request: Any, context: Any) -> Any:  # noqa: N802 — the protocol's name
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/x/cloud.jsonl")

    async def Construct(self, request: Any, context: Any) -> Any:  # noqa: N802 — the protocol's name
        raise KeyError("subnets")


@pytest.fixture
async def failing(tmp_path: Path) -> AsyncIterator[int]:
    """Serve a provider whose methods fail, and yield the port."""
    folder = os.open(tmp_path, os.O_PATH)
    async with serving(Failing(), folder, "aws.sock", Path("/x/daemon.log")) as port:
        yield port
    os.close(folder)


async def test_a_command_that_calls_a_function_of_the_daemon_reports_why_it_failed(
    failing: int,
) -> None:
    address = Address(pid=1, aws_port=failing, awsx_port=0, code="c")
    with pytest.raises(DaemonFailed) as failed:
        await asyncio.to_thread(call, address, STATUS)
    assert str(failed.value) == (
        "invoking localaws:index:status: /x/cloud.jsonl: No space left on device. Free some space "
        "there, and run the same command again"
    )


async def test_a_component_that_is_not_constructed_is_named(failing: int) -> None:
    request = provider_pb2.ConstructRequest(type="awsx:ec2:Vpc", name="main")
    async with grpc.aio.insecure_channel(f"127.0.0.1:{failing}") as channel:
        stub: Any = provider_pb2_grpc.ResourceProviderStub(channel)
        with pytest.raises(grpc.aio.AioRpcError) as failed:
            await stub.Construct(request)
    assert failed.value.details() == (
        "constructing Vpc 'main': KeyError: 'subnets'. This is a fault of the local AWS itself; "
        "its traceback is in /x/daemon.log"
    )
