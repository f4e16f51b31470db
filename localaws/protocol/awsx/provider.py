"""The Pulumi provider protocol for package `awsx`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc

from localaws.protocol.awsx.components import construct
from localaws.protocol.awsx.monitor import Unsupported
from localaws.protocol.messages import provider_pb2, resource_pb2_grpc
from localaws.protocol.unconfigured import UnconfiguredProvider

if TYPE_CHECKING:
    Context = grpc.aio.ServicerContext[Any, Any]


class AwsxProvider(UnconfiguredProvider):
    """Constructs components for Pulumi's engine."""

    def __init__(self, *, version: str, aws_version: str) -> None:
        """Create a provider that replaces awsx `version`; children belong to `aws_version`."""
        super().__init__(version=version, takes_references=True)
        self._aws_version = aws_version

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
