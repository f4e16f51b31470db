"""The effect of each input in the local AWS, beyond rules and lookups.

Every input is on one of four lists, by type and path; a test checks that none is missing.

- `EFFECTIVE`: the data plane uses it.
- `WITHOUT_EFFECT`: it changes something on AWS, but nothing here. A run that sets such an input
  prints a warning, because a test that passes with it hasn't tested it.
- `UNMENTIONED`: it has no effect here either, but the reason makes a warning unnecessary.
- `RECORDED`: types of which no input has an effect.

In the last three, a path covers everything inside it. The inputs inside an effective one are each
on a list themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from localaws.catalog import CATALOG, appautoscaling
from localaws.catalog.acm import CERTIFICATE
from localaws.catalog.autoscaling import GROUP
from localaws.catalog.chatbot import SLACK_CHANNEL
from localaws.catalog.cloudwatch import ALARM
from localaws.catalog.ec2.launch_templates import LAUNCH_TEMPLATE
from localaws.catalog.ec2.network import SUBNET, VPC
from localaws.catalog.ecr import REPOSITORY
from localaws.catalog.ecs.capacity_providers import CAPACITY_PROVIDER
from localaws.catalog.ecs.capacity_strategies import CAPACITY_PROVIDERS
from localaws.catalog.ecs.clusters import CLUSTER
from localaws.catalog.ecs.container_definitions import TASK_DEFINITION
from localaws.catalog.ecs.services import SERVICE
from localaws.catalog.elb.listeners import LISTENER, LISTENER_CERTIFICATE, LISTENER_RULE
from localaws.catalog.elb.load_balancers import LOAD_BALANCER
from localaws.catalog.elb.target_attachments import TARGET_ATTACHMENT
from localaws.catalog.elb.target_groups import TARGET_GROUP
from localaws.catalog.events import RULE as EVENT_RULE
from localaws.catalog.events import TARGET as EVENT_TARGET
from localaws.catalog.only_recorded import NO_ENCRYPTION, NO_PERMISSION, NO_QUERY
from localaws.catalog.properties import values_at
from localaws.catalog.route53.records import RECORD
from localaws.catalog.secretsmanager import SECRET, SECRET_VERSION
from localaws.catalog.sns import SUBSCRIPTION, TOPIC, TOPIC_POLICY
from localaws.catalog.ssm import PARAMETER
from localaws.catalog.values import parsed

if TYPE_CHECKING:
    from localaws.catalog.properties import Properties

DOCUMENTS: Mapping[str, str] = {TASK_DEFINITION: "containerDefinitions"}
"""Inputs that are JSON text. Paths go on inside, because their members have different effects."""


def _inside(block: str, names: str) -> tuple[str, ...]:
    return tuple(f"{block}.{name}" for name in names.split())


def _feedback(protocol: str) -> tuple[str, ...]:
    """Return a topic's inputs about the log of deliveries by a protocol."""
    return (
        f"{protocol}FailureFeedbackRoleArn",
        f"{protocol}SuccessFeedbackRoleArn",
        f"{protocol}SuccessFeedbackSampleRate",
    )


def _actions(path: str) -> tuple[str, ...]:
    return (
        *_inside(path, "order targetGroupArn type"),
        *_inside(
            f"{path}.authenticateOidc",
            "authenticationRequestExtraParams authorizationEndpoint clientId clientSecret issuer "
            "onUnauthenticatedRequest scope sessionCookieName sessionTimeout tokenEndpoint "
            "userInfoEndpoint",
        ),
        *_inside(f"{path}.fixedResponse", "contentType messageBody statusCode"),
        *_inside(f"{path}.jwtValidation", "issuer jwksEndpoint"),
        *_inside(f"{path}.jwtValidation.additionalClaims[]", "format name values"),
        *_inside(f"{path}.forward.stickiness", "duration enabled"),
        *_inside(f"{path}.forward.targetGroups[]", "arn weight"),
        *_inside(f"{path}.redirect", "host path port protocol query statusCode"),
    )


def _actions_only_kept(path: str) -> dict[str, tuple[object, ...]]:
    """Return the actions that answer 501 here."""
    return {f"{path}.authenticateCognito": ()}


_CONTAINERS = "containerDefinitions[]"
_HEADERS = (
    "AccessControlAllowCredentials",
    "AccessControlAllowHeaders",
    "AccessControlAllowMethods",
    "AccessControlAllowOrigin",
    "AccessControlExposeHeaders",
    "AccessControlMaxAge",
    "ContentSecurityPolicy",
    "StrictTransportSecurity",
    "XContentTypeOptions",
    "XFrameOptions",
)

_TRACKING = "targetTrackingScalingPolicyConfiguration"

EFFECTIVE: Mapping[str, tuple[str, ...]] = {
    appautoscaling.TARGET: (
        *("maxCapacity", "minCapacity", "resourceId"),
        *_inside(
            "suspendedState",
            "dynamicScalingInSuspended dynamicScalingOutSuspended scheduledScalingSuspended",
        ),
    ),
    appautoscaling.POLICY: (
        *("name", "resourceId"),
        *_inside(_TRACKING, "disableScaleIn scaleInCooldown scaleOutCooldown targetValue"),
        *_inside(
            f"{_TRACKING}.predefinedMetricSpecification", "predefinedMetricType resourceLabel"
        ),
    ),
    appautoscaling.SCHEDULED_ACTION: (
        *("name", "resourceId", "schedule", "timezone", "startTime", "endTime"),
        *_inside("scalableTargetAction", "maxCapacity minCapacity"),
    ),
    REPOSITORY: (
        "forceDelete",
        "imageTagMutability",
        "imageTagMutabilityExclusionFilters[].filter",
    ),
    LOAD_BALANCER: (
        "clientKeepAlive",
        "dropInvalidHeaderFields",
        "enableHttp2",
        "enableTlsVersionAndCipherSuiteHeaders",
        "enableXffClientPort",
        "idleTimeout",
        "xffHeaderProcessingMode",
    ),
    LISTENER: (
        "certificateArn",
        "loadBalancerArn",
        "port",
        "protocol",
        "sslPolicy",
        "routingHttpRequestXAmznTlsCipherSuiteHeaderName",
        "routingHttpRequestXAmznTlsVersionHeaderName",
        *(f"routingHttpResponse{name}HeaderValue" for name in _HEADERS),
        "routingHttpResponseServerEnabled",
        *_actions("defaultActions[]"),
    ),
    LISTENER_RULE: (
        "listenerArn",
        "priority",
        *_actions("actions[]"),
        *_inside("conditions[].hostHeader", "regexValues values"),
        *_inside("conditions[].httpHeader", "httpHeaderName regexValues values"),
        "conditions[].httpRequestMethod.values",
        *_inside("conditions[].pathPattern", "regexValues values"),
        *_inside("conditions[].queryStrings[]", "key value"),
        "conditions[].sourceIp.values",
        "transforms[].type",
        *_inside("transforms[].hostHeaderRewriteConfig.rewrite", "regex replace"),
        *_inside("transforms[].urlRewriteConfig.rewrite", "regex replace"),
    ),
    LISTENER_CERTIFICATE: ("certificateArn", "listenerArn"),
    TARGET_GROUP: (
        "deregistrationDelay",
        "loadBalancingAlgorithmType",
        "port",
        "protocolVersion",
        "slowStart",
        "targetType",
        "vpcId",
        *_inside(
            "healthCheck", "healthyThreshold interval matcher path port timeout unhealthyThreshold"
        ),
        *_inside("stickiness", "cookieDuration cookieName enabled type"),
    ),
    TARGET_ATTACHMENT: ("port", "targetGroupArn", "targetId"),
    CERTIFICATE: ("domainName", "subjectAlternativeNames", "validationMethod"),
    RECORD: ("aliases[].name", "name", "records", "type", "zoneId"),
    SERVICE: (
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
        *_inside("capacityProviderStrategies[]", "base capacityProvider weight"),
        *_inside("orderedPlacementStrategies[]", "field type"),
        *_inside("placementConstraints[]", "expression type"),
        *_inside("alarms", "alarmNames enable rollback"),
        *_inside("deploymentCircuitBreaker", "enable rollback"),
        *_inside("loadBalancers[]", "containerName containerPort targetGroupArn"),
        *_inside("networkConfiguration", "assignPublicIp securityGroups subnets"),
        *_inside("serviceConnectConfiguration", "enabled namespace"),
        *_inside("serviceConnectConfiguration.services[]", "discoveryName portName"),
        "serviceConnectConfiguration.services[].clientAlias[].dnsName",
        *_inside("serviceRegistries", "containerName containerPort port registryArn"),
        "enableExecuteCommand",
    ),
    TASK_DEFINITION: (
        "cpu",
        "family",
        "memory",
        "networkMode",
        *_inside("placementConstraints[]", "expression type"),
        "runtimePlatform.cpuArchitecture",
        "skipDestroy",
        "volumes[].name",
        *_inside(
            _CONTAINERS,
            "command cpu dockerLabels entryPoint essential hostname image memory memoryReservation "
            "name readonlyRootFilesystem stopTimeout user workingDirectory",
        ),
        *_inside(f"{_CONTAINERS}.linuxParameters", "initProcessEnabled sharedMemorySize"),
        *_inside(f"{_CONTAINERS}.linuxParameters.capabilities", "add drop"),
        *_inside(f"{_CONTAINERS}.linuxParameters.tmpfs[]", "containerPath mountOptions size"),
        *_inside(f"{_CONTAINERS}.mountPoints[]", "containerPath readOnly sourceVolume"),
        *_inside(f"{_CONTAINERS}.ulimits[]", "hardLimit name softLimit"),
        *_inside(f"{_CONTAINERS}.volumesFrom[]", "readOnly sourceContainer"),
        *_inside(f"{_CONTAINERS}.dependsOn[]", "condition containerName"),
        *_inside(f"{_CONTAINERS}.environment[]", "name value"),
        *_inside(f"{_CONTAINERS}.healthCheck", "command interval retries startPeriod timeout"),
        *_inside(f"{_CONTAINERS}.firelensConfiguration", "options type"),
        f"{_CONTAINERS}.logConfiguration.options",
        *_inside(f"{_CONTAINERS}.logConfiguration.secretOptions[]", "name valueFrom"),
        *_inside(f"{_CONTAINERS}.portMappings[]", "containerPort hostPort"),
        *_inside(f"{_CONTAINERS}.secrets[]", "name valueFrom"),
    ),
    CAPACITY_PROVIDERS: (
        "clusterName",
        *_inside("defaultCapacityProviderStrategies[]", "base capacityProvider weight"),
    ),
    CAPACITY_PROVIDER: (
        "name",
        *_inside(
            "autoScalingGroupProvider",
            "autoScalingGroupArn managedDraining managedTerminationProtection",
        ),
        *_inside(
            "autoScalingGroupProvider.managedScaling",
            "instanceWarmupPeriod maximumScalingStepSize minimumScalingStepSize status "
            "targetCapacity",
        ),
    ),
    GROUP: (
        *("desiredCapacity", "forceDelete", "maxSize", "minSize", "protectFromScaleIn"),
        *("vpcZoneIdentifiers", "waitForCapacityTimeout"),
        *_inside("launchTemplate", "id name version"),
        *_inside(
            "instanceRefresh.preferences",
            "maxHealthyPercentage minHealthyPercentage scaleInProtectedInstances",
        ),
    ),
    LAUNCH_TEMPLATE: (
        *("instanceType", "userData", "vpcSecurityGroupIds"),
        *_inside("iamInstanceProfile", "arn name"),
        *_inside("networkInterfaces[]", "associatePublicIpAddress securityGroups"),
    ),
    CLUSTER: ("name",),
    PARAMETER: ("insecureValue", "name", "value", "valueWo"),
    ALARM: (
        *("actionsEnabled", "alarmActions", "insufficientDataActions", "okActions"),
        *("comparisonOperator", "datapointsToAlarm", "dimensions"),
        *(
            "evaluateLowSampleCountPercentiles",
            "evaluationPeriods",
            "extendedStatistic",
            "metricName",
            "namespace",
            "period",
        ),
        *("statistic", "threshold", "treatMissingData"),
        *_inside("metricQueries[]", "expression id period returnData"),
        *_inside("metricQueries[].metric", "dimensions metricName namespace period stat"),
    ),
    EVENT_RULE: ("eventBusName", "eventPattern", "isEnabled", "name", "state"),
    EVENT_TARGET: (
        *("arn", "eventBusName", "input", "inputPath", "rule"),
        *_inside("inputTransformer", "inputPaths inputTemplate"),
    ),
    TOPIC: ("kmsMasterKeyId", "policy"),
    TOPIC_POLICY: ("arn", "policy"),
    SUBSCRIPTION: ("endpoint", "protocol", "topic"),
    SLACK_CHANNEL: ("slackChannelId", "slackTeamId", "snsTopicArns"),
    SECRET: (),
    SECRET_VERSION: ("secretId", "secretString", "secretStringWo", "versionStages"),
    SUBNET: ("availabilityZone", "cidrBlock"),
    VPC: ("cidrBlock",),
}
"""The inputs that the data plane reads, by type."""

WITHOUT_EFFECT: Mapping[str, Mapping[str, tuple[object, ...]]] = {
    LOAD_BALANCER: {
        "desyncMitigationMode": ("defensive",),
        "dnsRecordClientRoutingPolicy": ("any_availability_zone",),
        "enableCrossZoneLoadBalancing": (False,),
        "enableWafFailOpen": (False,),
        "enableZonalShift": (False,),
        "loadBalancerType": ("application",),
        "minimumLoadBalancerCapacity": (),
        "preserveHostHeader": (False,),
    },
    LISTENER: {
        "alpnPolicy": ("None",),
        **_actions_only_kept("defaultActions[]"),
        "mutualAuthentication": ({"mode": "off"},),
        "routingHttpRequestXAmznMtlsClientcertHeaderName": (),
        "routingHttpRequestXAmznMtlsClientcertIssuerHeaderName": (),
        "routingHttpRequestXAmznMtlsClientcertLeafHeaderName": (),
        "routingHttpRequestXAmznMtlsClientcertSerialNumberHeaderName": (),
        "routingHttpRequestXAmznMtlsClientcertSubjectHeaderName": (),
        "routingHttpRequestXAmznMtlsClientcertValidityHeaderName": (),
        "tcpIdleTimeoutSeconds": (350,),
    },
    LISTENER_RULE: {**_actions_only_kept("actions[]"), "conditions[].sourceIp.ipAddressType": ()},
    TARGET_GROUP: {
        "connectionTermination": (False,),
        "healthCheck.protocol": ("HTTP",),
        "lambdaMultiValueHeadersEnabled": (False,),
        "loadBalancingAnomalyMitigation": ("off",),
        "loadBalancingCrossZoneEnabled": ("use_load_balancer_configuration",),
        "preserveClientIp": (),
        "protocol": ("HTTP",),
        "proxyProtocolV2": (False,),
        "targetControlPort": (),
        "targetFailovers": (),
        "targetGroupHealth": (),
        "targetHealthStates": (),
    },
    ALARM: {
        "evaluationCriteria": (),
        "evaluationWindow": (),
        "metricQueries[].accountId": (),
        "metricQueries[].metric.unit": (),
        "thresholdMetricId": (),
        "unit": (),
        "warmUpConfiguration": (),
    },
    EVENT_RULE: {"scheduleExpression": ()},
    EVENT_TARGET: {
        "appsyncTarget": (),
        "batchTarget": (),
        "deadLetterConfig": (),
        "ecsTarget": (),
        "httpTarget": (),
        "kinesisTarget": (),
        "redshiftTarget": (),
        "runCommandTargets": (),
        "sagemakerPipelineTarget": (),
        "sqsTarget": (),
    },
    SUBSCRIPTION: {"filterPolicy": (), "filterPolicyScope": ()},
    TARGET_ATTACHMENT: {"quicServerId": ()},
    CERTIFICATE: {"certificateBody": (), "certificateChain": ()},
    SERVICE: {
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
    TASK_DEFINITION: {
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
    CAPACITY_PROVIDER: {"managedInstancesProvider": ()},
    GROUP: {
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
    LAUNCH_TEMPLATE: {
        "capacityReservationSpecification": (),
        "cpuOptions": (),
        "enclaveOptions": (),
        "hibernationOptions": (),
        "instanceMarketOptions": (),
        "kernelId": (),
        "licenseSpecifications": (),
        "placement": (),
        "ramDiskId": (),
        "secondaryInterfaces": (),
        "securityGroupNames": (),
    },
}
"""By type and path: values that cause no warning, because they mean the same as leaving the input
out.
"""

_ADDRESSES = "addresses are this machine's"
_CATALOG = "the catalog's rules use it"
_FARGATE = "refused on Fargate, and here on instances too"
_HOST = "an instance is a network here, without a machine of its own"
_IMAGES = "no image is pulled"
_ISOLATION = "nothing is isolated, as the documentation says"
_LOGS = "no log of the load balancer is written"
_NAME = "it is a name"
_NO_DELIVERY = "no message leaves this machine, as its status says"
_OF_SERVICE_CONNECT = "of Service Connect, whose names are the addresses of tasks"
_REGION = "it is in ARNs; all regions are this machine"
_SESSIONS = "there is no command to run in a container"
_SIZE = "only the limits hold"
_TAGS = "tags are shown, and nothing here reads them"
_WRITE_ONLY = "its change makes the provider write the value again"

_FEEDBACK = (
    *_feedback("application"),
    *_feedback("firehose"),
    *_feedback("http"),
    *_feedback("lambda"),
    *_feedback("sqs"),
)
_EVERYWHERE = {"region": _REGION, "tags": _TAGS}

_REFUSED = "refused: the local AWS tracks targets of predefined metrics only"

UNMENTIONED: Mapping[str, Mapping[str, str]] = {
    appautoscaling.TARGET: {
        **_EVERYWHERE,
        "roleArn": "AWS ignores it for ECS, and uses the service-linked role",
        "scalableDimension": _CATALOG,
        "serviceNamespace": _CATALOG,
    },
    appautoscaling.POLICY: {
        "policyType": _CATALOG,
        "predictiveScalingPolicyConfiguration": _REFUSED,
        "region": _REGION,
        "scalableDimension": _CATALOG,
        "serviceNamespace": _CATALOG,
        "stepScalingPolicyConfiguration": _REFUSED,
        f"{_TRACKING}.customizedMetricSpecification": _REFUSED,
    },
    appautoscaling.SCHEDULED_ACTION: {
        "region": _REGION,
        "scalableDimension": _CATALOG,
        "serviceNamespace": _CATALOG,
    },
    REPOSITORY: {
        **_EVERYWHERE,
        "encryptionConfigurations": NO_ENCRYPTION,
        "imageScanningConfiguration": "no image is scanned",
        "imageTagMutabilityExclusionFilters[].filterType": _CATALOG,
        "name": _NAME,
    },
    LOAD_BALANCER: {
        **_EVERYWHERE,
        "accessLogs": _LOGS,
        "connectionLogs": _LOGS,
        "customerOwnedIpv4Pool": _ADDRESSES,
        "enableDeletionProtection": _CATALOG,
        "enablePrefixForIpv6SourceNat": _ADDRESSES,
        "enforceSecurityGroupInboundRulesOnPrivateLinkTraffic": _ISOLATION,
        "healthCheckLogs": _LOGS,
        "internal": _ISOLATION,
        "ipAddressType": _ADDRESSES,
        "ipamPools": _ADDRESSES,
        "name": _NAME,
        "namePrefix": _CATALOG,
        "secondaryIpsAutoAssignedPerSubnet": _ADDRESSES,
        "securityGroups": _ISOLATION,
        "subnetMappings": _ADDRESSES,
        "subnets": _CATALOG,
    },
    LISTENER: _EVERYWHERE,
    LISTENER_RULE: _EVERYWHERE,
    LISTENER_CERTIFICATE: {"region": _REGION},
    TARGET_GROUP: {
        **_EVERYWHERE,
        "healthCheck.enabled": (
            "only targets of type lambda can have it off, and they get no requests here"
        ),
        "ipAddressType": _ADDRESSES,
        "name": _NAME,
        "namePrefix": _CATALOG,
    },
    TARGET_ATTACHMENT: {"availabilityZone": _CATALOG, "region": _REGION},
    CERTIFICATE: {
        **_EVERYWHERE,
        "certificateAuthorityArn": "the local authority signs what is served",
        "earlyRenewalDuration": "certificates are never renewed",
        "keyAlgorithm": "keys of what is served are ECDSA",
        "options": "there is no certificate transparency log, and no export",
        "privateKey": "of the certificate, which a run mentions",
        "privateKeyWo": "of the certificate, which a run mentions",
        "privateKeyWoVersion": _WRITE_ONLY,
        "validationOptions": _CATALOG,
    },
    RECORD: {
        "aliases[].evaluateTargetHealth": NO_QUERY,
        "aliases[].zoneId": NO_QUERY,
        "allowOverwrite": _CATALOG,
        "cidrRoutingPolicy": NO_QUERY,
        "failoverRoutingPolicies": NO_QUERY,
        "geolocationRoutingPolicies": NO_QUERY,
        "geoproximityRoutingPolicy": NO_QUERY,
        "healthCheckId": NO_QUERY,
        "latencyRoutingPolicies": NO_QUERY,
        "multivalueAnswerRoutingPolicy": NO_QUERY,
        "setIdentifier": _CATALOG,
        "ttl": NO_QUERY,
        "weightedRoutingPolicies": NO_QUERY,
    },
    SERVICE: {
        "enableEcsManagedTags": _TAGS,
        "forceDelete": "a deleted service's tasks always go with it",
        "iamRole": NO_PERMISSION,
        "propagateTags": _TAGS,
        "tags": _TAGS,
    },
    TASK_DEFINITION: {
        **_EVERYWHERE,
        "executionRoleArn": NO_PERMISSION,
        "requiresCompatibilities": _CATALOG,
        "runtimePlatform.operatingSystemFamily": "no Windows container starts here",
        "taskRoleArn": NO_PERMISSION,
        "trackLatest": "it is the provider's",
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
        f"{_CONTAINERS}.repositoryCredentials": _IMAGES,
        f"{_CONTAINERS}.versionConsistency": _IMAGES,
    },
    ALARM: {
        **_EVERYWHERE,
        "alarmDescription": "it is a text for people",
        "evaluationInterval": "of evaluationCriteria, which a run mentions",
        "metricQueries[].label": "it is a text for people",
        "name": _NAME,
    },
    EVENT_RULE: {
        **_EVERYWHERE,
        "description": "it is a text for people",
        "forceDestroy": _CATALOG,
        "namePrefix": _CATALOG,
        "roleArn": NO_PERMISSION,
    },
    EVENT_TARGET: {
        "forceDestroy": _CATALOG,
        "region": _REGION,
        "retryPolicy": "a message that isn't delivered is listed, and not tried again",
        "roleArn": NO_PERMISSION,
        "targetId": _NAME,
    },
    TOPIC: {
        **_EVERYWHERE,
        **dict.fromkeys(
            (
                *("archivePolicy", "contentBasedDeduplication", "deliveryPolicy", "displayName"),
                *("fifoThroughputScope", "maximumMessageSize", "signatureVersion"),
                "tracingConfig",
            ),
            _NO_DELIVERY,
        ),
        **dict.fromkeys(_FEEDBACK, _NO_DELIVERY),
        "fifoTopic": _CATALOG,
        "name": _NAME,
        "namePrefix": _CATALOG,
    },
    TOPIC_POLICY: {"region": _REGION},
    SUBSCRIPTION: {
        "confirmationTimeoutInMinutes": _NO_DELIVERY,
        "deliveryPolicy": _NO_DELIVERY,
        "endpointAutoConfirms": _NO_DELIVERY,
        "rawMessageDelivery": _NO_DELIVERY,
        "redrivePolicy": _NO_DELIVERY,
        "region": _REGION,
        "replayPolicy": _NO_DELIVERY,
        "subscriptionRoleArn": NO_PERMISSION,
    },
    SLACK_CHANNEL: {
        **_EVERYWHERE,
        "configurationName": _NAME,
        "guardrailPolicyArns": NO_PERMISSION,
        "iamRoleArn": NO_PERMISSION,
        "loggingLevel": _NO_DELIVERY,
        "timeouts": "it is the provider's",
        "userAuthorizationRequired": _NO_DELIVERY,
    },
    CAPACITY_PROVIDERS: {
        "capacityProviders": _CATALOG,
        "region": _REGION,
    },
    CAPACITY_PROVIDER: {**_EVERYWHERE, "cluster": "of managed instances, which a run mentions"},
    GROUP: {
        **_EVERYWHERE,
        "availabilityZones": "refused here: instances need subnets",
        "defaultCooldown": "ECS scales without it",
        "defaultInstanceWarmup": "the capacity provider's warm-up counts",
        "desiredCapacityType": "refused here with mixedInstancesPolicy",
        "enabledMetrics": "no metrics are recorded",
        "forceDeleteWarmPool": "of the warm pool, which a run mentions",
        "healthCheckGracePeriod": "an instance here is healthy until it is ended",
        "ignoreFailedScalingActivities": "a failed launch is a problem of the daemon's status",
        "instanceRefresh.preferences.standbyInstances": "no instance is put on standby",
        "instanceRefresh.strategy": _CATALOG,
        "launchConfiguration": "refused here: instances need a launch template",
        "metricsGranularity": "no metrics are recorded",
        "mixedInstancesPolicy": "refused here: instances are of one type",
        "name": _NAME,
        "namePrefix": _CATALOG,
        "serviceLinkedRoleArn": NO_PERMISSION,
    },
    LAUNCH_TEMPLATE: {
        **_EVERYWHERE,
        "blockDeviceMappings": _HOST,
        "creditSpecification": _HOST,
        "defaultVersion": _CATALOG,
        "description": "it is a text for people",
        "disableApiStop": _HOST,
        "disableApiTermination": _HOST,
        "ebsOptimized": _HOST,
        "imageId": _CATALOG,
        "instanceInitiatedShutdownBehavior": _HOST,
        "instanceRequirements": "refused here: instances are of one type",
        "keyName": _HOST,
        "maintenanceOptions": _HOST,
        "metadataOptions": "nothing answers at the address of instances' metadata",
        "monitoring": "no metrics are recorded",
        "name": _NAME,
        "namePrefix": _CATALOG,
        **dict.fromkeys(
            _inside(
                "networkInterfaces[]",
                "associateCarrierIpAddress connectionTrackingSpecification deleteOnTermination "
                "description deviceIndex enaQueueCount enaSrdSpecification interfaceType "
                "ipv4AddressCount ipv4Addresses ipv4PrefixCount ipv4Prefixes ipv6AddressCount "
                "ipv6Addresses ipv6PrefixCount ipv6Prefixes networkCardIndex networkInterfaceId "
                "primaryIpv6 privateIpAddress subnetId",
            ),
            "an instance has one interface, with an address of its subnet",
        ),
        "networkPerformanceOptions": _HOST,
        "privateDnsNameOptions": NO_QUERY,
        "tagSpecifications": _TAGS,
        "updateDefaultVersion": _CATALOG,
    },
    CLUSTER: {
        **_EVERYWHERE,
        "configuration.executeCommandConfiguration": _SESSIONS,
        "configuration.managedStorageConfiguration": NO_ENCRYPTION,
        "serviceConnectDefaults": "a service has a namespace of its own where it needs one",
        "settings": "no metrics are recorded",
    },
    PARAMETER: {
        **_EVERYWHERE,
        "allowedPattern": _CATALOG,
        "arn": "the provider ignores it",
        "dataType": _CATALOG,
        "description": "it is a text for people",
        "keyId": NO_ENCRYPTION,
        "overwrite": _CATALOG,
        "tier": _CATALOG,
        "type": _CATALOG,
        "valueWoVersion": _WRITE_ONLY,
    },
    SECRET: {
        **_EVERYWHERE,
        "description": "it is a text for people",
        "forceOverwriteReplicaSecret": _CATALOG,
        "kmsKeyId": NO_ENCRYPTION,
        "name": _NAME,
        "namePrefix": _CATALOG,
        "policy": NO_PERMISSION,
        "recoveryWindowInDays": "a destroyed stack's name is free at once",
        "replicas": "secrets are replicated to no other region",
        "type": _CATALOG,
    },
    SECRET_VERSION: {
        "region": _REGION,
        "secretBinary": "a container gets texts only, here as on AWS",
        "secretStringWoVersion": _WRITE_ONLY,
    },
    SUBNET: {
        **_EVERYWHERE,
        "assignIpv6AddressOnCreation": _ADDRESSES,
        "availabilityZoneId": _CATALOG,
        "customerOwnedIpv4Pool": _ADDRESSES,
        "enableDns64": NO_QUERY,
        "enableLniAtDeviceIndex": _ADDRESSES,
        "enableResourceNameDnsARecordOnLaunch": NO_QUERY,
        "enableResourceNameDnsAaaaRecordOnLaunch": NO_QUERY,
        "ipv4IpamPoolId": _ADDRESSES,
        "ipv4NetmaskLength": _ADDRESSES,
        "ipv6CidrBlock": _ADDRESSES,
        "ipv6IpamPoolId": _ADDRESSES,
        "ipv6Native": _ADDRESSES,
        "ipv6NetmaskLength": _ADDRESSES,
        "mapCustomerOwnedIpOnLaunch": _ADDRESSES,
        "mapPublicIpOnLaunch": _ADDRESSES,
        "outpostArn": _CATALOG,
        "privateDnsHostnameTypeOnLaunch": NO_QUERY,
        "vpcId": _CATALOG,
    },
    VPC: {
        **_EVERYWHERE,
        "assignGeneratedIpv6CidrBlock": _ADDRESSES,
        "enableDnsHostnames": NO_QUERY,
        "enableDnsSupport": NO_QUERY,
        "enableNetworkAddressUsageMetrics": "no metrics are recorded",
        "instanceTenancy": _HOST,
        "ipv4IpamPoolId": _ADDRESSES,
        "ipv4NetmaskLength": _ADDRESSES,
        "ipv6CidrBlock": _ADDRESSES,
        "ipv6CidrBlockNetworkBorderGroup": _ADDRESSES,
        "ipv6IpamPoolId": _ADDRESSES,
        "ipv6NetmaskLength": _ADDRESSES,
    },
}
"""Inputs without effect that no run mentions, and why."""

RECORDED: Mapping[str, str] = {
    token: kind.recorded for token, kind in CATALOG.items() if kind.recorded
}
"""Types that are only recorded, and why."""


def without_effect(token: str, inputs: Properties) -> list[str]:
    """Return the paths of a resource's inputs that would have an effect on AWS, but not here."""
    values: dict[str, Any] = dict(inputs)
    if token in DOCUMENTS:
        document = DOCUMENTS[token]
        values[document] = parsed(inputs.get(document))
    found = []
    for path, harmless in WITHOUT_EFFECT.get(token, {}).items():
        for value in values_at(values, path):
            if _has_effect_on_aws(value) and value not in harmless:
                found.append(path)
                break
    return found


def _has_effect_on_aws(value: object) -> bool:
    """Return whether a value isn't empty, and isn't a block that is switched off."""
    if isinstance(value, Mapping):
        return not (value.get("enabled") is False or value.get("enable") is False)
    return value not in (None, "", [])
