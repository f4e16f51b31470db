"""Which messages are published, to whom, and which ones AWS wouldn't deliver."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from localaws.alarms import topics
from tests.localaws.alarms.conftest import ALARM
from tests.localaws.alarms.events import EVENT

if TYPE_CHECKING:
    from tests.localaws.alarms.conftest import Harness

RULE = "aws:cloudwatch/eventRule:EventRule"
TARGET = "aws:cloudwatch/eventTarget:EventTarget"
TOPIC = "aws:sns/topic:Topic"
POLICY = "aws:sns/topicPolicy:TopicPolicy"
SUBSCRIPTION = "aws:sns/topicSubscription:TopicSubscription"
SLACK = "aws:chatbot/slackChannelConfiguration:SlackChannelConfiguration"
EVENTS, CLOUDWATCH = "events.amazonaws.com", "cloudwatch.amazonaws.com"


def topic(harness: Harness, **more: Any) -> str:
    return harness.account.make(TOPIC, "topic", name="ops", **more).id


def allow(harness: Harness, arn: str, service: str, **condition: Any) -> None:
    """Give a topic a policy."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sns:Publish",
        "Resource": arn,
        **({"Condition": condition} if condition else {}),
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    harness.account.make(POLICY, arn=arn, policy=document)


def rule(harness: Harness, to: str, **more: Any) -> str:
    """Make a rule for failed deployments, whose target gets a sentence; return its ARN."""
    pattern = {
        "source": ["aws.ecs"],
        "detail": {"eventName": ["SERVICE_DEPLOYMENT_FAILED"]},
        "resources": [{"prefix": "arn:aws:ecs:eu-west-1:123456789012:service/main/"}],
    }
    made = harness.account.make(RULE, name="failed", eventPattern=json.dumps(pattern), **more)
    transformer = {
        "inputPaths": {"why": "$.detail.reason"},
        "inputTemplate": '"A deployment failed: <why>"',
    }
    harness.account.make(TARGET, rule="failed", arn=to, inputTransformer=transformer)
    return str(made.outputs["arn"])


def test_an_event_that_a_rule_matches_is_published_in_the_form_of_its_target(
    harness: Harness,
) -> None:
    arn = topic(harness)
    allow(harness, arn, EVENTS, ArnEquals={"aws:SourceArn": rule(harness, arn)})
    harness.account.make(SUBSCRIPTION, topic=arn, protocol="email", endpoint="ops@example.com")
    harness.account.make(
        SLACK,
        configurationName="ops",
        iamRoleArn="arn:aws:iam::123456789012:role/chat",
        slackChannelId="C1",
        slackTeamId="T1",
        snsTopicArns=[arn],
    )
    harness.notifications.receive(EVENT)
    harness.notifications.receive(
        {**EVENT, "detail": {"eventName": "SERVICE_DEPLOYMENT_COMPLETED"}}
    )
    (found,) = harness.notifications.status()
    assert found["topic"] == arn
    assert found["text"] == r'"A deployment failed: alarm \"errors\""'
    assert found["subscriptions"] == ["email ops@example.com (PendingConfirmation)", "slack T1/C1"]
    assert found["notDelivered"] == ""


@pytest.mark.parametrize("more", [{"state": "DISABLED"}, {"isEnabled": False}])
def test_a_rule_that_is_off_publishes_nothing(harness: Harness, more: dict[str, Any]) -> None:
    rule(harness, topic(harness), **more)
    harness.notifications.receive(EVENT)
    assert harness.notifications.status() == []


async def test_the_default_policy_of_a_topic_allows_alarms_and_no_rules(harness: Harness) -> None:
    arn = topic(harness)
    rule(harness, arn)
    harness.notifications.receive(EVENT)
    harness.notifications.alarm(arn, "arn:aws:cloudwatch:eu-west-1:1:alarm:a", "subject", "text")
    by_alarm, by_rule = harness.notifications.status()
    assert by_alarm["notDelivered"] == ""
    assert by_rule["notDelivered"] == (
        f"the topic's policy doesn't allow {EVENTS} sns:Publish; allow it in a TopicPolicy"
    )


async def test_a_topics_own_policy_must_allow_the_publisher_under_its_conditions(
    harness: Harness,
) -> None:
    arn = topic(harness)
    rule(harness, arn)
    allow(
        harness, arn, EVENTS, ArnEquals={"aws:SourceArn": "arn:aws:events:eu-west-1:1:rule/other"}
    )
    harness.notifications.receive(EVENT)
    harness.notifications.alarm(arn, "arn:aws:cloudwatch:eu-west-1:1:alarm:a", "subject", "text")
    by_alarm, by_rule = harness.notifications.status()
    assert EVENTS in by_rule["notDelivered"], "the condition names another rule"
    assert CLOUDWATCH in by_alarm["notDelivered"], "the policy has no statement for it"


async def test_an_encrypted_topic_needs_a_key_that_the_publisher_may_use(harness: Harness) -> None:
    managed = topic(harness, kmsMasterKeyId="alias/aws/sns")
    own = harness.account.make(TOPIC, name="own", kmsMasterKeyId=harness.account.id("key")).id
    for each in (managed, own):
        harness.notifications.alarm(each, "arn:aws:cloudwatch:eu-west-1:1:alarm:a", "s", "t")
    of_own, of_managed = harness.notifications.status()
    assert "use a customer managed key" in of_managed["notDelivered"]
    assert of_own["notDelivered"] == f"the key's policy doesn't allow {CLOUDWATCH} kms:Decrypt"


async def test_a_topic_elsewhere_is_assumed_to_take_messages_and_a_queue_is_not(
    harness: Harness,
) -> None:
    harness.notifications.alarm("arn:aws:sns:eu-west-1:1:theirs", "arn:alarm", "s", "t")
    harness.notifications.alarm("arn:aws:sqs:eu-west-1:1:queue", "arn:alarm", "s", "t")
    queue, theirs = harness.notifications.status()
    assert theirs["notDelivered"] == ""
    assert queue["notDelivered"] == "the local AWS delivers to topics of SNS only"


async def test_a_change_of_an_alarms_state_is_an_event_too(harness: Harness) -> None:
    arn = topic(harness)
    pattern = {"source": ["aws.cloudwatch"], "detail": {"state": {"value": ["ALARM"]}}}
    harness.account.make(RULE, name="alarms", eventPattern=json.dumps(pattern))
    harness.account.make(TARGET, rule="alarms", arn=arn, inputPath="$.detail.alarmName")
    await harness.alarm()
    await harness.pass_()
    harness.answer(500)
    await harness.pass_()
    assert [each["text"] for each in harness.notifications.status()] == ['"errors"']


def test_messages_of_a_rule_or_to_a_topic_that_was_deleted_are_forgotten(harness: Harness) -> None:
    arn = topic(harness)
    by = rule(harness, arn)
    alarms = [f"arn:aws:cloudwatch:eu-west-1:1:alarm:{name}" for name in ("a", "b")]
    harness.notifications.receive(EVENT)
    harness.notifications.alarm(arn, alarms[0], "a", "text")
    harness.notifications.alarm("arn:aws:sns:eu-west-1:1:other", alarms[1], "b", "text")
    harness.notifications.forget(by)
    assert [each["subject"] for each in harness.notifications.status()] == ["b", "a"]
    harness.notifications.forget(arn)
    assert [each["subject"] for each in harness.notifications.status()] == ["b"]


ELSEWHERE = "arn:aws:sns:eu-west-1:123456789012:elsewhere"


def test_the_first_that_publishes_to_a_topic_that_is_not_here_is_warned_of(
    harness: Harness,
) -> None:
    first = harness.account.make(
        ALARM,
        name="a",
        namespace="AWS/ECS",
        metricName="CPUUtilization",
        statistic="Average",
        period=60,
        evaluationPeriods=1,
        threshold=1,
        comparisonOperator="GreaterThanThreshold",
        okActions=[topic(harness)],
        alarmActions=[ELSEWHERE],
    )
    assert topics.warning(harness.account, first) == topics.described(ELSEWHERE)
    rule(harness, ELSEWHERE)
    (target,) = harness.account.all(TARGET)
    assert topics.warning(harness.account, target) == "", "the alarm was warned of"
    assert topics.unknown(harness.account) == [ELSEWHERE]
    assert {topics.warning(harness.account, each) for each in harness.account.all(TOPIC)} == {""}


def test_a_message_to_a_topic_that_is_not_here_has_no_known_subscriptions(
    harness: Harness,
) -> None:
    for arn in (topic(harness), ELSEWHERE):
        harness.notifications.alarm(arn, "arn:aws:cloudwatch:eu-west-1:1:alarm:a", "a", "text")
    elsewhere, here = harness.notifications.status()
    assert (here["topicIsHere"], elsewhere["topicIsHere"]) == (True, False)
