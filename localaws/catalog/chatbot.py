"""Amazon Q Developer in chat applications, whose API is still called Chatbot: Slack channels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localaws.catalog.account import others_with_same
from localaws.catalog.refusals import Refusal
from localaws.catalog.resource_type import ResourceType
from localaws.catalog.values import Limit, matches, one_of

if TYPE_CHECKING:
    from localaws.catalog.account import Account, Mint, Resource
    from localaws.catalog.properties import Properties
    from localaws.catalog.refusals import Refusals

SLACK_CHANNEL = "aws:chatbot/slackChannelConfiguration:SlackChannelConfiguration"

_ROLE = matches(r"arn:[\w-]+:iam::\d{12}:role/.+", "the ARN of a role")
_TOPIC = matches(
    r"arn:[\w-]+:sns:[a-z0-9-]+:\d{12}:[\w-]{1,256}", "the ARN of a standard topic of SNS"
)


def _account_rules(inputs: Properties, account: Account, current: Resource | None) -> Refusals:
    if others_with_same(account, SLACK_CHANNEL, inputs, current, "configurationName"):
        message = f"the configuration {inputs.get('configurationName')} exists already"
        yield Refusal("ConflictException", message, "chatbot.slack.unique", "configurationName")
    if others_with_same(account, SLACK_CHANNEL, inputs, current, "slackChannelId", "slackTeamId"):
        message = f"the channel {inputs.get('slackChannelId')} has a configuration already"
        yield Refusal("ConflictException", message, "chatbot.slack.unique", "slackChannelId")


def _computed(mint: Mint, inputs: Properties) -> Properties:
    name = inputs.get("configurationName")
    arn = mint.arn("chatbot", f"chat-configuration/slack-channel/{name}", region="")
    # Slack knows the names; without it the ids are all there is.
    return {
        "id": arn,
        "chatConfigurationArn": arn,
        "slackChannelName": inputs.get("slackChannelId"),
        "slackTeamName": inputs.get("slackTeamId"),
    }


TYPES = (
    ResourceType(
        token=SLACK_CHANNEL,
        replaces=frozenset({"region"}),
        unordered=frozenset({"snsTopicArns"}),
        defaults={"loggingLevel": "NONE", "userAuthorizationRequired": False},
        limits=(
            Limit(
                "configurationName",
                matches(r"[A-Za-z0-9_-]{1,128}", "1 to 128 letters, digits, _ and -"),
                "chatbot.slack.name",
            ),
            Limit("iamRoleArn", _ROLE, "chatbot.slack.role"),
            Limit("loggingLevel", one_of("ERROR", "INFO", "NONE"), "chatbot.slack.logging"),
            Limit("snsTopicArns[]", _TOPIC, "chatbot.slack.topic"),
        ),
        account_rules=_account_rules,
        computed=_computed,
    ),
)
