"""The Pulumi provider protocol for package `awsx`: builds `awsx:ec2:Vpc` from the same parts as the real one."""

from __future__ import annotations

import asyncio
import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import (
    plugin_pb2,
    provider_pb2,
    provider_pb2_grpc,
    resource_pb2,
    resource_pb2_grpc,
)

from localaws.catalog import UNKNOWN
from localaws.property_values import from_wire, reference, to_wire, unwrapped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    Context = grpc.aio.ServicerContext[Any, Any]

VPC = "awsx:ec2:Vpc"

_DEFAULT_CIDR = "10.0.0.0/16"
_VPC_SETTINGS = ("enableDnsHostnames", "enableDnsSupport", "assignGeneratedIpv6CidrBlock")
"""Inputs of the component that are the VPC's own."""

_SUBNET_TYPES = ("Public", "Private", "Isolated", "Unused")


class Unsupported(Exception):  # noqa: N818 — what the program asked for is fine, it just isn't here
    """The real awsx can do this, the local one can't; the message says what it can."""


@dataclass(frozen=True)
class SubnetPlan:
    """One subnet to make."""

    name: str
    kind: str
    zone: str
    cidr: str
    tags: Mapping[str, str]
    ipv6_index: int = 0
    """Which /64 of the VPC's IPv6 range is its own."""


def layout(name: str, cidr: str, zones: Sequence[str], specs: Sequence[Mapping[str, Any]]) -> Iterator[SubnetPlan]:
    """Where awsx's `Auto` strategy puts the subnets.

    Every zone gets an equal power-of-two share of the VPC, and in it every spec, in the order given, an equal share or
    the size its `cidrMask` asks for, aligned to that size.
    """
    network = ipaddress.IPv4Network(cidr)
    shares = network.subnets(prefixlen_diff=(len(zones) - 1).bit_length())
    for number, (zone, share) in enumerate(zip(zones, shares, strict=False), start=1):
        free = int(share.network_address)
        for position, spec in enumerate(specs):
            mask = int(spec.get("cidrMask") or share.prefixlen + (len(specs) - 1).bit_length())
            size = 1 << (network.max_prefixlen - mask)
            start = -(-free // size) * size
            free = start + size
            if spec["type"] != "Unused":
                subnet = f"{name}-{spec.get('name') or spec['type'].lower()}-{number}"
                own = f"{ipaddress.IPv4Address(start)}/{mask}"
                index = number - 1 + len(zones) * position
                yield SubnetPlan(subnet, spec["type"], zone, own, spec.get("tags") or {}, index)


class AwsxProvider(provider_pb2_grpc.ResourceProviderServicer):
    """Constructs components for Pulumi's engine."""

    def __init__(self, *, version: str, aws_version: str) -> None:
        """Stand in for awsx `version`, whose children belong to the `aws` provider of `aws_version`."""
        self._version = version
        self._aws_version = aws_version

    async def Attach(self, _request: plugin_pb2.PluginAttach, _context: Context) -> empty_pb2.Empty:
        """Nothing to remember: a construction brings its own address."""
        return empty_pb2.Empty()

    async def Handshake(
        self, _request: provider_pb2.ProviderHandshakeRequest, _context: Context
    ) -> provider_pb2.ProviderHandshakeResponse:
        """The engine insists that a provider of components takes secrets and resource references."""
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True, accept_resources=True)

    async def GetPluginInfo(self, _request: empty_pb2.Empty, _context: Context) -> plugin_pb2.PluginInfo:
        """Name the version of the provider that this one stands in for."""
        return plugin_pb2.PluginInfo(version=self._version)

    async def CheckConfig(self, request: provider_pb2.CheckRequest, _context: Context) -> provider_pb2.CheckResponse:
        """There is nothing to configure."""
        return provider_pb2.CheckResponse(inputs=request.news)

    async def DiffConfig(self, _request: provider_pb2.DiffRequest, _context: Context) -> provider_pb2.DiffResponse:
        """There is nothing to configure."""
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)

    async def Configure(
        self, _request: provider_pb2.ConfigureRequest, _context: Context
    ) -> provider_pb2.ConfigureResponse:
        """There is nothing to configure."""
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True, acceptResources=True)

    async def Cancel(self, _request: empty_pb2.Empty, _context: Context) -> empty_pb2.Empty:
        """Nothing here waits."""
        return empty_pb2.Empty()

    async def Construct(
        self, request: provider_pb2.ConstructRequest, context: Context
    ) -> provider_pb2.ConstructResponse:
        """Register the component and its children with the engine, and answer with the component's outputs."""
        try:
            async with grpc.aio.insecure_channel(request.monitorEndpoint) as channel:
                return await construct(resource_pb2_grpc.ResourceMonitorStub(channel), request, self._aws_version)
        except (Unsupported, ValueError) as reason:
            await context.abort(
                grpc.StatusCode.UNKNOWN, f"{request.type} resource '{request.name}' has a problem: {reason}"
            )


@dataclass(frozen=True)
class _Registered:
    """What the engine answered to a registration."""

    urn: str
    id: object
    outputs: Mapping[str, Any]


class _Monitor:
    """The engine's side of a construction."""

    def __init__(self, stub: Any, request: provider_pb2.ConstructRequest, aws_version: str) -> None:
        self._stub = stub
        self._request = request
        self._aws_version = aws_version

    async def zones(self) -> Sequence[str]:
        answer = await self._stub.Invoke(
            resource_pb2.ResourceInvokeRequest(
                tok="aws:index/getAvailabilityZones:getAvailabilityZones",
                provider=self._request.providers.get("aws", ""),
                version=self._aws_version,
            )
        )
        return list(from_wire(getattr(answer, "return"))["names"])

    async def component(self) -> _Registered:
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

    async def child(
        self, token: str, name: str, parent: _Registered, inputs: Mapping[str, Any], *needed: _Registered
    ) -> _Registered:
        request = resource_pb2.RegisterResourceRequest(
            type=token,
            name=name,
            parent=parent.urn,
            custom=True,
            object=to_wire(inputs),
            dependencies=[each.urn for each in needed],
            provider=self._request.providers.get("aws", ""),
            version=self._aws_version,
            acceptSecrets=False,
            supportsPartialValues=True,
        )
        if self._request.protect:
            request.protect = True
        return await self._register(request)

    async def _register(self, request: resource_pb2.RegisterResourceRequest) -> _Registered:
        answer = await self._stub.RegisterResource(request)
        outputs = from_wire(answer.object)
        return _Registered(answer.urn, answer.id or outputs.get("id", UNKNOWN), outputs)

    async def done(self, component: _Registered) -> None:
        await self._stub.RegisterResourceOutputs(resource_pb2.RegisterResourceOutputsRequest(urn=component.urn))


async def construct(
    stub: Any, request: provider_pb2.ConstructRequest, aws_version: str
) -> provider_pb2.ConstructResponse:
    """Register a VPC, its internet gateway, and per zone and spec a subnet with a route table of its own.

    Raises:
        Unsupported: The real awsx can do this, the local one can't.
        ValueError: The real awsx refuses it too.
    """
    monitor = _Monitor(stub, request, aws_version)
    if request.type != VPC:
        raise Unsupported(f"the local awsx builds {VPC} only; use pulumi_aws resources instead")
    inputs = unwrapped(from_wire(request.inputs))
    name, cidr, tags = request.name, inputs.get("cidrBlock") or _DEFAULT_CIDR, inputs.get("tags") or {}
    specs = inputs.get("subnetSpecs")
    _require_supported(inputs)
    zones = inputs.get("availabilityZoneNames") or await _first_zones(monitor, inputs)

    component = await monitor.component()
    settings = {key: inputs[key] for key in _VPC_SETTINGS if key in inputs}
    vpc = await monitor.child(
        "aws:ec2/vpc:Vpc", name, component, {"cidrBlock": cidr, **settings, "tags": {"Name": name, **tags}}
    )
    gateway = await monitor.child(
        "aws:ec2/internetGateway:InternetGateway",
        name,
        vpc,
        {"vpcId": vpc.id, "tags": {"Name": name, **tags}},
        vpc,
    )
    plans = list(layout(name, cidr, zones, specs))
    made = await asyncio.gather(*(_subnet(monitor, plan, vpc, gateway, tags) for plan in plans))
    await _lead_out(monitor, name, _strategy(inputs), list(zip(plans, made, strict=True)), tags)
    await monitor.done(component)

    state: dict[str, object] = {"vpcId": vpc.id}
    subnets = [subnet for subnet, _ in made]
    for kind in _SUBNET_TYPES[:3]:
        ids = [subnet.id for plan, subnet in zip(plans, subnets, strict=True) if plan.kind == kind]
        state[f"{kind.lower()}SubnetIds"] = UNKNOWN if UNKNOWN in ids else ids
    urns = [vpc.urn, *(subnet.urn for subnet in subnets)]
    needs = dict.fromkeys(state, urns)
    # Few of the real one's references: the SDK asks the engine for every one, whether the program uses it or not.
    tables = [table for _, table in made]
    state |= {
        "internetGateway": reference(gateway.urn, gateway.id, aws_version),
        "routeTables": [reference(table.urn, table.id, aws_version) for table in tables],
    }
    needs["internetGateway"] = [*urns, gateway.urn]
    needs["routeTables"] = [*urns, *(table.urn for table in tables)]
    return provider_pb2.ConstructResponse(
        urn=component.urn,
        state=to_wire(state),
        stateDependencies={
            key: provider_pb2.ConstructResponse.PropertyDependencies(urns=urns) for key, urns in needs.items()
        },
    )


async def _subnet(
    monitor: _Monitor, plan: SubnetPlan, vpc: _Registered, gateway: _Registered, tags: Mapping[str, str]
) -> tuple[_Registered, _Registered]:
    """A subnet and its route table, which leads to the internet gateway where the subnet is public."""
    own = {"Name": plan.name, "SubnetType": plan.kind}
    subnet = await monitor.child(
        "aws:ec2/subnet:Subnet",
        plan.name,
        vpc,
        {
            "vpcId": vpc.id,
            "availabilityZone": plan.zone,
            "cidrBlock": plan.cidr,
            "mapPublicIpOnLaunch": plan.kind == "Public",
            **_ipv6(vpc, plan.ipv6_index),
            "tags": {**tags, **plan.tags, **own},
        },
        vpc,
    )
    table = await monitor.child(
        "aws:ec2/routeTable:RouteTable", plan.name, subnet, {"vpcId": vpc.id, "tags": {**tags, **own}}, subnet, vpc
    )
    link = {"routeTableId": table.id, "subnetId": subnet.id}
    association = "aws:ec2/routeTableAssociation:RouteTableAssociation"
    children = [monitor.child(association, plan.name, table, link, table, subnet)]
    if plan.kind == "Public":
        route = {"routeTableId": table.id, "destinationCidrBlock": "0.0.0.0/0", "gatewayId": gateway.id}
        children.append(monitor.child("aws:ec2/route:Route", plan.name, table, route, table, gateway))
    await asyncio.gather(*children)
    return subnet, table


def _ipv6(vpc: _Registered, index: int) -> Mapping[str, object]:
    """A subnet's /64, whose addresses whatever starts there gets, if its VPC has an IPv6 range.

    Source: pulumi-awsx at e60adf3c, awsx/ec2/vpc.ts, resolveAssignIpv6AddressOnCreation and handleIpv6Cidr.
    """
    if vpc.outputs.get("assignGeneratedIpv6CidrBlock") is not True:
        return {"assignIpv6AddressOnCreation": False}
    whole = vpc.outputs.get("ipv6CidrBlock")
    own: object = UNKNOWN
    if isinstance(whole, str):
        own = f"{ipaddress.IPv6Network(whole).network_address + (index << 64)}/64"
    return {"assignIpv6AddressOnCreation": True, "ipv6CidrBlock": own}


async def _lead_out(
    monitor: _Monitor,
    name: str,
    strategy: str,
    made: Sequence[tuple[SubnetPlan, tuple[_Registered, _Registered]]],
    tags: Mapping[str, str],
) -> None:
    """NAT gateways in the first public subnet or in that of every zone, and private subnets' routes to them."""
    if strategy == "None":
        return
    public = {plan.zone: subnet for plan, (subnet, _) in reversed(made) if plan.kind == "Public"}
    zones = list(dict.fromkeys(plan.zone for plan, _ in made))
    gateways = {}
    for number, zone in enumerate(zones if strategy == "OnePerAz" else zones[:1], start=1):
        home, own = public[zone], {"tags": {**tags, "Name": f"{name}-{number}"}}
        address = await monitor.child("aws:ec2/eip:Eip", f"{name}-{number}", home, own, home)
        inputs = {"subnetId": home.id, "allocationId": address.outputs.get("allocationId", UNKNOWN), **own}
        gateways[zone] = await monitor.child(
            "aws:ec2/natGateway:NatGateway", f"{name}-{number}", home, inputs, home, address
        )
    for plan, (_, table) in made:
        if plan.kind == "Private":
            gateway = gateways.get(plan.zone, gateways[zones[0]])
            route = {"routeTableId": table.id, "destinationCidrBlock": "0.0.0.0/0", "natGatewayId": gateway.id}
            await monitor.child("aws:ec2/route:Route", plan.name, table, route, table, gateway)


def _strategy(inputs: Mapping[str, Any]) -> str:
    return str((inputs.get("natGateways") or {}).get("strategy", "OnePerAz"))


def _require_supported(inputs: Mapping[str, Any]) -> None:
    specs = inputs.get("subnetSpecs") or ()
    supported: Mapping[str, Callable[[], bool]] = {
        "no natGateways.elasticIpAllocationIds": lambda: (
            not (inputs.get("natGateways") or {}).get("elasticIpAllocationIds")
        ),
        "subnetStrategy 'Auto'": lambda: inputs.get("subnetStrategy") == "Auto",
        f"subnetSpecs with a type of {', '.join(_SUBNET_TYPES)}": lambda: (
            bool(specs) and all(spec.get("type") in _SUBNET_TYPES for spec in specs)
        ),
        "no vpcEndpointSpecs": lambda: not inputs.get("vpcEndpointSpecs"),
        "no IPAM pool, and of IPv6 only assignGeneratedIpv6CidrBlock": lambda: (
            not any(key.startswith("ipv6") or "Ipam" in key or key == "ipv4NetmaskLength" for key in inputs)
        ),
    }
    missing = [what for what, holds in supported.items() if not holds()]
    if missing:
        raise Unsupported(f"the local awsx needs {'; '.join(missing)}")
    kinds = [spec.get("type") for spec in specs]
    if _strategy(inputs) != "None" and not ("Public" in kinds and {"Private", "Isolated"} & {*kinds}):
        raise ValueError(
            "If NAT Gateway strategy is 'OnePerAz' or 'Single', public subnets must be declared to host the NAT "
            "Gateway resource, along with private or isolated subnets"
        )


async def _first_zones(monitor: _Monitor, inputs: Mapping[str, Any]) -> Sequence[str]:
    wanted, zones = int(inputs.get("numberOfAvailabilityZones") or 3), await monitor.zones()
    if wanted > len(zones):
        raise ValueError(
            f"The configured region for this provider does not have at least {wanted} Availability Zones. "
            "Either specify an explicit list of zones in availabilityZoneNames or choose a region with more of them."
        )
    return zones[:wanted]
