"""Refusals of ECS's clusters, task definitions and services; `test_refusals.py` runs them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.localaws.catalog.conftest import MISSING_TARGET_GROUP

if TYPE_CHECKING:
    from tests.localaws.catalog.refusal_case import Case

CLUSTER = "aws:ecs/cluster:Cluster"
PROVIDERS = "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders"
DEFINITION = "aws:ecs/taskDefinition:TaskDefinition"
SERVICE = "aws:ecs/service:Service"

SAME_REGION = "arn:aws:ecs:eu-west-1:123456789012"
OTHER_REGION = "arn:aws:ecs:us-east-1:123456789012"
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


def containers(*, without: str = "", **more: Any) -> str:
    container: dict[str, Any] = {
        "name": "web",
        "image": "nginx",
        "portMappings": [{"containerPort": 80}],
        **more,
    }
    container.pop(without, None)
    return json.dumps([container])


def with_ports(*mappings: dict[str, Any]) -> str:
    """Return containers with one port mapping each."""
    found = []
    for number, mapping in enumerate(mappings):
        found.append({"name": f"c{number}", "image": "nginx", "portMappings": [mapping]})
    return json.dumps(found)


def many_containers(count: int) -> str:
    return json.dumps([{"name": f"c{number}", "image": "a"} for number in range(count)])


ON_INSTANCES: dict[str, Any] = {"requiresCompatibilities": ["EC2"], "networkMode": "bridge"}


def logs(**options: Any) -> dict[str, Any]:
    all_options = {
        "awslogs-group": "/web",
        "awslogs-region": "eu-west-1",
        "awslogs-stream-prefix": "web",
        **options,
    }
    return {
        "logDriver": "awslogs",
        "options": {name: value for name, value in all_options.items() if value},
    }


def flaw(rule: str, **of_container: Any) -> Case:
    """Return the case of a container that is refused because of one value."""
    refused = {"containerDefinitions": containers(**of_container)}
    return (DEFINITION, rule, "ClientException", refused, {})


CONTAINER_FLAWS = (
    flaw("ecs.container.type", environment={"A": "1"}),
    flaw("ecs.container.type", entryPoint="sh -c"),
    flaw("ecs.container.type", command="sh -c"),
    flaw("ecs.container.type", workingDirectory=5),
    flaw("ecs.container.type", essential="true"),
    flaw("ecs.container.required", secrets=[{"name": "A"}]),
    flaw("ecs.container.required", logConfiguration={"options": {}}),
    flaw("ecs.container.required", healthCheck={"interval": 30}),
)


ECS_CASES: tuple[Case, ...] = (
    (
        CLUSTER,
        "ecs.cluster.name",
        "InvalidArgument",
        {"name": "my cluster"},
        {"name": "my-cluster_1"},
    ),
    (
        CLUSTER,
        "ecs.cluster.unique",
        "InvalidParameterException",
        {"name": "main", "settings": [{"name": "containerInsights", "value": "enabled"}]},
        {"name": "main", "tags": {"Project": "other"}},
    ),
    (
        CLUSTER,
        "ecs.cluster.setting",
        "InvalidParameterException",
        {"settings": [{"name": "containerInsights", "value": "on"}]},
        {"settings": [{"name": "containerInsights", "value": "enhanced"}]},
    ),
    (
        CLUSTER,
        "ecs.cluster.exec-logging",
        "InvalidArgument",
        {"configuration": {"executeCommandConfiguration": {"logging": "ON"}}},
        {"configuration": {"executeCommandConfiguration": {"logging": "NONE"}}},
    ),
    (
        CLUSTER,
        "ecs.cluster.exec-override",
        "InvalidParameterException",
        {"configuration": {"executeCommandConfiguration": {"logging": "OVERRIDE"}}},
        {
            "configuration": {
                "executeCommandConfiguration": {
                    "logging": "OVERRIDE",
                    "logConfiguration": {"cloudWatchLogGroupName": "/x"},
                }
            }
        },
    ),
    (
        PROVIDERS,
        "ecs.cluster-capacity-providers.exists",
        "InvalidParameterException",
        {"capacityProviders": ["spot"]},
        {"capacityProviders": ["FARGATE_SPOT"]},
    ),
    (
        PROVIDERS,
        "ecs.strategy.provider-associated",
        "InvalidParameterException",
        {"defaultCapacityProviderStrategies": [{"capacityProvider": "FARGATE_SPOT", "weight": 1}]},
        {"defaultCapacityProviderStrategies": [{"capacityProvider": "FARGATE", "weight": 1}]},
    ),
    (
        PROVIDERS,
        "ecs.strategy.range",
        "InvalidArgument",
        {"defaultCapacityProviderStrategies": [{"capacityProvider": "FARGATE", "weight": 1001}]},
        {"defaultCapacityProviderStrategies": [{"capacityProvider": "FARGATE", "weight": 1000}]},
    ),
    (
        PROVIDERS,
        "ecs.strategy.weight",
        "InvalidParameterException",
        {
            "capacityProviders": ["FARGATE", "FARGATE_SPOT"],
            "defaultCapacityProviderStrategies": [
                {"capacityProvider": "FARGATE"},
                {"capacityProvider": "FARGATE_SPOT"},
            ],
        },
        {},
    ),
    (
        PROVIDERS,
        "ecs.strategy.one-base",
        "InvalidParameterException",
        {
            "capacityProviders": ["FARGATE", "FARGATE_SPOT"],
            "defaultCapacityProviderStrategies": [
                {"capacityProvider": "FARGATE", "base": 1, "weight": 1},
                {"capacityProvider": "FARGATE_SPOT", "base": 1},
            ],
        },
        {},
    ),
    (
        PROVIDERS,
        "ecs.strategy.size",
        "InvalidParameterException",
        {"capacityProviders": ["FARGATE"] * 21},
        {},
    ),
    (
        DEFINITION,
        "ecs.task-definition.family",
        "InvalidArgument",
        {"family": "my family"},
        {"family": "my_family-1"},
    ),
    (DEFINITION, "ecs.task-definition.network-mode", "InvalidArgument", {"networkMode": "vpc"}, {}),
    (
        DEFINITION,
        "ecs.task-definition.fargate-network",
        "ClientException",
        {"networkMode": "bridge"},
        {},
    ),
    (
        DEFINITION,
        "ecs.task-definition.fargate-network",
        "ClientException",
        {"networkMode": None},
        {},
    ),
    (
        DEFINITION,
        "ecs.task-definition.fargate-size",
        "ClientException",
        {"cpu": "256", "memory": "4096"},
        {"cpu": "512", "memory": "4096"},
    ),
    (
        DEFINITION,
        "ecs.task-definition.fargate-size",
        "ClientException",
        {"cpu": "300"},
        {"cpu": ".25 vCPU", "memory": "0.5GB"},
    ),
    (
        DEFINITION,
        "ecs.task-definition.fargate-size",
        "ClientException",
        {"cpu": 300},
        {"cpu": 256, "memory": 512.0},
    ),
    (
        DEFINITION,
        "ecs.task-definition.fargate-size-required",
        "ClientException",
        {"memory": None},
        {},
    ),
    (
        DEFINITION,
        "ecs.task-definition.fargate-forbids",
        "ClientException",
        {"volumes": [{"name": "v", "hostPath": "/tmp"}]},
        {"volumes": [{"name": "v"}]},
    ),
    (
        DEFINITION,
        "ecs.task-definition.modes",
        "InvalidArgument",
        {"pidMode": "none"},
        {"pidMode": "task"},
    ),
    (
        DEFINITION,
        "ecs.task-definition.compatibility",
        "InvalidArgument",
        {"requiresCompatibilities": ["FARGATE", "LAMBDA"]},
        {"requiresCompatibilities": ["FARGATE", "EC2"]},
    ),
    (
        DEFINITION,
        "ecs.task-definition.role",
        "InvalidArgument",
        {"taskRoleArn": "tasks"},
        {"taskRoleArn": ROLE_ARN},
    ),
    (
        DEFINITION,
        "ecs.task-definition.ephemeral",
        "InvalidArgument",
        {"ephemeralStorage": {"sizeInGib": 20}},
        {"ephemeralStorage": {"sizeInGib": 21}},
    ),
    (
        DEFINITION,
        "ecs.task-definition.ephemeral-fargate",
        "ClientException",
        {"requiresCompatibilities": ["EC2"], "ephemeralStorage": {"sizeInGib": 21}},
        {"requiresCompatibilities": ["EC2"]},
    ),
    (
        DEFINITION,
        "ecs.task-definition.constraints",
        "InvalidArgument",
        {"requiresCompatibilities": ["EC2"], "placementConstraints": [{"type": "memberOf"}] * 11},
        {"requiresCompatibilities": ["EC2"], "placementConstraints": [{"type": "memberOf"}] * 10},
    ),
    (
        DEFINITION,
        "ecs.task-definition.platform",
        "InvalidArgument",
        {"runtimePlatform": {"cpuArchitecture": "arm64"}},
        {"runtimePlatform": {"cpuArchitecture": "ARM64"}},
    ),
    (DEFINITION, "ecs.container.json", "InvalidArgument", {"containerDefinitions": "[]"}, {}),
    (DEFINITION, "ecs.container.json", "InvalidArgument", {"containerDefinitions": "{"}, {}),
    (
        DEFINITION,
        "ecs.container.required",
        "ClientException",
        {"containerDefinitions": containers(without="image")},
        {},
    ),
    (
        DEFINITION,
        "ecs.container.name",
        "ClientException",
        {"containerDefinitions": containers(name="my web")},
        {},
    ),
    (
        DEFINITION,
        "ecs.container.image",
        "ClientException",
        {"containerDefinitions": containers(image="")},
        {},
    ),
    (
        DEFINITION,
        "ecs.container.type",
        "ClientException",
        {"containerDefinitions": containers(command=[1])},
        {"containerDefinitions": containers(command=["sh"])},
    ),
    (
        DEFINITION,
        "ecs.container.most",
        "ClientException",
        {"containerDefinitions": many_containers(11)},
        {"containerDefinitions": many_containers(10)},
    ),
    (
        DEFINITION,
        "ecs.container.essential",
        "ClientException",
        {"containerDefinitions": containers(essential=False)},
        {},
    ),
    (
        DEFINITION,
        "ecs.container.unique-name",
        "ClientException",
        {"containerDefinitions": json.dumps([{"name": "a", "image": "b"}] * 2)},
        {"containerDefinitions": json.dumps([{"name": name, "image": "b"} for name in "ab"])},
    ),
    (
        DEFINITION,
        "ecs.container.port",
        "ClientException",
        {"containerDefinitions": containers(portMappings=[{"containerPort": "80"}])},
        {},
    ),
    (
        DEFINITION,
        "ecs.container.protocol",
        "ClientException",
        {
            "containerDefinitions": containers(
                portMappings=[{"containerPort": 80, "protocol": "http"}]
            )
        },
        {
            "containerDefinitions": containers(
                portMappings=[{"containerPort": 80, "protocol": "udp"}]
            )
        },
    ),
    (
        DEFINITION,
        "ecs.container.host-port",
        "ClientException",
        {
            "containerDefinitions": containers(
                portMappings=[{"containerPort": 80, "hostPort": 8080}]
            )
        },
        {"containerDefinitions": containers(portMappings=[{"containerPort": 80, "hostPort": 80}])},
    ),
    (
        DEFINITION,
        "ecs.container.unique-port",
        "ClientException",
        {
            "containerDefinitions": containers(
                portMappings=[{"containerPort": 80}, {"containerPort": 80, "protocol": "udp"}]
            )
        },
        {},
    ),
    (
        DEFINITION,
        "ecs.container.unique-host-port",
        "ClientException",
        {
            "containerDefinitions": with_ports(
                {"containerPort": 80, "hostPort": 80}, {"containerPort": 80}
            )
        },
        {
            "containerDefinitions": with_ports(
                {"containerPort": 80},
                {"containerPort": 80, "protocol": "udp"},
                {"containerPort": 81},
            )
        },
    ),
    (
        DEFINITION,
        "ecs.container.unique-host-port",
        "ClientException",
        {
            **ON_INSTANCES,
            "containerDefinitions": with_ports(
                {"containerPort": 1, "hostPort": 80},
                {"containerPort": 2, "hostPort": 80},
            ),
        },
        {
            **ON_INSTANCES,
            "containerDefinitions": with_ports(
                {"containerPort": 1, "hostPort": 0},
                {"containerPort": 1, "hostPort": 0},
                {"containerPort": 1, "hostPort": 80},
            ),
        },
    ),
    (
        DEFINITION,
        "ecs.container.fargate-gpu",
        "ClientException",
        {"containerDefinitions": containers(resourceRequirements=[{"type": "GPU", "value": "1"}])},
        {
            **ON_INSTANCES,
            "containerDefinitions": containers(
                resourceRequirements=[{"type": "GPU", "value": "1"}]
            ),
        },
    ),
    (
        DEFINITION,
        "ecs.container.no-ports",
        "ClientException",
        {"requiresCompatibilities": ["EC2"], "networkMode": "none"},
        {"requiresCompatibilities": ["EC2"], "networkMode": "host"},
    ),
    (
        DEFINITION,
        "ecs.container.env",
        "ClientException",
        {"containerDefinitions": containers(environment=[{"name": "A", "value": 1}])},
        {"containerDefinitions": containers(environment=[{"name": "A", "value": "1"}])},
    ),
    (
        DEFINITION,
        "ecs.container.secret",
        "ClientException",
        {
            "executionRoleArn": ROLE_ARN,
            "containerDefinitions": containers(secrets=[{"name": "A", "valueFrom": "a value!"}]),
        },
        {
            "executionRoleArn": ROLE_ARN,
            "containerDefinitions": containers(
                secrets=[{"name": "A", "valueFrom": "/demo/dev/message"}]
            ),
        },
    ),
    (
        DEFINITION,
        "ecs.task-definition.secrets-role",
        "ClientException",
        {"containerDefinitions": containers(secrets=[{"name": "A", "valueFrom": "/demo"}])},
        {
            "executionRoleArn": ROLE_ARN,
            "containerDefinitions": containers(secrets=[{"name": "A", "valueFrom": "/demo"}]),
        },
    ),
    (
        DEFINITION,
        "ecs.task-definition.execution-role",
        "ClientException",
        {"containerDefinitions": containers(logConfiguration=logs())},
        {"executionRoleArn": ROLE_ARN, "containerDefinitions": containers(logConfiguration=logs())},
    ),
    (
        DEFINITION,
        "ecs.task-definition.ecr-role",
        "ClientException",
        {
            "containerDefinitions": containers(
                image="123456789012.dkr.ecr.eu-west-1.amazonaws.com/web"
            )
        },
        {"containerDefinitions": containers(image="public.ecr.aws/nginx/nginx:stable")},
    ),
    (
        DEFINITION,
        "ecs.container.awslogs-options",
        "ClientException",
        {
            "executionRoleArn": ROLE_ARN,
            "containerDefinitions": containers(logConfiguration=logs(**{"awslogs-region": None})),
        },
        {
            "executionRoleArn": ROLE_ARN,
            "containerDefinitions": containers(logConfiguration=logs(mode="non-blocking")),
        },
    ),
    (
        DEFINITION,
        "ecs.container.log-option-text",
        "ClientException",
        {
            "executionRoleArn": ROLE_ARN,
            "containerDefinitions": containers(logConfiguration=logs(**{"max-buffer-size": 4})),
        },
        {
            "executionRoleArn": ROLE_ARN,
            "containerDefinitions": containers(logConfiguration=logs(**{"max-buffer-size": "4m"})),
        },
    ),
    (
        DEFINITION,
        "ecs.container.log-driver",
        "ClientException",
        {"containerDefinitions": containers(logConfiguration={"logDriver": "json-file"})},
        {"containerDefinitions": containers(logConfiguration={"logDriver": "splunk"})},
    ),
    (
        DEFINITION,
        "ecs.container.health",
        "ClientException",
        {"containerDefinitions": containers(healthCheck={"command": ["curl"]})},
        {"containerDefinitions": containers(healthCheck={"command": ["CMD", "curl"]})},
    ),
    (
        DEFINITION,
        "ecs.container.health",
        "ClientException",
        {"containerDefinitions": containers(healthCheck={"command": ["CMD", "a"], "retries": 11})},
        {"containerDefinitions": containers(healthCheck={"command": ["CMD", "a"], "retries": 10})},
    ),
    (
        DEFINITION,
        "ecs.container.timeout",
        "ClientException",
        {"containerDefinitions": containers(stopTimeout=121)},
        {"containerDefinitions": containers(stopTimeout=120)},
    ),
    (
        DEFINITION,
        "ecs.container.fargate-forbids",
        "ClientException",
        {"containerDefinitions": containers(privileged=True)},
        {"containerDefinitions": containers(privileged=False)},
    ),
    (
        DEFINITION,
        "ecs.container.memory",
        "ClientException",
        {"containerDefinitions": containers(memory=5)},
        {"containerDefinitions": containers(memory=6)},
    ),
    (
        DEFINITION,
        "ecs.container.memory-reservation",
        "ClientException",
        {"containerDefinitions": containers(memory=128, memoryReservation=129)},
        {"containerDefinitions": containers(memory=128, memoryReservation=64)},
    ),
    (
        DEFINITION,
        "ecs.container.memory-required",
        "ClientException",
        {"requiresCompatibilities": ["EC2"], "memory": None},
        {
            "requiresCompatibilities": ["EC2"],
            "memory": None,
            "containerDefinitions": containers(memory=64),
        },
    ),
    (
        DEFINITION,
        "ecs.container.depends-on",
        "ClientException",
        {
            "containerDefinitions": containers(
                dependsOn=[{"containerName": "web", "condition": "READY"}]
            )
        },
        {},
    ),
    (
        DEFINITION,
        "ecs.container.depends-on-exists",
        "ClientException",
        {
            "containerDefinitions": containers(
                dependsOn=[{"containerName": "db", "condition": "START"}]
            )
        },
        {},
    ),
    (
        DEFINITION,
        "ecs.container.depends-on-healthy",
        "ClientException",
        {
            "containerDefinitions": json.dumps(
                [
                    {"name": "db", "image": "a"},
                    {
                        "name": "web",
                        "image": "b",
                        "dependsOn": [{"containerName": "db", "condition": "HEALTHY"}],
                    },
                ]
            )
        },
        {
            "containerDefinitions": json.dumps(
                [
                    {"name": "db", "image": "a"},
                    {
                        "name": "web",
                        "image": "b",
                        "dependsOn": [{"containerName": "db", "condition": "START"}],
                    },
                ]
            )
        },
    ),
    (
        DEFINITION,
        "ecs.container.depends-on-essential",
        "ClientException",
        {
            "containerDefinitions": json.dumps(
                [
                    {"name": "db", "image": "a"},
                    {
                        "name": "web",
                        "image": "b",
                        "dependsOn": [{"containerName": "db", "condition": "SUCCESS"}],
                    },
                ]
            )
        },
        {
            "containerDefinitions": json.dumps(
                [
                    {"name": "db", "image": "a", "essential": False},
                    {
                        "name": "web",
                        "image": "b",
                        "dependsOn": [{"containerName": "db", "condition": "SUCCESS"}],
                    },
                ]
            )
        },
    ),
    (SERVICE, "ecs.service.name", "InvalidParameterException", {"name": "my service"}, {}),
    (SERVICE, "ecs.service.unique", "InvalidParameterException", {"name": "web"}, {}),
    (
        SERVICE,
        "ecs.service.cluster-exists",
        "ClusterNotFoundException",
        {"cluster": None},
        {"cluster": "main"},
    ),
    (SERVICE, "ecs.service.cluster-exists", "ClusterNotFoundException", {"cluster": "other"}, {}),
    (SERVICE, "ecs.service.cluster-exists", "ClusterNotFoundException", {"cluster": "arn:aws"}, {}),
    (
        SERVICE,
        "ecs.service.region",
        "InvalidParameterException",
        {"taskDefinition": f"{OTHER_REGION}:task-definition/web:1"},
        {"taskDefinition": f"{SAME_REGION}:task-definition/web:1"},
    ),
    (
        SERVICE,
        "ecs.service.region",
        "InvalidParameterException",
        {"cluster": f"{OTHER_REGION}:cluster/main"},
        {"cluster": f"{SAME_REGION}:cluster/main"},
    ),
    (
        SERVICE,
        "ecs.service.task-definition-exists",
        "ClientException",
        {"taskDefinition": "web:9"},
        {"taskDefinition": "web:1"},
    ),
    (
        SERVICE,
        "ecs.service.task-definition-required",
        "InvalidParameterException",
        {"taskDefinition": None},
        {"taskDefinition": "web"},
    ),
    (
        SERVICE,
        "ecs.service.desired-count",
        "InvalidParameterException",
        {"desiredCount": -1},
        {"desiredCount": 0},
    ),
    (SERVICE, "ecs.service.launch-type", "InvalidArgument", {"launchType": "LAMBDA"}, {}),
    (
        SERVICE,
        "ecs.service.scheduling",
        "InvalidArgument",
        {"schedulingStrategy": "CRON"},
        {"schedulingStrategy": "REPLICA"},
    ),
    (
        SERVICE,
        "ecs.service.propagate-tags",
        "InvalidArgument",
        {"propagateTags": "ALL"},
        {"propagateTags": "SERVICE"},
    ),
    (
        SERVICE,
        "ecs.service.platform",
        "PlatformUnknownException",
        {"platformVersion": "2.0"},
        {"platformVersion": "1.4.0"},
    ),
    (SERVICE, "ecs.service.grace", "InvalidArgument", {"healthCheckGracePeriodSeconds": -1}, {}),
    (
        SERVICE,
        "ecs.service.minimum-percent",
        "InvalidParameterException",
        {"deploymentMinimumHealthyPercent": -1},
        {"deploymentMinimumHealthyPercent": 0},
    ),
    (
        SERVICE,
        "ecs.service.maximum-percent",
        "InvalidParameterException",
        {"deploymentMaximumPercent": 99},
        {"deploymentMaximumPercent": 101},
    ),
    (
        SERVICE,
        "ecs.service.blocked-deployments",
        "InvalidParameterException",
        {"deploymentMaximumPercent": 100},
        {"deploymentMaximumPercent": 100, "deploymentMinimumHealthyPercent": 50},
    ),
    (
        SERVICE,
        "ecs.service.rebalancing",
        "InvalidParameterException",
        {
            "availabilityZoneRebalancing": "ENABLED",
            "deploymentMaximumPercent": 100,
            "deploymentMinimumHealthyPercent": 0,
        },
        {"availabilityZoneRebalancing": "ENABLED"},
    ),
    (
        SERVICE,
        "ecs.service.controller",
        "InvalidParameterException",
        {
            "deploymentController": {"type": "CODE_DEPLOY"},
            "deploymentCircuitBreaker": {"enable": True, "rollback": True},
        },
        {"deploymentCircuitBreaker": {"enable": True, "rollback": True}},
    ),
    (
        SERVICE,
        "ecs.service.controller",
        "InvalidParameterException",
        {
            "deploymentController": {"type": "EXTERNAL"},
            "alarms": {"alarmNames": ["errors"], "enable": True, "rollback": True},
        },
        {"alarms": {"alarmNames": ["errors"], "enable": True, "rollback": True}},
    ),
    (
        SERVICE,
        "ecs.service.alarm-name",
        "InvalidParameterException",
        {"alarms": {"alarmNames": ["e" * 256], "enable": True, "rollback": True}},
        {"alarms": {"alarmNames": ["e" * 255], "enable": True, "rollback": True}},
    ),
    (
        SERVICE,
        "ecs.service.strategy",
        "InvalidArgument",
        {"deploymentConfiguration": {"strategy": "BIG_BANG"}},
        {"deploymentConfiguration": {"strategy": "ROLLING"}},
    ),
    (
        SERVICE,
        "ecs.service.daemon",
        "InvalidParameterException",
        {"schedulingStrategy": "DAEMON"},
        {},
    ),
    (
        SERVICE,
        "ecs.service.launch-or-strategy",
        "InvalidParameterException",
        {"capacityProviderStrategies": [{"capacityProvider": "FARGATE", "weight": 1}]},
        {
            "launchType": None,
            "capacityProviderStrategies": [{"capacityProvider": "FARGATE", "weight": 1}],
        },
    ),
    (
        SERVICE,
        "ecs.service.fargate-placement",
        "InvalidParameterException",
        {"orderedPlacementStrategies": [{"type": "spread"}]},
        {},
    ),
    (
        SERVICE,
        "ecs.service.placement",
        "InvalidArgument",
        {"orderedPlacementStrategies": [{"type": "pack"}]},
        {},
    ),
    (
        SERVICE,
        "ecs.service.fargate-only",
        "InvalidParameterException",
        {"launchType": "EC2", "platformVersion": "LATEST"},
        {"launchType": "EC2"},
    ),
    (
        SERVICE,
        "ecs.service.network-required",
        "InvalidParameterException",
        {"networkConfiguration": None},
        {},
    ),
    (
        SERVICE,
        "ecs.service.subnets",
        "InvalidParameterException",
        {"networkConfiguration": {"subnets": []}},
        {},
    ),
    (
        SERVICE,
        "ecs.service.subnet-exists",
        "InvalidParameterException",
        {"networkConfiguration": {"subnets": ["subnet-0"]}},
        {},
    ),
    (
        SERVICE,
        "ecs.service.group-exists",
        "InvalidParameterException",
        {"networkConfiguration": {"subnets": ["$subnet-a"], "securityGroups": ["sg-0"]}},
        {"networkConfiguration": {"subnets": ["$subnet-a"], "securityGroups": ["$group"]}},
    ),
    (
        SERVICE,
        "ecs.service.groups",
        "InvalidParameterException",
        {"networkConfiguration": {"subnets": ["$subnet-a"], "securityGroups": ["$group"] * 6}},
        {},
    ),
    (
        SERVICE,
        "ecs.service.exec-role",
        "InvalidParameterException",
        {"enableExecuteCommand": True},
        {"enableExecuteCommand": False},
    ),
    (
        SERVICE,
        "ecs.service.balancers",
        "InvalidParameterException",
        {
            "loadBalancers": [
                {"targetGroupArn": "$target", "containerName": "web", "containerPort": 80}
            ]
            * 6
        },
        {},
    ),
    (
        SERVICE,
        "ecs.service.target-group-arn",
        "InvalidArgument",
        {"loadBalancers": [{"targetGroupArn": "web", "containerName": "web", "containerPort": 80}]},
        {},
    ),
    (
        SERVICE,
        "ecs.service.registry-arn",
        "InvalidArgument",
        {"serviceRegistries": {"registryArn": "x"}},
        {"serviceRegistries": {"registryArn": "$registry-arn"}},
    ),
    (
        SERVICE,
        "ecs.service.container-port",
        "InvalidArgument",
        {
            "loadBalancers": [
                {"targetGroupArn": "$target", "containerName": "web", "containerPort": 70000}
            ]
        },
        {},
    ),
    (
        SERVICE,
        "ecs.service.target-group-exists",
        "InvalidParameterException",
        {
            "loadBalancers": [
                {
                    "targetGroupArn": MISSING_TARGET_GROUP,
                    "containerName": "web",
                    "containerPort": 80,
                }
            ]
        },
        {},
    ),
    (
        SERVICE,
        "ecs.service.container-exists",
        "InvalidParameterException",
        {
            "loadBalancers": [
                {"targetGroupArn": "$target", "containerName": "app", "containerPort": 80}
            ]
        },
        {
            "loadBalancers": [
                {"targetGroupArn": "$target", "containerName": "web", "containerPort": 80.0}
            ]
        },
    ),
    (
        SERVICE,
        "ecs.service.port-exists",
        "InvalidParameterException",
        {
            "loadBalancers": [
                {"targetGroupArn": "$target", "containerName": "web", "containerPort": 8080}
            ]
        },
        {},
    ),
    (
        SERVICE,
        "catalog.input",
        "InvalidArgument",
        {"networkConfiguration": {"subnets": ["$subnet-a"], "securityGroup": ["$group"]}},
        {"networkConfiguration": {"subnets": ["$subnet-a"], "securityGroups": ["$group"]}},
    ),
    (
        SERVICE,
        "catalog.required",
        "InvalidArgument",
        {"deploymentCircuitBreaker": {"enable": True}},
        {"deploymentCircuitBreaker": {"enable": True, "rollback": True}},
    ),
    (
        DEFINITION,
        "ecs.task-definition.fargate-forbids",
        "ClientException",
        {"pidMode": "host"},
        {"pidMode": "task"},
    ),
    (
        DEFINITION,
        "ecs.task-definition.platform",
        "InvalidArgument",
        {"runtimePlatform": {"operatingSystemFamily": "WINDOWS"}},
        {"runtimePlatform": {"operatingSystemFamily": "LINUX"}},
    ),
    *CONTAINER_FLAWS,
    (
        DEFINITION,
        "catalog.model",
        "ClientException",
        {"containerDefinitions": containers(restartPolicy={"ignoredExitCodes": [0]})},
        {"containerDefinitions": containers(restartPolicy={"enabled": True})},
    ),
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
