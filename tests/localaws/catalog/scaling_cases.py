"""Refusals of Application Auto Scaling; `test_refusals.py` runs them."""

from __future__ import annotations

from typing import Any

from tests.localaws.catalog.refusal_case import Case, cases

TARGET = "aws:appautoscaling/target:Target"
POLICY = "aws:appautoscaling/policy:Policy"
ACTION = "aws:appautoscaling/scheduledAction:ScheduledAction"
_INVALID = "ValidationException"
_OF_ELSEWHERE = {"resourceId": "service/main/nothing"}


def tracking(metric: str = "ECSServiceAverageCPUUtilization", **more: Any) -> dict[str, Any]:
    """Return a target tracking configuration."""
    named = {"predefinedMetricType": metric}
    if "resourceLabel" in more:
        named["resourceLabel"] = more.pop("resourceLabel")
    return {"targetValue": 60, "predefinedMetricSpecification": named, **more}


def _policy(metric: str = "ECSServiceAverageCPUUtilization", **more: Any) -> dict[str, Any]:
    return {"targetTrackingScalingPolicyConfiguration": tracking(metric, **more)}


_CUSTOM = {"targetValue": 60, "customizedMetricSpecification": {"metricName": "Depth"}}

SCALING_CASES: list[Case] = [
    (TARGET, "appautoscaling.namespace", _INVALID, {"serviceNamespace": "dynamodb"}, {}),
    (
        TARGET,
        "appautoscaling.dimension",
        _INVALID,
        {"scalableDimension": "dynamodb:table:ReadCapacityUnits"},
        {},
    ),
    (TARGET, "appautoscaling.capacity", "InvalidArgument", {"maxCapacity": -1}, {"minCapacity": 0}),
    (
        TARGET,
        "appautoscaling.capacity-order",
        _INVALID,
        {"minCapacity": 5, "maxCapacity": 4},
        {"minCapacity": 4, "maxCapacity": 4},
    ),
    (TARGET, "appautoscaling.target.service-exists", _INVALID, _OF_ELSEWHERE, {}),
    (TARGET, "appautoscaling.target.unique", _INVALID, {"resourceId": "service/main/web"}, {}),
    (POLICY, "appautoscaling.target-exists", "ObjectNotFoundException", _OF_ELSEWHERE, {}),
    (ACTION, "appautoscaling.target-exists", "ObjectNotFoundException", _OF_ELSEWHERE, {}),
    (POLICY, "appautoscaling.policy.type", _INVALID, {"policyType": "StepScaling"}, {}),
    (POLICY, "appautoscaling.policy.type", "InvalidArgument", {"policyType": "Guess"}, {}),
    (
        POLICY,
        "appautoscaling.policy.configuration",
        _INVALID,
        {"targetTrackingScalingPolicyConfiguration": None},
        {},
    ),
    (
        POLICY,
        "appautoscaling.policy.configuration",
        _INVALID,
        {"stepScalingPolicyConfiguration": {"adjustmentType": "ExactCapacity"}},
        {},
    ),
    (
        POLICY,
        "appautoscaling.policy.metric",
        _INVALID,
        {"targetTrackingScalingPolicyConfiguration": _CUSTOM},
        {},
    ),
    (
        POLICY,
        "appautoscaling.policy.metric",
        _INVALID,
        _policy("ECSServiceAverageCPUUtilizationHighResolution"),
        _policy("ECSServiceAverageMemoryUtilization"),
    ),
    (
        POLICY,
        "appautoscaling.policy.label",
        _INVALID,
        _policy("ALBRequestCountPerTarget"),
        {},
    ),
    (
        POLICY,
        "appautoscaling.policy.label",
        _INVALID,
        _policy("ALBRequestCountPerTarget", resourceLabel="app/web/1/targetgroup/other/2"),
        _policy("ALBRequestCountPerTarget", resourceLabel="$request-label"),
    ),
    (POLICY, "appautoscaling.policy.target-value", _INVALID, _policy(targetValue=0), {}),
    (
        POLICY,
        "appautoscaling.policy.cooldown",
        "InvalidArgument",
        _policy(scaleInCooldown=-1),
        _policy(scaleInCooldown=0, scaleOutCooldown=60, disableScaleIn=True),
    ),
    (POLICY, "appautoscaling.policy.unique", _INVALID, {"name": "cpu"}, {"name": "memory"}),
    (
        ACTION,
        "appautoscaling.action.bounds",
        _INVALID,
        {"scalableTargetAction": {}},
        {"scalableTargetAction": {"maxCapacity": 0}},
    ),
    (
        ACTION,
        "appautoscaling.capacity-order",
        _INVALID,
        {"scalableTargetAction": {"minCapacity": 3, "maxCapacity": 2}},
        {"scalableTargetAction": {"minCapacity": 2, "maxCapacity": 3}},
    ),
    *cases(
        ACTION,
        "appautoscaling.action.schedule",
        _INVALID,
        ({"schedule": "every day"}, {"schedule": "rate(1 day)"}),
        ({"schedule": "cron(0 8 * * *)"}, {"schedule": "cron(0 8 * * ? *)"}),
        ({"schedule": "cron(0 8 * * MON *)"}, {"schedule": "cron(0 8 ? * MON-FRI *)"}),
        ({"schedule": "cron(61 8 * * ? *)"}, {"schedule": "cron(0/15 8,12 1 JAN ? 2027-2030)"}),
        ({"schedule": "cron(0 8 L * ? *)"}, {"schedule": "at(2027-01-01T08:00:00)"}),
        ({"schedule": "rate(0 minutes)"}, {"schedule": "rate(5 minutes)"}),
        ({"schedule": "at(tomorrow)"}, {"schedule": "at(2027-12-31T23:59:59)"}),
    ),
    (
        ACTION,
        "appautoscaling.action.schedule",
        _INVALID,
        {"timezone": "Atlantis/Capital"},
        {"timezone": "Asia/Tokyo"},
    ),
    (ACTION, "appautoscaling.action.unique", _INVALID, {"name": "night"}, {"name": "day"}),
]
