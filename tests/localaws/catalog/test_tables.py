"""The catalog's tables agree with pulumi-aws, with each other and with the documentation."""

from __future__ import annotations

import ast
import re
from importlib.util import find_spec
from pathlib import Path

import pytest

from localaws.catalog import CATALOG
from localaws.catalog.inputs import INPUTS
from localaws.catalog.model import AllExcept

ROOT = Path(__file__).parents[3]
RULE = re.compile(
    r"(?!cloud\.json)(catalog|cloud|name|invokes|acm|ec2|elbv2|ecs|iam|kms|logs|route53|s3|secretsmanager|ssm|wafv2)(\.[a-z0-9-]+){1,2}"
)
ROW = re.compile(r"^\| `([a-z0-9.-]+)` \| (.+) \| (.+) \| (.+) \|$", re.MULTILINE)
OWN_TESTS = {"catalog", "cloud", "invokes", "name"}
"""Rules about the local AWS itself, whose tests match their messages instead of their ids."""

SOURCES = {"provider source", "API model", "documented", "from memory", "our own"}


def sdk_source(token: str) -> str:
    """The SDK's source of a type; reading it is a hundred times faster than importing it."""
    package = find_spec("pulumi_aws")
    assert package is not None
    assert package.submodule_search_locations is not None
    _, module, name = token.split(":")
    file = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    return (Path(package.submodule_search_locations[0]) / module.partition("/")[0] / f"{file}.py").read_text()


@pytest.mark.parametrize("token", CATALOG)
def test_the_inputs_of_a_type_are_those_of_pulumi_aws(token: str) -> None:
    source = sdk_source(token)
    assert f"'{token}'" in source, "the token is spelled as the SDK spells it"
    args = source.partition("\nclass _")[0]
    getters = re.findall(r'@pulumi\.getter(?:\(name="(\w+)"\))?\n(?:    @.*\n)*    def (\w+)\(', args)
    assert INPUTS[token] == {renamed or name for renamed, name in getters}


def test_every_type_has_inputs_and_every_row_of_inputs_a_type() -> None:
    assert INPUTS.keys() == CATALOG.keys()


@pytest.mark.parametrize("token", CATALOG)
def test_a_table_names_only_inputs_that_the_type_has(token: str) -> None:
    kind = CATALOG[token]
    replaces = kind.replaces.names if isinstance(kind.replaces, AllExcept) else kind.replaces
    assert isinstance(replaces, frozenset)
    named = {*replaces, *kind.json, *kind.required}
    paths = [*kind.unordered, *(each.property for each in kind.limits), *(each.property for each in kind.references)]
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
            if isinstance(call, ast.Constant) and isinstance(call.value, str) and RULE.fullmatch(call.value):
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
