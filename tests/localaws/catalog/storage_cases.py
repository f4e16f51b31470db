"""Refusals of file systems, namespaces and capacity providers; `test_refusals.py` runs them."""

from __future__ import annotations

from typing import Any

from tests.localaws.catalog.refusal_case import Case, cases

FILES, MOUNT = "aws:efs/fileSystem:FileSystem", "aws:efs/mountTarget:MountTarget"
ACCESS, FILE_POLICY = "aws:efs/accessPoint:AccessPoint", "aws:efs/fileSystemPolicy:FileSystemPolicy"
NAMESPACE = "aws:servicediscovery/privateDnsNamespace:PrivateDnsNamespace"
HTTP_NAMESPACE = "aws:servicediscovery/httpNamespace:HttpNamespace"
REGISTRY, CLUSTER = "aws:servicediscovery/service:Service", "aws:ecs/cluster:Cluster"
SERVICE, CAPACITY = "aws:ecs/service:Service", "aws:ecs/capacityProvider:CapacityProvider"
PROVIDERS = "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders"
KEY_ARN = "arn:aws:kms:eu-west-1:123456789012:key/00000000-0000-0000-0000-000000000001"
SCALING_GROUP = "$scaling-arn"
BY_ADDRESS = {"namespaceId": "$internal", "dnsRecords": [{"type": "A", "ttl": 10}]}
PORT_OF_WEB: dict[str, Any] = {"containerName": "web", "containerPort": 80}


def registered(registry: str, **more: Any) -> dict[str, Any]:
    """Return inputs of a service that is registered with one of service discovery."""
    return {"serviceRegistries": {"registryArn": registry, **more}}


MANAGED = {
    "infrastructureRoleArn": "arn:aws:iam::123456789012:role/infrastructure",
    "instanceLaunchTemplate": {
        "ec2InstanceProfileArn": "arn:aws:iam::123456789012:instance-profile/instances",
        "networkConfiguration": {"subnets": ["$subnet-a"]},
    },
}

STORAGE_CASES: list[Case] = [
    (
        FILES,
        "efs.file-system.encrypted",
        "InvalidArgument",
        {"kmsKeyId": KEY_ARN},
        {"kmsKeyId": KEY_ARN, "encrypted": True},
    ),
    (
        FILES,
        "efs.file-system.key",
        "InvalidArgument",
        {"kmsKeyId": "key", "encrypted": True},
        {"encrypted": True},
    ),
    (
        FILES,
        "efs.file-system.throughput",
        "BadRequest",
        {"throughputMode": "provisioned"},
        {"throughputMode": "provisioned", "provisionedThroughputInMibps": 1},
    ),
    (
        FILES,
        "efs.file-system.throughput",
        "BadRequest",
        {"throughputMode": "provisioned", "provisionedThroughputInMibps": 0.5},
        {"throughputMode": "elastic"},
    ),
    (
        FILES,
        "efs.file-system.max-io",
        "BadRequest",
        {"performanceMode": "maxIO", "throughputMode": "elastic"},
        {"performanceMode": "maxIO"},
    ),
    (
        FILES,
        "efs.file-system.max-io",
        "BadRequest",
        {"performanceMode": "maxIO", "availabilityZoneName": "eu-west-1a"},
        {"availabilityZoneName": "eu-west-1a"},
    ),
    (FILES, "efs.file-system.zone", "BadRequest", {"availabilityZoneName": "eu-west-1z"}, {}),
    (
        FILES,
        "efs.file-system.lifecycle",
        "BadRequest",
        {
            "lifecyclePolicies": [
                {"transitionToIa": "AFTER_30_DAYS", "transitionToArchive": "AFTER_90_DAYS"}
            ]
        },
        {
            "lifecyclePolicies": [
                {"transitionToIa": "AFTER_30_DAYS"},
                {"transitionToArchive": "AFTER_90_DAYS"},
            ]
        },
    ),
    (
        FILES,
        "efs.file-system.lifecycle",
        "InvalidArgument",
        {"lifecyclePolicies": [{"transitionToIa": "AFTER_30_DAYS"}] * 4},
        {},
    ),
    (
        FILES,
        "catalog.model",
        "BadRequest",
        {"performanceMode": "fast"},
        {"performanceMode": "generalPurpose"},
    ),
    (
        FILES,
        "efs.file-system.unique",
        "FileSystemAlreadyExists",
        {"creationToken": "files"},
        {"creationToken": "other"},
    ),
    (
        MOUNT,
        "efs.file-system.exists",
        "FileSystemNotFound",
        {"fileSystemId": "fs-0123456789abcdef0"},
        {},
    ),
    (
        MOUNT,
        "efs.mount-target.subnet-exists",
        "SubnetNotFound",
        {"subnetId": "subnet-0123456789abcdef0"},
        {},
    ),
    (
        MOUNT,
        "efs.mount-target.group-exists",
        "SecurityGroupNotFound",
        {"securityGroups": ["sg-0123456789abcdef0"]},
        {"securityGroups": ["$group"]},
    ),
    (
        MOUNT,
        "efs.mount-target.groups",
        "SecurityGroupLimitExceeded",
        {"securityGroups": ["$group"] * 6},
        {"securityGroups": ["$group"]},
    ),
    (
        MOUNT,
        "efs.mount-target.same-vpc",
        "SecurityGroupNotFound",
        {"securityGroups": ["$other-group"]},
        {"securityGroups": ["$group"]},
    ),
    (MOUNT, "efs.mount-target.one-per-zone", "MountTargetConflict", {"subnetId": "$subnet-b"}, {}),
    (MOUNT, "efs.mount-target.one-vpc", "MountTargetConflict", {"subnetId": "$other-subnet"}, {}),
    (
        MOUNT,
        "efs.mount-target.zone",
        "AvailabilityZonesMismatch",
        {"fileSystemId": "$more-files"},
        {"fileSystemId": "$more-files", "subnetId": "$subnet-b"},
    ),
    (MOUNT, "efs.mount-target.address", "InvalidArgument", {"ipAddress": "a.b"}, {}),
    (
        MOUNT,
        "efs.mount-target.address",
        "BadRequest",
        {"ipAddress": "10.0.9.9"},
        {"ipAddress": "10.0.0.9"},
    ),
    (
        MOUNT,
        "efs.mount-target.address-in-use",
        "IpAddressInUse",
        {"fileSystemId": "$more-files", "subnetId": "$subnet-b", "ipAddress": "10.0.1.77"},
        {"fileSystemId": "$more-files", "subnetId": "$subnet-b", "ipAddress": "10.0.1.78"},
    ),
    (
        ACCESS,
        "efs.file-system.exists",
        "FileSystemNotFound",
        {"fileSystemId": "fs-0123456789abcdef0"},
        {},
    ),
    (
        ACCESS,
        "catalog.model",
        "BadRequest",
        {
            "rootDirectory": {
                "path": "/a",
                "creationInfo": {"ownerGid": 1, "ownerUid": 1, "permissions": "rwx"},
            }
        },
        {
            "rootDirectory": {
                "path": "/a",
                "creationInfo": {"ownerGid": 1, "ownerUid": 1, "permissions": "0755"},
            }
        },
    ),
    (FILE_POLICY, "iam.policy.json", "InvalidPolicyException", {"policy": "none"}, {}),
    (
        NAMESPACE,
        "servicediscovery.namespace.name",
        "InvalidArgument",
        {"name": "two words"},
        {"name": "web.internal"},
    ),
    (
        NAMESPACE,
        "servicediscovery.namespace.vpc-exists",
        "InvalidInput",
        {"vpc": "vpc-0123456789abcdef0"},
        {},
    ),
    (
        NAMESPACE,
        "servicediscovery.namespace.unique",
        "NamespaceAlreadyExists",
        {"name": "internal"},
        {"name": "internal", "vpc": "$other-vpc"},
    ),
    (
        HTTP_NAMESPACE,
        "servicediscovery.namespace.name",
        "InvalidArgument",
        {"name": "two words"},
        {},
    ),
    (
        HTTP_NAMESPACE,
        "servicediscovery.namespace.unique",
        "NamespaceAlreadyExists",
        {"name": "http"},
        {"name": "internal"},
    ),
    (
        REGISTRY,
        "servicediscovery.service.namespace-exists",
        "NamespaceNotFound",
        {"namespaceId": "ns-none"},
        {"namespaceId": "$http"},
    ),
    (
        REGISTRY,
        "servicediscovery.service.namespace-required",
        "InvalidInput",
        {"namespaceId": None},
        {},
    ),
    (
        REGISTRY,
        "servicediscovery.service.unique",
        "ServiceAlreadyExists",
        {"name": "web"},
        {"name": "web-2"},
    ),
    (
        REGISTRY,
        "servicediscovery.service.type",
        "InvalidArgument",
        {"type": "TCP"},
        {"type": "HTTP"},
    ),
    (
        REGISTRY,
        "servicediscovery.service.routing-policy",
        "InvalidArgument",
        {"dnsConfig": {**BY_ADDRESS, "routingPolicy": "FAILOVER"}},
        {"dnsConfig": {**BY_ADDRESS, "routingPolicy": "WEIGHTED"}},
    ),
    (
        REGISTRY,
        "servicediscovery.service.record",
        "InvalidArgument",
        {"dnsConfig": {**BY_ADDRESS, "dnsRecords": [{"type": "TXT", "ttl": 10}]}},
        {"dnsConfig": BY_ADDRESS},
    ),
    (
        REGISTRY,
        "servicediscovery.service.cname",
        "InvalidInput",
        {"dnsConfig": {**BY_ADDRESS, "dnsRecords": [{"type": "CNAME", "ttl": 10}]}},
        {
            "dnsConfig": {
                **BY_ADDRESS,
                "dnsRecords": [{"type": "CNAME", "ttl": 10}],
                "routingPolicy": "WEIGHTED",
            }
        },
    ),
    (
        REGISTRY,
        "servicediscovery.service.http",
        "InvalidInput",
        {"namespaceId": "$http", "dnsConfig": {**BY_ADDRESS, "namespaceId": "$http"}},
        {"namespaceId": "$http"},
    ),
    (
        REGISTRY,
        "servicediscovery.service.one-check",
        "InvalidInput",
        {"healthCheckConfig": {"type": "TCP"}, "healthCheckCustomConfig": {"failureThreshold": 1}},
        {"healthCheckCustomConfig": {"failureThreshold": 1}},
    ),
    (
        REGISTRY,
        "servicediscovery.service.health-check",
        "InvalidInput",
        {"healthCheckConfig": {"type": "TCP"}},
        {},
    ),
    (
        SERVICE,
        "ecs.service.registry-exists",
        "InvalidParameterException",
        {
            "serviceRegistries": {
                "registryArn": "arn:aws:servicediscovery:eu-west-1:123456789012:service/srv-none"
            }
        },
        {"serviceRegistries": {"registryArn": "$registry-arn"}},
    ),
    *cases(
        SERVICE,
        "ecs.service.registry-port",
        "InvalidParameterException",
        (registered("$registry-arn", port=80, **PORT_OF_WEB), registered("$registry-arn", port=80)),
        (
            registered("$registry-arn", containerName="web"),
            registered("$registry-arn", **PORT_OF_WEB),
        ),
        (registered("$srv-registry-arn"), registered("$srv-registry-arn", port=80)),
        (
            registered("$srv-registry-arn", port=None),
            registered("$srv-registry-arn", **PORT_OF_WEB),
        ),
    ),
    (
        SERVICE,
        "ecs.service.namespace-exists",
        "NamespaceNotFoundException",
        {"serviceConnectConfiguration": {"enabled": True, "namespace": "none"}},
        {"serviceConnectConfiguration": {"enabled": True, "namespace": "http"}},
    ),
    (
        CLUSTER,
        "ecs.service.namespace-exists",
        "NamespaceNotFoundException",
        {
            "serviceConnectDefaults": {
                "namespace": "arn:aws:servicediscovery:eu-west-1:123456789012:namespace/ns-none"
            }
        },
        {},
    ),
    (
        CAPACITY,
        "ecs.capacity-provider.one-kind",
        "InvalidArgument",
        {"autoScalingGroupProvider": None},
        {},
    ),
    (
        CAPACITY,
        "ecs.capacity-provider.cluster",
        "InvalidArgument",
        {"cluster": "main"},
        {"autoScalingGroupProvider": None, "managedInstancesProvider": MANAGED, "cluster": "main"},
    ),
    (
        CAPACITY,
        "ecs.capacity-provider.cluster",
        "InvalidArgument",
        {"autoScalingGroupProvider": None, "managedInstancesProvider": MANAGED},
        {},
    ),
    (
        CAPACITY,
        "ecs.capacity-provider.name",
        "InvalidArgument",
        {"name": "fargate-2"},
        {"name": "spare"},
    ),
    (
        CAPACITY,
        "ecs.capacity-provider.arn",
        "InvalidArgument",
        {"autoScalingGroupProvider": {"autoScalingGroupArn": "g"}},
        {},
    ),
    (
        CAPACITY,
        "ecs.capacity-provider.scaling",
        "InvalidArgument",
        {
            "autoScalingGroupProvider": {
                "autoScalingGroupArn": SCALING_GROUP,
                "managedScaling": {"targetCapacity": 101},
            }
        },
        {
            "autoScalingGroupProvider": {
                "autoScalingGroupArn": SCALING_GROUP,
                "managedScaling": {"targetCapacity": 100},
            }
        },
    ),
    (
        CAPACITY,
        "ecs.capacity-provider.protection",
        "ClientException",
        {
            "autoScalingGroupProvider": {
                "autoScalingGroupArn": SCALING_GROUP,
                "managedTerminationProtection": "ENABLED",
            }
        },
        {
            "autoScalingGroupProvider": {
                "autoScalingGroupArn": SCALING_GROUP,
                "managedTerminationProtection": "ENABLED",
                "managedScaling": {"status": "ENABLED"},
            }
        },
    ),
    (
        SERVICE,
        "ecs.strategy.one-kind",
        "InvalidParameterException",
        {
            "launchType": None,
            "capacityProviderStrategies": [
                {"capacityProvider": "FARGATE", "weight": 1},
                {"capacityProvider": "instances", "weight": 1},
            ],
        },
        {
            "launchType": None,
            "capacityProviderStrategies": [{"capacityProvider": "FARGATE_SPOT", "weight": 1}],
        },
    ),
    (CAPACITY, "ecs.capacity-provider.unique", "ClientException", {"name": "instances"}, {}),
    (
        PROVIDERS,
        "ecs.cluster-capacity-providers.exists",
        "InvalidParameterException",
        {"capacityProviders": ["none"]},
        {"capacityProviders": ["instances", "FARGATE"]},
    ),
]
