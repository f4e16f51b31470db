"""Events as EventBridge delivers them. Pure.

Source: Amazon EventBridge User Guide, "AWS service event metadata".
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def timestamp(at: float) -> str:
    """Return a time as events have it, of seconds since the epoch."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def event(
    arn: str,
    *,
    source: str,
    detail_type: str,
    identifier: str,
    at: float,
    detail: Mapping[str, Any],
) -> dict[str, Any]:
    """Return an event.

    Args:
        arn: ARN of the resource that it is about.
        source: The service that it comes from.
        detail_type: What kind of event it is.
        identifier: Its id.
        at: When it happened, in seconds since the epoch.
        detail: What the service has to say.
    """
    _, _, _, region, account, _ = arn.split(":", 5)
    return {
        "version": "0",
        "id": identifier,
        "detail-type": detail_type,
        "source": source,
        "account": account,
        "time": timestamp(at),
        "region": region,
        "resources": [arn],
        "detail": dict(detail),
    }
