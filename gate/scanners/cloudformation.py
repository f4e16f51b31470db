"""A graph as a CloudFormation template of the same resources, for cfn-lint to read. Pure."""

from __future__ import annotations

import copy
import json
import re
from typing import TYPE_CHECKING, Any, Final

from gate.graph import Reference
from gate.scanners.cloudformation_properties import DOCUMENTS, FOLDS, properties
from gate.scanners.type_names import names

if TYPE_CHECKING:
    from gate.graph import Graph, Node

_SPELLINGS: Final = {
    ("Certificate", "arn"): None,
    ("Group", "arn"): "AutoScalingGroupARN",
    ("Listener", "arn"): None,
    ("ListenerRule", "arn"): None,
    ("LoadBalancer", "arn"): None,
    ("Service", "arn"): None,
    ("TargetGroup", "arn"): None,
    ("Topic", "arn"): None,
    ("TaskDefinition", "arn"): None,
    ("Cluster", "id"): "Arn",
    ("Cluster", "name"): None,
    ("Service", "name"): "Name",
    ("Eip", "id"): "AllocationId",
    ("LoadBalancer", "dnsName"): "DNSName",
    ("LoadBalancer", "zoneId"): "CanonicalHostedZoneID",
    ("SecurityGroup", "id"): "GroupId",
}
"""How a template names an output: None for `Ref`. Without an entry `id` and `name` are a `Ref`,
others a `GetAtt`.
"""


_BESIDE: Final = "Beside"
"""Suffix of a label: that of a second resource, which is part of the first in Pulumi."""


def template(graph: Graph) -> dict[str, Any]:
    """Return the template of a graph.

    Raises:
        UnmappedTypeError: A resource's type isn't in the table.
    """
    resources: dict[str, Any] = {}
    for node in graph.nodes:
        kind = names(node.type).cloudformation
        if kind:
            resources[_label(node)] = _resource(node, kind)
        beside = _resource_beside(node)
        if beside:
            resources[f"{_label(node)}{_BESIDE}"] = beside
    for node in graph.nodes:
        # Types that are a part of another resource in CloudFormation.
        fold = FOLDS.get(node.kind)
        if fold:
            owner_input = "repository" if node.kind == "LifecyclePolicy" else "bucket"
            (owner,) = set(node.named(node.inputs[owner_input]))
            added = _with_functions(node, fold(dict(node.inputs)))
            resources[_label(owner)]["Properties"].update(added)
    return {"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources}


def _resource_beside(node: Node) -> dict[str, Any] | None:
    """Return the second resource that CloudFormation has for some inputs of a first one."""
    reference = {"Ref": _label(node)}
    if node.kind == "InternetGateway":
        gateway = {"VpcId": node.inputs["vpcId"], "InternetGatewayId": reference}
        return {
            "Type": "AWS::EC2::VPCGatewayAttachment",
            "Properties": _with_functions(node, gateway),
        }
    if node.kind == "Vpc" and node.inputs.get("assignGeneratedIpv6CidrBlock"):
        return {
            "Type": "AWS::EC2::VPCCidrBlock",
            "Properties": {"VpcId": reference, "AmazonProvidedIpv6CidrBlock": True},
        }
    return None


def title_of(graph: Graph, label: str) -> str:
    """Return the title of the resource that has this label in a template, or is its origin."""
    by_label = {_label(node): node.title for node in graph.nodes}
    return by_label.get(label) or by_label[label.removesuffix(_BESIDE)]


def _label(node: Node) -> str:
    return re.sub(r"[^A-Za-z0-9]", "", node.title.title())


def _resource(node: Node, kind: str) -> dict[str, Any]:
    inputs = _inputs_of(node)
    for name in DOCUMENTS & inputs.keys():
        inputs[name] = json.loads(inputs[name])
    resource: dict[str, Any] = {
        "Type": kind,
        "Properties": _with_functions(node, properties(node.kind, inputs)),
    }
    text = json.dumps(resource["Properties"])
    unnamed = set()
    for source in node.sources:
        label = _label(source)
        # What the properties name already needs no DependsOn.
        if names(source.type).cloudformation and not _mentions(text, label):
            unnamed.add(label)
    if unnamed:
        resource["DependsOn"] = sorted(unnamed)
    return resource


def _mentions(text: str, label: str) -> bool:
    """Return whether a `Ref`, `Fn::GetAtt` or `Fn::Sub` in the JSON `text` names a label."""
    return re.search(rf'"{label}"|\${{{label}[.}}]', text) is not None


def _inputs_of(node: Node) -> dict[str, Any]:
    """Copy the inputs, with the name that a template requires and Pulumi generates."""
    named = {"name": node.outputs["name"]} if node.kind == "RolePolicy" else {}
    return {**named, **copy.deepcopy(dict(node.inputs))}


def _with_functions(node: Node, value: Any) -> Any:
    """Return a value with its references to other resources as template functions."""
    match value:
        case str():
            return _text(node.parts(value))
        case dict():
            return {name: _with_functions(node, each) for name, each in value.items()}
        case list():
            return [_with_functions(node, each) for each in value]
        case _:
            return value


def _text(parts: list[str | Reference]) -> Any:
    match parts:
        case [Reference(attribute="prefixListId") as reference]:
            return reference.node.outputs["prefixListId"]  # no function gives a template this
        case [Reference() as reference]:
            label, attribute = _target(reference)
            return {"Fn::GetAtt": [label, attribute]} if attribute else {"Ref": label}
        case [] | [str()]:  # adjacent texts are one part
            return "".join(map(str, parts))
    return {"Fn::Sub": "".join(map(_in_sub, parts))}


def _in_sub(part: str | Reference) -> str:
    """Return a part of a text as `Fn::Sub` reads it."""
    if isinstance(part, str):
        return part.replace("${", "${!")
    label, attribute = _target(part)
    return f"${{{label}.{attribute}}}" if attribute else f"${{{label}}}"


def _target(reference: Reference) -> tuple[str, str | None]:
    """Return the label of a resource, and its attribute; None where a `Ref` returns the value."""
    node, attribute = reference.node, reference.attribute
    if (node.kind, attribute) in _SPELLINGS:
        return _label(node), _SPELLINGS[node.kind, attribute]
    if attribute in {"id", "name"}:
        return _label(node), None
    return _label(node), attribute[0].upper() + attribute[1:]
