"""The components of awsx that the local AWS supports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localaws.protocol.awsx.default_vpc import DEFAULT_VPC, default_vpc
from localaws.protocol.awsx.image import IMAGE, REPOSITORY, image, repository
from localaws.protocol.awsx.load_balancer import (
    APPLICATION_LOAD_BALANCER,
    application_load_balancer,
)
from localaws.protocol.awsx.monitor import Monitor, Unsupported
from localaws.protocol.awsx.service import FARGATE_SERVICE, fargate_service
from localaws.protocol.awsx.task_definition import FARGATE_TASK_DEFINITION, fargate_task_definition
from localaws.protocol.awsx.vpc import VPC, vpc

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from localaws.protocol.messages import provider_pb2

_COMPONENTS: Mapping[str, Callable[[Monitor], Awaitable[provider_pb2.ConstructResponse]]] = {
    DEFAULT_VPC: default_vpc,
    VPC: vpc,
    FARGATE_SERVICE: fargate_service,
    FARGATE_TASK_DEFINITION: fargate_task_definition,
    APPLICATION_LOAD_BALANCER: application_load_balancer,
    REPOSITORY: repository,
    IMAGE: image,
}


async def construct(
    stub: Any, request: provider_pb2.ConstructRequest, aws_version: str
) -> provider_pb2.ConstructResponse:
    """Register a component and its children with the engine behind `stub`.

    Raises:
        Unsupported: The real awsx can do this, the local one can't.
        ValueError: The real awsx refuses it too.
    """
    builder = _COMPONENTS.get(request.type)
    if builder is None:
        built = ", ".join(_COMPONENTS)
        raise Unsupported(
            f"the local awsx builds {built}; use pulumi_aws resources instead of {request.type}"
        )
    return await builder(Monitor(stub, request, aws_version))
