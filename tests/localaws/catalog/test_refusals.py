"""Each rule refuses a wrong value with AWS's error code, and accepts a similar right one.

Messages are AWS's own if they are documented; no test asserts the wording of others.
"""

from __future__ import annotations

import json
from itertools import cycle, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from localaws.catalog import CATALOG, UNKNOWN
from localaws.catalog.values import parsed
from tests.localaws.catalog.acceptance_cases import ACCEPTANCE_CASES
from tests.localaws.catalog.alarm_cases import ALARM_CASES
from tests.localaws.catalog.capacity_cases import CAPACITY_CASES
from tests.localaws.catalog.ecs_cases import DEFINITION, ECS_CASES, ROLE_ARN, containers
from tests.localaws.catalog.edge_cases import EDGE_CASES
from tests.localaws.catalog.iam_cases import IAM_CASES
from tests.localaws.catalog.load_balancer_cases import LOAD_BALANCER_CASES
from tests.localaws.catalog.log_and_parameter_cases import LOG_AND_PARAMETER_CASES
from tests.localaws.catalog.nested_values import paths_in, with_value_at
from tests.localaws.catalog.network_acl_cases import NETWORK_ACL_CASES
from tests.localaws.catalog.network_cases import NETWORK_CASES
from tests.localaws.catalog.operations import minimal_with, refused
from tests.localaws.catalog.ordinary_cases import ORDINARY_CASES
from tests.localaws.catalog.registry_cases import REGISTRY_CASES
from tests.localaws.catalog.scaling_cases import SCALING_CASES
from tests.localaws.catalog.security_cases import SECURITY_CASES
from tests.localaws.catalog.storage_cases import STORAGE_CASES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.localaws.catalog.conftest import Account
    from tests.localaws.catalog.nested_values import InputPath
    from tests.localaws.catalog.refusal_case import Case

CASES: list[Case] = [
    *LOG_AND_PARAMETER_CASES,
    *ECS_CASES,
    *IAM_CASES,
    *NETWORK_CASES,
    *LOAD_BALANCER_CASES,
    *SECURITY_CASES,
    *ACCEPTANCE_CASES,
    *ALARM_CASES,
    *ORDINARY_CASES,
    *REGISTRY_CASES,
    *SCALING_CASES,
    *STORAGE_CASES,
    *CAPACITY_CASES,
    *EDGE_CASES,
    *NETWORK_ACL_CASES,
]


PAGE = Path(__file__).parents[3] / "docs" / "local-aws-rules.md"
DOCUMENTED_CODES = {}
"""The documentation's error codes, by rule."""

for line in PAGE.read_text().splitlines():
    if line.startswith("| `"):
        DOCUMENTED_CODES[line.split("`")[1]] = line.split(" | ")[-2].split(", ")


@pytest.mark.parametrize(
    ("token", "rule", "code", "wrong", "right"),
    CASES,
    ids=lambda each: each if isinstance(each, str) else "",
)
# The arguments are the columns of the table.
def test_a_wrong_value_is_refused_by_its_rule_and_a_right_one_accepted(  # noqa: PLR0917
    account: Account, token: str, rule: str, code: str, wrong: dict[str, Any], right: dict[str, Any]
) -> None:
    before = len(account.all(token))
    assert (rule, code) in refused(account.make, token, **minimal_with(account, token, wrong))
    assert len(account.all(token)) == before, "nothing is created"
    assert code in DOCUMENTED_CODES[rule]
    account.make(token, **minimal_with(account, token, right))


@pytest.mark.parametrize("token", CATALOG)
def test_accepted_inputs_are_accepted_with_any_one_value_unknown(
    account: Account,
    token: str,
) -> None:
    for case_token, _rule, _code, _wrong, right in CASES:
        if case_token != token:
            continue
        inputs = minimal_with(account, token, right)
        for path in paths_in(inputs):
            refusals = list(CATALOG[token].check(with_value_at(inputs, path, UNKNOWN)))
            assert refusals == [], f"{path} of {right}"


UNUSUAL: tuple[Any, ...] = (
    UNKNOWN,
    None,
    True,
    0,
    -1.5,
    "",
    "x",
    [],
    [None],
    [UNKNOWN, {}],
    {},
    {"type": []},
)


def _is_in_first_elements(path: InputPath) -> bool:
    """Return whether a path is in the first three elements of each list that it leads through.

    Where a case has one element too many, its thousands of elements are alike.
    """
    return all(step < 3 for step in path if isinstance(step, int))


def _tried_inputs(token: str) -> Iterator[dict[str, Any]]:
    """Yield the refused and the accepted inputs of each case of a type."""
    for case_token, _rule, _code, wrong, right in CASES:
        if case_token == token:
            yield wrong
            yield right


@pytest.mark.parametrize("token", CATALOG)
@pytest.mark.slow  # several values at each path of each case
def test_no_unusual_value_anywhere_crashes_a_rule(
    account: Account,
    token: str,
) -> None:
    unusual_values = cycle(UNUSUAL)
    for tried in _tried_inputs(token):
        inputs = minimal_with(account, token, tried)
        for path in paths_in(inputs):
            if path[0] not in tried:
                continue  # one of the minimal inputs, which are the same in all cases
            for value in islice(unusual_values, 5):
                changed = with_value_at(inputs, path, value)
                assert all(each.message for each in CATALOG[token].check(changed))
        for name in CATALOG[token].json & tried.keys():
            document = parsed(inputs.get(name))
            for path in filter(_is_in_first_elements, paths_in(document)):
                changed = with_value_at(document, path, next(unusual_values))
                text = json.dumps(changed, default=lambda _: None)
                list(CATALOG[token].check({**inputs, name: text}))


@pytest.mark.parametrize(
    "more",
    [
        {"secrets": [{"name": "A", "valueFrom": "hunter 2"}]},
        {"environment": [{"name": "A", "value": 31337}]},
        {"environment": {"A": "hunter 2"}},
        {"secrets": ["hunter 2"]},
    ],
)
def test_a_message_doesnt_show_a_secret_in_the_wrong_input(
    account: Account, more: dict[str, Any]
) -> None:
    inputs = {
        **account.minimal(DEFINITION),
        "executionRoleArn": ROLE_ARN,
        "containerDefinitions": containers(**more),
    }
    refusals = list(CATALOG[DEFINITION].check(inputs))
    assert refusals
    for each in refusals:
        assert "hunter" not in str(each)
        assert "31337" not in str(each)
