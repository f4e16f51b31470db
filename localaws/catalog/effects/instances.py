"""The effects of the inputs of Auto Scaling groups and launch templates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localaws.catalog.autoscaling import GROUP
from localaws.catalog.ec2.launch_templates import LAUNCH_TEMPLATE
from localaws.catalog.effects.model import Effects, inside
from localaws.catalog.effects.reasons import (
    CATALOG_ONLY,
    EVERYWHERE,
    NAME,
    NO_MACHINE,
    NO_METRICS,
    TAGS,
    TEXT,
)
from localaws.catalog.only_recorded import NO_PERMISSION

if TYPE_CHECKING:
    from collections.abc import Mapping

EFFECTS: Mapping[str, Effects] = {
    GROUP: Effects(
        effective=(
            *("desiredCapacity", "forceDelete", "maxSize", "minSize", "protectFromScaleIn"),
            *("vpcZoneIdentifiers", "waitForCapacityTimeout"),
            *inside("launchTemplate", "id name version"),
            *inside(
                "instanceRefresh.preferences",
                "maxHealthyPercentage minHealthyPercentage scaleInProtectedInstances",
            ),
        ),
        without_effect={
            "availabilityZoneDistribution": (),
            "capacityRebalance": (False,),
            "capacityReservationSpecification": (),
            "context": (),
            "healthCheckType": ("EC2",),
            "initialLifecycleHooks": (),
            "instanceLifecyclePolicy": (),
            "instanceMaintenancePolicy": (),
            "instanceRefresh.preferences.alarmSpecification": (),
            "instanceRefresh.preferences.autoRollback": (False,),
            "instanceRefresh.preferences.checkpointDelay": (),
            "instanceRefresh.preferences.checkpointPercentages": (),
            "instanceRefresh.preferences.instanceWarmup": (),
            "instanceRefresh.preferences.skipMatching": (False,),
            "instanceRefresh.triggers": (),
            "loadBalancers": (),
            "maxInstanceLifetime": (0,),
            "minElbCapacity": (),
            "placementGroup": (),
            "suspendedProcesses": (),
            "targetGroupArns": (),
            "terminationPolicies": (),
            "trafficSources": (),
            "waitForElbCapacity": (),
            "warmPool": (),
        },
        unmentioned={
            **EVERYWHERE,
            "availabilityZones": "refused here: instances need subnets",
            "defaultCooldown": "ECS scales without it",
            "defaultInstanceWarmup": "the capacity provider's warm-up counts",
            "desiredCapacityType": "refused here with mixedInstancesPolicy",
            "enabledMetrics": NO_METRICS,
            "forceDeleteWarmPool": "of the warm pool, which a run mentions",
            "healthCheckGracePeriod": "an instance here is healthy until it is ended",
            "ignoreFailedScalingActivities": "a failed launch is a problem of the daemon's status",
            "instanceRefresh.preferences.standbyInstances": "no instance is put on standby",
            "instanceRefresh.strategy": CATALOG_ONLY,
            "launchConfiguration": "refused here: instances need a launch template",
            "metricsGranularity": NO_METRICS,
            "mixedInstancesPolicy": "refused here: instances are of one type",
            "name": NAME,
            "namePrefix": CATALOG_ONLY,
            "serviceLinkedRoleArn": NO_PERMISSION,
        },
    ),
    LAUNCH_TEMPLATE: Effects(
        effective=(
            *("instanceType", "userData", "vpcSecurityGroupIds"),
            *inside("iamInstanceProfile", "arn name"),
            *inside("networkInterfaces[]", "associatePublicIpAddress securityGroups"),
        ),
        without_effect={
            "capacityReservationSpecification": (),
            "cpuOptions": (),
            "enclaveOptions": (),
            "hibernationOptions": (),
            "instanceMarketOptions": (),
            "kernelId": (),
            "licenseSpecifications": (),
            "placement": (),
            "privateDnsNameOptions": (),
            "ramDiskId": (),
            "secondaryInterfaces": (),
            "securityGroupNames": (),
        },
        unmentioned={
            **EVERYWHERE,
            "blockDeviceMappings": NO_MACHINE,
            "creditSpecification": NO_MACHINE,
            "defaultVersion": CATALOG_ONLY,
            "description": TEXT,
            "disableApiStop": NO_MACHINE,
            "disableApiTermination": NO_MACHINE,
            "ebsOptimized": NO_MACHINE,
            "imageId": CATALOG_ONLY,
            "instanceInitiatedShutdownBehavior": NO_MACHINE,
            "instanceRequirements": "refused here: instances are of one type",
            "keyName": NO_MACHINE,
            "maintenanceOptions": NO_MACHINE,
            "metadataOptions": "nothing answers at the address of instances' metadata",
            "monitoring": NO_METRICS,
            "name": NAME,
            "namePrefix": CATALOG_ONLY,
            **dict.fromkeys(
                inside(
                    "networkInterfaces[]",
                    "associateCarrierIpAddress connectionTrackingSpecification deleteOnTermination "
                    "description deviceIndex enaQueueCount enaSrdSpecification interfaceType "
                    "ipv4AddressCount ipv4Addresses ipv4PrefixCount ipv4Prefixes ipv6AddressCount "
                    "ipv6Addresses ipv6PrefixCount ipv6Prefixes networkCardIndex "
                    "networkInterfaceId primaryIpv6 privateIpAddress subnetId",
                ),
                "an instance has one interface, with an address of its subnet",
            ),
            "networkPerformanceOptions": NO_MACHINE,
            "tagSpecifications": TAGS,
            "updateDefaultVersion": CATALOG_ONLY,
        },
    ),
}
