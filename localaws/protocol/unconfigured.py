"""The part of the provider protocol that is the same for every provider without configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from google.protobuf import empty_pb2

from localaws.protocol.messages import plugin_pb2, provider_pb2, provider_pb2_grpc

if TYPE_CHECKING:
    import grpc

    Context = grpc.aio.ServicerContext[Any, Any]


class UnconfiguredProvider(provider_pb2_grpc.ResourceProviderServicer):
    """A provider without configuration."""

    def __init__(self, *, version: str, takes_references: bool) -> None:
        """Create a provider that replaces the real one of a version.

        Args:
            version: The real provider's.
            takes_references: Whether values may be secrets and references to resources, which the
                engine requires of providers of components. To others it gives plain values, and
                marks the outputs of secret inputs itself.
        """
        self._version = version
        self._takes_references = takes_references

    async def Attach(self, _request: plugin_pb2.PluginAttach, _context: Context) -> empty_pb2.Empty:
        """Do nothing: what needs the engine's address gets it with the request."""
        return empty_pb2.Empty()

    async def Handshake(
        self, _request: provider_pb2.ProviderHandshakeRequest, _context: Context
    ) -> provider_pb2.ProviderHandshakeResponse:
        """Say which values the provider takes."""
        return provider_pb2.ProviderHandshakeResponse(
            accept_secrets=self._takes_references, accept_resources=self._takes_references
        )

    async def GetPluginInfo(
        self, _request: empty_pb2.Empty, _context: Context
    ) -> plugin_pb2.PluginInfo:
        """Return the version of the real provider that this one replaces."""
        return plugin_pb2.PluginInfo(version=self._version)

    async def CheckConfig(
        self, request: provider_pb2.CheckRequest, _context: Context
    ) -> provider_pb2.CheckResponse:
        """Accept any configuration: none has an effect here."""
        return provider_pb2.CheckResponse(inputs=request.news)

    async def DiffConfig(
        self, _request: provider_pb2.DiffRequest, _context: Context
    ) -> provider_pb2.DiffResponse:
        """Report no difference: no configuration has an effect here."""
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)

    async def Configure(
        self, _request: provider_pb2.ConfigureRequest, _context: Context
    ) -> provider_pb2.ConfigureResponse:
        """Say which values the provider takes, and that it supports previews."""
        return provider_pb2.ConfigureResponse(
            acceptSecrets=self._takes_references,
            supportsPreview=True,
            acceptResources=self._takes_references,
        )

    async def Cancel(self, _request: empty_pb2.Empty, _context: Context) -> empty_pb2.Empty:
        """Do nothing: what is under way runs to its end."""
        return empty_pb2.Empty()
