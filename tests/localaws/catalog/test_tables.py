"""The catalog's tables agree with pulumi-aws, with each other and with the documentation."""

from __future__ import annotations

import re

import pulumi_aws as aws
import pytest

from localaws.account import invokes
from localaws.catalog import CATALOG
from localaws.catalog.inputs import blocks_of, tokens
from localaws.catalog.properties import first_name
from localaws.catalog.resource_type import AllExcept
from localaws.catalog.tables import table
from localaws.catalog.tokens import SECOND_TOKENS, canonical
from tests.localaws.catalog.not_enforced import IDS as NOT_ENFORCED
from tests.localaws.catalog.sources import ROOT, rules_in_code
from tools.sdk_inputs import sdk_blocks, sdk_regions, sdk_source

ROW = re.compile(r"^\| `([a-z0-9.-]+)` \| (.+) \| (.+) \| (.+) \|$", re.MULTILINE)
OWN_TESTS = {"catalog", "cloud", "invokes", "name"}
"""First words of rules about the local AWS itself, whose tests match messages instead of ids."""

SOURCES = {"provider source", "API model", "documented", "from memory", "our own"}


def is_type(token: str) -> bool:
    return not token.rpartition(":")[2].startswith("get")


@pytest.mark.parametrize("token", [*CATALOG, *filter(is_type, SECOND_TOKENS)])
def test_the_inputs_of_a_type_are_those_of_pulumi_aws(token: str) -> None:
    assert f"'{token}'" in sdk_source(token), "the SDK has another token"
    assert blocks_of(canonical(token)) == sdk_blocks(token)


def test_the_regions_are_those_of_pulumi_aws() -> None:
    assert sorted(aws.Region) == sdk_regions() == table("regions")["regions"]


def test_types_with_two_tokens_in_pulumi_aws_have_both_here() -> None:
    second_tokens = set()
    for token in CATALOG:
        package, module_and_name, kind = token.split(":")
        if module_and_name.startswith("lb/"):
            second = f"{package}:a{module_and_name}:{kind}"
        elif module_and_name.startswith("s3/"):
            second = f"{package}:{module_and_name}V2:{kind}V2"
        else:
            continue
        if sdk_blocks(second) == blocks_of(token):
            second_tokens.add(second)
    assert second_tokens == set(filter(is_type, SECOND_TOKENS))


def test_a_second_token_stands_for_a_known_type_or_function() -> None:
    assert set(SECOND_TOKENS.values()) <= {*CATALOG, *invokes.FUNCTIONS}
    assert not SECOND_TOKENS.keys() & {*CATALOG, *invokes.FUNCTIONS}


def test_the_table_of_inputs_has_exactly_the_catalogs_types() -> None:
    assert set(tokens()) == CATALOG.keys()


@pytest.mark.parametrize("token", CATALOG)
def test_a_types_tables_name_only_its_inputs(token: str) -> None:
    kind = CATALOG[token]
    replaces = kind.replaces.names if isinstance(kind.replaces, AllExcept) else kind.replaces
    assert isinstance(replaces, frozenset)
    paths = [*replaces, *kind.json, *kind.unordered]
    paths += [each.property for each in kind.limits]
    paths += [each.property for each in kind.references]
    if kind.autoname:
        paths.append(kind.autoname.property)
    assert set(map(first_name, paths)) <= kind.inputs
    assert {reference.token for reference in kind.references} <= CATALOG.keys()


def test_every_rule_is_documented_and_every_documented_rule_exists() -> None:
    text = (ROOT / "docs" / "local-aws-rules.md").read_text()
    rows = ROW.findall(text)
    documented = [rule for rule, *_ in rows]
    assert len(documented) == len(set(documented))
    assert set(documented) == rules_in_code()
    assert {source for *_, source in rows} <= SOURCES


def test_no_rule_is_both_enforced_and_listed_as_not_enforced() -> None:
    assert not set(NOT_ENFORCED) & rules_in_code()


def test_every_rule_of_a_service_has_a_test() -> None:
    tests = "".join(path.read_text() for path in (ROOT / "tests" / "localaws").rglob("*.py"))
    rules = {rule for rule in rules_in_code() if rule.partition(".")[0] not in OWN_TESTS}
    assert {rule for rule in rules if f'"{rule}"' not in tests} == set()
