"""Refusals of ECS's clusters, task definitions and services.

Each has a type, a rule, an error code, refused inputs and similar accepted inputs;
`test_refusals.py` runs them.
"""

from __future__ import annotations

import json
from typing import Any

Case = tuple[str, str, str, dict[str, Any], dict[str, Any]]

DEFINITION = "aws:ecs/taskDefinition:TaskDefinition"
SERVICE = "aws:ecs/service:Service"

ROLE_ARN = "arn:aws:iam::123456789012:role/tasks"
SECRET = {"name": "A", "valueFrom": "/demo"}


def on_instances(*, mode: str = "bridge", **more: Any) -> dict[str, Any]:
    """Return inputs of a task definition for EC2 instances, with one container."""
    container = {"name": "web", "image": "nginx", "memory": 64, **more}
    return {
        "requiresCompatibilities": ["EC2"],
        "networkMode": mode,
        "containerDefinitions": json.dumps([container]),
    }


def routed_with_secret() -> str:
    """Return containers whose log router gets a secret."""
    logs = {"logDriver": "awsfirelens", "secretOptions": [SECRET]}
    return json.dumps(
        [
            {"name": "web", "image": "nginx", "logConfiguration": logs},
            {"name": "router", "image": "fluent", "firelensConfiguration": {"type": "fluentbit"}},
        ]
    )


def by_strategy(provider: str, **more: Any) -> dict[str, Any]:
    """Return a service's inputs with a capacity provider instead of a launch type."""
    strategy = [{"capacityProvider": provider, "weight": 1}]
    return {"launchType": None, "capacityProviderStrategies": strategy, **more}


ECS_CASES: tuple[Case, ...] = (
    (
        DEFINITION,
        "ecs.task-definition.secrets-role",
        "ClientException",
        on_instances(secrets=[SECRET]),
        {**on_instances(secrets=[SECRET]), "executionRoleArn": ROLE_ARN},
    ),
    (
        DEFINITION,
        "ecs.task-definition.secrets-role",
        "ClientException",
        {"containerDefinitions": routed_with_secret()},
        {"containerDefinitions": routed_with_secret(), "executionRoleArn": ROLE_ARN},
    ),
    (
        DEFINITION,
        "ecs.container.links",
        "ClientException",
        on_instances(mode="awsvpc", links=["database"]),
        on_instances(links=["database"]),
    ),
    (
        DEFINITION,
        "ecs.container.links",
        "ClientException",
        on_instances(mode="host", links=["database"]),
        on_instances(mode="host", links=[]),
    ),
    (
        SERVICE,
        "ecs.service.fargate-placement",
        "InvalidParameterException",
        by_strategy("FARGATE_SPOT", orderedPlacementStrategies=[{"type": "random"}]),
        by_strategy("instances", orderedPlacementStrategies=[{"type": "random"}]),
    ),
    (
        SERVICE,
        "ecs.service.daemon",
        "InvalidParameterException",
        by_strategy("FARGATE", schedulingStrategy="DAEMON"),
        by_strategy("instances", schedulingStrategy="DAEMON"),
    ),
    (
        SERVICE,
        "ecs.service.daemon",
        "InvalidParameterException",
        {
            "launchType": "EC2",
            "schedulingStrategy": "DAEMON",
            "orderedPlacementStrategies": [{"type": "random"}],
        },
        {
            "launchType": "EC2",
            "schedulingStrategy": "DAEMON",
            "orderedPlacementStrategies": [],
        },
    ),
)
