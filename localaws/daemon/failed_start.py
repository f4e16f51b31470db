"""Answers the command that has gone on beside a daemon whose start then failed.

The CLI would try to connect for ten seconds, and then report only that nothing answers.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import grpc

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SECONDS = 15.0
"""How long the CLI is waited for; it gives up earlier by itself."""

_LAST_SECONDS = 1.0
"""How long an answer that is on its way may take."""


class _Refusal(grpc.GenericRpcHandler):
    """Answers each call with the same error."""

    def __init__(self, message: str, answered: Callable[[], None]) -> None:
        """Refuse calls with *message*, and call *answered* after each one."""
        self._message = message
        self._answered = answered

    def service(self, _: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[bytes, bytes]:
        """Return what refuses the call."""
        return grpc.unary_unary_rpc_method_handler(self._refuse)

    def _refuse(self, _: bytes, context: grpc.ServicerContext) -> bytes:
        self._answered()
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, self._message)


def answer(ports: Sequence[int], message: str) -> None:
    """Refuse each call on these ports of 127.0.0.1 with a message, until one was made."""
    answered = threading.Event()
    server = grpc.server(ThreadPoolExecutor(1), handlers=[_Refusal(message, answered.set)])
    for port in ports:
        server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    answered.wait(SECONDS)
    server.stop(_LAST_SECONDS).wait()
