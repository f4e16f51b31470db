"""The engine, as the construction of a component uses it: registrations and function calls."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from localaws.catalog import UNKNOWN
from localaws.catalog.values import without_none
from localaws.protocol.messages import provider_pb2, resource_pb2
from localaws.protocol.property_values import from_wire, is_reference, is_secret, reference, to_wire

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Unsupported(Exception):  # noqa: N818 — the request is valid, it just isn't implemented here
    """The real awsx supports the request, the local one doesn't; the message says what it does."""


@dataclass(frozen=True)
class Registered:
    """The engine's answer to a registration."""

    urn: str
    id: object
    outputs: Mapping[str, Any]

    def output(self, name: str) -> Any:
        """Return an output; UNKNOWN if AWS chooses it and this is a preview of a creation."""
        return self.outputs.get(name, UNKNOWN)


@dataclass
class Outputs:
    """A component's outputs, each with the URNs that it depends on."""

    version: str
    """The version of the `aws` provider, which is a part of references to its resources."""

    state: dict[str, object] = field(default_factory=dict)
    needs: dict[str, list[str]] = field(default_factory=dict)

    def value(self, name: str, value: object, needed: Iterable[Registered | str]) -> None:
        """Add a value."""
        self.state[name] = value
        self.needs[name] = urns(needed)

    def resource(
        self, name: str, resource: Registered | None, needed: Iterable[Registered | str] = ()
    ) -> None:
        """Add a resource, unless it is None."""
        if resource is not None:
            self.value(name, self._reference(resource), [*needed, resource])

    def resources(
        self, name: str, resources: Iterable[Registered], needed: Iterable[Registered | str] = ()
    ) -> None:
        """Add a list of resources."""
        found = list(resources)
        self.value(name, list(map(self._reference, found)), [*needed, *found])

    def _reference(self, resource: Registered) -> dict[str, Any]:
        return reference(resource.urn, resource.id, self.version)

    def response(self, component: Registered) -> provider_pb2.ConstructResponse:
        """Return the answer to the engine's request to construct the component."""
        dependencies = provider_pb2.ConstructResponse.PropertyDependencies
        return provider_pb2.ConstructResponse(
            urn=component.urn,
            state=to_wire(self.state),
            stateDependencies={
                name: dependencies(urns=needed) for name, needed in self.needs.items()
            },
        )


class Monitor:
    """The engine, for the construction of one component."""

    def __init__(self, stub: Any, request: provider_pb2.ConstructRequest, aws_version: str) -> None:
        """Create an interface to the engine behind `stub`, for the component in `request`."""
        self._stub = stub
        self._request = request
        self._aws_version = aws_version

    @property
    def name(self) -> str:
        """The component's name."""
        return self._request.name

    @property
    def stack(self) -> str:
        """The stack's name."""
        return self._request.stack

    @property
    def inputs(self) -> dict[str, Any]:
        """The component's inputs, with wrapped secrets and resources."""
        return from_wire(self._request.inputs)

    @property
    def needed(self) -> list[str]:
        """The URNs on which the component's inputs depend."""
        found: list[str] = []
        for each in self._request.inputDependencies.values():
            found += each.urns
        return urns(found)

    def outputs(self) -> Outputs:
        """Return an empty set of outputs."""
        return Outputs(self._aws_version)

    async def invoke(self, token: str, **args: Any) -> dict[str, Any]:
        """Call a function of the `aws` provider."""
        provider = self._request.providers.get("aws", "")
        request = resource_pb2.ResourceInvokeRequest(
            tok=token, args=to_wire(args), provider=provider, version=self._aws_version
        )
        return await self._answer(request)

    async def resolved(self, value: Any) -> Any:
        """Replace wrapped secrets by their values, and wrapped resources by their outputs."""
        if is_secret(value):
            return await self.resolved(value["value"])
        if is_reference(value):
            request = resource_pb2.ResourceInvokeRequest(
                tok="pulumi:pulumi:getResource", args=to_wire({"urn": value["urn"]})
            )
            found = await self._answer(request)
            return {**(await self.resolved(found["state"])), "id": value.get("id") or UNKNOWN}
        if isinstance(value, dict):
            values = await asyncio.gather(*map(self.resolved, value.values()))
            return dict(zip(value, values, strict=True))
        if isinstance(value, list):
            return list(await asyncio.gather(*map(self.resolved, value)))
        return value

    async def _answer(self, request: resource_pb2.ResourceInvokeRequest) -> dict[str, Any]:
        """Return a function's result.

        Raises:
            ValueError: The function failed; the message is its reason.
        """
        answer = await self._stub.Invoke(request)
        if answer.failures:
            raise ValueError("; ".join(each.reason for each in answer.failures))
        return from_wire(getattr(answer, "return"))

    async def component(self) -> Registered:
        """Register the component itself."""
        request = self._request
        return await self._register(
            resource_pb2.RegisterResourceRequest(
                type=request.type,
                name=request.name,
                parent=request.parent,
                dependencies=request.dependencies,
                protect=request.protect,
                retainOnDelete=request.retainOnDelete,
                aliases=request.aliases,
                aliasSpecs=True,
                providers=request.providers,
            )
        )

    async def nested(self, token: str, parent: Registered) -> Registered:
        """Register a component with the same name as a child of this one."""
        request = resource_pb2.RegisterResourceRequest(
            type=token, name=self.name, parent=parent.urn, providers=self._request.providers
        )
        return await self._register(self._protected(request))

    async def child(
        self,
        token: str,
        name: str,
        parent: Registered,
        inputs: Mapping[str, Any],
        *needed: Registered | str,
    ) -> Registered:
        """Register a resource of a provider; inputs that are None are left out."""
        package = token.partition(":")[0]
        given = without_none(inputs)
        request = resource_pb2.RegisterResourceRequest(
            type=token,
            name=name,
            parent=parent.urn,
            custom=True,
            object=to_wire(given),
            dependencies=urns(needed),
            provider=self._request.providers.get(package, ""),
            version=self._aws_version if package == "aws" else "",
            acceptSecrets=False,
            supportsPartialValues=True,
        )
        return await self._register(self._protected(request))

    def _protected(
        self, request: resource_pb2.RegisterResourceRequest
    ) -> resource_pb2.RegisterResourceRequest:
        if self._request.protect:
            request.protect = True
        return request

    async def _register(self, request: resource_pb2.RegisterResourceRequest) -> Registered:
        answer = await self._stub.RegisterResource(request)
        outputs = from_wire(answer.object)
        return Registered(answer.urn, answer.id or outputs.get("id", UNKNOWN), outputs)

    async def done(self, component: Registered, outputs: Mapping[str, Any] | None = None) -> None:
        """Register a component's outputs, with which all its children are registered."""
        await self._stub.RegisterResourceOutputs(
            resource_pb2.RegisterResourceOutputsRequest(
                urn=component.urn, outputs=to_wire(outputs or {})
            )
        )


def urns(needed: Iterable[Registered | str]) -> list[str]:
    """Return the URNs of resources, without duplicates."""
    return list(dict.fromkeys(each if isinstance(each, str) else each.urn for each in needed))
