"""Application Auto Scaling: scalable targets of ECS services, their policies and schedules.

Source: the API's models of botocore, Application Auto Scaling User Guide, and the provider's
`appautoscaling` package.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from localaws.catalog.account import others_with_same, uuid
from localaws.catalog.ecs.services import SERVICE
from localaws.catalog.properties import UNKNOWN
from localaws.catalog.refusals import Refusal
from localaws.catalog.resource_type import AutoName, ResourceType
from localaws.catalog.schedules import BadScheduleError, schedule
from localaws.catalog.values import Limit, block, given, number, one_of, text, within

if TYPE_CHECKING:
    from localaws.catalog.account import Account, Mint, Resource
    from localaws.catalog.properties import Properties
    from localaws.catalog.refusals import Refusals

TARGET: Final = "aws:appautoscaling/target:Target"
POLICY: Final = "aws:appautoscaling/policy:Policy"
SCHEDULED_ACTION: Final = "aws:appautoscaling/scheduledAction:ScheduledAction"

NAMESPACE: Final = "ecs"
DIMENSION: Final = "ecs:service:DesiredCount"

CPU: Final = "ECSServiceAverageCPUUtilization"
MEMORY: Final = "ECSServiceAverageMemoryUtilization"
REQUESTS: Final = "ALBRequestCountPerTarget"
METRICS: Final = (CPU, MEMORY, REQUESTS)
"""Predefined metrics that the local AWS measures."""

_INVALID: Final = "ValidationException"
_TRACKING: Final = "targetTrackingScalingPolicyConfiguration"
_COOLDOWN: Final = within(0, 2**31 - 1)
_CONFIGURATIONS: Final = {
    "TargetTrackingScaling": _TRACKING,
    "StepScaling": "stepScalingPolicyConfiguration",
    "PredictiveScaling": "predictiveScalingPolicyConfiguration",
}
_KEY: Final = ("resourceId", "scalableDimension", "serviceNamespace")
"""What identifies a scalable target."""

_ROLE: Final = (
    "role/aws-service-role/ecs.application-autoscaling.amazonaws.com/"
    "AWSServiceRoleForApplicationAutoScaling_ECSService"
)


def service_of(account: Account, resource_id: object) -> Resource | None:
    """Return the ECS service that a resource id such as `service/CLUSTER/NAME` names, or None."""
    if not isinstance(resource_id, str):
        return None
    return account.find(SERVICE, resource_id.removeprefix("service/"))


def target_of(account: Account, inputs: Properties) -> Resource | None:
    """Return the scalable target that a policy or a scheduled action belongs to, or None."""
    for target in account.where(TARGET, "resourceId", inputs.get("resourceId")):
        if all(target.inputs.get(name) == inputs.get(name) for name in _KEY):
            return target
    return None


def _dimension_rules(inputs: Properties) -> Refusals:
    """Refuse what the local AWS doesn't scale: anything but the desired count of ECS services."""
    namespace, dimension = inputs.get("serviceNamespace"), inputs.get("scalableDimension")
    if namespace not in (NAMESPACE, UNKNOWN):
        message = f"the local AWS scales ECS services only, whose serviceNamespace is {NAMESPACE}"
        yield Refusal(_INVALID, message, "appautoscaling.namespace", "serviceNamespace")
    elif dimension not in (DIMENSION, UNKNOWN):
        message = f"the scalable dimension of an ECS service is {DIMENSION}, got {dimension}"
        yield Refusal(_INVALID, message, "appautoscaling.dimension", "scalableDimension")


def _bounds_rules(low: object, high: object) -> Refusals:
    least, most = number(low), number(high)
    if least is not None and most is not None and least > most:
        message = f"Maximum capacity cannot be less than minimum capacity, got {most:g} < {least:g}"
        yield Refusal(_INVALID, message, "appautoscaling.capacity-order", "maxCapacity")


def _target_rules(inputs: Properties) -> Refusals:
    yield from _dimension_rules(inputs)
    yield from _bounds_rules(inputs.get("minCapacity"), inputs.get("maxCapacity"))


def _target_account_rules(
    inputs: Properties, account: Account, current: Resource | None
) -> Refusals:
    if service_of(account, inputs.get("resourceId")) is None:
        message = f"ECS service doesn't exist: {inputs.get('resourceId')}"
        yield Refusal(_INVALID, message, "appautoscaling.target.service-exists", "resourceId")
    if others_with_same(account, TARGET, inputs, current, *_KEY):
        message = (
            f"{inputs.get('resourceId')} is registered already: another scalable target would "
            "overwrite its bounds"
        )
        yield Refusal(_INVALID, message, "appautoscaling.target.unique", "resourceId")


def _target_computed(mint: Mint, inputs: Properties) -> Properties:
    # AWS ignores a role for ECS and uses its service-linked one.
    return {
        "id": inputs.get("resourceId"),
        "arn": mint.arn("application-autoscaling", f"scalable-target/{mint.hex(32)}"),
        "roleArn": mint.arn("iam", _ROLE, region=""),
    }


def _target_exists_rules(
    inputs: Properties, account: Account, _current: Resource | None
) -> Refusals:
    if target_of(account, inputs) is None:
        message = (
            f"No scalable target found for service namespace: {inputs.get('serviceNamespace')}, "
            f"resource ID: {inputs.get('resourceId')}, scalable dimension: "
            f"{inputs.get('scalableDimension')}"
        )
        yield Refusal(
            "ObjectNotFoundException", message, "appautoscaling.target-exists", "resourceId"
        )


def _policy_rules(inputs: Properties) -> Refusals:
    yield from _dimension_rules(inputs)
    kind = inputs.get("policyType") or "StepScaling"
    if kind == UNKNOWN:
        return
    if kind != "TargetTrackingScaling":
        message = f"the local AWS follows policies of type TargetTrackingScaling only, not {kind}"
        yield Refusal(_INVALID, message, "appautoscaling.policy.type", "policyType")
        return
    for other in _CONFIGURATIONS.values():
        if other != _TRACKING and given(inputs, other):
            message = f"{other} doesn't go with policyType {kind}"
            yield Refusal(_INVALID, message, "appautoscaling.policy.configuration", other)
    if not given(inputs, _TRACKING):
        message = f"policyType {kind} needs {_TRACKING}"
        yield Refusal(_INVALID, message, "appautoscaling.policy.configuration", _TRACKING)
        return
    if inputs.get(_TRACKING) is not UNKNOWN:
        yield from _tracking_rules(block(inputs.get(_TRACKING)))


def _tracking_rules(tracking: Properties) -> Refusals:
    if given(tracking, "customizedMetricSpecification"):
        message = (
            f"{_TRACKING} has a customizedMetricSpecification; the local AWS measures predefined "
            f"metrics only: {', '.join(METRICS)}"
        )
        yield Refusal(_INVALID, message, "appautoscaling.policy.metric", _TRACKING)
        return
    if not given(tracking, "predefinedMetricSpecification"):
        message = f"{_TRACKING} needs predefinedMetricSpecification"
        yield Refusal(_INVALID, message, "appautoscaling.policy.metric", _TRACKING)
        return
    if tracking["predefinedMetricSpecification"] is UNKNOWN:
        return
    metric = block(tracking.get("predefinedMetricSpecification"))
    kind = metric.get("predefinedMetricType")
    if kind not in (*METRICS, UNKNOWN):
        message = f"the local AWS measures {', '.join(METRICS)}, not {kind}"
        yield Refusal(_INVALID, message, "appautoscaling.policy.metric", _TRACKING)
    elif kind is not UNKNOWN:
        has_label = bool(given(metric, "resourceLabel"))
        if has_label != (kind == REQUESTS):
            message = f"resourceLabel is for {REQUESTS}, which needs it, got {kind}"
            yield Refusal(_INVALID, message, "appautoscaling.policy.label", _TRACKING)
    target = number(tracking.get("targetValue"))
    if target is not None and target <= 0:
        message = f"targetValue must be above 0, got {target:g}"
        yield Refusal(_INVALID, message, "appautoscaling.policy.target-value", _TRACKING)


def _policy_account_rules(
    inputs: Properties, account: Account, current: Resource | None
) -> Refusals:
    yield from _target_exists_rules(inputs, account, current)
    if others_with_same(account, POLICY, inputs, current, "name", *_KEY):
        message = f"the policy {inputs.get('name')} exists already: another one would overwrite it"
        yield Refusal(_INVALID, message, "appautoscaling.policy.unique", "name")
    metric = block(block(inputs.get(_TRACKING)).get("predefinedMetricSpecification"))
    service = service_of(account, inputs.get("resourceId"))
    label = text(metric.get("resourceLabel"))
    if label and service and group_of(service, label) is None:
        message = f"{label} names no target group that {inputs.get('resourceId')} is attached to"
        yield Refusal(_INVALID, message, "appautoscaling.policy.label", _TRACKING)


def group_of(service: Resource, label: str) -> str | None:
    """Return the ARN of the service's target group that a resource label names, or None.

    Args:
        service: The ECS service.
        label: `app/NAME/ID/targetgroup/NAME/ID`, the suffixes of both ARNs.
    """
    _, found, suffix = label.partition("/targetgroup/")
    for attachment in service.inputs.get("loadBalancers") or ():
        arn = text(attachment.get("targetGroupArn")) or ""
        if found and arn.endswith(f":targetgroup/{suffix}"):
            return arn
    return None


def _policy_computed(mint: Mint, inputs: Properties) -> Properties:
    resource_id, name = inputs.get("resourceId"), inputs.get("name")
    policy = f"scalingPolicy:{uuid(mint)}:resource/{NAMESPACE}/{resource_id}:policyName/{name}"
    alarm_arns = []
    for which in ("High", "Low"):
        alarm = f"TargetTracking-{resource_id}-Alarm{which}-{uuid(mint)}"
        alarm_arns.append(mint.arn("cloudwatch", f"alarm:{alarm}"))
    return {
        "id": name,
        "arn": mint.arn("autoscaling", policy),
        "alarmArns": alarm_arns,
    }


def _action_rules(inputs: Properties) -> Refusals:
    yield from _dimension_rules(inputs)
    action = inputs.get("scalableTargetAction")
    bounds = block(action)
    if action is not UNKNOWN and not given(bounds, "minCapacity", "maxCapacity"):
        message = "scalableTargetAction needs minCapacity or maxCapacity"
        yield Refusal(_INVALID, message, "appautoscaling.action.bounds", "scalableTargetAction")
    yield from _bounds_rules(bounds.get("minCapacity"), bounds.get("maxCapacity"))
    expression, zone = text(inputs.get("schedule")), text(inputs.get("timezone"))
    if expression is None:
        return
    try:
        schedule(expression, zone or "UTC")
    except BadScheduleError as error:
        yield Refusal(_INVALID, str(error), "appautoscaling.action.schedule", "schedule")


def _action_account_rules(
    inputs: Properties, account: Account, current: Resource | None
) -> Refusals:
    yield from _target_exists_rules(inputs, account, current)
    if others_with_same(account, SCHEDULED_ACTION, inputs, current, "name", *_KEY):
        message = f"the action {inputs.get('name')} exists already: another one would overwrite it"
        yield Refusal(_INVALID, message, "appautoscaling.action.unique", "name")


def _action_computed(mint: Mint, inputs: Properties) -> Properties:
    resource_id, name = inputs.get("resourceId"), inputs.get("name")
    action = f"scheduledAction:{uuid(mint)}:resource/{NAMESPACE}/{resource_id}"
    return {
        "id": f"{name}-{resource_id}",
        "arn": mint.arn("autoscaling", f"{action}:scheduledActionName/{name}"),
    }


def _import_ids(target: Resource) -> tuple[str, ...]:
    return (f"{NAMESPACE}/{target.id}/{DIMENSION}",)


def _policy_import_ids(policy: Resource) -> tuple[str, ...]:
    return (f"{NAMESPACE}/{policy.inputs.get('resourceId')}/{DIMENSION}/{policy.id}",)


_CAPACITY: Final = within(0, 5000)

TYPES = (
    ResourceType(
        token=TARGET,
        replaces=frozenset({*_KEY, "region"}),
        limits=(
            Limit("minCapacity", _CAPACITY, "appautoscaling.capacity"),
            Limit("maxCapacity", _CAPACITY, "appautoscaling.capacity"),
        ),
        rules=_target_rules,
        account_rules=_target_account_rules,
        computed=_target_computed,
        import_ids=_import_ids,
    ),
    ResourceType(
        token=POLICY,
        autoname=AutoName(longest=256),
        replaces=frozenset({*_KEY, "name", "region"}),
        defaults={"policyType": "StepScaling"},
        limits=(
            Limit("policyType", one_of(*_CONFIGURATIONS), "appautoscaling.policy.type"),
            Limit(f"{_TRACKING}.scaleInCooldown", _COOLDOWN, "appautoscaling.policy.cooldown"),
            Limit(f"{_TRACKING}.scaleOutCooldown", _COOLDOWN, "appautoscaling.policy.cooldown"),
        ),
        rules=_policy_rules,
        account_rules=_policy_account_rules,
        computed=_policy_computed,
        import_ids=_policy_import_ids,
    ),
    ResourceType(
        token=SCHEDULED_ACTION,
        autoname=AutoName(longest=256),
        replaces=frozenset({*_KEY, "name", "region"}),
        defaults={"timezone": "UTC"},
        limits=(
            Limit("scalableTargetAction.minCapacity", _CAPACITY, "appautoscaling.capacity"),
            Limit("scalableTargetAction.maxCapacity", _CAPACITY, "appautoscaling.capacity"),
        ),
        rules=_action_rules,
        account_rules=_action_account_rules,
        computed=_action_computed,
    ),
)
