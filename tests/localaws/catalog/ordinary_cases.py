"""Refusals of types that ordinary programs need; `test_refusals.py` runs them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.localaws.catalog.conftest import ELB, MISSING_TARGET_GROUP

if TYPE_CHECKING:
    from tests.localaws.catalog.refusal_case import Case

ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
CLASSIC = "aws:ec2/securityGroupRule:SecurityGroupRule"
KEY_POLICY = "aws:kms/keyPolicy:KeyPolicy"
PROFILE = "aws:iam/instanceProfile:InstanceProfile"
REPOSITORY = "aws:ecr/repository:Repository"

ERRORS = {
    "id": "errors",
    "metric": {"metricName": "Errors", "namespace": "Shop", "period": 60, "stat": "Sum"},
}
QUERIES = [{**ERRORS, "returnData": True}]


def computed(expression: str, **more: Any) -> dict[str, Any]:
    """Return the queries of an alarm on an expression over `errors`."""
    share = {"id": "share", "expression": expression, "returnData": True, **more}
    return {**BY_QUERY, "metricQueries": [ERRORS, share]}


BY_QUERY = {
    **dict.fromkeys(("metricName", "namespace", "period", "statistic")),
    "metricQueries": QUERIES,
}


def by_metric(*, period: int) -> dict[str, Any]:
    """Return inputs of an alarm on a query for a metric."""
    metric = {"metricName": "Errors", "namespace": "Web", "stat": "Sum", "period": period}
    return {**BY_QUERY, "metricQueries": [{"id": "errors", "metric": metric, "returnData": True}]}


OTHER_ACCOUNT = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": "kms:*",
                "Resource": "*",
                "Principal": {"AWS": "arn:aws:iam::210987654321:root"},
            }
        ],
    }
)

TARGET = "aws:lb/targetGroupAttachment:TargetGroupAttachment"
FUNCTION = "arn:aws:lambda:eu-west-1:123456789012:function:one-more"
TO_FUNCTION = {"targetGroupArn": "$function-group", "targetId": FUNCTION}
TO_BALANCER = {"targetGroupArn": "$balancer-group", "targetId": "$balancer"}

ORDINARY_CASES: list[Case] = [
    (
        TARGET,
        "elbv2.target.group-exists",
        "TargetGroupNotFound",
        {"targetGroupArn": MISSING_TARGET_GROUP},
        {"port": 8080},
    ),
    (TARGET, "elbv2.target.port", "InvalidArgument", {"port": 0}, {"port": 65535}),
    (TARGET, "elbv2.target.id", "ValidationError", {"targetId": "web.example.test"}, {}),
    (TARGET, "elbv2.target.id", "ValidationError", {"targetId": "2001:db8::1"}, {}),
    (
        TARGET,
        "elbv2.target.address",
        "ValidationError",
        {"targetId": "127.0.0.1", "availabilityZone": "all"},
        {"targetId": "192.168.0.1", "availabilityZone": "all"},
    ),
    (
        TARGET,
        "elbv2.target.availability-zone",
        "ValidationError",
        {"targetId": "192.168.0.1"},
        {"targetId": "192.168.0.1", "availabilityZone": "eu-west-1a"},
    ),
    (
        TARGET,
        "elbv2.target.availability-zone",
        "ValidationError",
        {**TO_FUNCTION, "availabilityZone": "eu-west-1a"},
        {**TO_FUNCTION, "availabilityZone": "all"},
    ),
    (
        TARGET,
        "elbv2.target.function-port",
        "ValidationError",
        {**TO_FUNCTION, "port": 80},
        TO_FUNCTION,
    ),
    (
        TARGET,
        "elbv2.target.id",
        "ValidationError",
        {**TO_FUNCTION, "targetId": "one-more"},
        TO_FUNCTION,
    ),
    (TARGET, "elbv2.target.quic", "ValidationError", {"quicServerId": "0x1a2b3c4d5e6f7a8b"}, {}),
    (
        TARGET,
        "elbv2.target.quic",
        "ValidationError",
        {"targetGroupArn": "$quic-group"},
        {"targetGroupArn": "$quic-group", "quicServerId": "0x1a2b3c4d5e6f7a8b"},
    ),
    (
        TARGET,
        "elbv2.target.instance-exists",
        "InvalidTarget",
        {"targetGroupArn": "$instance-group", "targetId": "i-0123456789abcdef0"},
        {},
    ),
    (
        TARGET,
        "elbv2.target.id",
        "ValidationError",
        {"targetGroupArn": "$instance-group", "targetId": "i-1"},
        {},
    ),
    (
        TARGET,
        "elbv2.target.balancer-exists",
        "InvalidTarget",
        {
            **TO_BALANCER,
            "targetId": f"{ELB}:loadbalancer/app/none/1",
        },
        TO_BALANCER,
    ),
    (
        TARGET,
        "elbv2.target.balancer-listens",
        "InvalidTarget",
        {**TO_BALANCER, "port": 81},
        {**TO_BALANCER, "port": 80},
    ),
    (ALARM, "cloudwatch.alarm.metric", "InvalidArgument", {"metricQueries": QUERIES}, BY_QUERY),
    (ALARM, "cloudwatch.alarm.metric-needs", "ValidationError", {"namespace": None}, {}),
    (ALARM, "cloudwatch.alarm.statistic", "InvalidArgument", {"statistic": None}, {}),
    (
        ALARM,
        "cloudwatch.alarm.statistic",
        "InvalidArgument",
        {"extendedStatistic": "p99"},
        {"statistic": None, "extendedStatistic": "p99"},
    ),
    (ALARM, "cloudwatch.alarm.threshold", "ValidationError", {"threshold": None}, {"threshold": 0}),
    (
        ALARM,
        "cloudwatch.alarm.threshold",
        "InvalidArgument",
        {"thresholdMetricId": "band"},
        {"thresholdMetricId": "band", "threshold": None},
    ),
    (
        ALARM,
        "cloudwatch.alarm.queries",
        "InvalidArgument",
        {**BY_QUERY, "period": 60},
        BY_QUERY,
    ),
    (
        ALARM,
        "cloudwatch.alarm.queries",
        "InvalidArgument",
        {**BY_QUERY, "dimensions": {"Service": "web"}},
        {**BY_QUERY, "dimensions": None},
    ),
    (
        ALARM,
        "cloudwatch.alarm.queries",
        "InvalidArgument",
        computed("errors", metric=ERRORS["metric"]),
        computed("errors"),
    ),
    (
        ALARM,
        "cloudwatch.alarm.return-data",
        "ValidationError",
        computed("errors * 2", returnData=False),
        computed("errors * 2"),
    ),
    (
        ALARM,
        "cloudwatch.alarm.expression",
        "ValidationError",
        computed("SUM(METRICS())"),
        computed("IF(errors > 5, 100 * FILL(errors, 0) / SUM([errors]), 0)"),
    ),
    (
        ALARM,
        "cloudwatch.alarm.expression",
        "ValidationError",
        computed("errors / requests"),
        computed("errors / -2.5"),
    ),
    (
        ALARM,
        "cloudwatch.alarm.expression",
        "ValidationError",
        computed("share + errors"),
        computed("errors + errors"),
    ),
    (ALARM, "cloudwatch.alarm.period", "InvalidArgument", {"period": 45}, {"period": 30}),
    (ALARM, "cloudwatch.alarm.period", "InvalidArgument", {"period": 5}, by_metric(period=5)),
    (
        ALARM,
        "cloudwatch.alarm.period",
        "InvalidArgument",
        by_metric(period=45),
        by_metric(period=1),
    ),
    (ALARM, "cloudwatch.alarm.evaluation-periods", "InvalidArgument", {"evaluationPeriods": 0}, {}),
    (
        ALARM,
        "cloudwatch.alarm.evaluation-range",
        "ValidationError",
        {"period": 300, "evaluationPeriods": 289},
        {"period": 300, "evaluationPeriods": 288},
    ),
    (
        ALARM,
        "cloudwatch.alarm.evaluation-range",
        "ValidationError",
        {"period": 3600, "evaluationPeriods": 169},
        {"period": 3600, "evaluationPeriods": 168},
    ),
    (
        ALARM,
        "cloudwatch.alarm.evaluation-range",
        "ValidationError",
        {**by_metric(period=60), "evaluationPeriods": 1441},
        {**by_metric(period=60), "evaluationPeriods": 1440},
    ),
    (
        ALARM,
        "cloudwatch.alarm.datapoints",
        "ValidationError",
        {"datapointsToAlarm": 4},
        {"datapointsToAlarm": 3},
    ),
    (
        ALARM,
        "cloudwatch.alarm.missing-data",
        "InvalidArgument",
        {"treatMissingData": "no"},
        {"treatMissingData": "breaching"},
    ),
    (ALARM, "cloudwatch.alarm.name", "InvalidArgument", {"name": "a" * 256}, {"name": "a" * 255}),
    (ALARM, "catalog.model", "InvalidParameterException", {"comparisonOperator": ">"}, {}),
    (
        CLASSIC,
        "ec2.security-group-rule.type",
        "InvalidArgument",
        {"type": "in"},
        {"type": "egress"},
    ),
    (CLASSIC, "ec2.security-group-rule.some-source", "InvalidArgument", {"cidrBlocks": None}, {}),
    (
        CLASSIC,
        "ec2.security-group-rule.some-source",
        "InvalidArgument",
        {"self": True},
        {"self": True, "cidrBlocks": None},
    ),
    (
        CLASSIC,
        "ec2.security-group-rule.some-source",
        "InvalidArgument",
        {"sourceSecurityGroupId": "$group"},
        {"sourceSecurityGroupId": "$group", "cidrBlocks": None},
    ),
    (
        CLASSIC,
        "ec2.security-group-rule.cidr",
        "InvalidArgument",
        {"cidrBlocks": ["10.0.0.1/8"]},
        {},
    ),
    (
        CLASSIC,
        "ec2.security-group-rule.protocol",
        "InvalidParameterValue",
        {"protocol": "https"},
        {"protocol": "udp"},
    ),
    (
        CLASSIC,
        "ec2.security-group-rule.unique",
        "InvalidPermission.Duplicate",
        {"fromPort": 80, "toPort": 80, "cidrBlocks": ["10.0.0.0/8", "0.0.0.0/0"]},
        {"fromPort": 80, "toPort": 80, "cidrBlocks": ["10.0.0.0/8"]},
    ),
    (
        CLASSIC,
        "ec2.security-group-rule.quota",
        "RulesPerSecurityGroupLimitExceeded",
        {"cidrBlocks": [f"10.{number}.0.0/16" for number in range(60)]},
        {"cidrBlocks": [f"10.{number}.0.0/16" for number in range(59)]},
    ),
    (REPOSITORY, "catalog.model", "InvalidParameterException", {"name": "One/More"}, {}),
    (
        REPOSITORY,
        "catalog.model",
        "InvalidParameterException",
        {"imageTagMutability": "FIXED"},
        {"imageTagMutability": "IMMUTABLE"},
    ),
    (PROFILE, "iam.instance-profile.name", "InvalidArgument", {"name": "one more"}, {}),
    (PROFILE, "iam.role.exists", "NoSuchEntity", {"role": "none"}, {"role": None}),
    (KEY_POLICY, "kms.key-policy.key-exists", "NotFoundException", {"keyId": "0"}, {}),
    (KEY_POLICY, "iam.policy.json", "MalformedPolicyDocumentException", {"policy": ""}, {}),
    (
        KEY_POLICY,
        "kms.key.lockout",
        "MalformedPolicyDocumentException",
        {"policy": OTHER_ACCOUNT},
        {"policy": OTHER_ACCOUNT, "bypassPolicyLockoutSafetyCheck": True},
    ),
]
