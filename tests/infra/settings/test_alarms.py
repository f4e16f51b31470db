"""Settings of alarms and notifications: which are accepted together, and which are refused."""

from __future__ import annotations

from typing import Any

import pytest

from infra.aws.environment import AwsEnvironment
from tests.infra.settings.loading import load, only_service, refusal_of

TOPIC = "arn:aws:sns:ap-northeast-1:123456789012:pages"
CHANNEL = "T0123456789/C0123456789"
WITHOUT_EFFECT = "which has no effect; allowed: only with alarms set to true"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"maxErrorPercent": 5}, f"- maxErrorPercent: 5, {WITHOUT_EFFECT}"),
        ({"maxLatencySeconds": "2"}, f"- maxLatencySeconds: 2, {WITHOUT_EFFECT}"),
        ({"rollbackOnAlarms": True}, f"- rollbackOnAlarms: true, {WITHOUT_EFFECT}"),
        (
            {"services": {"web": {"rollbackOnAlarms": "true"}}},
            f"- services.web.rollbackOnAlarms: true, {WITHOUT_EFFECT}",
        ),
        ({"alarmEmails": ["a@b.example"]}, "alarmEmails: a@b.example, where no service has alarms"),
        ({"alarmSlackChannel": CHANNEL}, f"alarmSlackChannel: {CHANNEL}, where no service has"),
        ({"alarmTopicArn": TOPIC}, f"alarmTopicArn: {TOPIC}, where no service has alarms"),
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
def test_a_key_without_effect_or_with_a_wrong_value_is_refused(
    changes: dict[str, Any], message: str
) -> None:
    assert message in str(refusal_of(**changes))


@pytest.mark.parametrize("percentage", [0, 100])
def test_an_error_limit_is_from_1_to_99_percent(percentage: int) -> None:
    message = f"maxErrorPercent: {percentage}; allowed: a whole number from 1 to 99"
    assert message in str(refusal_of(alarms=True, maxErrorPercent=percentage))


@pytest.mark.parametrize("seconds", ["0", "0.000", "-1", "1e3", "0.0001", "500ms", ".5", "10000"])
def test_a_latency_limit_outside_its_range_or_form_is_refused(seconds: str) -> None:
    message = f"maxLatencySeconds: {seconds}; allowed: a number of seconds above 0 and below"
    assert message in str(refusal_of(alarms=True, maxLatencySeconds=seconds))


@pytest.mark.parametrize(
    "address", ["ops", "ops@example", "@example.com", "a b@example.com", "a@-.example.com"]
)
def test_a_text_that_is_no_e_mail_address_is_refused(address: str) -> None:
    message = "allowed: a list, each item an e-mail address"
    assert message in str(refusal_of(alarms=True, alarmEmails=[address]))


@pytest.mark.parametrize("seconds", ["0.5", "0.001", "2", "9999.999", "0.250", "0.05"])
def test_a_latency_limit_has_up_to_three_decimals(seconds: str) -> None:
    settings = only_service(load(alarms=True, maxLatencySeconds=seconds))
    assert settings.alarms.latency_limit == float(seconds)


def test_a_service_without_alarms_takes_no_limit_from_the_defaults() -> None:
    settings = load(
        maxLatencySeconds="2",
        services={"api": {"alarms": "true", "paths": '["/api"]'}, "web": {}},
    )
    limits = {each.name: each.alarms.latency_limit for each in settings.services}
    assert limits == {"api": 2, "web": None}


def test_a_service_can_have_its_own_limits() -> None:
    settings = load(
        alarms=True,
        services={"api": {"maxErrorPercent": "5", "paths": '["/api"]'}, "web": {"alarms": "false"}},
    )
    found = {each.name: each.alarms for each in settings.services}
    assert (found["api"].alarms, found["api"].max_error_percent) == (True, 5)
    assert not found["web"].alarms
    assert [each.name for each in settings.services_with_alarms] == ["api"]


@pytest.mark.parametrize(
    ("changes", "partition", "message"),
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
def test_a_notification_that_the_region_cannot_send_is_refused(
    changes: dict[str, str], partition: str, message: str
) -> None:
    settings = load(alarms=True, **changes)
    environment = AwsEnvironment(
        partition=partition, region="ap-northeast-1", account="123456789012"
    )
    assert any(message in str(each) for each in settings.problems_in(environment))
