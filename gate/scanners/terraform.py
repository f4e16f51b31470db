"""A graph as the plan that Terraform would make for the same resources, for checkov to read.

Pure.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from gate.scanners.type_names import names

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gate.graph import Graph, Node, Reference

_BLOCKS: Final = {
    "actions": "action",
    "blockDeviceMappings": "block_device_mappings",
    "capacityProviderStrategies": "capacity_provider_strategy",
    "conditions": "condition",
    "defaultActions": "default_action",
    "egress": "egress",
    "encryptionConfigurations": "encryption_configuration",
    "filters": "filter",
    "ingress": "ingress",
    "loadBalancers": "load_balancer",
    "metricQueries": "metric_query",
    "networkInterfaces": "network_interfaces",
    "redactedFields": "redacted_fields",
    "rules": "rule",
    "settings": "setting",
    "tagSpecifications": "tag_specifications",
    "targetGroups": "target_group",
    "tags": "tag",
    "volumes": "volume",
    "aliases": "alias",
    "services": "service",
    "clientAlias": "client_alias",
}
"""Lists of objects by Pulumi's plural, and the singular that Terraform calls each block."""

_MAPS: Final = frozenset({"dimensions", "inputPaths", "tags"})
"""Objects with free keys; every other object is a block."""


_FILLED_IN: Final = {"Eip": {"domain": "vpc"}}
"""Values that AWS sets by itself and checkov requires, by the last word of the type."""


class UnmappedBlockError(Exception):
    """A list of objects isn't in the table."""


def plan(graphs: Mapping[str, Graph]) -> dict[str, Any]:
    """Return one plan of several stacks, by name, as `terraform show -json` prints it.

    Raises:
        UnmappedTypeError: A resource's type isn't in the table.
        UnmappedBlockError: A list of objects isn't in the table.
    """
    planned = []
    changes = []
    configured = []
    for stack, graph in graphs.items():
        for node in graph.nodes:
            resource = _Resource(stack, node)
            planned.append(resource.planned())
            changes.append(resource.change())
            configured.append(resource.configured())
    return {
        "format_version": "1.2",
        "terraform_version": "1.9.0",
        "planned_values": {"root_module": {"resources": planned}},
        "resource_changes": changes,
        "configuration": {"root_module": {"resources": configured}},
    }


def address(stack: str, node: Node) -> str:
    """Return a resource's address in the plan."""
    return f"{names(node.type).terraform}.{_label(stack, node)}"


class _Resource:
    """One resource of the plan."""

    def __init__(self, stack: str, node: Node) -> None:
        self._stack = stack
        self._node = node
        self._head = {
            "address": address(stack, node),
            "mode": "managed",
            "type": names(node.type).terraform,
            "name": _label(stack, node),
        }
        self._provider = {"provider_name": "registry.terraform.io/hashicorp/aws"}
        self._values = self._block({**_FILLED_IN.get(node.kind, {}), **node.inputs})

    def planned(self) -> dict[str, Any]:
        return {
            **self._head,
            **self._provider,
            "schema_version": 0,
            "values": self._values,
            "sensitive_values": {},
        }

    def change(self) -> dict[str, Any]:
        change = {"actions": ["create"], "before": None, "after": self._values, "after_unknown": {}}
        return {**self._head, **self._provider, "change": change}

    def configured(self) -> dict[str, Any]:
        return {
            **self._head,
            "provider_config_key": "aws",
            "expressions": _expressions(self._values),
            "schema_version": 0,
        }

    def _block(self, values: Mapping[str, Any]) -> dict[str, Any]:
        return dict(self._attribute(name, value) for name, value in values.items())

    def _attribute(self, name: str, value: Any) -> tuple[str, Any]:
        match value:
            case dict() if name not in _MAPS:
                return _snake(name), [self._block(value)]
            case [dict(), *_]:
                if name not in _BLOCKS:
                    title = self._node.title
                    raise UnmappedBlockError(
                        f"{title}: gate/scanners/terraform.py has no Terraform name for `{name}`"
                    )
                return _BLOCKS[name], [self._block(each) for each in value]
            case _:
                return _snake(name), self._plain(value)

    def _plain(self, value: Any) -> Any:
        match value:
            case str():
                return "".join(map(self._interpolated, self._node.parts(value)))
            case dict():
                return {name: self._plain(each) for name, each in value.items()}
            case list():
                return [self._plain(each) for each in value]
            case float() if value.is_integer():
                return int(value)
            case _:
                return value

    def _interpolated(self, part: str | Reference) -> str:
        if isinstance(part, str):
            return part
        return f"${{{address(self._stack, part.node)}.{_snake(part.attribute)}}}"


def _label(stack: str, node: Node) -> str:
    return re.sub(r"[^A-Za-z0-9_]", "_", f"{stack}__{node.registered.name}")


def _expressions(block: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _expression(value) for name, value in block.items()}


def _expression(value: Any) -> Any:
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return list(map(_expressions, value))
    found = list(dict.fromkeys(_references(value)))
    return {"references": found} if found else {"constant_value": value}


def _references(value: Any) -> Iterator[str]:
    match value:
        case str():
            for name in re.findall(r"\$\{(aws_\w+\.\w+\.\w+)\}", value):
                yield from (name, name.rpartition(".")[0])
        case dict():
            for each in value.values():
                yield from _references(each)
        case list():
            for each in value:
                yield from _references(each)


def _snake(name: str) -> str:
    return re.sub(r"[A-Z]", lambda match: f"_{match[0].lower()}", name)
