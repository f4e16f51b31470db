"""Which messages are published, to whom, and which ones AWS wouldn't deliver."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.localaws.alarms.test_event_patterns import EVENT

if TYPE_CHECKING:
    from tests.localaws.alarms.conftest import Stage

RULE = "aws:cloudwatch/eventRule:EventRule"
TARGET = "aws:cloudwatch/eventTarget:EventTarget"
TOPIC = "aws:sns/topic:Topic"
POLICY = "aws:sns/topicPolicy:TopicPolicy"
SUBSCRIPTION = "aws:sns/topicSubscription:TopicSubscription"
SLACK = "aws:chatbot/slackChannelConfiguration:SlackChannelConfiguration"
EVENTS, CLOUDWATCH = "events.amazonaws.com", "cloudwatch.amazonaws.com"


def topic(stage: Stage, **more: Any) -> str:
    return stage.account.make(TOPIC, "topic", name="ops", **more).id


def allow(stage: Stage, arn: str, service: str, **condition: Any) -> None:
    """Give a topic a policy."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sns:Publish",
        "Resource": arn,
        **({"Condition": condition} if condition else {}),
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    stage.account.make(POLICY, arn=arn, policy=document)


def rule(stage: Stage, to: str, **more: Any) -> str:
    """Make a rule for failed deployments, whose target gets a sentence; return its ARN."""
    pattern = {
        "source": ["aws.ecs"],
        "detail": {"eventName": ["SERVICE_DEPLOYMENT_FAILED"]},
        "resources": [{"prefix": "arn:aws:ecs:eu-west-1:123456789012:service/main/"}],
    }
    made = stage.account.make(RULE, name="failed", eventPattern=json.dumps(pattern), **more)
    transformer = {
        "inputPaths": {"why": "$.detail.reason"},
        "inputTemplate": '"A deployment failed: <why>"',
    }
    stage.account.make(TARGET, rule="failed", arn=to, inputTransformer=transformer)
    return str(made.outputs["arn"])


def test_an_event_that_a_rule_matches_is_published_as_its_target_says(stage: Stage) -> None:
    arn = topic(stage)
    allow(stage, arn, EVENTS, ArnEquals={"aws:SourceArn": rule(stage, arn)})
    stage.account.make(SUBSCRIPTION, topic=arn, protocol="email", endpoint="ops@example.com")
    stage.account.make(
        SLACK,
        configurationName="ops",
        iamRoleArn="arn:aws:iam::123456789012:role/chat",
        slackChannelId="C1",
        slackTeamId="T1",
        snsTopicArns=[arn],
    )
    stage.notifications.receive(EVENT)
    stage.notifications.receive({**EVENT, "detail": {"eventName": "SERVICE_DEPLOYMENT_COMPLETED"}})
    (found,) = stage.notifications.status()
    assert found["topic"] == arn
    assert found["text"] == r'"A deployment failed: alarm \"errors\""'
    assert found["subscriptions"] == ["email ops@example.com (PendingConfirmation)", "slack T1/C1"]
    assert found["notDelivered"] == ""


@pytest.mark.parametrize("more", [{"state": "DISABLED"}, {"isEnabled": False}])
def test_a_rule_that_is_off_publishes_nothing(stage: Stage, more: dict[str, Any]) -> None:
    rule(stage, topic(stage), **more)
    stage.notifications.receive(EVENT)
    assert stage.notifications.status() == []


async def test_the_default_policy_of_a_topic_allows_alarms_and_no_rules(stage: Stage) -> None:
    arn = topic(stage)
    rule(stage, arn)
    stage.notifications.receive(EVENT)
    stage.notifications.alarm(arn, "arn:aws:cloudwatch:eu-west-1:1:alarm:a", "subject", "text")
    by_alarm, by_rule = stage.notifications.status()
    assert by_alarm["notDelivered"] == ""
    assert by_rule["notDelivered"] == (
        f"the topic's policy doesn't allow {EVENTS} sns:Publish; allow it in a TopicPolicy"
    )


async def test_a_topics_own_policy_must_allow_the_publisher_under_its_conditions(
    stage: Stage,
) -> None:
    arn = topic(stage)
    rule(stage, arn)
    allow(stage, arn, EVENTS, ArnEquals={"aws:SourceArn": "arn:aws:events:eu-west-1:1:rule/other"})
    stage.notifications.receive(EVENT)
    stage.notifications.alarm(arn, "arn:aws:cloudwatch:eu-west-1:1:alarm:a", "subject", "text")
    by_alarm, by_rule = stage.notifications.status()
    assert EVENTS in by_rule["notDelivered"], "the condition names another rule"
    assert CLOUDWATCH in by_alarm["notDelivered"], "the policy has no statement for it"


async def test_an_encrypted_topic_needs_a_key_that_the_publisher_may_use(stage: Stage) -> None:
    managed = topic(stage, kmsMasterKeyId="alias/aws/sns")
    own = stage.account.make(TOPIC, name="own", kmsMasterKeyId=stage.account.id("key")).id
    for each in (managed, own):
        stage.notifications.alarm(each, "arn:aws:cloudwatch:eu-west-1:1:alarm:a", "s", "t")
    of_own, of_managed = stage.notifications.status()
    assert "use a customer managed key" in of_managed["notDelivered"]
    assert of_own["notDelivered"] == f"the key's policy doesn't allow {CLOUDWATCH} kms:Decrypt"


async def test_a_topic_elsewhere_is_assumed_to_take_messages_and_a_queue_is_not(
    stage: Stage,
) -> None:
    stage.notifications.alarm("arn:aws:sns:eu-west-1:1:theirs", "arn:alarm", "s", "t")
    stage.notifications.alarm("arn:aws:sqs:eu-west-1:1:queue", "arn:alarm", "s", "t")
    queue, theirs = stage.notifications.status()
    assert theirs["notDelivered"] == ""
    assert queue["notDelivered"] == "the local AWS delivers to topics of SNS only"


async def test_a_change_of_an_alarms_state_is_an_event_too(stage: Stage) -> None:
    arn = topic(stage)
    pattern = {"source": ["aws.cloudwatch"], "detail": {"state": {"value": ["ALARM"]}}}
    stage.account.make(RULE, name="alarms", eventPattern=json.dumps(pattern))
    stage.account.make(TARGET, rule="alarms", arn=arn, inputPath="$.detail.alarmName")
    await stage.alarm()
    await stage.pass_()
    stage.answer(500)
    await stage.pass_()
    assert [each["text"] for each in stage.notifications.status()] == ['"errors"']
