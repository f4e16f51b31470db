"""What the local AWS does with each input of each type, beyond keeping and showing it.

Every input is on one of four lists, by type and path, and a test holds them complete. What runs
reads those in `EFFECTIVE`. Those in `WITHOUT_EFFECT` are kept and change nothing here although they
would on AWS: a run that sets one prints a warning, as a test that passes with it has not tested it.
No run mentions those in `UNMENTIONED`, for the reason given there, nor the inputs of the types in
`RECORDED`, which take part in what is refused and do nothing else. A path of the last three covers
everything inside it; the inputs inside an effective one are each on a list themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from localaws.catalog.properties import values_at
from localaws.catalog.values import parsed

if TYPE_CHECKING:
    from localaws.catalog.properties import Properties

_BALANCER, _LISTENER, _RULE = (
    "aws:lb/loadBalancer:LoadBalancer",
    "aws:lb/listener:Listener",
    "aws:lb/listenerRule:ListenerRule",
)
_GROUP, _SERVICE = "aws:lb/targetGroup:TargetGroup", "aws:ecs/service:Service"
_DEFINITION = "aws:ecs/taskDefinition:TaskDefinition"
_TARGET = "aws:lb/targetGroupAttachment:TargetGroupAttachment"
_LISTENER_CERTIFICATE = "aws:lb/listenerCertificate:ListenerCertificate"
_CERTIFICATE, _RECORD = "aws:acm/certificate:Certificate", "aws:route53/record:Record"
_PARAMETER, _SECRET = "aws:ssm/parameter:Parameter", "aws:secretsmanager/secret:Secret"
_SECRET_VERSION = "aws:secretsmanager/secretVersion:SecretVersion"  # noqa: S105 — a type
_CLUSTER = "aws:ecs/cluster:Cluster"
_PROVIDERS = "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders"
_VPC, _SUBNET = "aws:ec2/vpc:Vpc", "aws:ec2/subnet:Subnet"

DOCUMENTS: Mapping[str, str] = {_DEFINITION: "containerDefinitions"}
"""Inputs that are JSON, whose members have an effect each; paths go on inside."""


def _inside(block: str, names: str) -> tuple[str, ...]:
    return tuple(f"{block}.{name}" for name in names.split())


def _actions(path: str) -> tuple[str, ...]:
    return (
        *_inside(path, "order targetGroupArn type"),
        *_inside(f"{path}.fixedResponse", "contentType messageBody statusCode"),
        *_inside(f"{path}.forward.targetGroups[]", "arn weight"),
        *_inside(f"{path}.redirect", "host path port protocol query statusCode"),
    )


def _actions_only_kept(path: str) -> dict[str, tuple[object, ...]]:
    """What answers 501 here, and stickiness."""
    names = ("authenticateCognito", "authenticateOidc", "forward.stickiness", "jwtValidation")
    return {f"{path}.{name}": () for name in names}


_CONTAINERS = "containerDefinitions[]"
_HEADERS = (
    *("AccessControlAllowCredentials", "AccessControlAllowHeaders", "AccessControlAllowMethods"),
    *(
        "AccessControlAllowOrigin",
        "AccessControlExposeHeaders",
        "AccessControlMaxAge",
        "ContentSecurityPolicy",
    ),
    *("StrictTransportSecurity", "XContentTypeOptions", "XFrameOptions"),
)
_CLIENT_CERTIFICATE = ("", "Issuer", "Leaf", "SerialNumber", "Subject", "Validity")

EFFECTIVE: Mapping[str, tuple[str, ...]] = {
    _BALANCER: (
        *(
            "clientKeepAlive",
            "dropInvalidHeaderFields",
            "enableHttp2",
            "enableTlsVersionAndCipherSuiteHeaders",
        ),
        *("enableXffClientPort", "idleTimeout", "xffHeaderProcessingMode"),
    ),
    _LISTENER: (
        *("certificateArn", "loadBalancerArn", "port", "protocol", "sslPolicy"),
        *(f"routingHttpRequestXAmzn{name}HeaderName" for name in ("TlsCipherSuite", "TlsVersion")),
        *(f"routingHttpResponse{name}HeaderValue" for name in _HEADERS),
        "routingHttpResponseServerEnabled",
        *_actions("defaultActions[]"),
    ),
    _RULE: (
        *("listenerArn", "priority"),
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
    _LISTENER_CERTIFICATE: ("certificateArn", "listenerArn"),
    _GROUP: (
        *("deregistrationDelay", "loadBalancingAlgorithmType", "port", "targetType", "vpcId"),
        *_inside(
            "healthCheck", "healthyThreshold interval matcher path port timeout unhealthyThreshold"
        ),
    ),
    _TARGET: ("port", "targetGroupArn", "targetId"),
    _CERTIFICATE: ("domainName", "subjectAlternativeNames", "validationMethod"),
    _RECORD: ("aliases[].name", "name", "records", "type", "zoneId"),
    _SERVICE: (
        *(
            "availabilityZoneRebalancing",
            "cluster",
            "deploymentMaximumPercent",
            "deploymentMinimumHealthyPercent",
        ),
        *(
            "desiredCount",
            "forceNewDeployment",
            "healthCheckGracePeriodSeconds",
            "launchType",
            "name",
        ),
        *("platformVersion", "region", "taskDefinition", "triggers", "waitForSteadyState"),
        "capacityProviderStrategies[].capacityProvider",
        *_inside("deploymentCircuitBreaker", "enable rollback"),
        *_inside("loadBalancers[]", "containerName containerPort targetGroupArn"),
        "networkConfiguration.subnets",
    ),
    _DEFINITION: (
        *("family", "skipDestroy"),
        *_inside(
            _CONTAINERS, "command entryPoint essential image name stopTimeout workingDirectory"
        ),
        *_inside(f"{_CONTAINERS}.dependsOn[]", "condition containerName"),
        *_inside(f"{_CONTAINERS}.environment[]", "name value"),
        *_inside(f"{_CONTAINERS}.healthCheck", "command interval retries startPeriod timeout"),
        f"{_CONTAINERS}.logConfiguration.options",
        f"{_CONTAINERS}.portMappings[].containerPort",
        *_inside(f"{_CONTAINERS}.secrets[]", "name valueFrom"),
    ),
    _PROVIDERS: ("clusterName", "defaultCapacityProviderStrategies[].capacityProvider"),
    _CLUSTER: ("name",),
    _PARAMETER: ("insecureValue", "name", "value", "valueWo"),
    _SECRET: (),
    _SECRET_VERSION: ("secretId", "secretString", "secretStringWo", "versionStages"),
    _SUBNET: ("availabilityZone", "cidrBlock"),
    _VPC: ("cidrBlock",),
}
"""By type: the inputs that what runs reads."""

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
        **_actions_only_kept("defaultActions[]"),
        "mutualAuthentication": ({"mode": "off"},),
        **{
            f"routingHttpRequestXAmznMtlsClientcert{name}HeaderName": ()
            for name in _CLIENT_CERTIFICATE
        },
        "tcpIdleTimeoutSeconds": (350,),
    },
    _RULE: {**_actions_only_kept("actions[]"), "conditions[].sourceIp.ipAddressType": ()},
    _GROUP: {
        "connectionTermination": (False,),
        "healthCheck.protocol": ("HTTP",),
        "lambdaMultiValueHeadersEnabled": (False,),
        "loadBalancingAnomalyMitigation": ("off",),
        "loadBalancingCrossZoneEnabled": ("use_load_balancer_configuration",),
        "preserveClientIp": (),
        "protocol": ("HTTP",),
        "protocolVersion": ("HTTP1",),
        "proxyProtocolV2": (False,),
        "slowStart": (0,),
        "stickiness": (),
        "targetControlPort": (),
        "targetFailovers": (),
        "targetGroupHealth": (),
        "targetHealthStates": (),
    },
    _TARGET: {"quicServerId": ()},
    _CERTIFICATE: {"certificateBody": (), "certificateChain": ()},
    _SERVICE: {
        "alarms": (),
        "deploymentConfiguration": (),
        "deploymentController.type": ("ECS",),
        "loadBalancers[].advancedConfiguration": (),
        "loadBalancers[].elbName": (),
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
        "volumes[].configureAtLaunch": (False,),
        "volumes[].dockerVolumeConfiguration": (),
        "volumes[].efsVolumeConfiguration": (),
        "volumes[].fsxWindowsFileServerVolumeConfiguration": (),
        "volumes[].s3filesVolumeConfiguration": (),
        f"{_CONTAINERS}.credentialSpecs": (),
        f"{_CONTAINERS}.disableNetworking": (False,),
        f"{_CONTAINERS}.dockerLabels": ({},),
        f"{_CONTAINERS}.environmentFiles": (),
        f"{_CONTAINERS}.firelensConfiguration": (),
        f"{_CONTAINERS}.interactive": (False,),
        f"{_CONTAINERS}.logConfiguration.logDriver": ("awslogs",),
        f"{_CONTAINERS}.logConfiguration.secretOptions": (),
        f"{_CONTAINERS}.portMappings[].containerPortRange": (),
        f"{_CONTAINERS}.portMappings[].protocol": ("tcp",),
        f"{_CONTAINERS}.pseudoTerminal": (False,),
        f"{_CONTAINERS}.resourceRequirements": (),
        f"{_CONTAINERS}.restartPolicy": (),
        f"{_CONTAINERS}.startTimeout": (),
        f"{_CONTAINERS}.systemControls": (),
        f"{_CONTAINERS}.ulimits": (),
        f"{_CONTAINERS}.volumesFrom": (),
    },
}
"""By type and path: the values that ask for nothing, so that no run mentions them."""

_ADDRESSES = "addresses are this machine's"
_CATALOG = "the catalog decides by it what is refused"
_DNS = "the local Route 53 answers no query"
_FARGATE = "refused on Fargate or in its network mode, and no other task starts here"
_IMAGES = "no image is pulled"
_ISOLATION = "nothing is isolated, which the documentation says once and for all"
_KEYS = "keys encrypt nothing"
_LOGS = "no log of the load balancer is written"
_NAME = "it is a name"
_OF_SERVICE_CONNECT = "of Service Connect, which a service's run mentions"
_PERMISSIONS = "permissions allow and deny nothing"
_REGION = "it is in ARNs; all regions are this machine"
_SESSIONS = "there is no command to run in a container"
_SIZE = "nothing is throttled"
_TAGS = "tags are shown, and nothing here reads them"
_WRITE_ONLY = "it says when the provider writes the value again"

_EVERYWHERE = {"region": _REGION, "tags": _TAGS}

UNMENTIONED: Mapping[str, Mapping[str, str]] = {
    _BALANCER: {
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
    _LISTENER: _EVERYWHERE,
    _RULE: _EVERYWHERE,
    _LISTENER_CERTIFICATE: {"region": _REGION},
    _GROUP: {
        **_EVERYWHERE,
        "healthCheck.enabled": (
            "only targets of type lambda may have it off, which get no requests here"
        ),
        "ipAddressType": _ADDRESSES,
        "name": _NAME,
        "namePrefix": _CATALOG,
    },
    _TARGET: {"availabilityZone": _CATALOG, "region": _REGION},
    _CERTIFICATE: {
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
    _RECORD: {
        "aliases[].evaluateTargetHealth": _DNS,
        "aliases[].zoneId": _DNS,
        "allowOverwrite": _CATALOG,
        "cidrRoutingPolicy": _DNS,
        "failoverRoutingPolicies": _DNS,
        "geolocationRoutingPolicies": _DNS,
        "geoproximityRoutingPolicy": _DNS,
        "healthCheckId": _DNS,
        "latencyRoutingPolicies": _DNS,
        "multivalueAnswerRoutingPolicy": _DNS,
        "setIdentifier": _CATALOG,
        "ttl": _DNS,
        "weightedRoutingPolicies": _DNS,
    },
    _SERVICE: {
        "capacityProviderStrategies[].base": "all tasks run in the same way",
        "capacityProviderStrategies[].weight": "all tasks run in the same way",
        "enableEcsManagedTags": _TAGS,
        "enableExecuteCommand": _SESSIONS,
        "forceDelete": "a deleted service's tasks always go with it",
        "iamRole": _PERMISSIONS,
        "networkConfiguration.assignPublicIp": _ADDRESSES,
        "networkConfiguration.securityGroups": _ISOLATION,
        "propagateTags": _TAGS,
        "tags": _TAGS,
    },
    _DEFINITION: {
        **_EVERYWHERE,
        "cpu": _SIZE,
        "executionRoleArn": _PERMISSIONS,
        "memory": _SIZE,
        "networkMode": _CATALOG,
        "requiresCompatibilities": _CATALOG,
        "runtimePlatform": "a container is a process of this machine",
        "taskRoleArn": _PERMISSIONS,
        "trackLatest": "it is the provider's",
        "volumes[].hostPath": _FARGATE,
        "volumes[].name": _ISOLATION,
        f"{_CONTAINERS}.cpu": _SIZE,
        f"{_CONTAINERS}.dnsSearchDomains": _FARGATE,
        f"{_CONTAINERS}.dnsServers": _FARGATE,
        f"{_CONTAINERS}.dockerSecurityOptions": _FARGATE,
        f"{_CONTAINERS}.extraHosts": _FARGATE,
        f"{_CONTAINERS}.hostname": _FARGATE,
        f"{_CONTAINERS}.links": _FARGATE,
        f"{_CONTAINERS}.linuxParameters": _ISOLATION,
        f"{_CONTAINERS}.memory": _SIZE,
        f"{_CONTAINERS}.memoryReservation": _SIZE,
        f"{_CONTAINERS}.mountPoints": _ISOLATION,
        f"{_CONTAINERS}.portMappings[].appProtocol": _OF_SERVICE_CONNECT,
        f"{_CONTAINERS}.portMappings[].hostPort": _CATALOG,
        f"{_CONTAINERS}.portMappings[].name": _OF_SERVICE_CONNECT,
        f"{_CONTAINERS}.privileged": _FARGATE,
        f"{_CONTAINERS}.readonlyRootFilesystem": _ISOLATION,
        f"{_CONTAINERS}.repositoryCredentials": _IMAGES,
        f"{_CONTAINERS}.user": _ISOLATION,
        f"{_CONTAINERS}.versionConsistency": _IMAGES,
    },
    _PROVIDERS: {
        "capacityProviders": _CATALOG,
        "defaultCapacityProviderStrategies[].base": "all tasks run in the same way",
        "defaultCapacityProviderStrategies[].weight": "all tasks run in the same way",
        "region": _REGION,
    },
    _CLUSTER: {
        **_EVERYWHERE,
        "configuration.executeCommandConfiguration": _SESSIONS,
        "configuration.managedStorageConfiguration": _KEYS,
        "serviceConnectDefaults": "a service's run mentions Service Connect",
        "settings": "no metrics are recorded",
    },
    _PARAMETER: {
        **_EVERYWHERE,
        "allowedPattern": _CATALOG,
        "arn": "the provider ignores it",
        "dataType": _CATALOG,
        "description": "it is a text for people",
        "keyId": _KEYS,
        "overwrite": _CATALOG,
        "tier": _CATALOG,
        "type": _CATALOG,
        "valueWoVersion": _WRITE_ONLY,
    },
    _SECRET: {
        **_EVERYWHERE,
        "description": "it is a text for people",
        "forceOverwriteReplicaSecret": _CATALOG,
        "kmsKeyId": _KEYS,
        "name": _NAME,
        "namePrefix": _CATALOG,
        "policy": _PERMISSIONS,
        "recoveryWindowInDays": "a destroyed stack's name is free at once",
        "replicas": "secrets are replicated to no other region",
        "type": _CATALOG,
    },
    _SECRET_VERSION: {
        "region": _REGION,
        "secretBinary": "a container gets texts only, here as on AWS",
        "secretStringWoVersion": _WRITE_ONLY,
    },
    _SUBNET: {
        **_EVERYWHERE,
        "assignIpv6AddressOnCreation": _ADDRESSES,
        "availabilityZoneId": _CATALOG,
        "customerOwnedIpv4Pool": _ADDRESSES,
        "enableDns64": _DNS,
        "enableLniAtDeviceIndex": _ADDRESSES,
        "enableResourceNameDnsARecordOnLaunch": _DNS,
        "enableResourceNameDnsAaaaRecordOnLaunch": _DNS,
        "ipv4IpamPoolId": _ADDRESSES,
        "ipv4NetmaskLength": _ADDRESSES,
        "ipv6CidrBlock": _ADDRESSES,
        "ipv6IpamPoolId": _ADDRESSES,
        "ipv6Native": _ADDRESSES,
        "ipv6NetmaskLength": _ADDRESSES,
        "mapCustomerOwnedIpOnLaunch": _ADDRESSES,
        "mapPublicIpOnLaunch": _ADDRESSES,
        "outpostArn": _CATALOG,
        "privateDnsHostnameTypeOnLaunch": _DNS,
        "vpcId": _CATALOG,
    },
    _VPC: {
        **_EVERYWHERE,
        "assignGeneratedIpv6CidrBlock": _ADDRESSES,
        "enableDnsHostnames": _DNS,
        "enableDnsSupport": _DNS,
        "enableNetworkAddressUsageMetrics": "no metrics are recorded",
        "instanceTenancy": "there are no instances",
        "ipv4IpamPoolId": _ADDRESSES,
        "ipv4NetmaskLength": _ADDRESSES,
        "ipv6CidrBlock": _ADDRESSES,
        "ipv6CidrBlockNetworkBorderGroup": _ADDRESSES,
        "ipv6IpamPoolId": _ADDRESSES,
        "ipv6NetmaskLength": _ADDRESSES,
    },
}
"""What no run mentions although what runs doesn't read it, and why."""

_NO_CHECK = "no endpoint is checked, and no query is answered"
_NO_ADDRESS = (
    "no instance is registered and no name is answered; a service's run mentions its registries"
)
_NO_ALARM = "alarms never go off"
_DEFAULTS = "the default VPC and its subnets stay as AWS makes them, with `forceDestroy` too"
_NO_FILE = "nothing writes into buckets or reads them"
_NO_FILE_SYSTEM = "no file system is mounted; a task definition's run mentions its volumes"
_NO_FILTER = "web ACLs block no request and log none"
_NO_PACKET = (
    "networks carry no packet and filter none: everything is on this machine's loopback interface"
)
_NO_SESSION = "permissions allow and deny nothing"

RECORDED: Mapping[str, str] = {
    "aws:acm/certificateValidation:CertificateValidation": "it waits for the certificate, which is what is read",
    "aws:cloudwatch/logGroup:LogGroup": "what tasks write is kept under the group's name for good",
    "aws:cloudwatch/logResourcePolicy:LogResourcePolicy": _NO_SESSION,
    "aws:cloudwatch/metricAlarm:MetricAlarm": _NO_ALARM,
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": _NO_PACKET,
    "aws:ec2/defaultSubnet:DefaultSubnet": _DEFAULTS,
    "aws:ec2/defaultVpc:DefaultVpc": _DEFAULTS,
    "aws:ec2/egressOnlyInternetGateway:EgressOnlyInternetGateway": _NO_PACKET,
    "aws:ec2/eip:Eip": _NO_PACKET,
    "aws:ec2/flowLog:FlowLog": "flow logs record nothing",
    "aws:ec2/internetGateway:InternetGateway": _NO_PACKET,
    "aws:ec2/natGateway:NatGateway": _NO_PACKET,
    "aws:ec2/route:Route": _NO_PACKET,
    "aws:ec2/routeTable:RouteTable": _NO_PACKET,
    "aws:ec2/routeTableAssociation:RouteTableAssociation": _NO_PACKET,
    "aws:ec2/securityGroup:SecurityGroup": _NO_PACKET,
    "aws:ec2/securityGroupRule:SecurityGroupRule": _NO_PACKET,
    "aws:ec2/vpcEndpoint:VpcEndpoint": _NO_PACKET,
    "aws:ecr/repository:Repository": "repositories hold no images",
    "aws:ecs/capacityProvider:CapacityProvider": (
        "there are no instances: a service starts no task with it"
    ),
    "aws:efs/accessPoint:AccessPoint": _NO_FILE_SYSTEM,
    "aws:efs/fileSystem:FileSystem": _NO_FILE_SYSTEM,
    "aws:efs/fileSystemPolicy:FileSystemPolicy": _NO_FILE_SYSTEM,
    "aws:efs/mountTarget:MountTarget": _NO_FILE_SYSTEM,
    "aws:iam/instanceProfile:InstanceProfile": _NO_SESSION,
    "aws:iam/policy:Policy": _NO_SESSION,
    "aws:iam/role:Role": _NO_SESSION,
    "aws:iam/rolePolicy:RolePolicy": _NO_SESSION,
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": _NO_SESSION,
    "aws:iam/serverCertificate:ServerCertificate": (
        "the local authority signs what a listener serves in its place"
    ),
    "aws:iam/serviceLinkedRole:ServiceLinkedRole": _NO_SESSION,
    "aws:iam/user:User": _NO_SESSION,
    "aws:iam/userPolicy:UserPolicy": _NO_SESSION,
    "aws:iam/userPolicyAttachment:UserPolicyAttachment": _NO_SESSION,
    "aws:kms/alias:Alias": _KEYS,
    "aws:kms/key:Key": _KEYS,
    "aws:kms/keyPolicy:KeyPolicy": _KEYS,
    "aws:lb/trustStore:TrustStore": (
        "no client is asked for a certificate; a listener's run mentions that"
    ),
    "aws:route53/healthCheck:HealthCheck": _NO_CHECK,
    "aws:route53/zone:Zone": _DNS,
    "aws:s3/bucket:Bucket": _NO_FILE,
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": _NO_FILE,
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": _NO_FILE,
    "aws:s3/bucketPolicy:BucketPolicy": _NO_FILE,
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": _NO_FILE,
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": _NO_FILE,
    "aws:s3/bucketVersioning:BucketVersioning": _NO_FILE,
    "aws:servicediscovery/httpNamespace:HttpNamespace": _NO_ADDRESS,
    "aws:servicediscovery/privateDnsNamespace:PrivateDnsNamespace": _NO_ADDRESS,
    "aws:servicediscovery/service:Service": _NO_ADDRESS,
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": _NO_PACKET,
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": _NO_PACKET,
    "aws:wafv2/ipSet:IpSet": _NO_FILTER,
    "aws:wafv2/webAcl:WebAcl": _NO_FILTER,
    "aws:wafv2/webAclAssociation:WebAclAssociation": _NO_FILTER,
    "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration": _NO_FILTER,
}
"""Types that take part in what is refused and looked up, and do nothing else here; what that means.
"""


def without_effect(token: str, inputs: Properties) -> list[str]:
    """The inputs that a resource is given, by path, and that the local AWS only keeps."""
    document = DOCUMENTS.get(token)
    known: dict[str, Any] = {
        **inputs,
        **({document: parsed(inputs.get(document))} if document else {}),
    }
    return [
        path
        for path, usual in WITHOUT_EFFECT.get(token, {}).items()
        if any(_asks(value) and value not in usual for value in values_at(known, path))
    ]


def _asks(value: object) -> bool:
    """Whether a value asks for something: blocks can be switched off, lists can be empty."""
    if isinstance(value, Mapping):
        return not any(value.get(name) is False for name in ("enabled", "enable"))
    return value not in (None, "", [])
