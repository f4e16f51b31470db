"""The catalog beside the services' models: it refuses what they forbid, and nothing else.

The page lists every exception with its reason, and a test holds the list equal to what is found.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from localaws.catalog import CATALOG
from localaws.catalog.inputs import blocks_of
from localaws.catalog.model_limits import FROM_ELSEWHERE, NOT_REQUIRED, ONE_OF_SEVERAL, OTHERWISE
from localaws.catalog.service_models import limits, required, required_besides
from localaws.catalog.values import show
from tools.service_models import CALLS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PAGE = (Path(__file__).parents[3] / "docs" / "local-aws-rules.md").read_text()
LIST = PAGE[PAGE.index("<!-- models -->") : PAGE.index("<!-- /models -->")]
LISTED = {
    tuple(line.strip("| ").split(" | ")[:3]) for line in LIST.splitlines() if line.startswith("| `")
}

MODELS, REQUIRED = limits(), required()

DOCUMENT = "containerDefinitions[]."
"""Where paths go on inside a JSON text."""


class Place(NamedTuple):
    """An input that a model says something of."""

    token: str
    path: str
    says: Mapping[str, Any]


PLACES = [
    Place(token, path, says) for token, found in MODELS.items() for path, says in found.items()
]
OURS = [place for place in PLACES if f"{place.token} {place.path}" not in OTHERWISE]


def nested(path: str, value: object) -> dict[str, Any]:
    """Inputs in which only one thing is given."""
    head, _, rest = path.partition(".")
    if path.startswith(DOCUMENT):
        return {"containerDefinitions": json.dumps([nested(rest, value)])}
    inner = nested(rest, value) if rest else value
    return {head.removesuffix("[]"): [inner] if head.endswith("[]") else inner}


def refusals(place: Place, value: object) -> list[str]:
    """The catalog's messages about a value."""
    check = CATALOG[place.token].check(nested(place.path, value), "eu-west-1")
    return [
        each.message
        for each in check
        if leaf(place.path) in each.message and each.rule != "catalog.required"
    ]


def leaf(path: str) -> str:
    return path.rpartition(".")[2].removesuffix("[]")


def forbidden(says: Mapping[str, Any]) -> Iterator[object]:
    """Values that break what a model says, each in one respect."""
    low, high, pattern = says.get("min"), says.get("max"), says.get("pattern")
    match says["type"]:
        case "string" if "enum" in says:
            yield "no-such-value"
        case "string":
            if high is not None and high < 100_000:
                yield "a" * (high + 1)
            if low is not None and low > 1:
                yield "a"
            # Space, newline, control character, and a non-ASCII letter: most patterns lack one.
            if pattern and not re.search(pattern, "\0 é\n|"):
                yield "\0 é\n|" if low is None or low < 5 else "\0 é\n|" * low
        case "integer" | "long" | "float":
            yield from (
                bound
                for bound in (low and low - 1, high and high + 1)
                if bound and abs(bound) < 2**31
            )
        case "list" if high is not None and high < 10_000:
            yield [{}] * (high + 1)
        case "map" if high is not None:
            yield {str(number): "x" for number in range(high + 1)}


def allowed(says: Mapping[str, Any]) -> Iterator[object]:
    """The values at the edges of what a model allows."""
    if "enum" in says:
        yield from says["enum"]
    elif says["type"] in ("integer", "long", "float"):
        yield from (bound for bound in (says.get("min"), says.get("max")) if bound is not None)


def test_every_type_is_made_by_a_call_whose_model_is_read() -> None:
    without = {
        "aws:acm/certificateValidation:CertificateValidation",
        "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
        "aws:ec2/defaultSubnet:DefaultSubnet",
        "aws:ec2/defaultVpc:DefaultVpc",
    }
    assert CALLS.keys() == MODELS.keys() == CATALOG.keys() - without


def test_the_models_say_something_of_most_types() -> None:
    assert len({place.token for place in PLACES}) > 30
    assert sum(bool([*forbidden(place.says)]) for place in OURS) > 200


@pytest.mark.parametrize("token", MODELS)
def test_every_path_of_the_models_is_one_of_the_types_inputs(token: str) -> None:
    paths = {
        f"{block.path}.{name}".lstrip(".") for block in blocks_of(token) for name in block.names
    }
    outside = [path for path in MODELS[token] if not path.startswith(DOCUMENT)]
    assert {path.removesuffix("[]") for path in outside} <= paths


@pytest.mark.parametrize("token", MODELS)
def test_what_a_model_forbids_is_refused_once(token: str) -> None:
    for place in [each for each in OURS if each.token == token]:
        for value in forbidden(place.says):
            found = refusals(place, value)
            assert found, f"{place.path} accepts {show(value)}, the model says {place.says}"
            models = [
                each
                for each in found
                if "must be" in each and f"{leaf(place.path)} must be" in each
            ]
            assert len(models) <= 1 or len(found) == len(set(found)), found


def found_otherwise() -> set[tuple[str, str, str]]:
    """Type, path and what is refused although a model allows it."""
    found = set()
    for place in PLACES:
        wrong = [
            show(value)
            for value in allowed(place.says)
            if any(f"got {show(value)}" in each for each in refusals(place, value))
        ]
        if wrong:
            found.add((f"`{place.token.rpartition(':')[2]}`", f"`{place.path}`", ", ".join(wrong)))
    return found


def test_what_is_refused_although_a_model_allows_it_is_listed_with_a_reason() -> None:
    assert found_otherwise() == LISTED


def without(token: str, path: str) -> list[str]:
    """Where a type is refused that has everything above an input, but not that one."""
    parents = path.rpartition(".")[0]
    place = re.sub(
        r"\[\]", "[0]", path.removeprefix(DOCUMENT) if path.startswith(DOCUMENT) else path
    )
    inputs = nested(parents, {}) if parents else {}
    if path.startswith(DOCUMENT) and "." not in path.removeprefix(DOCUMENT):
        inputs = {"containerDefinitions": json.dumps([{}])}
    found = [each.message for each in CATALOG[token].check(inputs, "eu-west-1")]
    return [each for each in found if re.search(rf"(^|[ ,]){re.escape(place)}\b", each)]


def test_what_a_call_requires_is_refused_without_it_or_has_a_reason() -> None:
    accepted = set()
    for token, paths in REQUIRED.items():
        autoname = CATALOG[token].autoname
        for path in paths:
            if not without(token, path) and not (autoname and autoname.property == path):
                accepted.add(f"{token} {path}")
    assert accepted == {*NOT_REQUIRED}
    assert {*ONE_OF_SEVERAL} <= {
        f"{token} {path}" for token, paths in REQUIRED.items() for path in paths
    }


def test_what_a_call_requires_under_a_name_of_its_own_comes_from_somewhere() -> None:
    tags = re.compile(r"(\w+\[?\]?\.)*(T|t)ags?(\[\])?\.(Tag)?(Key|Value)")
    besides = {
        f"{token} {name}"
        for token, names in required_besides().items()
        for name in names
        if not tags.fullmatch(name)
    }
    assert besides == {*FROM_ELSEWHERE}


@pytest.mark.parametrize("token", REQUIRED)
def test_a_block_is_refused_once_for_each_thing_that_it_lacks(token: str) -> None:
    for path in [path for path in REQUIRED[token] if f"{token} {path}" not in NOT_REQUIRED]:
        assert len(without(token, path)) <= 1, path


def test_no_message_shows_a_value_that_may_be_a_secret() -> None:
    secret = "hunter" * 20_000
    found = [
        *CATALOG["aws:secretsmanager/secretVersion:SecretVersion"].check(
            {"secretId": "s", "secretString": secret}
        )
    ]
    assert found
    assert not any("hunter" in each.message for each in found)


def test_what_is_in_the_catalog_otherwise_has_a_reason() -> None:
    assert OTHERWISE.keys() <= {f"{place.token} {place.path}" for place in PLACES}
