"""What was published to topics. No message leaves this machine; `status` lists them.

Source: EventBridge User Guide, "Using resource-based policies for Amazon EventBridge"; SNS
Developer Guide, "Example cases for Amazon SNS access control", for the policies of topics.
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from localaws.alarms.event_patterns import matches, message
from localaws.catalog.chatbot import SLACK_CHANNEL
from localaws.catalog.events import DEFAULT_BUS, RULE, TARGET
from localaws.catalog.kms import key_of
from localaws.catalog.policies import Request, allows
from localaws.catalog.sns import SUBSCRIPTION, TOPIC, TOPIC_POLICY
from localaws.catalog.values import parsed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from localaws.catalog.account import Account, Resource

REMEMBERED: Final = 20
"""Messages that are kept."""

_CLOUDWATCH: Final = "cloudwatch"
_EVENTS: Final = "events"
"""Who publishes, by the first part of the principal's name."""

_SUBJECT: Final = "AWS Notification Message"
"""The subject of an e-mail about a message without one."""

_MANAGED_KEY: Final = "alias/aws/sns"


@dataclass(frozen=True)
class Message:
    """A message to a topic."""

    at: float
    """Seconds since the epoch."""

    topic: str
    """ARN."""

    source: str
    """ARN of the alarm or rule that published it."""

    subject: str
    text: str
    subscriptions: tuple[str, ...]
    """Who would get it, and how: `email ops@example.com (PendingConfirmation)`."""

    not_delivered: str
    """Why AWS wouldn't deliver it; empty if it would."""

    topic_is_here: bool
    """Whether a program here made the topic; of any other one no subscription is known."""


class Notifications:
    """The last messages that alarms and EventBridge's rules published."""

    def __init__(self, account: Account, *, clock: Callable[[], float] = time.time) -> None:
        """Begin without messages.

        Args:
            account: Where topics and rules are.
            clock: Seconds since the epoch.
        """
        self._account = account
        self._clock = clock
        self._messages: deque[Message] = deque(maxlen=REMEMBERED)

    def alarm(self, topic: str, alarm: str, subject: str, text: str) -> None:
        """Publish an alarm's message; `alarm` is its ARN."""
        self._publish(topic, _CLOUDWATCH, alarm, subject, text)

    def receive(self, event: Mapping[str, Any]) -> None:
        """Send an AWS service's event to the rules of the default bus, and on to their targets."""
        for rule in self._account.all(RULE):
            if not _rule_matches(rule, event):
                continue
            rule_arn = str(rule.outputs["arn"])
            for target in self._account.where(TARGET, "rule", rule.outputs["name"]):
                if _bus(target.outputs) == DEFAULT_BUS:
                    text = message(target.outputs, event, rule.outputs)
                    topic = str(target.outputs["arn"])
                    self._publish(topic, _EVENTS, rule_arn, _SUBJECT, text)

    def status(self) -> list[dict[str, Any]]:
        """Return the last messages, the newest first."""
        return list(map(_shown, self._messages))

    def forget(self, arn: str) -> None:
        """Drop the messages of an alarm or a rule, or to a topic, that was deleted."""
        kept = [each for each in self._messages if arn not in {each.source, each.topic}]
        self._messages = deque(kept, maxlen=REMEMBERED)

    def _publish(self, topic: str, service: str, source: str, subject: str, text: str) -> None:
        found = Message(
            at=self._clock(),
            topic=topic,
            source=source,
            subject=subject,
            text=text,
            subscriptions=tuple(self._subscriptions(topic)),
            not_delivered=self._why_not(topic, service, source),
            topic_is_here=self._account.get(TOPIC, topic) is not None,
        )
        self._messages.appendleft(found)

    def _subscriptions(self, topic: str) -> list[str]:
        found: list[str] = []
        for each in self._account.where(SUBSCRIPTION, "topic", topic):
            outputs = each.outputs
            pending = " (PendingConfirmation)" if outputs.get("pendingConfirmation") else ""
            found.append(f"{outputs['protocol']} {outputs['endpoint']}{pending}")
        for each in self._account.all(SLACK_CHANNEL):
            outputs = each.outputs
            if topic in (outputs.get("snsTopicArns") or ()):
                found.append(f"slack {outputs['slackTeamId']}/{outputs['slackChannelId']}")
        return found

    def _why_not(self, arn: str, service: str, source: str) -> str:
        """Return why AWS wouldn't let a service publish to a topic; empty if it would."""
        if arn.split(":")[2:3] != ["sns"]:
            return "the local AWS delivers to topics of SNS only"
        topic = self._account.get(TOPIC, arn)
        if topic is None:
            return ""  # no program here made it; assume that it exists and allows it
        request = self._request(service, "sns:Publish", arn, source)
        if not allows(self._policy(topic), request):
            return (
                f"the topic's policy doesn't allow {_principal(service)} sns:Publish; allow it in "
                "a TopicPolicy"
            )
        return self._why_not_encrypted(topic, service, source)

    def _why_not_encrypted(self, topic: Resource, service: str, source: str) -> str:
        name = topic.outputs.get("kmsMasterKeyId")
        if not name:
            return ""
        if str(name).endswith(_MANAGED_KEY):
            who = _principal(service)
            return f"{_MANAGED_KEY} doesn't let {who} encrypt; use a customer managed key"
        key = key_of(self._account, name)
        if key is None:
            return ""
        arn = str(key.outputs["arn"])
        for action in ("kms:Decrypt", "kms:GenerateDataKey"):
            request = self._request(service, action, arn, source)
            if not allows(parsed(key.outputs.get("policy") or ""), request):
                return f"the key's policy doesn't allow {_principal(service)} {action}"
        return ""

    def _request(self, service: str, action: str, resource: str, source: str) -> Request:
        account = self._account.account_id
        # Names of condition keys have no case, and both spellings are common.
        context: dict[str, str] = {}
        for prefix in ("aws", "AWS"):
            context[f"{prefix}:SourceArn"] = source
            context[f"{prefix}:SourceAccount"] = account
            # EventBridge publishes without an owner, so the default policy doesn't allow it.
            context[f"{prefix}:SourceOwner"] = account if service == _CLOUDWATCH else ""
        return Request(
            principals=frozenset({("Service", _principal(service))}),
            action=action,
            resource=resource,
            context=context,
        )

    def _policy(self, topic: Resource) -> object:
        for each in self._account.where(TOPIC_POLICY, "arn", topic.id):
            return parsed(each.outputs["policy"])
        if topic.outputs.get("policy"):
            return parsed(topic.outputs["policy"])
        return {
            "Statement": {
                "Effect": "Allow",
                "Principal": {"AWS": "*"},
                "Action": "sns:Publish",
                "Resource": topic.id,
                "Condition": {"StringEquals": {"AWS:SourceOwner": self._account.account_id}},
            }
        }


def _rule_matches(rule: Resource, event: Mapping[str, Any]) -> bool:
    outputs = rule.outputs
    if outputs.get("state") == "DISABLED" or _bus(outputs) != DEFAULT_BUS:
        return False
    if event.get("region", rule.region) != rule.region:
        return False
    pattern = parsed(outputs.get("eventPattern") or "")
    return isinstance(pattern, dict) and matches(pattern, dict(event))


def _shown(sent: Message) -> dict[str, Any]:
    return {
        "at": sent.at,
        "topic": sent.topic,
        "subject": sent.subject,
        "text": sent.text,
        "subscriptions": list(sent.subscriptions),
        "notDelivered": sent.not_delivered,
        "topicIsHere": sent.topic_is_here,
    }


def _principal(service: str) -> str:
    return f"{service}.amazonaws.com"


def _bus(outputs: Mapping[str, Any]) -> str:
    return str(outputs.get("eventBusName") or DEFAULT_BUS)
