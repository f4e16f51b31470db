"""Previews know little, and programs have mistakes: no rule crashes, or refuses an unknown."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from localaws.account.cloud import Cloud
from localaws.account.tagging import Tagging
from localaws.catalog import CATALOG, UNKNOWN, Refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.localaws.catalog.conftest import Account, Place

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
NESTED = sorted(
    {
        part.removesuffix("[]")
        for kind in CATALOG.values()
        for limit in kind.limits
        for part in limit.property.split(".")[1:]
    }
    | {
        "type",
        "containerName",
        "logConfiguration",
        "options",
        "dependsOn",
        "Statement",
        "Effect",
        "name",
    }
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NESTED), inner, max_size=4)
    ),
    max_leaves=4,
)


def knowable(value: Any) -> Any:
    """The value as JSON could hold it."""
    if isinstance(value, dict):
        return {name: knowable(each) for name, each in value.items()}
    if isinstance(value, list):
        return [knowable(each) for each in value]
    return None if value is UNKNOWN else value


@st.composite
def mistakes(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    token = draw(st.sampled_from(sorted(CATALOG)))
    kind = CATALOG[token]
    inputs = draw(st.dictionaries(st.sampled_from(sorted(kind.inputs)), VALUES, max_size=5))
    for name in kind.json & inputs.keys():
        if draw(st.booleans()):
            inputs[name] = json.dumps(knowable(inputs[name]))
    return token, inputs


@given(mistakes())
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_rules_and_previews_never_crash_whatever_the_inputs(
    case: tuple[str, dict[str, Any]],
) -> None:
    token, inputs = case
    for refusal in CATALOG[token].check(inputs):
        assert isinstance(refusal, Refusal)
        assert refusal.message
    Cloud(seed=1).preview(token, inputs)


@pytest.mark.parametrize("token", CATALOG)
def test_a_preview_in_which_one_value_is_unknown_refuses_nothing(
    account: Account,
    token: str,
    places: Callable[[Any], list[Place]],
    with_changed: Callable[[Any, Place, Any], Any],
) -> None:
    inputs = account.minimal(token)
    for place in [(), *places(inputs)]:
        blurred = with_changed(inputs, place, UNKNOWN) if place else inputs
        assert list(CATALOG[token].check(blurred)) == [], f"{place} is unknown"
        assert account.preview(token, blurred).keys() >= inputs.keys()


def test_a_preview_shows_known_inputs_and_defaults_and_leaves_open_what_aws_chooses() -> None:
    shown = Cloud(seed=1).preview(
        "aws:lb/loadBalancer:LoadBalancer",
        {"name": "web", "subnets": UNKNOWN},
        tagging=Tagging({"Stack": "dev"}),
    )
    assert shown["name"] == "web"
    assert shown["arn"] is shown["dnsName"] is UNKNOWN
    assert shown["idleTimeout"] == 60
    assert shown["tagsAll"] == {"Stack": "dev"}


def test_a_preview_uses_up_no_revision() -> None:
    cloud = Cloud(seed=1)
    cloud.preview("aws:ecs/taskDefinition:TaskDefinition", {"family": "web"})
    assert not cloud.counters
