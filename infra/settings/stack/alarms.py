"""The recipients of alarms and failed deployments, and the stack's dashboard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from infra.aws import locality
from infra.errors import Problem
from infra.settings.arns import TOPIC
from infra.settings.collection_kinds import ListOf
from infra.settings.kinds import Flag, OrNone, Text
from infra.settings.topic import Topic, key, relation
from infra.settings.values import duplicates

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.aws.environment import AwsEnvironment

_MOST_ADDRESSES: Final = 20
"""Our own limit: more people are reached by one address of a mailing list."""

_LABEL: Final = "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS: Final = Text(
    rf"[A-Za-z0-9.!#$%&'*+/=?^_`{{|}}~-]{{1,64}}@{_LABEL}(\.{_LABEL})+",
    "an e-mail address",
)
_CHANNEL: Final = Text(
    r"[0-9A-Z]{1,255}/[0-9A-Za-z]{1,255}",
    "the ids of a Slack workspace and of a channel in it, like T0123456789/C0123456789",
    longest=511,
)
"""Source: CreateSlackChannelConfiguration in the API model of AWS Chatbot."""


@dataclass(frozen=True, kw_only=True)
class NotificationSettings(Topic):
    """The recipients of notifications, and the dashboard."""

    alarm_emails: tuple[str, ...] = key(ListOf(_ADDRESS))
    alarm_slack_channel: str | None = key(OrNone(_CHANNEL, "empty for none"))
    alarm_topic_arn: str | None = key(OrNone(TOPIC, "empty for a topic of the stack"))
    dashboard: bool = key(Flag())

    @property
    def slack_ids(self) -> tuple[str, str] | None:
        """The ids of the workspace and of the channel."""
        if self.alarm_slack_channel is None:
            return None
        workspace, _, channel = self.alarm_slack_channel.partition("/")
        return workspace, channel

    def problems(self) -> Iterator[Problem]:
        """Check that each recipient is named once, and at the stack's own topic."""
        yield from self._addresses_are_few_and_different()
        yield from self._recipients_are_of_the_stacks_topic()

    def _addresses_are_few_and_different(self) -> Iterator[Problem]:
        addresses = self.part("alarm_emails")
        if repeated := duplicates(addresses):
            yield Problem("alarmEmails", ", ".join(repeated), "each address once")
        if len(addresses) > _MOST_ADDRESSES:
            yield Problem(
                "alarmEmails",
                f"{len(addresses)} addresses",
                f"at most {_MOST_ADDRESSES}; a mailing list has one address for all",
            )

    @relation("alarm_emails", "alarm_slack_channel", "alarm_topic_arn")
    def _recipients_are_of_the_stacks_topic(self) -> Iterator[Problem]:
        if self.alarm_topic_arn is None:
            return
        allowed = "none with alarmTopicArn: subscribe at that topic, which has its own recipients"
        if self.alarm_emails:
            yield Problem("alarmEmails", ", ".join(self.alarm_emails), allowed)
        if self.alarm_slack_channel:
            yield Problem("alarmSlackChannel", self.alarm_slack_channel, allowed)

    def problems_in(self, environment: AwsEnvironment) -> Iterator[Problem]:
        """Check that the topic is in the stack's region, and that chat exists in its partition."""
        if self.alarm_topic_arn:
            for arn, where in locality.foreign(environment, [self.alarm_topic_arn]):
                yield Problem(
                    "alarmTopicArn",
                    f"{arn}, {where}",
                    "a topic of this region: alarms publish in their own",
                )
        if self.alarm_slack_channel and environment.partition != locality.PARTITIONS[0]:
            yield Problem(
                "alarmSlackChannel",
                self.alarm_slack_channel,
                f"empty in partition {environment.partition}, where Amazon Q Developer in chat "
                "applications doesn't exist",
            )
