"""The Pulumi provider protocol for package `awsx`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc, resource_pb2_grpc

from localaws.protocol.awsx.components import construct
from localaws.protocol.awsx.monitor import Unsupported

if TYPE_CHECKING:
    Context = grpc.aio.ServicerContext[Any, Any]


class AwsxProvider(provider_pb2_grpc.ResourceProviderServicer):
    """Constructs components for Pulumi's engine."""

    def __init__(self, *, version: str, aws_version: str) -> None:
        """Create a provider that replaces awsx `version`; children belong to `aws_version`."""
        self._version = version
        self._aws_version = aws_version

    async def Attach(self, _request: plugin_pb2.PluginAttach, _context: Context) -> empty_pb2.Empty:
        """Do nothing: each construction request has the engine's address."""
        return empty_pb2.Empty()

    async def Handshake(
        self, _request: provider_pb2.ProviderHandshakeRequest, _context: Context
    ) -> provider_pb2.ProviderHandshakeResponse:
        """Accept secrets and resource references, which the engine requires for components."""
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True, accept_resources=True)

    async def GetPluginInfo(
        self, _request: empty_pb2.Empty, _context: Context
    ) -> plugin_pb2.PluginInfo:
        """Return the version of the real provider that this one replaces."""
        return plugin_pb2.PluginInfo(version=self._version)

    async def CheckConfig(
        self, request: provider_pb2.CheckRequest, _context: Context
    ) -> provider_pb2.CheckResponse:
        """There is nothing to configure."""
        return provider_pb2.CheckResponse(inputs=request.news)

    async def DiffConfig(
        self, _request: provider_pb2.DiffRequest, _context: Context
    ) -> provider_pb2.DiffResponse:
        """There is nothing to configure."""
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)

    async def Configure(
        self, _request: provider_pb2.ConfigureRequest, _context: Context
    ) -> provider_pb2.ConfigureResponse:
        """There is nothing to configure."""
        return provider_pb2.ConfigureResponse(
            acceptSecrets=True, supportsPreview=True, acceptResources=True
        )

    async def Cancel(self, _request: empty_pb2.Empty, _context: Context) -> empty_pb2.Empty:
        """Do nothing: a construction doesn't wait."""
        return empty_pb2.Empty()

    async def Construct(
        self, request: provider_pb2.ConstructRequest, context: Context
    ) -> provider_pb2.ConstructResponse:
        """Register the component and its children, and answer with the component's outputs."""
        try:
            async with grpc.aio.insecure_channel(request.monitorEndpoint) as channel:
                return await construct(
                    resource_pb2_grpc.ResourceMonitorStub(channel), request, self._aws_version
                )
        except (Unsupported, ValueError) as reason:
            # The engine shows the component's type and name before it.
            await context.abort(grpc.StatusCode.UNKNOWN, str(reason))
        except grpc.aio.AioRpcError as error:
            # A function that the component called, or a registration, was refused; the engine has
            # its own words.
            await context.abort(grpc.StatusCode.UNKNOWN, error.details() or str(error))
