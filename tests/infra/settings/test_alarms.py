"""Settings of alarms: what goes together, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from infra.aws.environment import AwsEnvironment
from infra.errors import SettingsError
from tests.infra.settings.test_settings import load, only_service

TOPIC = "arn:aws:sns:ap-northeast-1:123456789012:pages"
CHANNEL = "T0123456789/C0123456789"
USELESS = "which has no effect; allowed: only with alarms set to true"


WRONG_VALUES: list[tuple[dict[str, Any], str]] = []
for percentage in (0, 100):
    text = f"maxErrorPercent: {percentage}; allowed: a whole number from 1 to 99"
    WRONG_VALUES.append(({"alarms": True, "maxErrorPercent": percentage}, text))
for seconds in ("0", "0.000", "-1", "1e3", "0.0001", "500ms", ".5", "10000"):
    text = f"maxLatencySeconds: {seconds}; allowed: a number of seconds above 0 and below"
    WRONG_VALUES.append(({"alarms": True, "maxLatencySeconds": seconds}, text))
for address in ("ops", "ops@example", "@example.com", "a b@example.com", "a@-.example.com"):
    text = "allowed: a list, each item an e-mail address"
    WRONG_VALUES.append(({"alarms": True, "alarmEmails": [address]}, text))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"maxErrorPercent": 5}, f"- maxErrorPercent: 5, {USELESS}"),
        ({"maxLatencySeconds": "2"}, f"- maxLatencySeconds: 2, {USELESS}"),
        ({"rollbackOnAlarms": True}, f"- rollbackOnAlarms: true, {USELESS}"),
        (
            {"services": {"web": {"rollbackOnAlarms": "true"}}},
            f"- services.web.rollbackOnAlarms: true, {USELESS}",
        ),
        ({"alarmEmails": ["a@b.example"]}, "alarmEmails: a@b.example, where no service has alarms"),
        ({"alarmSlackChannel": CHANNEL}, f"alarmSlackChannel: {CHANNEL}, where no service has"),
        ({"alarmTopicArn": TOPIC}, f"alarmTopicArn: {TOPIC}, where no service has alarms"),
        *WRONG_VALUES,
        (
            {"alarms": True, "alarmEmails": ["a@b.example", "a@b.example"]},
            "alarmEmails: a@b.example; allowed: each address once",
        ),
        (
            {"alarms": True, "alarmEmails": [f"a{number}@b.example" for number in range(21)]},
            "alarmEmails: 21 addresses; allowed: at most 20",
        ),
        (
            {"alarms": True, "alarmSlackChannel": "#ops"},
            "alarmSlackChannel: #ops; allowed: the ids of a Slack workspace and of a channel",
        ),
        (
            {"alarms": True, "alarmTopicArn": f"{TOPIC}.fifo"},
            "allowed: the ARN of a standard SNS topic",
        ),
        (
            {"alarms": True, "alarmTopicArn": TOPIC, "alarmEmails": ["a@b.example"]},
            "alarmEmails: a@b.example; allowed: none with alarmTopicArn",
        ),
        (
            {"alarms": True, "alarmTopicArn": TOPIC, "alarmSlackChannel": CHANNEL},
            f"alarmSlackChannel: {CHANNEL}; allowed: none with alarmTopicArn",
        ),
    ],
)
def test_what_would_do_nothing_or_cannot_be_read_is_refused(
    changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(SettingsError) as refusal:
        load(**changes)
    assert words in str(refusal.value)


@pytest.mark.parametrize("seconds", ["0.5", "0.001", "2", "9999.999", "0.250", "0.05"])
def test_a_limit_of_latency_has_up_to_three_decimals(seconds: str) -> None:
    settings = only_service(load(alarms=True, maxLatencySeconds=seconds))
    assert settings.alarms.latency_limit == float(seconds)


def test_a_limit_for_all_services_is_none_of_one_without_alarms() -> None:
    settings = load(
        maxLatencySeconds="2",
        services={"api": {"alarms": "true", "paths": '["/api"]'}, "web": {}},
    )
    limits = {each.name: each.alarms.latency_limit for each in settings.services}
    assert limits == {"api": 2, "web": None}


def test_each_service_can_have_limits_of_its_own() -> None:
    settings = load(
        alarms=True,
        services={"api": {"maxErrorPercent": "5", "paths": '["/api"]'}, "web": {"alarms": "false"}},
    )
    found = {each.name: each.alarms for each in settings.services}
    assert (found["api"].alarms, found["api"].max_error_percent) == (True, 5)
    assert not found["web"].alarms
    assert [each.name for each in settings.services_with_alarms] == ["api"]


@pytest.mark.parametrize(
    ("changes", "partition", "words"),
    [
        (
            {"alarmTopicArn": TOPIC.replace("ap-northeast-1", "eu-west-1")},
            "aws",
            "in eu-west-1, not ap-northeast-1; allowed: a topic of this region",
        ),
        (
            {"alarmSlackChannel": CHANNEL},
            "aws-cn",
            "alarmSlackChannel: T0123456789/C0123456789; allowed: empty in partition aws-cn",
        ),
    ],
)
def test_what_this_region_doesnt_have_is_refused(
    changes: dict[str, str], partition: str, words: str
) -> None:
    settings = load(alarms=True, **changes)
    environment = AwsEnvironment(
        partition=partition, region="ap-northeast-1", account="123456789012"
    )
    assert any(words in str(each) for each in settings.problems_in(environment))
