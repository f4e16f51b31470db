"""The program under a recording engine: every registration is kept, and made in a local AWS that may refuse it.

This proves what the program asks for and that AWS's rules, as the local AWS knows them, accept it. It can't prove what
Pulumi's engine makes of it (previews, diffs, order of deletion); tests/engine does.
"""

from __future__ import annotations

import contextvars
import json
import runpy
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pulumi
import yaml
from google.protobuf import empty_pb2
from pulumi.runtime import mocks, rpc
from pulumi.runtime.proto import resource_pb2
from pulumi.runtime.settings import ROOT, SETTINGS
from pulumi.runtime.stack import run_in_stack
from pulumi.runtime.sync_await import _ensure_event_loop, _sync_await

from localaws import invokes
from localaws.autoname import DEFAULTS, named
from localaws.awsx import layout
from localaws.cloud import Cloud, type_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT_FOLDER = Path(__file__).parents[2]
PROJECT = "fargate-web"
REGION = "ap-northeast-1"
STACKS = ("dev", "prod", "local")

VPC = "aws:ec2/vpc:Vpc"
SUBNET = "aws:ec2/subnet:Subnet"
LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"


@dataclass(frozen=True)
class Registered:
    """One resource as the program, or a component from elsewhere, registered it."""

    type: str
    name: str
    urn: str
    parent: str
    inputs: dict[str, Any]
    dependencies: frozenset[str] = frozenset()
    protect: bool = False
    retain_on_delete: bool = False
    delete_before_replace: bool = False
    import_id: str = ""
    timeouts: tuple[str, str, str] = ("", "", "")
    """Create, update and delete."""


@dataclass
class Recorder(mocks.MockMonitor):
    """An engine that writes everything down."""

    cloud: Cloud
    registered: list[Registered] = field(default_factory=list)
    outputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What each component, and the stack, registered as its outputs, by URN."""

    invoked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(_Unused())

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 — the protocol's name
        urn = self.make_urn(request.parent, request.type, request.name)
        _ensure_event_loop()  # type: ignore[no-untyped-call] # the SDK's own mock does the same
        inputs = rpc.deserialize_properties(request.object)
        if request.type == "pulumi:pulumi:Stack":
            return resource_pb2.RegisterResourceResponse(urn=urn)
        self._keep(
            Registered(
                type=request.type,
                name=request.name,
                urn=urn,
                parent=request.parent,
                inputs=inputs,
                dependencies=frozenset(request.dependencies),
                protect=request.protect,
                retain_on_delete=request.retainOnDelete,
                delete_before_replace=request.deleteBeforeReplace,
                import_id=request.importId,
                timeouts=(
                    request.customTimeouts.create,
                    request.customTimeouts.update,
                    request.customTimeouts.delete,
                ),
            )
        )
        if request.remote:
            identifier, state = "", self._construct(request, urn, inputs)
        elif request.custom:
            identifier, state = self._make(request.type, request.name, urn, inputs, request.importId)
        else:
            identifier, state = "", {}
        self.resources[urn] = self.ResourceRegistration(urn, identifier, state)
        wire = _sync_await(rpc.serialize_properties(state, {}))
        return resource_pb2.RegisterResourceResponse(urn=urn, id=identifier, object=wire)

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802 — the protocol's name
        assert request.urn not in self.outputs, f"{request.urn} registered its outputs twice"
        self.outputs[request.urn] = rpc.deserialize_properties(request.outputs)
        return empty_pb2.Empty()

    def Invoke(self, request: Any) -> Any:  # noqa: N802 — the protocol's name
        _ensure_event_loop()  # type: ignore[no-untyped-call] # the SDK's own mock does the same
        args = rpc.deserialize_properties(request.args)
        self.invoked.append((request.tok, args))
        answer = invokes.answer(self.cloud, request.tok, args, REGION)
        response = resource_pb2.ResourceInvokeResponse()
        getattr(response, "return").CopyFrom(_sync_await(rpc.serialize_properties(answer, {})))
        return response

    def _keep(self, resource: Registered) -> None:
        assert resource.urn not in {each.urn for each in self.registered}, f"{resource.urn} is registered twice"
        self.registered.append(resource)

    def _make(
        self, token: str, name: str, urn: str, inputs: Mapping[str, Any], import_id: str = ""
    ) -> tuple[str, dict[str, Any]]:
        if import_id:
            found = self.cloud.find(token, import_id)
            assert found, f"{urn} imports {import_id}, which doesn't exist"
            made = self.cloud.update(token, found.id, inputs)
        else:
            filled = named(type_of(token), name, inputs, {}, seed=urn.encode())
            filled.pop(DEFAULTS)
            made = self.cloud.create(token, urn, filled, region=REGION)
        return made.id, made.outputs

    def _construct(self, request: Any, component: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """What awsx makes for a VPC of public subnets without NAT gateways."""
        assert request.type == "awsx:ec2:Vpc", "the only remote component there is"
        name, tags = request.name, inputs["tags"]
        transforms = mocks._resolve_callbacks(request.transforms)

        def child(token: str, parent: str, child_name: str, **props: Any) -> str:
            for transform in transforms:
                result = transform(pulumi.ResourceTransformArgs(True, token, child_name, props, _NO_OPTIONS))  # noqa: FBT003 — the SDK's signature
                props = dict(result.props) if result else props
            urn = self.make_urn(parent, token, child_name)
            self._keep(Registered(token, child_name, urn, parent, props, protect=request.protect))
            identifier, state = self._make(token, child_name, urn, props)
            self.resources[urn] = self.ResourceRegistration(urn, identifier, state)
            return urn

        def id_of(urn: str) -> str:
            return self.resources[urn].id

        vpc = child(VPC, component, name, cidrBlock=inputs["cidrBlock"], tags={"Name": name, **tags})
        gateway = child(
            "aws:ec2/internetGateway:InternetGateway", vpc, name, vpcId=id_of(vpc), tags={"Name": name, **tags}
        )
        zones = [REGION + zone for zone in self.cloud.zones][: int(inputs["numberOfAvailabilityZones"])]
        assert inputs["natGateways"] == {"strategy": "None"}, "the mock lays out nothing else"
        assert inputs["subnetStrategy"] == "Auto", "the mock lays out nothing else"
        subnets = []
        for plan in layout(name, inputs["cidrBlock"], zones, inputs["subnetSpecs"]):
            own = {**tags, "Name": plan.name, "SubnetType": plan.kind}
            subnet = child(
                SUBNET,
                vpc,
                plan.name,
                vpcId=id_of(vpc),
                availabilityZone=plan.zone,
                cidrBlock=plan.cidr,
                mapPublicIpOnLaunch=plan.kind == "Public",
                assignIpv6AddressOnCreation=False,
                tags=own,
            )
            table = child("aws:ec2/routeTable:RouteTable", subnet, plan.name, vpcId=id_of(vpc), tags=own)
            child(
                "aws:ec2/routeTableAssociation:RouteTableAssociation",
                table,
                plan.name,
                routeTableId=id_of(table),
                subnetId=id_of(subnet),
            )
            child(
                "aws:ec2/route:Route",
                table,
                plan.name,
                routeTableId=id_of(table),
                destinationCidrBlock="0.0.0.0/0",
                gatewayId=id_of(gateway),
            )
            subnets.append(id_of(subnet))
        return {"vpcId": id_of(vpc), "publicSubnetIds": subnets}


@dataclass(frozen=True)
class Recording:
    """What a run of the whole program registered."""

    registered: Sequence[Registered]
    outputs: Mapping[str, Mapping[str, Any]]
    invoked: Sequence[tuple[str, Mapping[str, Any]]]
    cloud: Cloud
    stack: str

    @property
    def exports(self) -> Mapping[str, Any]:
        """The stack's outputs."""
        return self.outputs[f"urn:pulumi:{self.stack}::{PROJECT}::pulumi:pulumi:Stack::{PROJECT}-{self.stack}"]

    def all(self, kind: str) -> list[Registered]:
        """Every resource of AWS's of a type, by the type's last word (`Listener`)."""
        return [each for each in self.registered if each.type.startswith("aws:") and word(each.type) == kind]

    def one(self, kind: str, name: str | None = None) -> Registered:
        """The only resource of AWS's of a type, or the one of that name."""
        return _only([each for each in self.all(kind) if name in {None, each.name}])

    def component(self, kind: str) -> Registered:
        """The only component of that class."""
        return _only([each for each in self.registered if each.type == f"{PROJECT}:index:{kind}"])

    def id(self, resource: Registered) -> str:
        """The id that the cloud gave a resource."""
        return next(
            each.id
            for each in self.cloud.all(resource.type)
            if each.urn == resource.urn or each.id == resource.import_id
        )

    def children(self, component: Registered) -> set[tuple[str, str]]:
        """Type (its last word) and name of everything whose parent is that component."""
        mine = [each for each in self.registered if each.parent == component.urn]
        return {(word(each.type), each.name) for each in mine}


def word(token: str) -> str:
    """The last word of a type token."""
    return token.rpartition(":")[2]


def _only(found: Sequence[Registered]) -> Registered:
    assert len(found) == 1, [each.urn for each in found]
    return found[0]


class _Unused(mocks.Mocks):
    """The recorder answers everything itself."""

    def call(self, args: mocks.MockCallArgs) -> Any:
        raise NotImplementedError(args.token)

    def new_resource(self, args: mocks.MockResourceArgs) -> Any:
        raise NotImplementedError(args.typ)


_NO_OPTIONS = pulumi.ResourceOptions()
_NOBODY: Any = object()


def schema() -> dict[str, dict[str, Any]]:
    """Pulumi.yaml's configuration schema."""
    return _config_of("Pulumi.yaml")


@cache
def _config_of(file: str) -> dict[str, Any]:
    config: dict[str, Any] = yaml.safe_load((ROOT_FOLDER / file).read_text())["config"]
    return config


def configuration(stack: str, changes: Mapping[str, Any]) -> dict[str, str]:
    """What the CLI hands to the program: the defaults, over them the stack's file, over that `changes`."""
    defaults = {f"{PROJECT}:{key}": entry["default"] for key, entry in schema().items()}
    own = _config_of(f"Pulumi.{stack}.yaml")
    changed = {f"{PROJECT}:{key}": value for key, value in changes.items()}
    return {key: as_text(value) for key, value in {**defaults, **own, **changed}.items()}


def as_text(value: Any) -> str:
    """A value of a YAML file as the CLI hands it to the program."""
    return value if isinstance(value, str) else json.dumps(value)


def run(stack: str = "dev", *, cloud: Cloud | None = None, file: str | None = None, **changes: Any) -> Recording:
    """Run the whole program for a stack (`file` where the stack's name isn't its file's), with some keys changed."""
    recorder = Recorder(cloud or Cloud(seed=1))
    run_under(recorder, stack, configuration(file or stack, changes))
    return Recording(recorder.registered, recorder.outputs, recorder.invoked, recorder.cloud, stack)


def run_under(recorder: Recorder, stack: str, config: Mapping[str, str]) -> None:
    """Run the whole program under a recorder, which keeps what was registered when the run fails."""

    def program() -> None:
        runpy.run_path(str(ROOT_FOLDER / "__main__.py"))

    def execute() -> None:
        # A root resource that is there already keeps set_mocks from making one that would outlive this run.
        ROOT.set(_NOBODY)
        pulumi.runtime.set_mocks(recorder.mocks, project=PROJECT, stack=stack, preview=False, monitor=recorder)
        ROOT.set(None)
        pulumi.runtime.set_all_config(dict(config))
        SETTINGS.rpc_manager.clear()
        SETTINGS.outputs.clear()
        _sync_await(run_in_stack(program))

    contextvars.copy_context().run(execute)
