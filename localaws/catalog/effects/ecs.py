"""The effects of the inputs of ECS's types, its scaling, and repositories of images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localaws.catalog import appautoscaling
from localaws.catalog.ecr import REPOSITORY
from localaws.catalog.ecs.capacity_providers import CAPACITY_PROVIDER
from localaws.catalog.ecs.capacity_strategies import CAPACITY_PROVIDERS
from localaws.catalog.ecs.clusters import CLUSTER
from localaws.catalog.ecs.container_definitions import TASK_DEFINITION
from localaws.catalog.ecs.services import SERVICE
from localaws.catalog.effects.model import Effects, inside
from localaws.catalog.effects.reasons import (
    CATALOG_ONLY,
    EVERYWHERE,
    NAME,
    NO_METRICS,
    REGION,
    TAGS,
)
from localaws.catalog.only_recorded import NO_ENCRYPTION, NO_PERMISSION

if TYPE_CHECKING:
    from collections.abc import Mapping

_CONTAINERS = "containerDefinitions[]"
_TRACKING = "targetTrackingScalingPolicyConfiguration"

_FARGATE = "refused on Fargate, and here on instances too"
_OF_SERVICE_CONNECT = "of Service Connect, whose names are the addresses of tasks"
_PREDEFINED_ONLY = "refused: the local AWS tracks targets of predefined metrics only"

EFFECTS: Mapping[str, Effects] = {
    CLUSTER: Effects(
        effective=("name",),
        unmentioned={
            **EVERYWHERE,
            "configuration.executeCommandConfiguration": (
                "sessions in containers are neither logged nor encrypted"
            ),
            "configuration.managedStorageConfiguration": NO_ENCRYPTION,
            "serviceConnectDefaults": "each service with Service Connect names its namespace",
            "settings": NO_METRICS,
        },
    ),
    TASK_DEFINITION: Effects(
        effective=(
            "cpu",
            "family",
            "memory",
            "networkMode",
            *inside("placementConstraints[]", "expression type"),
            "runtimePlatform.cpuArchitecture",
            "skipDestroy",
            "volumes[].name",
            *inside(
                _CONTAINERS,
                "command cpu dockerLabels entryPoint essential hostname image memory "
                "memoryReservation name readonlyRootFilesystem stopTimeout user workingDirectory",
            ),
            *inside(f"{_CONTAINERS}.linuxParameters", "initProcessEnabled sharedMemorySize"),
            *inside(f"{_CONTAINERS}.linuxParameters.capabilities", "add drop"),
            *inside(f"{_CONTAINERS}.linuxParameters.tmpfs[]", "containerPath mountOptions size"),
            *inside(f"{_CONTAINERS}.mountPoints[]", "containerPath readOnly sourceVolume"),
            *inside(f"{_CONTAINERS}.ulimits[]", "hardLimit name softLimit"),
            *inside(f"{_CONTAINERS}.volumesFrom[]", "readOnly sourceContainer"),
            *inside(f"{_CONTAINERS}.dependsOn[]", "condition containerName"),
            *inside(f"{_CONTAINERS}.environment[]", "name value"),
            *inside(f"{_CONTAINERS}.healthCheck", "command interval retries startPeriod timeout"),
            *inside(f"{_CONTAINERS}.firelensConfiguration", "options type"),
            f"{_CONTAINERS}.logConfiguration.options",
            *inside(f"{_CONTAINERS}.logConfiguration.secretOptions[]", "name valueFrom"),
            *inside(f"{_CONTAINERS}.portMappings[]", "containerPort hostPort"),
            *inside(f"{_CONTAINERS}.secrets[]", "name valueFrom"),
        ),
        without_effect={
            "enableFaultInjection": (False,),
            "ephemeralStorage": (),
            "ipcMode": ("none",),
            "pidMode": (),
            "proxyConfiguration": (),
            "volumes[].configureAtLaunch": (False,),
            "volumes[].dockerVolumeConfiguration": (),
            "volumes[].efsVolumeConfiguration": (),
            "volumes[].fsxWindowsFileServerVolumeConfiguration": (),
            "volumes[].s3filesVolumeConfiguration": (),
            f"{_CONTAINERS}.credentialSpecs": (),
            f"{_CONTAINERS}.disableNetworking": (False,),
            f"{_CONTAINERS}.environmentFiles": (),
            f"{_CONTAINERS}.interactive": (False,),
            f"{_CONTAINERS}.logConfiguration.logDriver": ("awslogs", "awsfirelens"),
            f"{_CONTAINERS}.portMappings[].containerPortRange": (),
            f"{_CONTAINERS}.portMappings[].protocol": ("tcp",),
            f"{_CONTAINERS}.pseudoTerminal": (False,),
            f"{_CONTAINERS}.resourceRequirements": (),
            f"{_CONTAINERS}.restartPolicy": (),
            f"{_CONTAINERS}.startTimeout": (),
            f"{_CONTAINERS}.systemControls": (),
        },
        unmentioned={
            **EVERYWHERE,
            "executionRoleArn": NO_PERMISSION,
            "requiresCompatibilities": CATALOG_ONLY,
            "runtimePlatform.operatingSystemFamily": "no Windows container starts here",
            "taskRoleArn": NO_PERMISSION,
            "trackLatest": "it decides only what the provider reads",
            "volumes[].hostPath": _FARGATE,
            f"{_CONTAINERS}.dnsSearchDomains": _FARGATE,
            f"{_CONTAINERS}.dnsServers": _FARGATE,
            f"{_CONTAINERS}.dockerSecurityOptions": _FARGATE,
            f"{_CONTAINERS}.extraHosts": _FARGATE,
            f"{_CONTAINERS}.linuxParameters.devices": _FARGATE,
            f"{_CONTAINERS}.linuxParameters.maxSwap": _FARGATE,
            f"{_CONTAINERS}.linuxParameters.swappiness": _FARGATE,
            f"{_CONTAINERS}.links": _FARGATE,
            f"{_CONTAINERS}.portMappings[].appProtocol": _OF_SERVICE_CONNECT,
            f"{_CONTAINERS}.portMappings[].name": _OF_SERVICE_CONNECT,
            f"{_CONTAINERS}.privileged": _FARGATE,
            f"{_CONTAINERS}.repositoryCredentials": (
                "images are downloaded with this machine's credentials"
            ),
            f"{_CONTAINERS}.versionConsistency": (
                "an image is looked up for each task, as the documentation says"
            ),
        },
    ),
    SERVICE: Effects(
        effective=(
            "availabilityZoneRebalancing",
            "cluster",
            "deploymentMaximumPercent",
            "deploymentMinimumHealthyPercent",
            "desiredCount",
            "forceNewDeployment",
            "healthCheckGracePeriodSeconds",
            "launchType",
            "name",
            "platformVersion",
            "region",
            "taskDefinition",
            "triggers",
            "waitForSteadyState",
            *inside("capacityProviderStrategies[]", "base capacityProvider weight"),
            *inside("orderedPlacementStrategies[]", "field type"),
            *inside("placementConstraints[]", "expression type"),
            *inside("alarms", "alarmNames enable rollback"),
            *inside("deploymentCircuitBreaker", "enable rollback"),
            *inside("loadBalancers[]", "containerName containerPort targetGroupArn"),
            *inside("networkConfiguration", "assignPublicIp securityGroups subnets"),
            *inside("serviceConnectConfiguration", "enabled namespace"),
            *inside("serviceConnectConfiguration.services[]", "discoveryName portName"),
            "serviceConnectConfiguration.services[].clientAlias[].dnsName",
            *inside("serviceRegistries", "containerName containerPort port registryArn"),
            "enableExecuteCommand",
        ),
        without_effect={
            "deploymentConfiguration": (),
            "deploymentController.type": ("ECS",),
            "loadBalancers[].advancedConfiguration": (),
            "loadBalancers[].elbName": (),
            "schedulingStrategy": ("REPLICA",),
            "serviceConnectConfiguration.accessLogConfiguration": (),
            "serviceConnectConfiguration.logConfiguration": (),
            "serviceConnectConfiguration.services[].clientAlias[].port": (),
            "serviceConnectConfiguration.services[].clientAlias[].testTrafficRules": (),
            "serviceConnectConfiguration.services[].ingressPortOverride": (),
            "serviceConnectConfiguration.services[].timeout": (),
            "serviceConnectConfiguration.services[].tls": (),
            "sigintRollback": (False,),
            "volumeConfiguration": (),
            "vpcLatticeConfigurations": (),
        },
        unmentioned={
            "enableEcsManagedTags": TAGS,
            "forceDelete": "a deleted service's tasks always go with it",
            "iamRole": NO_PERMISSION,
            "propagateTags": TAGS,
            "tags": TAGS,
        },
    ),
    CAPACITY_PROVIDERS: Effects(
        effective=inside("defaultCapacityProviderStrategies[]", "base capacityProvider weight"),
        unmentioned={
            "capacityProviders": CATALOG_ONLY,
            "clusterName": CATALOG_ONLY,
            "region": REGION,
        },
    ),
    CAPACITY_PROVIDER: Effects(
        effective=(
            "name",
            *inside(
                "autoScalingGroupProvider",
                "autoScalingGroupArn managedDraining managedTerminationProtection",
            ),
            *inside(
                "autoScalingGroupProvider.managedScaling",
                "instanceWarmupPeriod maximumScalingStepSize minimumScalingStepSize status "
                "targetCapacity",
            ),
        ),
        without_effect={"managedInstancesProvider": ()},
        unmentioned={**EVERYWHERE, "cluster": "of managed instances, which a run mentions"},
    ),
    REPOSITORY: Effects(
        effective=(
            "forceDelete",
            "imageTagMutability",
            "imageTagMutabilityExclusionFilters[].filter",
        ),
        unmentioned={
            **EVERYWHERE,
            "encryptionConfigurations": NO_ENCRYPTION,
            "imageScanningConfiguration": "no image is scanned",
            "imageTagMutabilityExclusionFilters[].filterType": CATALOG_ONLY,
            "name": NAME,
        },
    ),
    appautoscaling.TARGET: Effects(
        effective=(
            *("maxCapacity", "minCapacity", "resourceId"),
            *inside(
                "suspendedState",
                "dynamicScalingInSuspended dynamicScalingOutSuspended scheduledScalingSuspended",
            ),
        ),
        unmentioned={
            **EVERYWHERE,
            "roleArn": "AWS ignores it for ECS, and uses the service-linked role",
            "scalableDimension": CATALOG_ONLY,
            "serviceNamespace": CATALOG_ONLY,
        },
    ),
    appautoscaling.POLICY: Effects(
        effective=(
            *("name", "resourceId"),
            *inside(_TRACKING, "disableScaleIn scaleInCooldown scaleOutCooldown targetValue"),
            *inside(
                f"{_TRACKING}.predefinedMetricSpecification", "predefinedMetricType resourceLabel"
            ),
        ),
        unmentioned={
            "policyType": CATALOG_ONLY,
            "predictiveScalingPolicyConfiguration": _PREDEFINED_ONLY,
            "region": REGION,
            "scalableDimension": CATALOG_ONLY,
            "serviceNamespace": CATALOG_ONLY,
            "stepScalingPolicyConfiguration": _PREDEFINED_ONLY,
            f"{_TRACKING}.customizedMetricSpecification": _PREDEFINED_ONLY,
        },
    ),
    appautoscaling.SCHEDULED_ACTION: Effects(
        effective=(
            *("name", "resourceId", "schedule", "timezone", "startTime", "endTime"),
            *inside("scalableTargetAction", "maxCapacity minCapacity"),
        ),
        unmentioned={
            "region": REGION,
            "scalableDimension": CATALOG_ONLY,
            "serviceNamespace": CATALOG_ONLY,
        },
    ),
}
