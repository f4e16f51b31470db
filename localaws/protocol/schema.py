"""The package schema of the local AWS, from which `pulumi import` writes a program's code.

Names and nesting of inputs come from the catalog, which doesn't know the types of single values.
`pulumi import` writes literals, for which it needs no types.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localaws.catalog.inputs import blocks_of, tokens
from localaws.catalog.tokens import SECOND_TOKENS, canonical

if TYPE_CHECKING:
    from collections.abc import Mapping

_ANYTHING = {"$ref": "pulumi.json#/Any"}

_REFERRED_TO = {"arn": {"type": "string"}, "name": {"type": "string"}}
"""Outputs, besides the id, that generated code may refer to instead of repeating their value
(pulumi/pulumi, pkg/importer/language.go); the CLI only uses those that the resource has in the
state."""


def package(version: str) -> dict[str, Any]:
    """Return the schema of package `aws` as Pulumi's JSON, with each type's inputs."""
    resources: dict[str, Any] = {}
    types: dict[str, Any] = {}
    second_tokens = [token for token in SECOND_TOKENS if canonical(token) in tokens()]
    for token in (*tokens(), *second_tokens):
        own, *inner = blocks_of(canonical(token))
        references = {block.path: _type_token(token, block.path) for block in inner}
        resources[token] = {
            "properties": _properties("", own.names, references) | _REFERRED_TO,
            "inputProperties": _properties("", own.names, references),
            "requiredInputs": list(own.required),
        }
        for block in inner:
            types[references[block.path]] = {
                "type": "object",
                "properties": _properties(block.path, block.names, references),
                "required": list(block.required),
            }
    return {
        "name": "aws",
        "version": version,
        # `aws:ecs/service:Service` is `aws.ecs.Service`.
        "meta": {"moduleFormat": "(.*)(?:/[^/]*)"},
        "resources": resources,
        "types": types,
    }


def _type_token(token: str, path: str) -> str:
    """Return the token of an input's block, such as `aws:ecs/ClusterSetting:ClusterSetting`."""
    package, module, resource = token.split(":")
    names = path.replace("[]", "").split(".")
    name = resource + "".join(each[0].upper() + each[1:] for each in names)
    return f"{package}:{module.split('/')[0]}/{name}:{name}"


def _properties(path: str, names: frozenset[str], references: Mapping[str, str]) -> dict[str, Any]:
    """Describe a block's inputs: a block inside by its type, other inputs as anything."""
    described: dict[str, Any] = {}
    for name in sorted(names):
        inside = f"{path}.{name}" if path else name
        if inside in references:
            described[name] = {"$ref": f"#/types/{references[inside]}"}
        elif f"{inside}[]" in references:
            described[name] = {
                "type": "array",
                "items": {"$ref": f"#/types/{references[f'{inside}[]']}"},
            }
        else:
            described[name] = _ANYTHING
    return described
