"""What the SDK starts for the engine to call transforms and hooks, without a network.

These mocks find the functions in their own process, so no server needs to listen. The SDK starts
one for each resource that has such functions and is registered before the first server runs, which
is a twentieth of a run of this project's program.
"""

from __future__ import annotations

from typing import Any


class CallbackServer:
    """Replaces a `grpc.aio.Server` that nothing connects to."""

    def add_registered_method_handlers(self, service: str, handlers: Any) -> None:
        """Ignore what would be served."""

    def add_generic_rpc_handlers(self, handlers: Any) -> None:
        """Ignore what would be served."""

    def add_insecure_port(self, address: str) -> int:
        """Return a port on which nothing listens."""
        del address
        return 0

    async def start(self) -> None:
        """Do nothing."""

    async def stop(self, grace: float) -> None:
        """Do nothing."""


class CallbackServers:
    """Replaces the module `grpc.aio` where the SDK makes such a server."""

    @staticmethod
    def server(options: Any) -> CallbackServer:
        """Return a server that doesn't listen."""
        del options
        return CallbackServer()
