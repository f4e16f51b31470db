"""The catalog's tables agree with pulumi-aws, with each other and with the documentation."""

from __future__ import annotations

import ast
import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from localaws.account import invokes
from localaws.catalog import CATALOG
from localaws.catalog.inputs import INPUTS, Block
from localaws.catalog.resource_type import AllExcept
from localaws.catalog.tokens import SECOND_TOKENS, canonical

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[3]
RULE = re.compile(
    r"(?!cloud\.(?:json|adc-e\.uk))(catalog|cloud|cloudwatch|name|invokes|acm|ec2|ecr|efs|elbv2|ecs|iam|kms|logs|route53|s3|secretsmanager|servicediscovery|ssm|wafv2)(\.[a-z0-9-]+){1,2}"
)
ROW = re.compile(r"^\| `([a-z0-9.-]+)` \| (.+) \| (.+) \| (.+) \|$", re.MULTILINE)
OWN_TESTS = {"catalog", "cloud", "invokes", "name"}
"""Rules about the local AWS itself, whose tests match their messages instead of their ids."""

SOURCES = {"provider source", "API model", "documented", "from memory", "our own"}


ARGUMENTS = re.compile(
    r"^class (\w+Args):\n    def __init__\(__self__, \*,\n(.*?)\):\n", re.MULTILINE | re.DOTALL
)
PARAMETER = re.compile(r"^ +(\w+): (.*?)( = None)?,?$", re.MULTILINE)

Parameters = dict[str, list[tuple[str, str, str]]]
"""By class of arguments: the name of each, its type and, where it may be left out, its default."""


def sdk_file(token: str, name: str) -> str:
    """A file of the SDK beside that of a type; reading it is a hundred times faster than importing it."""
    package = find_spec("pulumi_aws")
    assert package is not None
    assert package.submodule_search_locations is not None
    file = (
        Path(package.submodule_search_locations[0])
        / token.split(":")[1].partition("/")[0]
        / f"{name}.py"
    )
    return file.read_text() if file.exists() else ""


def sdk_source(token: str) -> str:
    """The SDK's source of a type."""
    return sdk_file(token, re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", token.rpartition(":")[2]).lower())


def parameters(source: str) -> Parameters:
    return {found[1]: PARAMETER.findall(found[2]) for found in ARGUMENTS.finditer(source)}


@cache
def nested_parameters(module: str) -> Parameters:
    """Those of everything that the types of a module have inside."""
    return parameters(sdk_file(f"aws:{module}/:", "_inputs"))


def blocks(arguments: str, every: Parameters, path: str = "") -> Iterator[Block]:
    """The inputs of a class of arguments, and what is inside of them."""
    named = [
        # Python's own words have an underscore behind them in the SDK, and not on the wire: `and_`.
        (re.sub("_(.)", lambda letter: letter[1].upper(), name.removesuffix("_")), *more)
        for name, *more in every.get(arguments, ())
    ]
    if named:
        required = tuple(name for name, _, default in named if not default)
        yield Block(path, frozenset(name for name, *_ in named), required)
    for name, kind, _ in named:
        inner = re.search(r"'(\w+Args)'", kind)
        # A policy may be text as well as an object, and the statements of web ACLs hold others
        # without end.
        if inner and "Union" not in kind and inner[1] != "WebAclRuleStatementArgs":
            yield from blocks(
                inner[1], every, f"{path}.{name}".lstrip(".") + ("[]" if "Sequence" in kind else "")
            )


def is_type(token: str) -> bool:
    return not token.rpartition(":")[2].startswith("get")


def sdk_inputs(token: str) -> tuple[Block, ...]:
    """The inputs of a type in the SDK; nothing where it has no such type."""
    own, name = parameters(sdk_source(token)), token.rpartition(":")[2]
    # Where a nested value took the plain name, the SDK gives the resource's arguments another.
    arguments = f"{name}InitArgs" if f"{name}InitArgs" in own else f"{name}Args"
    every = {**nested_parameters(token.split(":")[1].partition("/")[0]), **own}
    return tuple(blocks(arguments, every))


@pytest.mark.parametrize("token", [*CATALOG, *filter(is_type, SECOND_TOKENS)])
def test_the_inputs_of_a_type_are_those_of_pulumi_aws(token: str) -> None:
    assert f"'{token}'" in sdk_source(token), "the token is spelled as the SDK spells it"
    assert INPUTS[canonical(token)] == sdk_inputs(token)


def test_every_type_that_pulumi_aws_has_twice_is_known_under_both_tokens() -> None:
    twins = {
        token: f"aws:alb/{token.removeprefix('aws:lb/')}"
        for token in CATALOG
        if token.startswith("aws:lb/")
    }
    for token in CATALOG:
        if token.startswith("aws:s3/"):
            twins[token] = token.replace(":", "V2:").replace("V2:", ":", 1) + "V2"
    twice = {twin for token, twin in twins.items() if sdk_inputs(twin) == INPUTS[token]}
    assert twice == {*filter(is_type, SECOND_TOKENS)}


def test_a_second_token_is_of_something_known_here() -> None:
    assert {*SECOND_TOKENS.values()} <= {*CATALOG, *invokes.FUNCTIONS}
    assert not SECOND_TOKENS.keys() & {*CATALOG, *invokes.FUNCTIONS}


def test_every_type_has_inputs_and_every_row_of_inputs_a_type() -> None:
    assert INPUTS.keys() == CATALOG.keys()


@pytest.mark.parametrize("token", CATALOG)
def test_a_table_names_only_inputs_that_the_type_has(token: str) -> None:
    kind = CATALOG[token]
    replaces = kind.replaces.names if isinstance(kind.replaces, AllExcept) else kind.replaces
    assert isinstance(replaces, frozenset)
    named = {*replaces, *kind.json}
    paths = [
        *kind.unordered,
        *(each.property for each in kind.limits),
        *(each.property for each in kind.references),
    ]
    named |= {re.split(r"[.\[]", path)[0] for path in paths}
    if kind.autoname:
        named.add(kind.autoname.property)
    assert named <= kind.inputs
    assert {reference.token for reference in kind.references} <= CATALOG.keys()


def rules_in_code() -> set[str]:
    """Every rule id that the local AWS's code can put on a refusal."""
    found = set()
    for path in (ROOT / "localaws").rglob("*.py"):
        tree = ast.parse(path.read_text())
        for call in ast.walk(tree):
            if isinstance(call, ast.JoinedStr):
                continue
            if (
                isinstance(call, ast.Constant)
                and isinstance(call.value, str)
                and RULE.fullmatch(call.value)
            ):
                found.add(call.value)
    return found


def test_every_rule_is_documented_and_every_documented_rule_exists() -> None:
    text = (ROOT / "docs" / "local-aws-rules.md").read_text()
    rows = ROW.findall(text)
    documented = [rule for rule, *_ in rows]
    assert len(documented) == len(set(documented))
    assert set(documented) == rules_in_code()
    assert {source for *_, source in rows} <= SOURCES


def test_every_rule_of_a_service_is_met_by_a_test() -> None:
    tests = "".join(path.read_text() for path in (ROOT / "tests" / "localaws").rglob("*.py"))
    untested = {rule for rule in rules_in_code() if f'"{rule}"' not in tests}
    assert {rule for rule in untested if rule.partition(".")[0] not in OWN_TESTS} == set()
