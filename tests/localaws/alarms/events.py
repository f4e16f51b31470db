"""An event of a service."""

from __future__ import annotations

from typing import Any

SERVICE = "arn:aws:ecs:eu-west-1:123456789012:service/main/web"
EVENT: dict[str, Any] = {
    "source": "aws.ecs",
    "detail-type": "ECS Deployment State Change",
    "time": "2026-11-29T18:00:00Z",
    "resources": [SERVICE],
    "detail": {
        "eventName": "SERVICE_DEPLOYMENT_FAILED",
        "reason": 'alarm "errors"',
        "count": 3,
        "flag": True,
        "nothing": None,
    },
}
