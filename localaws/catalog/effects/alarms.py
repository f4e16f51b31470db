"""The effects of the inputs of alarms, events and topics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localaws.catalog.chatbot import SLACK_CHANNEL
from localaws.catalog.cloudwatch import ALARM
from localaws.catalog.effects.model import Effects, inside
from localaws.catalog.effects.reasons import CATALOG_ONLY, EVERYWHERE, NAME, REGION, TEXT
from localaws.catalog.events import RULE as EVENT_RULE
from localaws.catalog.events import TARGET as EVENT_TARGET
from localaws.catalog.only_recorded import NO_PERMISSION
from localaws.catalog.sns import SUBSCRIPTION, TOPIC, TOPIC_POLICY

if TYPE_CHECKING:
    from collections.abc import Mapping

_NO_DELIVERY = "no message leaves this machine, as its status says"


def _feedback(protocol: str) -> tuple[str, ...]:
    """Return a topic's inputs about the log of deliveries by a protocol."""
    return (
        f"{protocol}FailureFeedbackRoleArn",
        f"{protocol}SuccessFeedbackRoleArn",
        f"{protocol}SuccessFeedbackSampleRate",
    )


_FEEDBACK = (
    *_feedback("application"),
    *_feedback("firehose"),
    *_feedback("http"),
    *_feedback("lambda"),
    *_feedback("sqs"),
)

EFFECTS: Mapping[str, Effects] = {
    ALARM: Effects(
        effective=(
            *("actionsEnabled", "alarmActions", "insufficientDataActions", "okActions"),
            *("comparisonOperator", "datapointsToAlarm", "dimensions"),
            *(
                "evaluateLowSampleCountPercentiles",
                "evaluationPeriods",
                "extendedStatistic",
                "metricName",
                "namespace",
                "period",
            ),
            *("statistic", "threshold", "treatMissingData"),
            *inside("metricQueries[]", "expression id period returnData"),
            *inside("metricQueries[].metric", "dimensions metricName namespace period stat"),
        ),
        without_effect={
            "evaluationCriteria": (),
            "evaluationWindow": (),
            "metricQueries[].accountId": (),
            "metricQueries[].metric.unit": (),
            "thresholdMetricId": (),
            "unit": (),
            "warmUpConfiguration": (),
        },
        unmentioned={
            **EVERYWHERE,
            "alarmDescription": TEXT,
            "evaluationInterval": "of evaluationCriteria, which a run mentions",
            "metricQueries[].label": TEXT,
            "name": NAME,
        },
    ),
    EVENT_RULE: Effects(
        effective=("eventBusName", "eventPattern", "isEnabled", "name", "state"),
        without_effect={"scheduleExpression": ()},
        unmentioned={
            **EVERYWHERE,
            "description": TEXT,
            "forceDestroy": CATALOG_ONLY,
            "namePrefix": CATALOG_ONLY,
            "roleArn": NO_PERMISSION,
        },
    ),
    EVENT_TARGET: Effects(
        effective=(
            *("arn", "eventBusName", "input", "inputPath", "rule"),
            *inside("inputTransformer", "inputPaths inputTemplate"),
        ),
        without_effect={
            "appsyncTarget": (),
            "batchTarget": (),
            "deadLetterConfig": (),
            "ecsTarget": (),
            "httpTarget": (),
            "kinesisTarget": (),
            "redshiftTarget": (),
            "runCommandTargets": (),
            "sagemakerPipelineTarget": (),
            "sqsTarget": (),
        },
        unmentioned={
            "forceDestroy": CATALOG_ONLY,
            "region": REGION,
            "retryPolicy": "a message that isn't delivered is listed, and not tried again",
            "roleArn": NO_PERMISSION,
            "targetId": NAME,
        },
    ),
    TOPIC: Effects(
        effective=("kmsMasterKeyId", "policy"),
        unmentioned={
            **EVERYWHERE,
            **dict.fromkeys(
                (
                    *(
                        "archivePolicy",
                        "contentBasedDeduplication",
                        "deliveryPolicy",
                        "displayName",
                    ),
                    *("fifoThroughputScope", "maximumMessageSize", "signatureVersion"),
                    "tracingConfig",
                ),
                _NO_DELIVERY,
            ),
            **dict.fromkeys(_FEEDBACK, _NO_DELIVERY),
            "fifoTopic": CATALOG_ONLY,
            "name": NAME,
            "namePrefix": CATALOG_ONLY,
        },
    ),
    TOPIC_POLICY: Effects(
        effective=("arn", "policy"),
        unmentioned={"region": REGION},
    ),
    SUBSCRIPTION: Effects(
        effective=("endpoint", "protocol", "topic"),
        without_effect={"filterPolicy": (), "filterPolicyScope": ()},
        unmentioned={
            "confirmationTimeoutInMinutes": _NO_DELIVERY,
            "deliveryPolicy": _NO_DELIVERY,
            "endpointAutoConfirms": _NO_DELIVERY,
            "rawMessageDelivery": _NO_DELIVERY,
            "redrivePolicy": _NO_DELIVERY,
            "region": REGION,
            "replayPolicy": _NO_DELIVERY,
            "subscriptionRoleArn": NO_PERMISSION,
        },
    ),
    SLACK_CHANNEL: Effects(
        effective=("slackChannelId", "slackTeamId", "snsTopicArns"),
        unmentioned={
            **EVERYWHERE,
            "configurationName": NAME,
            "guardrailPolicyArns": NO_PERMISSION,
            "iamRoleArn": NO_PERMISSION,
            "loggingLevel": _NO_DELIVERY,
            "timeouts": "it is the provider's",
            "userAuthorizationRequired": _NO_DELIVERY,
        },
    ),
}
