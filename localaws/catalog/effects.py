"""Inputs of what the local AWS really runs that are kept and change nothing here.

A run that sets one prints a warning: a test that passes with it has not tested it. Inputs that mean something
elsewhere, or nothing by design of the local AWS, are listed apart with the reason why no run mentions them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from localaws.catalog.model import values_at

if TYPE_CHECKING:
    from localaws.catalog.model import Properties

_BALANCER, _LISTENER, _RULE = (
    "aws:lb/loadBalancer:LoadBalancer",
    "aws:lb/listener:Listener",
    "aws:lb/listenerRule:ListenerRule",
)
_GROUP, _SERVICE = "aws:lb/targetGroup:TargetGroup", "aws:ecs/service:Service"
_DEFINITION = "aws:ecs/taskDefinition:TaskDefinition"

WITHOUT_EFFECT: Mapping[str, Mapping[str, tuple[object, ...]]] = {
    _BALANCER: {
        "desyncMitigationMode": ("defensive",),
        "dnsRecordClientRoutingPolicy": ("any_availability_zone",),
        "enableCrossZoneLoadBalancing": (False,),
        "enableWafFailOpen": (False,),
        "enableZonalShift": (False,),
        "loadBalancerType": ("application",),
        "minimumLoadBalancerCapacity": (),
        "preserveHostHeader": (False,),
    },
    _LISTENER: {
        "alpnPolicy": ("None",),
        "defaultActions[].forward.stickiness": (),
        "mutualAuthentication": (),
        "tcpIdleTimeoutSeconds": (350,),
    },
    _RULE: {"actions[].forward.stickiness": (), "transforms": ()},
    _GROUP: {
        "connectionTermination": (False,),
        "lambdaMultiValueHeadersEnabled": (False,),
        "loadBalancingAnomalyMitigation": ("off",),
        "loadBalancingCrossZoneEnabled": ("use_load_balancer_configuration",),
        "preserveClientIp": (),
        "protocolVersion": ("HTTP1",),
        "proxyProtocolV2": (False,),
        "slowStart": (0,),
        "stickiness": (),
        "targetControlPort": (),
        "targetFailovers": (),
        "targetGroupHealth": (),
        "targetHealthStates": (),
    },
    _SERVICE: {
        "alarms": (),
        "deploymentConfiguration": (),
        "deploymentController.type": ("ECS",),
        "loadBalancers[].advancedConfiguration": (),
        "orderedPlacementStrategies": (),
        "placementConstraints": (),
        "schedulingStrategy": ("REPLICA",),
        "serviceConnectConfiguration": (),
        "serviceRegistries": (),
        "sigintRollback": (False,),
        "volumeConfiguration": (),
        "vpcLatticeConfigurations": (),
    },
    _DEFINITION: {
        "enableFaultInjection": (False,),
        "ephemeralStorage": (),
        "ipcMode": ("none",),
        "pidMode": (),
        "placementConstraints": (),
        "proxyConfiguration": (),
        "volumes[].dockerVolumeConfiguration": (),
        "volumes[].efsVolumeConfiguration": (),
        "volumes[].fsxWindowsFileServerVolumeConfiguration": (),
        "volumes[].s3filesVolumeConfiguration": (),
    },
}
"""By type and path: the values that ask for nothing, so that no run mentions them."""

_ADDRESSES = "addresses are this machine's"
_ISOLATION = "nothing is isolated, which the documentation says once and for all"
_LOGS = "no log of the load balancer is written"
_PERMISSIONS = "permissions allow and deny nothing"
_TAGS = "tasks have no tags"
_CATALOG = "the catalog decides by it what is refused"

UNMENTIONED: Mapping[str, Mapping[str, str]] = {
    _BALANCER: {
        "accessLogs": _LOGS,
        "connectionLogs": _LOGS,
        "customerOwnedIpv4Pool": _ADDRESSES,
        "enableDeletionProtection": _CATALOG,
        "enablePrefixForIpv6SourceNat": _ADDRESSES,
        "enforceSecurityGroupInboundRulesOnPrivateLinkTraffic": _ISOLATION,
        "healthCheckLogs": _LOGS,
        "ipAddressType": _ADDRESSES,
        "ipamPools": _ADDRESSES,
        "namePrefix": _CATALOG,
        "secondaryIpsAutoAssignedPerSubnet": _ADDRESSES,
        "securityGroups": _ISOLATION,
        "subnetMappings": _ADDRESSES,
    },
    _LISTENER: {},
    _RULE: {},
    _GROUP: {
        "ipAddressType": _ADDRESSES,
        "namePrefix": _CATALOG,
    },
    _SERVICE: {
        "deploymentController": "its type is mentioned",
        "enableEcsManagedTags": _TAGS,
        "enableExecuteCommand": "there is no command to run in a container",
        "forceDelete": "a deleted service's tasks always go with it",
        "iamRole": _PERMISSIONS,
        "propagateTags": _TAGS,
    },
    _DEFINITION: {
        "cpu": "nothing is throttled",
        "executionRoleArn": _PERMISSIONS,
        "networkMode": _CATALOG,
        "requiresCompatibilities": _CATALOG,
        "runtimePlatform": "a container is a process of this machine",
        "taskRoleArn": _PERMISSIONS,
        "trackLatest": "it is the provider's",
        "volumes": "a container is a process of this machine; those of other services are mentioned",
    },
}
"""What no run mentions although what runs doesn't read it, and why."""


def without_effect(token: str, inputs: Properties) -> list[str]:
    """The inputs that a resource is given, by path, and that the local AWS only keeps."""
    return [
        path
        for path, usual in WITHOUT_EFFECT.get(token, {}).items()
        if any(_asks(value) and value not in usual for value in values_at(inputs, path))
    ]


def _asks(value: object) -> bool:
    """Whether a value asks for something: blocks can be switched off, lists can be empty."""
    if isinstance(value, Mapping):
        return not any(value.get(name) is False for name in ("enabled", "enable"))
    return value not in (None, "", [])
