"""An engine that records what a component registers."""

from __future__ import annotations

from typing import Any

from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2, resource_pb2

from localaws.catalog import UNKNOWN
from localaws.protocol.awsx.components import construct
from localaws.protocol.property_values import from_wire, to_wire

ZONES = ("r-1a", "r-1b", "r-1c")


class Engine:
    """An engine that records registrations; in a preview, no resource has an id."""

    def __init__(self, *, preview: bool = False) -> None:
        self.preview = preview
        self.registered: list[Any] = []
        self.answers: dict[str, dict[str, Any]] = {
            "getAvailabilityZones": {"names": list(ZONES)},
            "getVpc": {"id": "vpc-default"},
            "getSubnets": {"ids": ["subnet-a", "subnet-b"]},
            "getSubnet": {"id": "subnet-a", "vpcId": "vpc-of-subnet", "mapPublicIpOnLaunch": True},
            "getRegion": {"name": "eu-west-1"},
            "getResource": {"urn": "", "id": "", "state": {"arn": "arn:group", "port": 8080}},
        }
        """The results of functions, by the last word of their token."""

    async def Invoke(self, request: Any) -> Any:  # noqa: N802 — the protocol's name
        answer = self.answers[request.tok.rpartition(":")[2]]
        return resource_pb2.ResourceInvokeResponse(**{"return": to_wire(answer)})  # type: ignore[arg-type]

    async def RegisterResource(self, request: Any) -> Any:  # noqa: N802 — the protocol's name
        self.registered.append(request)
        identifier = (
            "" if self.preview else f"{request.type.rpartition(':')[2]}-{len(self.registered)}"
        )
        chosen: Any = UNKNOWN if self.preview else f"of-{identifier}"
        outputs = {
            "name": f"name-of-{request.name}",
            **from_wire(request.object),
            "allocationId": chosen,
            "arn": chosen,
        }
        if outputs.get("assignGeneratedIpv6CidrBlock"):
            outputs["ipv6CidrBlock"] = UNKNOWN if self.preview else "2001:db8:0:ab00::/56"
        return resource_pb2.RegisterResourceResponse(
            urn=f"urn:{request.type}::{request.name}", id=identifier, object=to_wire(outputs)
        )

    # The protocol's name
    async def RegisterResourceOutputs(self, _request: Any) -> Any:  # noqa: N802
        return empty_pb2.Empty()

    def registrations(self, kind: str) -> list[Any]:
        return [each for each in self.registered if each.type.endswith(f":{kind}")]

    def of(self, kind: str) -> dict[str, dict[str, Any]]:
        """Return the inputs of each resource of a type, by name."""
        return {each.name: from_wire(each.object) for each in self.registrations(kind)}

    def parents(self, kind: str) -> dict[str, str]:
        """Return the parent of each resource of a type, by name."""
        return {each.name: each.parent for each in self.registrations(kind)}


async def component(engine: Engine, token: str, name: str, **inputs: Any) -> dict[str, Any]:
    """Construct a component with these inputs, and return its outputs."""
    request = provider_pb2.ConstructRequest(
        type=token, name=name, stack="dev", inputs=to_wire(inputs)
    )
    return from_wire((await construct(engine, request, "7.51.0")).state)
