"""AWS's provider, which fails after some operations: a quota, or credentials that expire in the middle of a run."""

from __future__ import annotations

import json
import threading
from concurrent import futures
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

import grpc
from pulumi.runtime.proto import provider_pb2

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.engine.stack import Stack

MESSAGE = "ExpiredToken: The security token included in the request is expired"


@dataclass
class _Gate(grpc.GenericRpcHandler):
    """Passes calls on to the local AWS as they are, but no more than some that create or delete."""

    channel: grpc.Channel
    allowed: int
    lock: threading.Lock = field(default_factory=threading.Lock)

    def service(self, call: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[bytes, bytes]:
        """Handle a call whose messages are bytes here."""
        method = call.method
        forward: Any = self.channel.unary_unary(method)

        def handle(request: bytes, context: grpc.ServicerContext) -> bytes:
            if self._changes(method, request) and not self._take():
                context.abort(grpc.StatusCode.UNKNOWN, MESSAGE)
            try:
                return bytes(forward(request))
            except grpc.RpcError as error:
                status: Any = error
                context.set_trailing_metadata(status.trailing_metadata() or ())
                return context.abort(status.code(), status.details())

        return grpc.unary_unary_rpc_method_handler(handle)

    @staticmethod
    def _changes(method: str, request: bytes) -> bool:
        if method.endswith("/Create"):
            return not provider_pb2.CreateRequest.FromString(request).preview
        return method.endswith("/Delete")

    def _take(self) -> bool:
        with self.lock:
            self.allowed -= 1
            return self.allowed >= 0


@contextmanager
def failing_after(stack: Stack, operations: int) -> Iterator[None]:
    """Let a stack's runs create or delete this many resources; each further one fails."""
    address = stack.address
    with (
        grpc.insecure_channel(f"127.0.0.1:{address.aws_port}") as channel,
        futures.ThreadPoolExecutor(max_workers=16) as threads,
    ):
        server = grpc.server(threads, handlers=[_Gate(channel, operations)])
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        stack.home.ready.write_text(json.dumps(asdict(replace(address, aws_port=port))))
        try:
            yield
        finally:
            stack.home.ready.write_text(json.dumps(asdict(address)))
            server.stop(grace=None).wait()
