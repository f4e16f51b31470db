"""The daemon's gRPC server, without a daemon process."""

from __future__ import annotations

import asyncio
import os
import socket
from typing import TYPE_CHECKING, Any

import grpc
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from localaws.account.cloud import Cloud
from localaws.daemon.server import serving
from localaws.protocol.aws import AwsProvider
from localaws.protocol.property_values import from_wire, to_wire
from tests.localaws.protocol.served_provider import Idle

if TYPE_CHECKING:
    from pathlib import Path

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
