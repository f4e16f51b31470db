"""Simple Notification Service: topics, their policies and subscriptions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from localaws.catalog.account import others_with_same, uuid
from localaws.catalog.policies import resource_policy_rules, statements
from localaws.catalog.properties import UNKNOWN
from localaws.catalog.refusals import Refusal
from localaws.catalog.resource_type import AutoName, Idempotent, Reference, ResourceType
from localaws.catalog.values import (
    ARN,
    Limit,
    given,
    listed,
    matches,
    one_of,
    parsed,
    region_of_arn,
    show,
    text,
    within,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from localaws.catalog.account import Account, Mint, Resource
    from localaws.catalog.properties import Properties
    from localaws.catalog.refusals import Refusals

TOPIC = "aws:sns/topic:Topic"
TOPIC_POLICY = "aws:sns/topicPolicy:TopicPolicy"
SUBSCRIPTION = "aws:sns/topicSubscription:TopicSubscription"

_INVALID = "InvalidParameter"

TOPIC_ACTIONS = (
    "AddPermission",
    "DeleteTopic",
    "GetDataProtectionPolicy",
    "GetTopicAttributes",
    "ListSubscriptionsByTopic",
    "ListTagsForResource",
    "Publish",
    "PutDataProtectionPolicy",
    "Receive",
    "RemovePermission",
    "SetTopicAttributes",
    "Subscribe",
)
"""The actions that a topic's policy can name. SNS refuses others, such as CreateTopic, as "out of
service scope".

Source: SNS in the service authorization reference, and hashicorp/terraform#12740.
"""

_TOPIC_ARN = matches(
    r"arn:[\w-]+:sns:[a-z0-9-]+:\d{12}:[\w-]{1,256}(\.fifo)?", "the ARN of a topic"
)
_FIFO_ONLY = ("archivePolicy", "contentBasedDeduplication", "fifoThroughputScope")
_DELIVERERS = ("application", "firehose", "http", "lambda", "sqs")
"""The protocols whose deliveries a topic can log."""

ENDPOINTS = {
    "application": (r"arn:[\w-]+:sns:.+", "the ARN of a platform's application endpoint"),
    "email": (r"[^@\s]+@[^@\s]+\.[^@\s]+", "an e-mail address"),
    "email-json": (r"[^@\s]+@[^@\s]+\.[^@\s]+", "an e-mail address"),
    "firehose": (r"arn:[\w-]+:firehose:.+", "the ARN of a delivery stream"),
    "http": (r"http://.+", "a URL that starts with http://"),
    "https": (r"https://.+", "a URL that starts with https://"),
    "lambda": (r"arn:[\w-]+:lambda:.+", "the ARN of a function"),
    "sms": (r"\+?[0-9][0-9. -]+", "a telephone number such as +4930123456"),
    "sqs": (r"arn:[\w-]+:sqs:.+", "the ARN of a queue"),
}
"""By protocol, the endpoints of its subscriptions. Source: Subscribe in SNS's API reference."""

_RAW = ("firehose", "http", "https", "sqs")
"""The protocols with raw message delivery.

Source: the same.
"""


def _policy_rules(value: object, topic: object) -> Refusals:
    """Refuse a topic's policy that is malformed, or is about anything but topics."""
    yield from resource_policy_rules(value, "policy", _INVALID)
    document = parsed(value)
    if not isinstance(document, dict):
        return
    for statement in statements(document):
        for action in _texts_of(statement, "Action"):
            if not _is_topic_action(action):
                message = (
                    "Invalid parameter: Policy statement action out of service scope! "
                    f"(got {action}; allowed: {', '.join(TOPIC_ACTIONS)})"
                )
                yield Refusal(_INVALID, message, "sns.policy.action", "policy")
        for resource in _texts_of(statement, "Resource"):
            if topic is not UNKNOWN and topic is not None and not _covers(resource, str(topic)):
                message = (
                    f"Invalid parameter: Policy Error: {resource} isn't the policy's topic {topic}"
                )
                yield Refusal(_INVALID, message, "sns.policy.resource", "policy")


def _texts_of(statement: Mapping[str, object], element: str) -> Iterator[str]:
    for value in listed(statement.get(element)):
        if isinstance(value, str):
            yield value


def _is_topic_action(action: str) -> bool:
    service, _, name = action.lower().partition(":")
    if "*" in name or "?" in name:
        return service == "sns"
    return service == "sns" and name in [each.lower() for each in TOPIC_ACTIONS]


def _covers(pattern: str, topic: str) -> bool:
    """Return whether a statement's resource covers a topic: its ARN, or one with wildcards."""
    expression = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(expression, topic) is not None


def _topic_rules(inputs: Properties) -> Refusals:
    name, fifo = inputs.get("name"), inputs.get("fifoTopic")
    if given(inputs, "name", "namePrefix") == ["name", "namePrefix"]:
        message = "name and namePrefix exclude each other"
        yield Refusal("InvalidArgument", message, "sns.topic.name", "name")
    if isinstance(name, str) and fifo is not UNKNOWN:
        pattern = r"[0-9A-Za-z_-]{1,251}\.fifo" if fifo is True else r"[0-9A-Za-z_-]{1,256}"
        if not re.fullmatch(pattern, name, re.ASCII):
            words = "1 to 256 letters, digits, - and _; a FIFO topic's ends with .fifo"
            message = f"invalid topic name: {name}; allowed: {words}"
            yield Refusal("InvalidArgument", message, "sns.topic.name", "name")
    for option in given(inputs, *_FIFO_ONLY):
        if fifo in (None, False) and inputs[option] not in (False, "", UNKNOWN):
            message = f"{option} can only be set for FIFO topics"
            yield Refusal("InvalidArgument", message, "sns.topic.fifo", option)
    yield from _policy_rules(inputs.get("policy"), None)


def _topic_account_rules(
    inputs: Properties, account: Account, current: Resource | None
) -> Refusals:
    """Refuse a policy about other topics; a new topic has no ARN that its policy could name."""
    del account
    if current is not None:
        yield from _policy_rules(inputs.get("policy"), current.id)


def _topic_computed(mint: Mint, inputs: Properties) -> Properties:
    arn = mint.arn("sns", text(inputs.get("name")) or "")
    return {"id": arn, "arn": arn, "owner": mint.account.account_id, "beginningArchiveTime": ""}


def _topic_policy_account_rules(
    inputs: Properties, account: Account, current: Resource | None
) -> Refusals:
    yield from _policy_rules(inputs.get("policy"), inputs.get("arn"))
    if others_with_same(account, TOPIC_POLICY, inputs, current, "arn"):
        message = (
            f"{inputs.get('arn')} has a TopicPolicy already, and one would overwrite the other"
        )
        yield Refusal(_INVALID, message, "sns.policy.unique", "arn")


def _subscription_rules(inputs: Properties) -> Refusals:
    yield from _topic_region(inputs.get("topic"), inputs.get("region"))
    protocol, endpoint = inputs.get("protocol"), inputs.get("endpoint")
    if isinstance(protocol, str) and isinstance(endpoint, str) and protocol in ENDPOINTS:
        pattern, words = ENDPOINTS[protocol]
        if not re.fullmatch(pattern, endpoint):
            message = (
                f"Invalid parameter: endpoint of {protocol} must be {words}, got {show(endpoint)}"
            )
            yield Refusal(_INVALID, message, "sns.subscription.endpoint", "endpoint")
    if inputs.get("rawMessageDelivery") is True and protocol not in (*_RAW, UNKNOWN):
        message = (
            f"Invalid parameter: Attributes Reason: Delivery protocol [{protocol}] does not "
            "support raw message delivery."
        )
        yield Refusal(_INVALID, message, "sns.subscription.raw", "rawMessageDelivery")
    if given(inputs, "filterPolicyScope") and not given(inputs, "filterPolicy"):
        message = "filterPolicy is required when filterPolicyScope is set"
        yield Refusal("InvalidArgument", message, "sns.subscription.filter", "filterPolicy")
    if protocol == "firehose" and not given(inputs, "subscriptionRoleArn"):
        message = "Invalid parameter: a subscription of firehose needs subscriptionRoleArn"
        yield Refusal(_INVALID, message, "sns.subscription.role", "subscriptionRoleArn")
    for name in ("deliveryPolicy", "filterPolicy", "redrivePolicy", "replayPolicy"):
        value = inputs.get(name)
        if value not in (None, "", UNKNOWN) and not isinstance(parsed(value), dict):
            message = f"{name} must be a JSON object, got {show(value)}"
            yield Refusal("InvalidArgument", message, "sns.subscription.json", name)


def _topic_region(topic: object, region: object) -> Refusals:
    """Refuse a topic of another region: SNS answers for topics of its region only."""
    if isinstance(region, str) and _TOPIC_ARN.contains(topic):
        found = region_of_arn(topic)
        if found != region:
            message = f"Invalid parameter: TopicArn: {topic} is in {found}, not in {region}"
            yield Refusal(_INVALID, message, "sns.subscription.region", "topic")


def _subscription_account_rules(
    inputs: Properties, account: Account, current: Resource | None
) -> Refusals:
    if others_with_same(account, SUBSCRIPTION, inputs, current, "endpoint", "protocol", "topic"):
        message = (
            f"{inputs.get('endpoint')} is subscribed to the topic already: SNS would return that "
            "subscription, and two resources would be one"
        )
        yield Refusal(_INVALID, message, "sns.subscription.unique", "endpoint")


def _subscription_computed(mint: Mint, inputs: Properties) -> Properties:
    """Return what SNS chooses: e-mail and URLs stay pending until their owner confirms."""
    arn = f"{inputs.get('topic')}:{uuid(mint)}"
    pending = str(inputs.get("protocol")).startswith(("email", "http"))
    return {
        "id": arn,
        "arn": arn,
        "ownerId": mint.account.account_id,
        "pendingConfirmation": pending,
        "confirmationWasAuthenticated": not pending,
    }


def _feedback_limits() -> Iterator[Limit]:
    """Yield the limits of a topic's logs of deliveries, by each protocol."""
    for each in _DELIVERERS:
        sample = f"{each}SuccessFeedbackSampleRate"
        yield Limit(sample, within(0, 100), "sns.topic.sample-rate")
        yield Limit(f"{each}SuccessFeedbackRoleArn", ARN, "sns.topic.role")
        yield Limit(f"{each}FailureFeedbackRoleArn", ARN, "sns.topic.role")


TYPES = (
    ResourceType(
        token=TOPIC,
        autoname=AutoName(longest=256),
        idempotent=Idempotent(frozenset({"fifoTopic", "tags"}), _INVALID, "sns.topic.idempotent"),
        replaces=frozenset({"fifoTopic", "name", "namePrefix", "region"}),
        json=frozenset({"archivePolicy", "deliveryPolicy", "policy"}),
        defaults={"contentBasedDeduplication": False, "fifoTopic": False, "signatureVersion": 1},
        limits=(
            *_feedback_limits(),
            Limit("maximumMessageSize", within(1024, 2**20), "sns.topic.message-size"),
            Limit("signatureVersion", within(1, 2), "sns.topic.signature"),
            Limit("tracingConfig", one_of("Active", "PassThrough"), "sns.topic.tracing"),
            Limit(
                "fifoThroughputScope",
                one_of("MessageGroup", "Topic"),
                "sns.topic.throughput",
            ),
        ),
        rules=_topic_rules,
        account_rules=_topic_account_rules,
        computed=_topic_computed,
    ),
    ResourceType(
        token=TOPIC_POLICY,
        replaces=frozenset({"arn", "region"}),
        json=frozenset({"policy"}),
        limits=(Limit("arn", _TOPIC_ARN, "sns.policy.topic"),),
        references=(Reference("arn", TOPIC, "", "sns.policy.topic", when_deleted="gone"),),
        account_rules=_topic_policy_account_rules,
        computed=lambda mint, inputs: {
            "id": inputs.get("arn"),
            "owner": mint.account.account_id,
        },
    ),
    ResourceType(
        token=SUBSCRIPTION,
        replaces=frozenset({"endpoint", "protocol", "topic", "region"}),
        json=frozenset({"deliveryPolicy", "filterPolicy", "redrivePolicy", "replayPolicy"}),
        defaults={
            "confirmationTimeoutInMinutes": 1,
            "endpointAutoConfirms": False,
            "rawMessageDelivery": False,
        },
        limits=(
            Limit("protocol", one_of(*ENDPOINTS), "sns.subscription.protocol"),
            Limit("topic", _TOPIC_ARN, "sns.subscription.topic"),
            Limit("subscriptionRoleArn", ARN, "sns.subscription.role"),
            Limit(
                "filterPolicyScope",
                one_of("MessageAttributes", "MessageBody"),
                "sns.subscription.filter",
            ),
        ),
        references=(Reference("topic", TOPIC, "", "sns.subscription.topic", when_deleted="gone"),),
        rules=_subscription_rules,
        account_rules=_subscription_account_rules,
        computed=_subscription_computed,
    ),
)
