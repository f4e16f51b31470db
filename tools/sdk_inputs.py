"""Write `localaws/catalog/data/inputs.json`: the inputs of the catalog's types in pulumi-aws's SDK.

`make models` runs it. It reads the SDK's source, which is a hundred times faster than importing it.
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

TARGET = Path(__file__).parents[1] / "localaws" / "catalog" / "data" / "inputs.json"

_ARGUMENTS = re.compile(
    r"^class (\w+Args):\n    def __init__\(__self__, \*,\n(.*?)\):\n", re.MULTILINE | re.DOTALL
)
_PARAMETER = re.compile(r"^ +(\w+): (.*?)( = None)?,?$", re.MULTILINE)

_ENDLESS = "WebAclRuleStatementArgs"
"""Statements of web ACLs hold others without end."""

Parameters = dict[str, list[tuple[str, str, str]]]
"""By class of arguments: the name of each, its type and, where it may be left out, its default."""


def sdk_source(token: str) -> str:
    """Return the SDK's source of a type; empty where it has no such file."""
    name = token.rpartition(":")[2]
    return _sdk_file(_module(token), re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower())


def sdk_inputs(token: str) -> list[tuple[str, list[str], list[str]]]:
    """Return the blocks of a type: path, required and optional names, in the SDK's order."""
    own, name = _parameters(sdk_source(token)), token.rpartition(":")[2]
    # Where a nested value took the plain name, the SDK gives the resource's arguments another.
    arguments = f"{name}InitArgs" if f"{name}InitArgs" in own else f"{name}Args"
    found: list[tuple[str, list[str], list[str]]] = []
    _collect(arguments, {**_nested_parameters(_module(token)), **own}, "", found)
    return found


def sdk_blocks(token: str) -> tuple[Block, ...]:
    """Return the blocks of a type as the catalog has them."""
    return tuple(
        Block(path, frozenset((*required, *optional)), tuple(required))
        for path, required, optional in sdk_inputs(token)
    )


def main(target: Path = TARGET, tokens: Iterable[str] = tuple(CATALOG)) -> None:
    """Write the table of all types of the catalog, or of these.

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
    """Return the parameters of everything that the types of a module have inside."""
    return _parameters(_sdk_file(module, "_inputs"))


def _parameters(source: str) -> Parameters:
    return {found[1]: _PARAMETER.findall(found[2]) for found in _ARGUMENTS.finditer(source)}


def _collect(
    arguments: str,
    every: Parameters,
    path: str,
    found: list[tuple[str, list[str], list[str]]],
) -> None:
    """Add the block of a class of arguments, and the blocks inside it."""
    names = [(_wire_name(name), kind, default) for name, kind, default in every.get(arguments, ())]
    if names:
        required = [name for name, _, default in names if not default]
        optional = [name for name, _, default in names if default]
        found.append((path, required, optional))
    for name, kind, _ in names:
        inner = re.search(r"'(\w+Args)'", kind)
        # A union is a policy, which is text or an object.
        if inner is None or "Union" in kind or inner[1] == _ENDLESS:
            continue
        marks = "[]" if "Sequence" in kind else ""
        _collect(inner[1], every, f"{path}.{name}".lstrip(".") + marks, found)


def _wire_name(name: str) -> str:
    """Return a parameter's name in camelCase.

    Python's own words have an underscore behind them in the SDK, and not on the wire: `and_`.
    """
    return re.sub("_(.)", lambda letter: letter[1].upper(), name.removesuffix("_"))


if __name__ == "__main__":
    main()
