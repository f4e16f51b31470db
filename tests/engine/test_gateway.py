"""The gateway that the engine's calls go through, without an engine."""

from __future__ import annotations

import json
from concurrent import futures
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import grpc
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from localaws.daemon.state_directory import Address
from localaws.protocol.property_values import to_wire
from tests.engine.gateway import failing_after

if TYPE_CHECKING:
    from pathlib import Path

SEPARATE = [("grpc.use_local_subchannel_pool", 1)]
"""Without this, gRPC gives several channels of a process one connection."""


class Provider(provider_pb2_grpc.ResourceProviderServicer):
    """A provider that notes the connection of each call."""

    def __init__(self) -> None:
        self.peers: list[str] = []

    def Configure(  # noqa: N802 — the protocol's name
        self, request: provider_pb2.ConfigureRequest, context: grpc.ServicerContext
    ) -> provider_pb2.ConfigureResponse:
        self.peers.append(context.peer())
        return provider_pb2.ConfigureResponse()


def test_connections_of_the_engine_stay_separate(tmp_path: Path) -> None:
    """A preview and the update after it have one each, and the end of the preview cancels its."""
    provider, server = Provider(), grpc.server(futures.ThreadPoolExecutor(2))
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(provider, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    ready = tmp_path / "daemon.json"
    stack = SimpleNamespace(
        address=Address(1, port, 0, code=""), directory=SimpleNamespace(ready=ready)
    )
    request = provider_pb2.ConfigureRequest(args=to_wire({}))
    with failing_after(cast("Any", stack), 0):
        address = f"127.0.0.1:{json.loads(ready.read_text())['aws_port']}"
        with (
            grpc.insecure_channel(address, SEPARATE) as preview,
            grpc.insecure_channel(address, SEPARATE) as update,
        ):
            for channel in (preview, preview, update):
                provider_pb2_grpc.ResourceProviderStub(channel).Configure(request)
    server.stop(grace=None).wait()
    first, again, other = provider.peers
    assert first == again != other
