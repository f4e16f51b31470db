"""A gateway between the engine and AWS's provider that makes a stack's calls fail or time out.

A quota is reached or credentials expire in the middle of a run; or the engine's time limit, which
the program can't set to less than a minute, is over sooner.
"""

from __future__ import annotations

import json
import threading
from concurrent import futures
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

import grpc
from pulumi.runtime.proto import provider_pb2

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.engine.stack import Stack

SERVICE = "aws:ecs/service:Service"
MESSAGE = "ExpiredToken: The security token included in the request is expired"


class Refusal(Exception):  # noqa: N818 — it is AWS's
    """A call that isn't passed on, and fails with this message."""


@dataclass
class _Gateway(grpc.GenericRpcHandler):
    """Passes calls on to the local AWS; their messages are bytes here."""

    port: int
    """The local AWS's."""

    change: Callable[[str, bytes], bytes]
    """Takes the method's name and the request, and returns what is passed on.

    Raises:
        Refusal: Nothing is.
    """

    channels: dict[str, grpc.Channel] = field(default_factory=dict)
    """One for each connection of an engine, because the provider keeps a region and a cancellation
    for each.
    """

    lock: threading.Lock = field(default_factory=threading.Lock)

    def close(self) -> None:
        """Close the connections to the local AWS."""
        for channel in self.channels.values():
            channel.close()

    def channel(self, peer: str) -> grpc.Channel:
        """Return the channel for a connection of an engine."""
        with self.lock:
            if peer not in self.channels:
                # Without the option gRPC gives all channels the same connection.
                self.channels[peer] = grpc.insecure_channel(
                    f"127.0.0.1:{self.port}", [("grpc.use_local_subchannel_pool", 1)]
                )
            return self.channels[peer]

    def service(self, call: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[bytes, bytes]:
        """Handle a call."""
        method = call.method

        def handle(request: bytes, context: grpc.ServicerContext) -> bytes:
            forward: Any = self.channel(context.peer()).unary_unary(method)
            try:
                return bytes(forward(self.change(method.rpartition("/")[2], request)))
            except Refusal as refusal:
                return context.abort(grpc.StatusCode.UNKNOWN, str(refusal))
            except grpc.RpcError as error:
                status: Any = error
                context.set_trailing_metadata(status.trailing_metadata() or ())
                return context.abort(status.code(), status.details())

        return grpc.unary_unary_rpc_method_handler(handle)


@contextmanager
def _gateway(stack: Stack, change: Callable[[str, bytes], bytes]) -> Iterator[None]:
    """Have a stack's runs go through a gateway."""
    address = stack.address
    with (
        closing(_Gateway(address.aws_port, change)) as gateway,
        futures.ThreadPoolExecutor(max_workers=16) as threads,
    ):
        server = grpc.server(threads, handlers=[gateway])
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        stack.directory.ready.write_text(json.dumps(asdict(replace(address, aws_port=port))))
        try:
            yield
        finally:
            stack.directory.ready.write_text(json.dumps(asdict(address)))
            server.stop(grace=None).wait()


@dataclass
class _Quota:
    """Lets some creations and deletions pass."""

    left: int
    lock: threading.Lock = field(default_factory=threading.Lock)

    def change(self, method: str, request: bytes) -> bytes:
        """Refuse what is one too many."""
        creates = method == "Create" and not provider_pb2.CreateRequest.FromString(request).preview
        if creates or method == "Delete":
            with self.lock:
                self.left -= 1
                if self.left < 0:
                    raise Refusal(MESSAGE)
        return request


@contextmanager
def failing_after(stack: Stack, operations: int) -> Iterator[None]:
    """Let a stack's runs create or delete this many resources; each further one fails."""
    with _gateway(stack, _Quota(operations).change):
        yield


@contextmanager
def time_limit(stack: Stack, seconds: float, *, instead_of: float) -> Iterator[None]:
    """Have the engine wait for a service of a stack no longer than this.

    Args:
        stack: The stack.
        seconds: How long it waits.
        instead_of: How long the program asks it to wait, which must reach the provider.
    """
    asked: list[float] = []
    kinds: dict[str, Any] = {
        "Create": provider_pb2.CreateRequest,
        "Update": provider_pb2.UpdateRequest,
    }

    def change(method: str, request: bytes) -> bytes:
        if method not in kinds:
            return request
        operation = kinds[method].FromString(request)
        if operation.preview or f"{SERVICE}::" not in operation.urn:
            return request
        asked.append(operation.timeout)
        operation.timeout = seconds
        return bytes(operation.SerializeToString())

    with _gateway(stack, change):
        yield
    assert asked
    assert set(asked) == {instead_of}
