"""No rule raises an error for any inputs, and none refuses an unknown value."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localaws.account.cloud import Cloud
from localaws.account.tagging import Tagging
from localaws.catalog import CATALOG, UNKNOWN, Refusal
from tests.examples import examples
from tests.localaws.catalog.nested_values import paths_in, with_value_at

if TYPE_CHECKING:
    from tests.localaws.catalog.conftest import Account

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.just(UNKNOWN),
    st.sampled_from(
        [
            "HTTP",
            "FARGATE",
            "10.0.0.0/16",
            "::/0",
            "forward",
            "redirect",
            "-1",
            "tcp",
            "app_cookie",
            "awsvpc",
        ]
    ),
)
NESTED = {
    "type",
    "containerName",
    "logConfiguration",
    "options",
    "dependsOn",
    "Statement",
    "Effect",
    "name",
}
"""Names of members inside inputs."""

for kind_ in CATALOG.values():
    for limit in kind_.limits:
        NESTED.update(part.removesuffix("[]") for part in limit.property.split(".")[1:])

VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(sorted(NESTED)), inner, max_size=4)
    ),
    max_leaves=4,
)


def without_unknowns(value: Any) -> Any:
    """Return the value with None instead of UNKNOWN, which JSON can't have."""
    if isinstance(value, dict):
        return {name: without_unknowns(each) for name, each in value.items()}
    if isinstance(value, list):
        return [without_unknowns(each) for each in value]
    return None if value is UNKNOWN else value


@st.composite
def mistakes(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    token = draw(st.sampled_from(sorted(CATALOG)))
    kind = CATALOG[token]
    inputs = draw(st.dictionaries(st.sampled_from(sorted(kind.inputs)), VALUES, max_size=5))
    for name in kind.json & inputs.keys():
        if draw(st.booleans()):
            inputs[name] = json.dumps(without_unknowns(inputs[name]))
    return token, inputs


@given(mistakes())
@examples(50)
def test_rules_and_previews_accept_or_refuse_any_inputs(
    case: tuple[str, dict[str, Any]],
) -> None:
    token, inputs = case
    for refusal in CATALOG[token].check(inputs):
        assert isinstance(refusal, Refusal)
        assert refusal.message
    Cloud(seed=1).preview(token, inputs)


@pytest.mark.parametrize("token", CATALOG)
def test_a_preview_with_any_one_value_unknown_refuses_nothing(
    account: Account,
    token: str,
) -> None:
    inputs = account.minimal(token)
    for path in [(), *paths_in(inputs)]:
        changed = with_value_at(inputs, path, UNKNOWN) if path else inputs
        assert list(CATALOG[token].check(changed)) == [], f"{path} is unknown"
        assert account.preview(token, changed).keys() >= inputs.keys()


def test_a_preview_has_known_inputs_and_defaults_and_unknown_values_that_aws_chooses() -> None:
    shown = Cloud(seed=1).preview(
        "aws:lb/loadBalancer:LoadBalancer",
        {"name": "web", "subnets": UNKNOWN},
        tagging=Tagging({"Stack": "dev"}),
    )
    assert shown["name"] == "web"
    assert shown["arn"] is shown["dnsName"] is UNKNOWN
    assert shown["idleTimeout"] == 60
    assert shown["tagsAll"] == {"Stack": "dev"}


@pytest.mark.parametrize("region", ["", "x", "eu"])
@pytest.mark.parametrize("token", CATALOG)
def test_a_region_that_aws_doesnt_have_crashes_no_preview(token: str, region: str) -> None:
    list(CATALOG[token].check({"region": region}, "eu-west-1"))
    Cloud(seed=1).preview(token, {"region": region}, region="eu-west-1")


def test_an_empty_region_is_the_providers() -> None:
    cloud = Cloud(seed=1)
    inputs = {"cidrBlock": "10.0.0.0/16", "region": ""}
    vpc = cloud.create("aws:ec2/vpc:Vpc", "urn", inputs, region="eu-west-1")
    assert vpc.region == "eu-west-1"


def test_a_preview_advances_no_revision() -> None:
    cloud = Cloud(seed=1)
    cloud.preview("aws:ecs/taskDefinition:TaskDefinition", {"family": "web"})
    assert not cloud.counters
