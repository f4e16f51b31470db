"""ECS's deployment events as EventBridge delivers them. Pure.

Source: "Amazon ECS service deployment state change events" in ECS's guide.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localaws.catalog.event_documents import event, timestamp
from localaws.ecs.scheduler import messages
from localaws.ecs.scheduler.model import Rollout

if TYPE_CHECKING:
    from collections.abc import Callable

    from localaws.ecs.scheduler.model import Deployment, ServiceState

DETAIL_TYPE = "ECS Deployment State Change"


def changes(
    service_arn: str, before: ServiceState, after: ServiceState, new_id: Callable[[], str]
) -> list[dict[str, Any]]:
    """Return an event for each deployment that began, completed or failed between two states.

    Args:
        service_arn: The service.
        before: Its earlier state.
        after: Its later state.
        new_id: Where the events' ids come from.

    Returns:
        The events, those of older deployments first.
    """
    events = []
    for deployment in reversed(after.deployments):
        known = before.deployment(deployment.id)
        if known is None or known.rollout is not deployment.rollout:
            events.append(_event(service_arn, deployment, new_id()))
    return events


def _event(service_arn: str, deployment: Deployment, identifier: str) -> dict[str, Any]:
    failed = deployment.rollout is Rollout.FAILED
    return event(
        service_arn,
        source="aws.ecs",
        detail_type=DETAIL_TYPE,
        identifier=identifier,
        at=deployment.updated_at,
        detail={
            "eventType": "ERROR" if failed else "INFO",
            "eventName": f"SERVICE_DEPLOYMENT_{deployment.rollout}",
            "deploymentId": deployment.id,
            "updatedAt": timestamp(deployment.updated_at),
            "reason": messages.rollout(deployment),
        },
    )
