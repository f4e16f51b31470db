"""Refusals of launch templates, Auto Scaling groups, and services on them.

`test_refusals.py` runs them.
"""

from __future__ import annotations

import json
from base64 import b64encode
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.localaws.catalog.refusal_case import Case

TEMPLATE, GROUP = "aws:ec2/launchTemplate:LaunchTemplate", "aws:autoscaling/group:Group"
SERVICE, CAPACITY = "aws:ecs/service:Service", "aws:ecs/capacityProvider:CapacityProvider"
DEFINITION = "aws:ecs/taskDefinition:TaskDefinition"


def encoded(text: str) -> str:
    return b64encode(text.encode()).decode()


def volume(**ebs: Any) -> dict[str, Any]:
    return {"blockDeviceMappings": [{"deviceName": "/dev/xvda", "ebs": ebs}]}


def refresh(**preferences: Any) -> dict[str, Any]:
    return {"instanceRefresh": {"strategy": "Rolling", "preferences": preferences}}


def group_tag(key: str, value: str) -> dict[str, Any]:
    return {"key": key, "value": value, "propagateAtLaunch": True}


def on_instances(*, port: int = 0, **more: Any) -> dict[str, Any]:
    """Return a task definition for instances, in network mode bridge."""
    mapping = {"containerPort": 4567, "hostPort": port}
    container = {"name": "web", "image": "i", "memory": 64, "portMappings": [mapping]}
    return {
        "requiresCompatibilities": ["EC2"],
        "networkMode": "bridge",
        "cpu": None,
        "memory": None,
        "containerDefinitions": json.dumps([container]),
        **more,
    }


CAPACITY_CASES: list[Case] = [
    (TEMPLATE, "ec2.launch-template.name", "InvalidArgument", {"name": "ab"}, {"name": "abc"}),
    (
        TEMPLATE,
        "ec2.launch-template.unique",
        "InvalidLaunchTemplateName.AlreadyExistsException",
        {"name": "template"},
        {"name": "templates"},
    ),
    (
        TEMPLATE,
        "ec2.launch-template.description",
        "InvalidArgument",
        {"description": "a" * 256},
        {"description": "a" * 255},
    ),
    (
        TEMPLATE,
        "ec2.launch-template.exclusive",
        "InvalidArgument",
        {"defaultVersion": 1, "updateDefaultVersion": True},
        {"defaultVersion": 1, "updateDefaultVersion": False},
    ),
    (
        TEMPLATE,
        "ec2.launch-template.exclusive",
        "InvalidArgument",
        {"iamInstanceProfile": {"name": "p", "arn": "arn:aws:iam::1:instance-profile/p"}},
        {"iamInstanceProfile": {"name": "p"}},
    ),
    (
        TEMPLATE,
        "ec2.launch-template.interfaces",
        "InvalidParameterCombination",
        {
            "vpcSecurityGroupIds": ["$group"],
            "networkInterfaces": [{"associatePublicIpAddress": "false"}],
        },
        {
            "vpcSecurityGroupIds": [],
            "networkInterfaces": [
                {"associatePublicIpAddress": "false", "securityGroups": ["$group"]}
            ],
        },
    ),
    (
        TEMPLATE,
        "ec2.launch-template.type",
        "InvalidParameterValue",
        {"instanceType": "small"},
        {"instanceType": "t9z.small"},
    ),
    (
        TEMPLATE,
        "ec2.launch-template.metadata",
        "InvalidArgument",
        {"metadataOptions": {"httpPutResponseHopLimit": 65}},
        {"metadataOptions": {"httpPutResponseHopLimit": 1, "httpTokens": "required"}},
    ),
    (
        TEMPLATE,
        "ec2.launch-template.profile",
        "InvalidArgument",
        {"iamInstanceProfile": {"arn": "p"}},
        {"iamInstanceProfile": {"arn": "arn:aws:iam::123456789012:instance-profile/p"}},
    ),
    (
        TEMPLATE,
        "ec2.launch-template.flag",
        "InvalidArgument",
        volume(encrypted="yes"),
        volume(encrypted="true"),
    ),
    (
        TEMPLATE,
        "ec2.launch-template.shutdown",
        "InvalidArgument",
        {"instanceInitiatedShutdownBehavior": "sleep"},
        {"instanceInitiatedShutdownBehavior": "terminate"},
    ),
    (
        TEMPLATE,
        "ec2.launch-template.user-data",
        "InvalidUserData.Malformed",
        {"userData": "#!/bin/bash"},
        {"userData": encoded("#!/bin/bash")},
    ),
    (
        TEMPLATE,
        "ec2.launch-template.user-data",
        "InvalidUserData",
        {"userData": encoded("a" * 16385)},
        {"userData": encoded("a" * 16384)},
    ),
    (
        TEMPLATE,
        "ec2.launch-template.volume",
        "InvalidParameterDependency",
        volume(kmsKeyId="arn:aws:kms:eu-west-1:123456789012:key/1"),
        volume(kmsKeyId="arn:aws:kms:eu-west-1:123456789012:key/1", encrypted="true"),
    ),
    (
        TEMPLATE,
        "ec2.launch-template.volume",
        "InvalidParameterCombination",
        volume(volumeType="gp2", throughput=125),
        volume(volumeType="gp3", throughput=125),
    ),
    (
        TEMPLATE,
        "ec2.launch-template.volume",
        "InvalidArgument",
        volume(volumeType="gp9"),
        volume(volumeType="gp3"),
    ),
    (
        TEMPLATE,
        "ec2.launch-template.version",
        "InvalidLaunchTemplateId.VersionNotFound",
        {"defaultVersion": 3},
        {"defaultVersion": 1},
    ),
    (GROUP, "autoscaling.group.name", "InvalidArgument", {"name": "a:b"}, {"name": "a b"}),
    (GROUP, "autoscaling.group.unique", "AlreadyExists", {"name": "busy"}, {"name": "idle"}),
    (
        GROUP,
        "autoscaling.group.one-template",
        "InvalidArgument",
        {"launchTemplate": None},
        {"launchTemplate": None, "launchConfiguration": "old"},
    ),
    (
        GROUP,
        "autoscaling.group.one-template-name",
        "InvalidArgument",
        {"launchTemplate": {"id": "$template", "name": "template"}},
        {"launchTemplate": {"name": "template", "version": "1"}},
    ),
    (
        GROUP,
        "autoscaling.group.zones",
        "InvalidArgument",
        {"availabilityZones": ["eu-west-1a"]},
        {"availabilityZones": ["eu-west-1a"], "vpcZoneIdentifiers": None},
    ),
    (GROUP, "autoscaling.group.zones", "ValidationError", {"vpcZoneIdentifiers": []}, {}),
    (
        GROUP,
        "autoscaling.group.subnet-exists",
        "ValidationError",
        {"vpcZoneIdentifiers": ["subnet-00000000000000000"]},
        {"vpcZoneIdentifiers": ["$subnet-a"]},
    ),
    (GROUP, "autoscaling.group.bounds", "ValidationError", {"minSize": 3}, {"minSize": 2}),
    (
        GROUP,
        "autoscaling.group.bounds",
        "ValidationError",
        {"desiredCapacity": 3},
        {"desiredCapacity": 2},
    ),
    (
        GROUP,
        "autoscaling.group.tags",
        "ValidationError",
        {"tags": [group_tag("a", "b"), group_tag("a", "c")]},
        {"tags": [group_tag("a", "b"), group_tag("b", "b")]},
    ),
    (
        GROUP,
        "autoscaling.group.health-check",
        "InvalidArgument",
        {"healthCheckType": "ECS"},
        {"healthCheckType": "ELB"},
    ),
    (
        GROUP,
        "autoscaling.group.wait",
        "InvalidArgument",
        {"waitForCapacityTimeout": "10"},
        {"waitForCapacityTimeout": "0"},
    ),
    (
        GROUP,
        "autoscaling.group.refresh",
        "InvalidArgument",
        refresh(scaleInProtectedInstances="Replace"),
        refresh(scaleInProtectedInstances="Refresh"),
    ),
    (
        GROUP,
        "autoscaling.group.refresh",
        "ValidationError",
        refresh(minHealthyPercentage=50, maxHealthyPercentage=200),
        refresh(minHealthyPercentage=100, maxHealthyPercentage=200),
    ),
    (
        GROUP,
        "autoscaling.group.role",
        "InvalidArgument",
        {"serviceLinkedRoleArn": "scaling"},
        {"serviceLinkedRoleArn": "arn:aws:iam::123456789012:role/scaling"},
    ),
    (
        GROUP,
        "autoscaling.group.template-exists",
        "ValidationError",
        {"launchTemplate": {"id": "lt-00000000000000000"}},
        {"launchTemplate": {"id": "$template"}},
    ),
    (
        GROUP,
        "autoscaling.group.template-exists",
        "ValidationError",
        {"launchTemplate": {"id": "$template", "version": "2"}},
        {"launchTemplate": {"id": "$template", "version": "1"}},
    ),
    (
        GROUP,
        "autoscaling.group.template",
        "ValidationError",
        {"launchTemplate": {"id": "$template-arm"}},
        {"launchTemplate": {"id": "$template"}},
    ),
    (
        GROUP,
        "autoscaling.group.template",
        "ValidationError",
        {"vpcZoneIdentifiers": ["$other-subnet"], "launchTemplate": {"id": "$template-group"}},
        {"launchTemplate": {"id": "$template-group"}},
    ),
    (
        CAPACITY,
        "ecs.capacity-provider.group-exists",
        "ClientException",
        {
            "autoScalingGroupProvider": {
                "autoScalingGroupArn": "arn:aws:autoscaling:eu-west-1:123456789012:"
                "autoScalingGroup:1:autoScalingGroupName/none"
            }
        },
        {},
    ),
    (
        CAPACITY,
        "ecs.capacity-provider.one-group",
        "ClientException",
        {"autoScalingGroupProvider": {"autoScalingGroupArn": "$busy-arn"}},
        {"autoScalingGroupProvider": {"autoScalingGroupArn": "$scaling-arn"}},
    ),
    (
        CAPACITY,
        "ecs.capacity-provider.protection",
        "ClientException",
        {
            "autoScalingGroupProvider": {
                "autoScalingGroupArn": "$plain-arn",
                "managedTerminationProtection": "ENABLED",
                "managedScaling": {"status": "ENABLED"},
            }
        },
        {
            "autoScalingGroupProvider": {
                "autoScalingGroupArn": "$scaling-arn",
                "managedTerminationProtection": "ENABLED",
                "managedScaling": {"status": "ENABLED"},
            }
        },
    ),
    (
        CAPACITY,
        "ecs.capacity-provider.tag",
        "InvalidArgument",
        {
            "autoScalingGroupProvider": {
                "autoScalingGroupArn": "$plain-arn",
                "managedScaling": {"status": "ENABLED"},
            }
        },
        {"autoScalingGroupProvider": {"autoScalingGroupArn": "$plain-arn"}},
    ),
    (
        SERVICE,
        "ecs.service.strategy-associated",
        "InvalidParameterException",
        {
            "launchType": None,
            "capacityProviderStrategies": [{"capacityProvider": "others", "weight": 1}],
        },
        {
            "launchType": None,
            "capacityProviderStrategies": [{"capacityProvider": "instances", "weight": 1}],
        },
    ),
    (
        DEFINITION,
        "ecs.task-definition.ec2-cpu",
        "ClientException",
        on_instances(cpu="127"),
        on_instances(cpu="128"),
    ),
    (
        DEFINITION,
        "ecs.container.reserved-port",
        "ClientException",
        on_instances(port=2375),
        on_instances(port=0),
    ),
]
