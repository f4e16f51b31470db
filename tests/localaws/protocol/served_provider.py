"""A provider that a test serves, with a lifecycle that runs no tasks."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from localaws.not_settled import NotSettled
from localaws.protocol.aws import AwsProvider, Lifecycle
from localaws.protocol.failures import FailureInterceptor
from localaws.protocol.property_values import to_wire

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from localaws.account.cloud import Cloud
    from localaws.catalog import Resource
    from localaws.protocol.aws import Report

SERVICE = "urn:pulumi:local::web::aws:ecs/service:Service::web"


class Idle:
    """A lifecycle without a data plane; `settle` waits, and then succeeds or fails."""

    def __init__(self, failure: str = "", waits: float = 0) -> None:
        self.failure, self.waits, self.drained = failure, waits, False
        self.runs: dict[str, Any] = {}
        """The current inputs of every service."""

        self.retried: list[str] = []
        self.limitations: dict[str, str] = {}
        """Warnings, by type."""

        self.problems: list[str] = []
        """What is wrong with what runs."""

        self.timeouts: list[float] = []
        """The time that each operation could take, in seconds."""

        self.begun, self.cancelled = asyncio.Event(), asyncio.Event()

    async def settle(self, resource: Resource, *, seconds: float, report: Report) -> None:
        self.timeouts.append(seconds)
        report(f"settling {resource.id} for at most {seconds:g} s")
        self.begun.set()
        try:
            await asyncio.sleep(self.waits)
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        if self.failure:
            raise NotSettled(self.failure)

    async def find_problem(self, resource: Resource) -> str:
        return ""

    async def find_problems(self) -> list[str]:
        return self.problems

    def limitation(self, resource: Resource) -> str:
        return self.limitations.get(resource.token, "")

    def remarks(self, resource: Resource) -> list[str]:
        return []

    async def removed(self, resource: Resource) -> None:
        pass

    async def drain(self, resource: Resource, *, seconds: float, report: Report) -> None:
        self.timeouts.append(seconds)
        self.drained = True

    def current_inputs(self, resource: Resource) -> dict[str, Any]:
        return self.runs if resource.token.endswith(":Service") else {}

    def retry(self, resource: Resource) -> None:
        self.retried.append(resource.id)


@asynccontextmanager
async def serving(
    lifecycle: Lifecycle,
    cloud: Cloud,
    *,
    log: Path = Path("daemon.log"),
    functions: Mapping[str, Any] | None = None,
) -> AsyncIterator[Any]:
    """Serve a provider, and yield a client that has configured it for eu-west-1.

    Args:
        lifecycle: The data plane.
        cloud: The resources.
        log: The file that faults refer to.
        functions: What the data plane answers; by default a function that returns its arguments.
    """
    provider = AwsProvider(
        cloud,
        lifecycle,
        version="7.0.0",
        functions=functions or {"localaws:index:echo": lambda args: args},
        max_retry_seconds={"ec2.security-group.held": 0.3},
    )
    server = grpc.aio.server(interceptors=[FailureInterceptor(log)])
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(provider, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            stub: Any = provider_pb2_grpc.ResourceProviderStub(channel)
            await stub.Configure(
                provider_pb2.ConfigureRequest(args=to_wire({"region": "eu-west-1"}))
            )
            yield stub
    finally:
        await server.stop(None)


async def create(provider: Any, urn: str, inputs: dict[str, Any], **more: Any) -> Any:
    return await provider.Create(
        provider_pb2.CreateRequest(urn=urn, properties=to_wire(inputs), **more)
    )


OLD = "arn:aws:ecs:eu-west-1:123456789012:task-definition/web:1"
NEW = "arn:aws:ecs:eu-west-1:123456789012:task-definition/web:2"


async def create_service(provider: Any) -> str:
    """Create a cluster and a service configured to run NEW; return the service's id."""
    definition = {
        "family": "web",
        "containerDefinitions": '[{"name": "web", "image": "nginx", "memory": 64}]',
    }
    await create(provider, "urn:pulumi:local::web::aws:ecs/cluster:Cluster::main", {"name": "main"})
    for name in ("old", "new"):
        await create(
            provider,
            f"urn:pulumi:local::web::aws:ecs/taskDefinition:TaskDefinition::{name}",
            definition,
        )
    wanted = {"name": "web", "cluster": "main", "taskDefinition": NEW}
    return str((await create(provider, SERVICE, wanted)).id)
