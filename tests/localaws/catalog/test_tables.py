"""The catalog's tables agree with pulumi-aws, with each other and with the documentation."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from localaws.account import invokes
from localaws.catalog import CATALOG
from localaws.catalog.inputs import blocks_of, tokens
from localaws.catalog.resource_type import AllExcept
from localaws.catalog.tokens import SECOND_TOKENS, canonical
from tools.sdk_inputs import sdk_blocks, sdk_source

ROOT = Path(__file__).parents[3]
RULE = re.compile(
    r"(?!cloud\.(?:json|adc-e\.uk))(catalog|cloud|cloudwatch|name|invokes|acm|ec2|ecr|efs|elbv2|ecs|iam|kms|logs|route53|s3|secretsmanager|servicediscovery|ssm|wafv2)(\.[a-z0-9-]+){1,2}"
)
ROW = re.compile(r"^\| `([a-z0-9.-]+)` \| (.+) \| (.+) \| (.+) \|$", re.MULTILINE)
OWN_TESTS = {"catalog", "cloud", "invokes", "name"}
"""Rules about the local AWS itself, whose tests match their messages instead of their ids."""

SOURCES = {"provider source", "API model", "documented", "from memory", "our own"}


def is_type(token: str) -> bool:
    return not token.rpartition(":")[2].startswith("get")


@pytest.mark.parametrize("token", [*CATALOG, *filter(is_type, SECOND_TOKENS)])
def test_the_inputs_of_a_type_are_those_of_pulumi_aws(token: str) -> None:
    assert f"'{token}'" in sdk_source(token), "the token is spelled as the SDK spells it"
    assert blocks_of(canonical(token)) == sdk_blocks(token)


def test_every_type_that_pulumi_aws_has_twice_is_known_under_both_tokens() -> None:
    twins = {
        token: f"aws:alb/{token.removeprefix('aws:lb/')}"
        for token in CATALOG
        if token.startswith("aws:lb/")
    }
    for token in CATALOG:
        if token.startswith("aws:s3/"):
            twins[token] = token.replace(":", "V2:").replace("V2:", ":", 1) + "V2"
    twice = {twin for token, twin in twins.items() if sdk_blocks(twin) == blocks_of(token)}
    assert twice == {*filter(is_type, SECOND_TOKENS)}


def test_a_second_token_is_of_something_known_here() -> None:
    assert {*SECOND_TOKENS.values()} <= {*CATALOG, *invokes.FUNCTIONS}
    assert not SECOND_TOKENS.keys() & {*CATALOG, *invokes.FUNCTIONS}


def test_every_type_has_inputs_and_every_row_of_inputs_a_type() -> None:
    assert {*tokens()} == CATALOG.keys()


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
