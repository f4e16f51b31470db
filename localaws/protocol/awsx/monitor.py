"""The engine's side of a construction: register resources, call functions, show messages."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pulumi.runtime.proto import provider_pb2, resource_pb2

from localaws.catalog import UNKNOWN
from localaws.protocol.property_values import from_wire, is_reference, is_secret, reference, to_wire

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Unsupported(Exception):  # noqa: N818 — the request is valid, it just isn't implemented here
    """The real awsx can do this, the local one can't; the message says what it can."""


@dataclass(frozen=True)
class Registered:
    """What the engine answered to a registration."""

    urn: str
    id: object
    outputs: Mapping[str, Any]

    def output(self, name: str) -> Any:
        """An output; UNKNOWN in the preview of a creation, where AWS hasn't chosen it."""
        return self.outputs.get(name, UNKNOWN)


@dataclass
class Outputs:
    """A component's outputs, each with the URNs that it depends on."""

    version: str
    """Of the `aws` provider, to which the resources belong that outputs refer to."""

    state: dict[str, object] = field(default_factory=dict)
    needs: dict[str, list[str]] = field(default_factory=dict)

    def value(self, name: str, value: object, needed: Iterable[Registered | str]) -> None:
        """Show a value."""
        self.state[name] = value
        self.needs[name] = urns(needed)

    def resource(
        self, name: str, resource: Registered | None, needed: Iterable[Registered | str] = ()
    ) -> None:
        """Show a resource, if there is one."""
        if resource is not None:
            self.value(name, self._reference(resource), [*needed, resource])

    def resources(
        self, name: str, resources: Iterable[Registered], needed: Iterable[Registered | str] = ()
    ) -> None:
        """Show several resources."""
        found = list(resources)
        self.value(name, [self._reference(each) for each in found], [*needed, *found])

    def _reference(self, resource: Registered) -> dict[str, Any]:
        return reference(resource.urn, resource.id, self.version)

    def response(self, component: Registered) -> provider_pb2.ConstructResponse:
        """The answer to the request for the component."""
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
        """Talk to the engine behind `stub` about what `request` describes."""
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
        """The component's inputs as they were sent: secrets and resources in their wrappers."""
        return from_wire(self._request.inputs)

    @property
    def needed(self) -> list[str]:
        """The URNs on which the component's inputs depend."""
        return urns(urn for each in self._request.inputDependencies.values() for urn in each.urns)

    def outputs(self) -> Outputs:
        """An empty set of outputs."""
        return Outputs(self._aws_version)

    async def invoke(self, token: str, **args: Any) -> dict[str, Any]:
        """Call a function of the `aws` provider."""
        provider = self._request.providers.get("aws", "")
        request = resource_pb2.ResourceInvokeRequest(
            tok=token, args=to_wire(args), provider=provider, version=self._aws_version
        )
        return await self._answer(request)

    async def resolved(self, value: Any) -> Any:
        """A value without wrappers: a secret's content, and a resource's outputs with its id."""
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
        """What a function returns.

        Raises:
            ValueError: It fails, and why.
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
        """Register another component, of the same name, inside this one."""
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
        """Register a resource of a provider; inputs of None are left out."""
        package = token.partition(":")[0]
        given = {key: value for key, value in inputs.items() if value is not None}
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
        """Report that a component has all of its children, and the outputs that the state keeps."""
        await self._stub.RegisterResourceOutputs(
            resource_pb2.RegisterResourceOutputsRequest(
                urn=component.urn, outputs=to_wire(outputs or {})
            )
        )


def urns(needed: Iterable[Registered | str]) -> list[str]:
    """The URNs of resources, each once."""
    return list(dict.fromkeys(each if isinstance(each, str) else each.urn for each in needed))
