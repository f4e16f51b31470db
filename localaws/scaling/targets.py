"""Read scalable targets from the account's records. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from localaws.catalog.appautoscaling import (
    CPU,
    MEMORY,
    POLICY,
    SCHEDULED_ACTION,
    TARGET,
    group_of,
    service_of,
)
from localaws.catalog.schedules import schedule
from localaws.scaling.model import (
    DEFAULT_COOLDOWN,
    Bounds,
    Kind,
    Metric,
    Policy,
    ScheduledAction,
    Target,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from localaws.catalog.account import Account, Resource


def targets_of(account: Account, since: Mapping[str, datetime]) -> list[Target]:
    """Return the scalable targets whose services exist.

    Args:
        account: The account.
        since: When the scaler saw each scheduled action first, by ARN.
    """
    found: list[Target] = []
    for record in account.all(TARGET):
        service = service_of(account, record.id)
        if service is None:
            continue
        suspended = record.inputs.get("suspendedState") or {}
        policies: list[Policy] = []
        for each in account.where(POLICY, "resourceId", record.id):
            policy = _policy(each, service)
            if policy is not None:
                policies.append(policy)
        actions = account.where(SCHEDULED_ACTION, "resourceId", record.id)
        found.append(
            Target(
                resource_id=record.id,
                service=service.id,
                bounds=Bounds(int(record.inputs["minCapacity"]), int(record.inputs["maxCapacity"])),
                policies=tuple(policies),
                actions=tuple(_action(each, since) for each in actions),
                scales_out=not suspended.get("dynamicScalingOutSuspended"),
                scales_in=not suspended.get("dynamicScalingInSuspended"),
                follows_schedules=not suspended.get("scheduledScalingSuspended"),
            )
        )
    return found


def _policy(record: Resource, service: Resource) -> Policy | None:
    """Return a policy; None if its target group is no longer the service's."""
    tracking = record.inputs["targetTrackingScalingPolicyConfiguration"]
    named = tracking["predefinedMetricSpecification"]
    kind = named["predefinedMetricType"]
    if kind == CPU:
        metric = Metric(Kind.CPU)
    elif kind == MEMORY:
        metric = Metric(Kind.MEMORY)
    else:
        group = group_of(service, named.get("resourceLabel") or "")
        if group is None:
            return None
        metric = Metric(Kind.REQUESTS, group)
    return Policy(
        name=record.outputs["name"],
        metric=metric,
        target=float(tracking["targetValue"]),
        scale_in_cooldown=_seconds(tracking.get("scaleInCooldown")),
        scale_out_cooldown=_seconds(tracking.get("scaleOutCooldown")),
        scales_in=not tracking.get("disableScaleIn"),
    )


def _action(record: Resource, since: Mapping[str, datetime]) -> ScheduledAction:
    bounds = record.inputs["scalableTargetAction"]
    return ScheduledAction(
        name=record.outputs["name"],
        schedule=schedule(record.inputs["schedule"], record.inputs.get("timezone") or "UTC"),
        since=since.get(record.outputs["arn"]) or datetime.now(UTC),
        minimum=_count(bounds.get("minCapacity")),
        maximum=_count(bounds.get("maxCapacity")),
        starts_at=_moment(record.inputs.get("startTime")),
        ends_at=_moment(record.inputs.get("endTime")),
    )


def _seconds(value: Any) -> float:
    return DEFAULT_COOLDOWN if value is None else float(value)


def _count(value: Any) -> int | None:
    return None if value is None else int(value)


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
