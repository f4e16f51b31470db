"""The catalog refuses what the services' models forbid, and little else.

The documentation lists every exception with its reason; a test compares the list with the catalog.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from localaws.catalog import CATALOG
from localaws.catalog.model_limits import FROM_ELSEWHERE, NOT_REQUIRED, ONE_OF_SEVERAL, OTHERWISE
from localaws.catalog.service_models import limits, required, required_besides
from localaws.catalog.values import show
from tests.localaws.catalog.sources import ROOT, input_paths
from tools.service_models import CALLS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PAGE = (ROOT / "docs" / "local-aws-rules.md").read_text()
LIST = PAGE[PAGE.index("<!-- models -->") : PAGE.index("<!-- /models -->")]
LISTED = set()
for row in LIST.splitlines():
    if row.startswith("| `"):
        LISTED.add(tuple(row.strip("| ").split(" | ")[:3]))

MODELS, REQUIRED = limits(), required()

DOCUMENT = "containerDefinitions[]."
"""The start of paths that go on inside a JSON text."""


class Constraint(NamedTuple):
    """A model's constraint on an input."""

    token: str
    path: str
    limits: Mapping[str, Any]
    """`type`, `enum`, `min`, `max`, `pattern`."""


CONSTRAINTS: list[Constraint] = []
for token_, limits_by_path in MODELS.items():
    CONSTRAINTS += [Constraint(token_, path_, each) for path_, each in limits_by_path.items()]

APPLIED = [each for each in CONSTRAINTS if f"{each.token} {each.path}" not in OTHERWISE]


def nested(path: str, value: object) -> dict[str, Any]:
    """Return inputs with only this value, at this path."""
    head, _, rest = path.partition(".")
    if path.startswith(DOCUMENT):
        return {"containerDefinitions": json.dumps([nested(rest, value)])}
    inner = nested(rest, value) if rest else value
    return {head.removesuffix("[]"): [inner] if head.endswith("[]") else inner}


def refusals(constraint: Constraint, value: object) -> list[str]:
    """Return the catalog's messages about a value."""
    inputs = nested(constraint.path, value)
    found = CATALOG[constraint.token].check(inputs, "eu-west-1")
    messages = [each.message for each in found if each.rule != "catalog.required"]
    return [each for each in messages if leaf(constraint.path) in each]


def leaf(path: str) -> str:
    return path.rpartition(".")[2].removesuffix("[]")


UNUSUAL = "\0 é\n|"
"""A control character, a space, a non-ASCII letter, a newline and a bar; most patterns forbid one
of them.
"""


def forbidden(constraint: Constraint) -> Iterator[object]:
    """Yield values that break one of a constraint's limits each."""
    high = constraint.limits.get("max")
    match constraint.limits["type"]:
        case "string" if "enum" in constraint.limits:
            yield "no-such-value"
        case "string":
            yield from forbidden_texts(constraint.limits)
        case "integer" | "long" | "float":
            yield from forbidden_numbers(constraint.limits)
        case "list" if high is not None and high < 10_000:
            yield [{}] * (high + 1)
        case "map" if high is not None:
            yield {str(number): "x" for number in range(high + 1)}


def forbidden_texts(bounds: Mapping[str, Any]) -> Iterator[str]:
    low, high, pattern = bounds.get("min"), bounds.get("max"), bounds.get("pattern")
    if high is not None and high < 100_000:
        yield "a" * (high + 1)
    if low is not None and low > 1:
        yield "a"
    if pattern and not re.search(pattern, UNUSUAL):
        yield UNUSUAL if low is None or low < 5 else UNUSUAL * low


def forbidden_numbers(bounds: Mapping[str, Any]) -> Iterator[float]:
    low, high = bounds.get("min"), bounds.get("max")
    if low is not None and abs(low - 1) < 2**31:
        yield low - 1
    if high is not None and abs(high + 1) < 2**31:
        yield high + 1


def allowed(constraint: Constraint) -> Iterator[object]:
    """Yield the values at the edges of a constraint's limits."""
    if "enum" in constraint.limits:
        yield from constraint.limits["enum"]
    elif constraint.limits["type"] in ("integer", "long", "float"):
        for name in ("min", "max"):
            if constraint.limits.get(name) is not None:
                yield constraint.limits[name]


def test_the_models_cover_the_calls_that_create_each_type() -> None:
    without = {
        "aws:acm/certificateValidation:CertificateValidation",
        "aws:ec2/defaultNetworkAcl:DefaultNetworkAcl",
        "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
        "aws:ec2/defaultSubnet:DefaultSubnet",
        "aws:ec2/defaultVpc:DefaultVpc",
    }
    assert CALLS.keys() == MODELS.keys() == CATALOG.keys() - without


def test_the_models_constrain_most_types() -> None:
    assert len({each.token for each in CONSTRAINTS}) > 30
    testable = [each for each in APPLIED if list(forbidden(each))]
    assert len(testable) > 200


@pytest.mark.parametrize("token", MODELS)
def test_every_path_in_the_models_is_an_input_of_its_type(token: str) -> None:
    outside_of_json = [path for path in MODELS[token] if not path.startswith(DOCUMENT)]
    assert {path.removesuffix("[]") for path in outside_of_json} <= input_paths(token)


@pytest.mark.parametrize("token", MODELS)
def test_a_value_that_a_model_forbids_is_refused_once(token: str) -> None:
    for constraint in [each for each in APPLIED if each.token == token]:
        for value in forbidden(constraint):
            found = refusals(constraint, value)
            assert found, (
                f"{constraint.path} accepts {show(value)}, the model has {constraint.limits}"
            )
            about_limits = [each for each in found if f"{leaf(constraint.path)} must be" in each]
            assert len(about_limits) <= 1 or len(found) == len(set(found)), found


def refused_although_allowed() -> set[tuple[str, str, str]]:
    """Return types and paths with the values that are refused although a model allows them."""
    found = set()
    for constraint in CONSTRAINTS:
        wrong = []
        for value in allowed(constraint):
            messages = refusals(constraint, value)
            if any(f"got {show(value)}" in each for each in messages):
                wrong.append(show(value))
        if wrong:
            kind = constraint.token.rpartition(":")[2]
            found.add((f"`{kind}`", f"`{constraint.path}`", ", ".join(wrong)))
    return found


def test_values_refused_although_a_model_allows_them_are_listed() -> None:
    assert refused_although_allowed() == LISTED


def refusals_without(token: str, path: str) -> list[str]:
    """Return the messages about a missing input, for inputs with only its parents."""
    parents = path.rpartition(".")[0]
    inputs = nested(parents, {}) if parents else {}
    if path.startswith(DOCUMENT) and "." not in path.removeprefix(DOCUMENT):
        inputs = {"containerDefinitions": json.dumps([{}])}
    exact_path = path.removeprefix(DOCUMENT).replace("[]", "[0]")
    found = [each.message for each in CATALOG[token].check(inputs, "eu-west-1")]
    return [each for each in found if re.search(rf"(^|[ ,]){re.escape(exact_path)}\b", each)]


def test_a_missing_input_that_a_call_requires_is_refused_or_listed_with_a_reason() -> None:
    accepted = set()
    required_names = set()
    for token, paths in REQUIRED.items():
        autoname = CATALOG[token].autoname
        for path in paths:
            required_names.add(f"{token} {path}")
            generated = autoname is not None and autoname.property == path
            if not generated and not refusals_without(token, path):
                accepted.add(f"{token} {path}")
    assert accepted == set(NOT_REQUIRED)
    assert set(ONE_OF_SEVERAL) <= required_names


def test_required_members_without_an_input_are_listed_with_their_source() -> None:
    tags = re.compile(r"(\w+\[?\]?\.)*(T|t)ags?(\[\])?\.(Tag)?(Key|Value)")
    besides: set[str] = set()
    for token, names in required_besides().items():
        besides.update(f"{token} {name}" for name in names if not tags.fullmatch(name))
    assert besides == set(FROM_ELSEWHERE)


@pytest.mark.parametrize("token", REQUIRED)
def test_each_missing_member_of_a_block_is_refused_once(token: str) -> None:
    for path in REQUIRED[token]:
        if f"{token} {path}" not in NOT_REQUIRED:
            assert len(refusals_without(token, path)) <= 1, path


def test_no_message_shows_a_value_that_could_be_a_secret() -> None:
    secret = "hunter" * 20_000
    kind = CATALOG["aws:secretsmanager/secretVersion:SecretVersion"]
    found = list(kind.check({"secretId": "s", "secretString": secret}))
    assert found
    assert not any("hunter" in each.message for each in found)


def test_every_exception_from_the_models_is_about_a_constraint() -> None:
    assert OTHERWISE.keys() <= {f"{each.token} {each.path}" for each in CONSTRAINTS}
