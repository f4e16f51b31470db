"""Refusals of topics, event rules, dashboards and chat channels; `test_refusals.py` runs them."""

from __future__ import annotations

import json
from typing import Any

from tests.localaws.catalog.refusal_case import Case, Inputs, cases

TOPIC = "aws:sns/topic:Topic"
TOPIC_POLICY = "aws:sns/topicPolicy:TopicPolicy"
SUBSCRIPTION = "aws:sns/topicSubscription:TopicSubscription"
EVENT_RULE = "aws:cloudwatch/eventRule:EventRule"
EVENT_TARGET = "aws:cloudwatch/eventTarget:EventTarget"
DASHBOARD = "aws:cloudwatch/dashboard:Dashboard"
SLACK = "aws:chatbot/slackChannelConfiguration:SlackChannelConfiguration"

_INVALID = "InvalidParameter"
_ARGUMENT = "InvalidArgument"
_VALIDATION = "ValidationException"
_TOPIC_ARN = "arn:aws:sns:eu-west-1:123456789012:elsewhere"
_ROLE = "arn:aws:iam::123456789012:role/one"
_QUEUE = "arn:aws:sqs:eu-west-1:123456789012:queue"


def _policy(**more: Any) -> dict[str, Any]:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": _TOPIC_ARN,
        **more,
    }
    document = {"Version": "2012-10-17", "Statement": [statement]}
    return {"arn": _TOPIC_ARN, "policy": json.dumps(document)}


def _pattern(**pattern: Any) -> dict[str, Any]:
    return {"eventPattern": json.dumps(pattern, separators=(",", ":"))}


def _transformer(template: str, **paths: str) -> dict[str, Any]:
    return {"inputTransformer": {"inputTemplate": template, "inputPaths": paths}}


def _body(*widgets: Any, **more: Any) -> dict[str, Any]:
    return {"dashboardBody": json.dumps({"widgets": list(widgets), **more})}


def _widget(kind: str = "metric", **properties: Any) -> dict[str, Any]:
    if kind == "metric":
        properties = {
            "metrics": [["AWS/ECS", "CPUUtilization", "ClusterName", "main"]],
            "region": "eu-west-1",
            **properties,
        }
    return {
        "type": kind,
        "properties": {name: value for name, value in properties.items() if value is not None},
    }


def _drawn(*metric: Any, **rendering: Any) -> dict[str, Any]:
    return _widget(metrics=[[*metric, rendering]])


_CPU = ("AWS/ECS", "CPUUtilization", "ClusterName", "main")
_LAID_OUT = {**_widget(), "x": 0, "y": 0, "width": 24, "height": 6}
_MANY = [list(_CPU)] * 500

_WRONG_BODIES: tuple[tuple[Inputs, Inputs], ...] = (
    ({"dashboardBody": "[]"}, {"dashboardBody": '{"widgets": []}'}),
    ({"dashboardBody": "{}"}, _body(start="-PT3H", periodOverride="inherit")),
    (_body(widget=1), _body(start="2026-01-31T08:00:00Z")),
    (_body(start="yesterday"), _body(start="-P7D")),
    (_body(periodOverride="never"), _body(periodOverride="auto")),
    (_body("widget"), _body(_widget("text", markdown="# All is well"))),
    (_body({"type": "metric"}), _body(_widget())),
    (_body(_widget("graph")), _body(_widget("explorer"))),
    (_body({**_widget(), "color": "red"}), _body({**_widget(), "width": 6})),
    (_body({**_widget(), "x": 0}), _body(_LAID_OUT)),
    (_body({**_LAID_OUT, "x": 24}), _body({**_LAID_OUT, "x": 23, "width": 1})),
    (_body({**_LAID_OUT, "x": 12, "width": 13}), _body({**_LAID_OUT, "x": 12, "width": 12})),
    (_body({**_LAID_OUT, "width": 0}), _body({**_LAID_OUT, "width": 1})),
    (_body({**_LAID_OUT, "height": 1001}), _body({**_LAID_OUT, "height": 1000})),
    (_body(*[_widget()] * 501), _body(*[_widget()] * 500)),
    (_body(_widget(metrics=[*_MANY, list(_CPU)])), _body(_widget(metrics=_MANY))),
    (_body(*[_widget(metrics=_MANY)] * 5, _widget()), _body(*[_widget(metrics=_MANY)] * 5)),
    (_body(_widget(region=None)), _body(_widget(title="CPU", view="singleValue"))),
    (_body(_widget(region="Ireland")), _body(_widget(region="us-gov-west-1"))),
    (_body(_widget(titel="CPU")), _body(_widget(period=300, stat="p99.9"))),
    (_body(_widget(view="line")), _body(_widget(view="timeSeries", stacked=True))),
    (_body(_widget(stacked="yes")), _body(_widget(stacked=False))),
    (_body(_widget(period=45)), _body(_widget(period=60))),
    (_body(_widget(period=-60)), _body(_widget(period=30))),
    (_body(_widget(period=True)), _body(_widget(period=1))),
    (_body(_widget(stat="Mean")), _body(_widget(stat="Average"))),
    (_body(_widget(metrics=[])), _body(_widget(metrics=None, annotations={"alarms": ["arn"]}))),
    (_body(_widget(metrics=["AWS/ECS"])), _body(_widget(metrics=[["AWS/ECS", "Count"]]))),
    (_body(_drawn("AWS/ECS")), _body(_drawn("AWS/ECS", "Count"))),
    (_body(_drawn(*_CPU, "ServiceName")), _body(_drawn(*_CPU, "ServiceName", "web"))),
    (_body(_drawn("AWS/ECS", 5)), _body(_drawn("AWS/ECS", "Five"))),
    (_body(_drawn(*_CPU, color="red")), _body(_drawn(*_CPU, color="#d62728"))),
    (_body(_drawn(*_CPU, axis="left")), _body(_drawn(*_CPU, yAxis="right", visible=False))),
    (_body(_drawn(*_CPU, id="Cpu")), _body(_drawn(*_CPU, id="cpu"))),
    (_body(_drawn(*_CPU, id=["cpu"])), _body(_drawn(*_CPU, id="cpu"))),
    (_body(_drawn(*_CPU, expression="cpu")), _body(_drawn(expression="100 * m1", label="Share"))),
    (_body(_drawn(label="Nothing")), _body(_drawn(expression="1"))),
    (_body(_drawn(".", "CPUUtilization")), _body(_widget(metrics=[list(_CPU), [".", "Memory"]]))),
    (
        _body(_widget(metrics=[list(_CPU), [".", "..."]])),
        _body(_widget(metrics=[list(_CPU), ["...", "other"]])),
    ),
    (
        _body(_widget(metrics=[[*_CPU, {"id": "m"}], ["A", "B", {"id": "m"}]])),
        _body(_widget(metrics=[[*_CPU, {"id": "m"}], ["A", "B", {"id": "n"}]])),
    ),
    (
        _body(_widget(annotations={"horizontal": [{"label": "limit"}]})),
        _body(_widget(annotations={"horizontal": [{"label": "limit", "value": 1}]})),
    ),
    (_body(_widget(annotations={"horizontal": [5]})), _body(_widget(annotations={}))),
    (_body(_widget(annotations={"lines": []})), _body(_widget(annotations={"vertical": []}))),
    (_body(_widget(yAxis={"left": {"least": 0}})), _body(_widget(yAxis={"left": {"min": 0}}))),
    (_body(_widget(yAxis={"top": {}})), _body(_widget(yAxis={"right": {"max": 5}}))),
    (
        _body(_widget(view="gauge")),
        _body(_widget(view="gauge", yAxis={"left": {"min": 0, "max": 100}})),
    ),
    (_body(_widget(legend={"position": "top"})), _body(_widget(legend={"position": "hidden"}))),
    (_body(_widget("text")), _body(_widget("text", markdown="", background="transparent"))),
    (_body(_widget("log", query="fields @message")), _body(_widget("custom", endpoint="arn"))),
    (
        _body(_widget("log", query="", region="eu-west-1")),
        _body(_widget("log", query="fields @message", region="eu-west-1", view="table")),
    ),
    (_body(_widget("alarm")), _body(_widget("alarm", alarms=[]))),
    (
        _body(_widget("alarm", alarms=["errors"])),
        _body(_widget("alarm", alarms=["arn:aws:cloudwatch:eu-west-1:123456789012:alarm:errors"])),
    ),
    (
        _body(_widget("alarm", alarms=[], states=["BAD"])),
        _body(_widget("alarm", alarms=[], states=["ALARM", "OK"])),
    ),
)
"""Pairs of a body that CloudWatch refuses and a similar one that it accepts."""


def _endpoints(protocol: str, wrong: str, right: str) -> tuple[Inputs, Inputs]:
    """Return inputs with a refused and with an accepted endpoint of a protocol."""
    return {"protocol": protocol, "endpoint": wrong}, {"protocol": protocol, "endpoint": right}


_WRONG_ENDPOINTS = (
    _endpoints("email", "no-address", "ops@example.test"),
    _endpoints("email-json", "@example.test", "json@example.test"),
    _endpoints("https", "http://example.test/", "https://example.test/"),
    _endpoints("http", "https://example.test/", "http://example.test/"),
    _endpoints("sms", "call me", "+4930123456"),
    _endpoints("sqs", "https://example.test/", _QUEUE),
    _endpoints("lambda", _QUEUE, "arn:aws:lambda:eu-west-1:123456789012:function:one"),
    _endpoints("application", _QUEUE, "arn:aws:sns:eu-west-1:123456789012:endpoint/GCM/one/two"),
)

ALARM_CASES: list[Case] = [
    (TOPIC, "sns.topic.name", _ARGUMENT, {"name": "a topic"}, {"name": "a-topic_1"}),
    (TOPIC, "sns.topic.name", _ARGUMENT, {"name": "x" * 257}, {"name": "x" * 256}),
    (
        TOPIC,
        "sns.topic.name",
        _ARGUMENT,
        {"name": "orders", "fifoTopic": True},
        {"name": "orders.fifo", "fifoTopic": True},
    ),
    (TOPIC, "sns.topic.name", _ARGUMENT, {"namePrefix": "one"}, {}),
    (
        TOPIC,
        "sns.topic.fifo",
        _ARGUMENT,
        {"contentBasedDeduplication": True},
        {"contentBasedDeduplication": False},
    ),
    (
        TOPIC,
        "sns.topic.throughput",
        _ARGUMENT,
        {"name": "a.fifo", "fifoTopic": True, "fifoThroughputScope": "All"},
        {"name": "a.fifo", "fifoTopic": True, "fifoThroughputScope": "Topic"},
    ),
    (TOPIC, "sns.topic.signature", _ARGUMENT, {"signatureVersion": 3}, {"signatureVersion": 2}),
    (TOPIC, "sns.topic.tracing", _ARGUMENT, {"tracingConfig": "On"}, {"tracingConfig": "Active"}),
    (
        TOPIC,
        "sns.topic.message-size",
        _ARGUMENT,
        {"maximumMessageSize": 1023},
        {"maximumMessageSize": 1024},
    ),
    (
        TOPIC,
        "sns.topic.sample-rate",
        _ARGUMENT,
        {"httpSuccessFeedbackSampleRate": 101},
        {"httpSuccessFeedbackSampleRate": 100},
    ),
    (
        TOPIC,
        "sns.topic.role",
        _ARGUMENT,
        {"sqsFailureFeedbackRoleArn": "role"},
        {"sqsFailureFeedbackRoleArn": _ROLE},
    ),
    (TOPIC, "sns.topic.idempotent", _INVALID, {"name": "alarms", "tags": {"A": "1"}}, {}),
    (TOPIC, "iam.policy.json", _INVALID, {"policy": "{"}, {"policy": _policy()["policy"]}),
    (TOPIC_POLICY, "iam.policy.json", _INVALID, {"policy": "publish"}, _policy()),
    (TOPIC_POLICY, "sns.policy.topic", _ARGUMENT, {"arn": "alarms"}, _policy()),
    (
        TOPIC_POLICY,
        "sns.policy.action",
        _INVALID,
        _policy(Action="sns:CreateTopic"),
        _policy(Action=["SNS:Publish", "sns:Subscribe"]),
    ),
    (TOPIC_POLICY, "sns.policy.action", _INVALID, _policy(Action="sqs:*"), _policy(Action="sns:*")),
    (
        TOPIC_POLICY,
        "sns.policy.resource",
        _INVALID,
        _policy(Resource=f"{_TOPIC_ARN}-2"),
        _policy(Resource="*"),
    ),
    (SUBSCRIPTION, "sns.subscription.protocol", _ARGUMENT, {"protocol": "fax"}, {}),
    (SUBSCRIPTION, "sns.subscription.topic", _ARGUMENT, {"topic": "alarms"}, {}),
    (
        SUBSCRIPTION,
        "sns.subscription.region",
        _INVALID,
        {"topic": _TOPIC_ARN.replace("eu-west-1", "us-east-1")},
        {"topic": _TOPIC_ARN},
    ),
    *cases(SUBSCRIPTION, "sns.subscription.endpoint", _INVALID, *_WRONG_ENDPOINTS),
    (
        SUBSCRIPTION,
        "sns.subscription.raw",
        _INVALID,
        {"rawMessageDelivery": True},
        {"rawMessageDelivery": True, "protocol": "sqs", "endpoint": _QUEUE},
    ),
    (
        SUBSCRIPTION,
        "sns.subscription.filter",
        _ARGUMENT,
        {"filterPolicyScope": "MessageBody"},
        {"filterPolicyScope": "MessageBody", "filterPolicy": "{}"},
    ),
    (
        SUBSCRIPTION,
        "sns.subscription.filter",
        _ARGUMENT,
        {"filterPolicyScope": "Both", "filterPolicy": "{}"},
        {"filterPolicy": "{}"},
    ),
    (SUBSCRIPTION, "sns.subscription.json", _ARGUMENT, {"filterPolicy": "all"}, {}),
    (
        SUBSCRIPTION,
        "sns.subscription.role",
        _INVALID,
        {
            "protocol": "firehose",
            "endpoint": "arn:aws:firehose:eu-west-1:123456789012:deliverystream/one",
        },
        {
            "protocol": "firehose",
            "endpoint": "arn:aws:firehose:eu-west-1:123456789012:deliverystream/one",
            "subscriptionRoleArn": _ROLE,
        },
    ),
    (EVENT_RULE, "events.rule.trigger", _ARGUMENT, {"eventPattern": None}, {}),
    (EVENT_RULE, "events.rule.name", _ARGUMENT, {"name": "a rule"}, {"name": "a.rule_1-x"}),
    (EVENT_RULE, "events.rule.name", _ARGUMENT, {"namePrefix": "one"}, {}),
    (
        EVENT_RULE,
        "events.rule.description",
        _ARGUMENT,
        {"description": "x" * 513},
        {"description": "x" * 512},
    ),
    (EVENT_RULE, "events.rule.role", _ARGUMENT, {"roleArn": "role"}, {"roleArn": _ROLE}),
    (EVENT_RULE, "events.rule.state", _ARGUMENT, {"state": "ON"}, {"state": "DISABLED"}),
    (
        EVENT_RULE,
        "events.rule.state",
        _ARGUMENT,
        {"state": "ENABLED", "isEnabled": True},
        {"isEnabled": True},
    ),
    (
        EVENT_RULE,
        "events.rule.schedule",
        _VALIDATION,
        {"eventPattern": None, "scheduleExpression": "hourly"},
        {"eventPattern": None, "scheduleExpression": "rate(1 hour)"},
    ),
    (
        EVENT_RULE,
        "events.rule.schedule",
        _VALIDATION,
        {"eventBusName": "orders", "scheduleExpression": "rate(1 hour)"},
        {"eventBusName": "orders"},
    ),
    (EVENT_RULE, "events.rule.pattern", _ARGUMENT, {"eventPattern": "{"}, {}),
    (
        EVENT_RULE,
        "events.rule.pattern",
        _ARGUMENT,
        _pattern(source=["x" * 4082]),
        _pattern(source=["x" * 4081]),
    ),
    *cases(
        EVENT_RULE,
        "events.rule.pattern",
        "InvalidEventPatternException",
        ({"eventPattern": "[]"}, _pattern(source=["aws.ecs"])),
        (_pattern(), _pattern(source=["aws.ecs"])),
        (_pattern(source="aws.ecs"), _pattern(source=["aws.ecs", None, 5])),
        (_pattern(source=[]), _pattern(source=[{"prefix": "aws."}])),
        (_pattern(source=[["aws.ecs"]]), _pattern(source=[{"anything-but": ["aws.ec2"]}])),
        (_pattern(source=[{"starts": "aws."}]), _pattern(source=[{"exists": True}])),
        (_pattern(detail={"a": "b"}), _pattern(detail={"a": ["b"]})),
        (
            _pattern(**{"$or": [{"source": ["a"]}]}),
            _pattern(**{"$or": [{"source": ["a"]}, {"detail-type": ["b"]}]}),
        ),
    ),
    (EVENT_RULE, "events.rule.unique", _VALIDATION, {"name": "deployments"}, {"name": "other"}),
    (EVENT_TARGET, "events.target.arn", _ARGUMENT, {"arn": "topic"}, {"arn": _TOPIC_ARN}),
    (EVENT_TARGET, "events.target.role", _ARGUMENT, {"roleArn": "role"}, {"roleArn": _ROLE}),
    (EVENT_TARGET, "events.target.id", _ARGUMENT, {"targetId": "a b"}, {"targetId": "a-b"}),
    (
        EVENT_TARGET,
        "events.target.rule-exists",
        "ResourceNotFoundException",
        {"rule": "none"},
        {"rule": "deployments"},
    ),
    (EVENT_TARGET, "events.target.input", _ARGUMENT, {"input": "text"}, {"input": '"text"'}),
    (
        EVENT_TARGET,
        "events.target.input",
        _ARGUMENT,
        {"input": "{}", "inputPath": "$.detail"},
        {"inputPath": "$.detail"},
    ),
    (EVENT_TARGET, "events.target.template", _ARGUMENT, _transformer(""), _transformer('"A"')),
    *cases(
        EVENT_TARGET,
        "events.target.template",
        _VALIDATION,
        (_transformer("failed"), _transformer('"failed"')),
        (_transformer('"<reason>"'), _transformer('"<reason>"', reason="$.detail.reason")),
        (_transformer('{"a": a}'), _transformer('{"a": <aws.events.event.json>}')),
        (_transformer('"failed"\nagain'), _transformer('"failed"\n\n"by <aws.events.rule-name>"')),
    ),
    (
        EVENT_TARGET,
        "events.target.paths",
        _ARGUMENT,
        _transformer('"A"', AWSName="$.detail"),
        _transformer('"A"', name="$.detail"),
    ),
    (
        EVENT_TARGET,
        "events.target.paths",
        _ARGUMENT,
        _transformer('"A"', **{f"name{number}": "$.detail" for number in range(101)}),
        _transformer('"A"', **{f"name{number}": "$.detail" for number in range(100)}),
    ),
    (
        EVENT_TARGET,
        "events.target.paths",
        _VALIDATION,
        _transformer('"A"', name="detail"),
        _transformer('"A"', name="$.detail"),
    ),
    (DASHBOARD, "cloudwatch.dashboard.name", _ARGUMENT, {"dashboardName": "a b"}, {}),
    (DASHBOARD, "cloudwatch.dashboard.json", _ARGUMENT, {"dashboardBody": "{"}, {}),
    (
        DASHBOARD,
        "cloudwatch.dashboard.unique",
        "InvalidParameterInput",
        {"dashboardName": "main"},
        {"dashboardName": "other"},
    ),
    *cases(DASHBOARD, "cloudwatch.dashboard.body", "InvalidParameterInput", *_WRONG_BODIES),
    (SLACK, "chatbot.slack.name", _ARGUMENT, {"configurationName": "a b"}, {}),
    (SLACK, "chatbot.slack.role", _ARGUMENT, {"iamRoleArn": "chat"}, {"iamRoleArn": _ROLE}),
    (
        SLACK,
        "chatbot.slack.logging",
        _ARGUMENT,
        {"loggingLevel": "DEBUG"},
        {"loggingLevel": "INFO"},
    ),
    (
        SLACK,
        "chatbot.slack.topic",
        _ARGUMENT,
        {"snsTopicArns": [f"{_TOPIC_ARN}.fifo"]},
        {"snsTopicArns": [_TOPIC_ARN]},
    ),
    (
        SLACK,
        "chatbot.slack.unique",
        "ConflictException",
        {"configurationName": "main"},
        {"configurationName": "other"},
    ),
    (
        SLACK,
        "chatbot.slack.unique",
        "ConflictException",
        {"slackChannelId": "C1"},
        {"slackChannelId": "C2"},
    ),
    (
        SLACK,
        "catalog.model",
        "InvalidParameterException",
        {"slackTeamId": "team"},
        {"slackTeamId": "T1"},
    ),
]
