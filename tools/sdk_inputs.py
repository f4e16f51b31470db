"""Write tables from pulumi-aws's SDK: the inputs of the catalog's types, and AWS's regions.

`make models` runs it. It parses the SDK's source, which is a hundred times faster than importing
it.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from localaws.catalog import CATALOG
from localaws.catalog.inputs import Block
from tools.data_files import write_table

if TYPE_CHECKING:
    from collections.abc import Iterable

_DATA = Path(__file__).parents[1] / "localaws" / "catalog" / "data"
TARGET = _DATA / "inputs.json"
REGIONS = _DATA / "regions.json"

_ARGUMENTS = re.compile(
    r"^class (\w+Args):\n    def __init__\(__self__, \*,\n(.*?)\):\n", re.MULTILINE | re.DOTALL
)
_REGION = re.compile(r'^    [A-Z0-9_]+ = "([a-z0-9-]+)"$', re.MULTILINE)
_PARAMETER = re.compile(r"^ +(\w+): (.*?)( = None)?,?$", re.MULTILINE)

_ENDLESS = "WebAclRuleStatementArgs"
"""A statement of a web ACL, which can contain itself."""

Parameters = dict[str, list[tuple[str, str, str]]]
"""By class of arguments: each parameter's name and type, and its default if it is optional."""


def sdk_source(token: str) -> str:
    """Return the SDK's source of a type; empty where it has no such file."""
    name = token.rpartition(":")[2]
    return _sdk_file(_module(token), re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower())


def sdk_inputs(token: str) -> list[tuple[str, list[str], list[str]]]:
    """Return the blocks of a type: path, required and optional names, in the SDK's order."""
    own_parameters = _parameters(sdk_source(token))
    name = token.rpartition(":")[2]
    arguments = f"{name}InitArgs"
    # The SDK uses this name only where a nested value has the plain one.
    if arguments not in own_parameters:
        arguments = f"{name}Args"
    parameters = {**_nested_parameters(_module(token)), **own_parameters}
    found: list[tuple[str, list[str], list[str]]] = []
    _collect(arguments, parameters, "", found)
    return found


def sdk_blocks(token: str) -> tuple[Block, ...]:
    """Return the blocks of a type as the catalog has them."""
    return tuple(
        Block(path, frozenset((*required, *optional)), tuple(required))
        for path, required, optional in sdk_inputs(token)
    )


def sdk_regions() -> list[str]:
    """Return the names of AWS's regions, in all partitions."""
    _, _, members = _sdk_file("", "_enums").partition("class Region(")
    return sorted(_REGION.findall(members))


def main(
    target: Path = TARGET,
    tokens: Iterable[str] = tuple(CATALOG),
    regions: Path = REGIONS,
) -> None:
    """Write the table of these types, by default the catalog's, and that of the regions.

    Raises:
        SystemExit: The SDK has no such type.
    """
    table: dict[str, dict[str, dict[str, list[str]]]] = {}
    for token in sorted(tokens):
        blocks = sdk_inputs(token)
        if not blocks:
            raise SystemExit(f"the installed pulumi-aws has no type {token}; correct its token")
        table[token] = {}
        for path, required, optional in blocks:
            names = {"required": required, "optional": optional}
            table[token][path] = {key: value for key, value in names.items() if value}
    write_table(target, table, depth=2)
    write_table(regions, {"regions": sdk_regions()}, depth=1)


def _module(token: str) -> str:
    """Return the SDK's package of a type: `ecs` of `aws:ecs/cluster:Cluster`."""
    return token.split(":")[1].partition("/")[0]


def _sdk_file(module: str, name: str) -> str:
    package = find_spec("pulumi_aws")
    if package is None or package.submodule_search_locations is None:
        raise SystemExit("pulumi-aws isn't installed; run `make setup`")
    file = Path(package.submodule_search_locations[0]) / module / f"{name}.py"
    return file.read_text(encoding="utf-8") if file.exists() else ""


@cache
def _nested_parameters(module: str) -> Parameters:
    """Return the parameters of the nested values of a module's types."""
    return _parameters(_sdk_file(module, "_inputs"))


def _parameters(source: str) -> Parameters:
    return {found[1]: _PARAMETER.findall(found[2]) for found in _ARGUMENTS.finditer(source)}


def _collect(
    arguments: str,
    parameters: Parameters,
    path: str,
    found: list[tuple[str, list[str], list[str]]],
) -> None:
    """Add the block of a class of arguments, and the blocks inside it, to `found`."""
    if arguments not in parameters:
        return
    required: list[str] = []
    optional: list[str] = []
    nested: list[tuple[str, str]] = []
    for parameter, kind, default in parameters[arguments]:
        name = _wire_name(parameter)
        (optional if default else required).append(name)
        inner = re.search(r"'(\w+Args)'", kind)
        # A union is a policy, which is text or an object.
        if inner is None or "Union" in kind or inner[1] == _ENDLESS:
            continue
        marks = "[]" if "Sequence" in kind else ""
        nested.append((inner[1], f"{path}.{name}".lstrip(".") + marks))
    found.append((path, required, optional))
    for inner_arguments, inner_path in nested:
        _collect(inner_arguments, parameters, inner_path, found)


def _wire_name(name: str) -> str:
    """Return a parameter's name in camelCase.

    In the SDK an underscore follows Python's keywords, such as `and_`, which isn't on the wire.
    """
    return re.sub("_(.)", lambda letter: letter[1].upper(), name.removesuffix("_"))


if __name__ == "__main__":
    main()
