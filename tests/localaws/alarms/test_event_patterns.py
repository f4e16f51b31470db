"""EventBridge's patterns and templates."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localaws.alarms.event_patterns import matches, message, value_at
from localaws.catalog.events import pattern_flaws
from tests.localaws.alarms.events import EVENT, SERVICE


@pytest.mark.parametrize(
    ("pattern", "matched"),
    [
        ({"source": ["aws.ecs"]}, True),
        ({"source": ["aws.ec2", "aws.ecs"], "detail": {"count": [3]}}, True),
        ({"source": ["aws.ec2"]}, False),
        ({"detail": {"eventName": ["SERVICE_DEPLOYMENT_COMPLETED"]}}, False),
        ({"resources": [{"prefix": f"{SERVICE[:-3]}"}]}, True),
        ({"resources": [{"prefix": "arn:aws:ecs:eu-west-1:123456789012:service/other/"}]}, False),
        ({"resources": [{"prefix": {"equals-ignore-case": "ARN:AWS"}}]}, True),
        ({"resources": [{"suffix": "/web"}]}, True),
        ({"source": [{"equals-ignore-case": "AWS.ECS"}]}, True),
        ({"source": [{"wildcard": "aws.*"}]}, True),
        ({"source": [{"wildcard": "aws?e[c]s"}]}, False),
        ({"source": [{"anything-but": "aws.ec2"}]}, True),
        ({"source": [{"anything-but": ["aws.ec2", "aws.ecs"]}]}, False),
        ({"source": [{"anything-but": {"prefix": "aws."}}]}, False),
        ({"detail": {"count": [{"numeric": [">", 2, "<=", 3]}]}}, True),
        ({"detail": {"count": [{"numeric": ["=", 4]}]}}, False),
        ({"detail": {"flag": [True]}}, True),
        ({"detail": {"flag": [1]}}, False),
        ({"detail": {"flag": [{"numeric": ["=", 1]}]}}, False),
        ({"detail": {"nothing": [None]}}, True),
        ({"detail": {"nothing": [{"exists": True}]}}, True),
        ({"detail": {"other": [{"exists": False}]}}, True),
        ({"detail": {"other": [{"exists": True}, "x"]}}, False),
        ({"other": {"inner": [{"anything-but": "x"}]}}, False),
        ({"$or": [{"source": ["aws.ec2"]}, {"detail": {"count": [3]}}]}, True),
        ({"$or": [{"source": ["aws.ec2"]}, {"detail": {"count": [4]}}]}, False),
    ],
)
def test_a_pattern_matches_what_eventbridge_matches(
    pattern: dict[str, Any], *, matched: bool
) -> None:
    assert list(pattern_flaws(pattern)) == [], "the catalog accepts it"
    assert matches(pattern, EVENT) is matched


FILTERS = st.dictionaries(
    st.sampled_from(
        ["prefix", "suffix", "anything-but", "numeric", "wildcard", "exists", "equals-ignore-case"]
    ),
    st.recursive(
        st.sampled_from(["a", "", 1, True, None, "<", "="]),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["prefix", "equals-ignore-case"]), inner, max_size=2)
        ),
        max_leaves=4,
    ),
    min_size=1,
    max_size=1,
)
VALUES = st.sampled_from(["a", 1, True, None]) | st.lists(st.sampled_from(["a", 1]), max_size=2)


@given(FILTERS, VALUES)
def test_every_accepted_pattern_can_be_matched(wanted: dict[str, Any], value: object) -> None:
    pattern = {"field": [wanted]}
    if not list(pattern_flaws(pattern)):
        assert matches(pattern, {"field": value}) in {True, False}
        assert matches(pattern, {}) in {True, False}


@pytest.mark.parametrize("filter_", [{"cidr": "10.0.0.0/8"}, {"numeric": ["~", 1]}, {"prefix": 1}])
def test_a_filter_that_is_not_matched_here_is_refused(filter_: dict[str, Any]) -> None:
    (flaw,) = pattern_flaws({"source": [filter_]})
    assert "the local AWS doesn't match" in flaw


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("$.source", "aws.ecs"),
        ("$.resources[0]", SERVICE),
        ("$.resources[1]", None),
        ("$.detail.count", 3),
        ("$.detail-type", "ECS Deployment State Change"),
        ("$.detail.reason.more", None),
        ("$", EVENT),
    ],
)
def test_a_path_finds_its_value(path: str, value: object) -> None:
    assert value_at(EVENT, path) == value


def transformed(template: str) -> str:
    paths = {
        "reason": "$.detail.reason",
        "service": "$.resources[0]",
        "count": "$.detail.count",
        "none": "$.detail.none",
    }
    target = {"inputTransformer": {"inputPaths": paths, "inputTemplate": template}}
    return message(target, EVENT, {"name": "failed", "arn": "arn:rule"})


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ('"<service>: <count> failed"', f'"{SERVICE}: 3 failed"'),
        ('"<reason>"', r'"alarm \"errors\""'),
        ('"a<none>b"', '"ab"'),
        ('{"n": <count>, "r": <reason>}', r'{"n": 3, "r": "alarm \"errors\""}'),
        ('"one"\n"<aws.events.rule-name>"', '"one"\n"failed"'),
    ],
)
def test_a_template_is_filled_with_text_in_quotes_and_json_elsewhere(
    template: str, text: str
) -> None:
    assert transformed(template) == text


def test_a_target_without_a_template_gets_its_input_or_the_event() -> None:
    assert message({"input": '"fixed"'}, EVENT, {}) == '"fixed"'
    assert message({"inputPath": "$.detail.count"}, EVENT, {}) == "3"
    assert json.loads(message({}, EVENT, {})) == EVENT
