"""The keys of the provider's configuration, in the form in which the engine sends them."""

from __future__ import annotations

import inspect
import json
from typing import Any

import pulumi_aws as aws
import pytest

from infra.settings.topic import camel
from localaws.catalog import UNKNOWN
from localaws.protocol.provider_config import KEYS, parsed, problems, tagging

SENT = {
    "text": "a",
    "true or false": "true",
    "a whole number": "3",
    'a list of texts, as JSON ["a", "b"]': '["a", "b"]',
    "an object, as JSON {...}": '{"roleArn": "a"}',
    "a list of objects, as JSON [{...}]": '[{"roleArn": "a"}]',
}
"""A valid value for each kind of key, as the SDK sends it."""


def valid_text(name: str) -> str:
    examples = {
        "region": "eu-west-1",
        "defaultTags": '{"tags": {"a": "b"}}',
        "ignoreTags": '{"keys": ["a"], "keyPrefixes": ["b"]}',
    }
    return examples.get(name) or SENT[KEYS[name].what]


def test_the_keys_are_those_of_the_sdk() -> None:
    parameters = inspect.signature(aws.Provider._internal_init).parameters
    known = {camel(name) for name in parameters if not name.startswith("_")}
    assert known - {"resourceName", "opts"} == set(KEYS)


@pytest.mark.parametrize("name", KEYS)
def test_each_key_is_accepted_as_json_text_and_as_a_value(name: str) -> None:
    text = valid_text(name)
    value = text if KEYS[name].what == "text" else json.loads(text)
    assert parsed({name: text}) == parsed({name: value}) == {name: value}
    assert not list(problems({name: text}))
    assert not list(problems({name: value}))
    assert not list(problems({name: UNKNOWN}))


@pytest.mark.parametrize("name", [name for name in KEYS if KEYS[name].what != "text"])
@pytest.mark.parametrize("value", ["nonsense", '"text"', "[[1]]", "1.5"])
def test_an_invalid_value_is_reported_with_what_is_allowed(name: str, value: str) -> None:
    assert list(problems({name: value})) == [
        (name, f"aws:{name}: {value}; allowed: {KEYS[name].what}")
    ]


def test_an_unknown_key_is_refused_as_the_real_provider_does() -> None:
    assert list(problems({"assumeRole": "{}", "version": "7.0.0", "__internal": "x"})) == [
        ("assumeRole", "Invalid or Unknown Key. Check `pulumi config get aws:assumeRole`.")
    ]


def test_a_region_that_aws_does_not_have_is_refused_with_similar_ones() -> None:
    ((name, reason),) = problems({"region": "ap-northeast-9"})
    assert name == "region"
    assert reason.startswith(
        "invalid AWS Region: ap-northeast-9. aws:region is one of AWS's regions, like ap-northeast-"
    )
    assert "`pulumi config set aws:skipRegionValidation true`" in reason


@pytest.mark.parametrize("text", ["true", True])
def test_a_region_newer_than_the_sdk_is_accepted_without_validation(text: object) -> None:
    assert not list(problems({"region": "ap-northeast-9", "skipRegionValidation": text}))
    assert list(problems({"region": "mars", "skipRegionValidation": text}))


@pytest.mark.parametrize(
    "settings", [{}, {"defaultTags": ""}, {"defaultTags": "{}"}, {"defaultTags": "nonsense"}]
)
def test_missing_or_invalid_default_tags_add_no_tags(settings: dict[str, Any]) -> None:
    assert tagging(settings).all({"a": "b"}) == {"a": "b"}


def test_numbers_and_booleans_in_default_tags_become_text() -> None:
    assert tagging({"defaultTags": '{"tags": {"n": 3, "f": true}}'}).all(None) == {
        "n": "3",
        "f": "true",
    }


def test_tags_are_ignored_by_key_and_by_prefix() -> None:
    found = tagging({"ignoreTags": '{"keys": ["a"], "keyPrefixes": ["b:"]}'})
    assert found.all({"a": "1", "ab": "2", "b:x": "3", "b": "4"}) == {"ab": "2", "b": "4"}
