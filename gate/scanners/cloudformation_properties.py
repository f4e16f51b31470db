"""The inputs of each type by CloudFormation's names, and grouped as it groups them. Pure."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Properties = dict[str, Any]

_RENAMED: Final[Mapping[str, Mapping[str, str | None]]] = {
    "Bucket": {"bucket": "BucketName", "forceDestroy": None},
    "BucketPolicy": {"policy": "PolicyDocument"},
    "Cluster": {"name": "ClusterName", "settings": "ClusterSettings"},
    "FlowLog": {"iamRoleArn": "DeliverLogsPermissionArn", "vpcId": "ResourceId"},
    "InternetGateway": {"vpcId": None},
    "LogGroup": {"name": "LogGroupName"},
    "MetricAlarm": {
        "evaluateLowSampleCountPercentiles": "EvaluateLowSampleCountPercentile",
        "name": "AlarmName",
        "okActions": "OKActions",
    },
    "Policy": {"name": "PolicyName"},
    "Record": {"records": "ResourceRecords", "ttl": "TTL", "zoneId": "HostedZoneId"},
    "Repository": {"forceDelete": "EmptyOnDelete", "name": "RepositoryName"},
    "Role": {"assumeRolePolicy": "AssumeRolePolicyDocument", "name": "RoleName"},
    "RolePolicy": {"name": "PolicyName", "policy": "PolicyDocument", "role": "RoleName"},
    "Route": {"egressOnlyGatewayId": "EgressOnlyInternetGatewayId"},
    "SecurityGroup": {"description": "GroupDescription"},
    "SecurityGroupEgressRule": {
        "cidrIpv4": "CidrIp",
        "prefixListId": "DestinationPrefixListId",
        "referencedSecurityGroupId": "DestinationSecurityGroupId",
        "securityGroupId": "GroupId",
        "tags": None,
    },
    "SecurityGroupIngressRule": {
        "cidrIpv4": "CidrIp",
        "prefixListId": "SourcePrefixListId",
        "referencedSecurityGroupId": "SourceSecurityGroupId",
        "securityGroupId": "GroupId",
        "tags": None,
    },
    "Service": {
        "capacityProviderStrategies": "CapacityProviderStrategy",
        "forceNewDeployment": None,
        "enableEcsManagedTags": "EnableECSManagedTags",
        "name": "ServiceName",
        "waitForSteadyState": None,
    },
    "SlackChannelConfiguration": {
        "guardrailPolicyArns": "GuardrailPolicies",
        "region": None,
        "slackTeamId": "SlackWorkspaceId",
    },
    "Topic": {"name": "TopicName"},
    "TopicPolicy": {"policy": "PolicyDocument"},
    "TopicSubscription": {"topic": "TopicArn"},
    "Vpc": {"assignGeneratedIpv6CidrBlock": None},
    "VpcEndpoint": {"policy": "PolicyDocument"},
}
"""Other names of inputs in CloudFormation, by the last word of the type; None where it has no such
property.
"""

DOCUMENTS: Final = frozenset({"policy", "assumeRolePolicy"})
"""Inputs whose text is a JSON document, which is an object there."""

_UPPER: Final = {
    "clientAlias": "ClientAliases",
    "cloudwatchMetricsEnabled": "CloudWatchMetricsEnabled",
    "efsVolumeConfiguration": "EFSVolumeConfiguration",
    "fileSystemId": "FilesystemId",
    "iam": "IAM",
    "sizeInGib": "SizeInGiB",
}
"""Names that differ in more than the case of the first letter."""


def properties(kind: str, inputs: Properties) -> Properties:
    """Return the properties of a resource; this consumes some of the inputs.

    Args:
        kind: The last word of its type.
        inputs: By Pulumi's names; documents of policies as objects.
    """
    group_differently = _SHAPES.get(kind)
    found = group_differently(inputs) if group_differently else {}
    renamed = _RENAMED.get(kind, {})
    for name, value in inputs.items():
        property_name = renamed.get(name, _pascal(name))
        if property_name is not None:
            found[property_name] = _value(name, value)
    return found


def _value(name: str, value: Any) -> Any:
    if name in DOCUMENTS:
        return value
    if name == "tags":
        return [{"Key": key, "Value": each} for key, each in sorted(value.items())]
    return _deep(value)


def _deep(value: Any) -> Any:
    match value:
        case dict():
            return {_pascal(name): _deep(each) for name, each in value.items()}
        case list():
            return [_deep(each) for each in value]
        case float() if value.is_integer():
            return int(value)
        case _:
            return value


def _pascal(name: str) -> str:
    return _UPPER.get(name, name[:1].upper() + name[1:])


# Types whose properties are grouped differently. Each function removes the inputs that it uses.


def _take(rest: Properties, *wanted: str) -> Properties:
    """Remove the wanted inputs that exist, and return them as CloudFormation names them."""
    found = {}
    for name in wanted:
        if name in rest:
            found[_pascal(name)] = _deep(rest.pop(name))
    return found


def _attributes(rest: Properties, table: Mapping[str, str]) -> list[dict[str, str]]:
    """Return the key and value of each attribute whose input exists, and remove the input."""
    found = []
    for name, key in table.items():
        if name in rest:
            found.append({"Key": key, "Value": _attribute(rest.pop(name))})
    return found


def _attribute(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(_deep(value))


_LOAD_BALANCER: Final = {
    "clientKeepAlive": "client_keep_alive.seconds",
    "desyncMitigationMode": "routing.http.desync_mitigation_mode",
    "dropInvalidHeaderFields": "routing.http.drop_invalid_header_fields.enabled",
    "enableDeletionProtection": "deletion_protection.enabled",
    "idleTimeout": "idle_timeout.timeout_seconds",
}
_TARGET_GROUP: Final = {
    "deregistrationDelay": "deregistration_delay.timeout_seconds",
    "loadBalancingAlgorithmType": "load_balancing.algorithm.type",
    "loadBalancingAnomalyMitigation": "load_balancing.algorithm.anomaly_mitigation",
    "slowStart": "slow_start.duration_seconds",
}
_STICKINESS: Final = {
    "enabled": "stickiness.enabled",
    "type": "stickiness.type",
    "cookieDuration": "stickiness.lb_cookie.duration_seconds",
    "cookieName": "stickiness.app_cookie.cookie_name",
}
_HEALTH_CHECK: Final = {
    "healthyThreshold": "HealthyThresholdCount",
    "interval": "HealthCheckIntervalSeconds",
    "path": "HealthCheckPath",
    "port": "HealthCheckPort",
    "timeout": "HealthCheckTimeoutSeconds",
    "unhealthyThreshold": "UnhealthyThresholdCount",
}


def _load_balancer(rest: Properties) -> Properties:
    logs = rest.pop("accessLogs", {})
    attributes = _attributes(rest, _LOAD_BALANCER) + _attributes(
        logs,
        {
            "bucket": "access_logs.s3.bucket",
            "enabled": "access_logs.s3.enabled",
            "prefix": "access_logs.s3.prefix",
        },
    )
    scheme = "internal" if rest.pop("internal", False) else "internet-facing"
    return {
        "Scheme": scheme,
        "Type": rest.pop("loadBalancerType"),
        "LoadBalancerAttributes": attributes,
    }


def _target_group(rest: Properties) -> Properties:
    check = rest.pop("healthCheck", {})
    found: Properties = {}
    if "matcher" in check:
        found["Matcher"] = {"HttpCode": check.pop("matcher")}
    for name, value in check.items():
        found[_HEALTH_CHECK[name]] = _deep(value)
    attributes = _attributes(rest, _TARGET_GROUP)
    attributes += _attributes(rest.pop("stickiness", {}), _STICKINESS)
    if attributes:
        found["TargetGroupAttributes"] = attributes
    return found


def _actions(actions: list[Properties]) -> list[Properties]:
    return list(map(_action, actions))


def _action(action: Properties) -> Properties:
    forward = action.pop("forward", None)
    found = {_config(name): _deep(value) for name, value in action.items()}
    if forward:
        found["ForwardConfig"] = _forward(forward)
    return found


def _config(name: str) -> str:
    return {
        "fixedResponse": "FixedResponseConfig",
        "redirect": "RedirectConfig",
    }.get(name, _pascal(name))


def _forward(forward: Properties) -> Properties:
    groups = []
    for group in forward["targetGroups"]:
        weight = _deep(group["weight"])
        groups.append({"TargetGroupArn": _deep(group["arn"]), "Weight": weight})
    found: Properties = {"TargetGroups": groups}
    sticky = forward.get("stickiness")
    if sticky:
        found["TargetGroupStickinessConfig"] = {
            "Enabled": sticky["enabled"],
            "DurationSeconds": _deep(sticky["duration"]),
        }
    return found


def _listener(rest: Properties) -> Properties:
    headers = sorted(name for name in rest if name.startswith("routingHttpResponse"))
    attributes = _attributes(rest, {name: _header_attribute(name) for name in headers})
    certificate = rest.pop("certificateArn", None)
    found: Properties = {"DefaultActions": _actions(rest.pop("defaultActions"))}
    if certificate:
        found["Certificates"] = [{"CertificateArn": certificate}]
    if attributes:
        found["ListenerAttributes"] = attributes
    return found


def _header_attribute(name: str) -> str:
    """Return an attribute's name as AWS spells it: `routing.http.response.x_frame_options…`."""
    snake = re.sub(r"[A-Z]", lambda match: f"_{match[0].lower()}", name)
    tail = snake.removeprefix("routing_http_response_")
    return "routing.http.response." + re.sub(r"_(header_value|enabled)$", r".\1", tail)


def _listener_rule(rest: Properties) -> Properties:
    conditions = []
    for condition in rest.pop("conditions"):
        for name, value in condition.items():
            # pathPattern is the field path-pattern, with its values in PathPatternConfig.
            field = re.sub(r"(?<=[a-z])([A-Z])", lambda match: f"-{match[1].lower()}", name)
            conditions.append({"Field": field, f"{_pascal(name)}Config": _deep(value)})
    return {"Actions": _actions(rest.pop("actions")), "Conditions": conditions}


def _listener_certificate(rest: Properties) -> Properties:
    return {"Certificates": [{"CertificateArn": rest.pop("certificateArn")}]}


def _service(rest: Properties) -> Properties:
    deployment = _take(rest, "alarms", "deploymentCircuitBreaker")
    for name in ("MinimumHealthyPercent", "MaximumPercent"):
        percent = rest.pop(f"deployment{name}", None)
        if percent is not None:
            deployment[name] = _deep(percent)
    settings = {"DeploymentConfiguration": deployment}
    network = rest.pop("networkConfiguration", {})
    if not network:
        return settings
    public = "ENABLED" if network.pop("assignPublicIp", False) else "DISABLED"
    return {
        **settings,
        "NetworkConfiguration": {
            "AwsvpcConfiguration": {**_deep(network), "AssignPublicIp": public}
        },
    }


def _task_definition(rest: Properties) -> Properties:
    containers = json.loads(rest.pop("containerDefinitions"))
    return {"ContainerDefinitions": list(map(_container, containers))}


def _container(container: Properties) -> Properties:
    # The names of options stay as they are.
    log = container.pop("logConfiguration", None)
    router = container.pop("firelensConfiguration", None)
    rest = _deep(container)
    if log:
        options = log.pop("options", {})
        rest["LogConfiguration"] = {**_deep(log), "Options": options}
    if router:
        options = router.pop("options", {})
        rest["FirelensConfiguration"] = {**_deep(router), "Options": options}
    return dict(rest)


def _metric_alarm(rest: Properties) -> Properties:
    found: Properties = {}
    if "dimensions" in rest:
        found["Dimensions"] = _dimensions(rest.pop("dimensions"))
    queries = []
    for query in rest.pop("metricQueries", ()):
        metric = query.pop("metric", None)
        own = dict(_deep(query))
        if metric:
            named = {"Namespace": metric["namespace"], "MetricName": metric["metricName"]}
            own["MetricStat"] = {
                "Metric": {**named, "Dimensions": _dimensions(metric["dimensions"])},
                "Period": _deep(metric["period"]),
                "Stat": metric["stat"],
            }
            # Without it, a template returns the data of every query.
            own.setdefault("ReturnData", False)
        queries.append(own)
    return {**found, "Metrics": queries} if queries else found


def _dimensions(dimensions: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in sorted(dimensions.items())]


def _event_rule(rest: Properties) -> Properties:
    return {"EventPattern": json.loads(rest.pop("eventPattern"))}


def _topic_policy(rest: Properties) -> Properties:
    return {"Topics": [rest.pop("arn")]}


def _certificate(rest: Properties) -> Properties:
    name = "certificateTransparencyLoggingPreference"
    transparency = rest.pop("options", {}).get(name)
    return {_pascal(name): transparency} if transparency else {}


def _record(rest: Properties) -> Properties:
    rest.pop("allowOverwrite", None)  # how the provider makes it, and nothing of the record's own
    aliases = rest.pop("aliases", [])
    if not aliases:
        return {"TTL": str(_deep(rest.pop("ttl")))}
    (alias,) = aliases
    return {
        "AliasTarget": {
            "DNSName": alias["name"],
            "HostedZoneId": alias["zoneId"],
            "EvaluateTargetHealth": alias["evaluateTargetHealth"],
        }
    }


def _flow_log(rest: Properties) -> Properties:
    return {"ResourceType": "VPC", "ResourceId": rest.pop("vpcId")}


def _web_acl_association(rest: Properties) -> Properties:
    return {"WebACLArn": rest.pop("webAclArn")}


def _web_acl_log(rest: Properties) -> Properties:
    return {
        "LogDestinationConfigs": rest.pop("logDestinationConfigs"),
        "RedactedFields": _deep(rest.pop("redactedFields", [])),
    }


def _repository(rest: Properties) -> Properties:
    (encryption,) = rest.pop("encryptionConfigurations")
    return {"EncryptionConfiguration": _deep(encryption)}


def _image_lifecycle(inputs: Properties) -> Properties:
    return {"LifecyclePolicy": {"LifecyclePolicyText": inputs["policy"]}}


def _launch_template(rest: Properties) -> Properties:
    tags, specifications = rest.pop("tags"), rest.pop("tagSpecifications")
    interfaces = rest.pop("networkInterfaces")
    mappings = rest.pop("blockDeviceMappings")
    data = _deep(dict(rest))
    rest.clear()
    data["TagSpecifications"] = [
        _tag_specification(each["resourceType"], each["tags"]) for each in specifications
    ]
    data["NetworkInterfaces"] = list(map(_interface, interfaces))
    data["BlockDeviceMappings"] = list(map(_mapping, mappings))
    own = _tag_specification("launch-template", tags)
    return {"LaunchTemplateData": data, "TagSpecifications": [own]}


def _tag_specification(resource_type: str, tags: Mapping[str, str]) -> Properties:
    return {"ResourceType": resource_type, "Tags": _value("tags", tags)}


def _interface(interface: Properties) -> Properties:
    rest = dict(interface)
    groups = rest.pop("securityGroups")
    found: Properties = {**_deep(rest), "Groups": groups}
    for name in ("AssociatePublicIpAddress", "DeleteOnTermination"):
        found[name] = found[name] == "true"
    return found


def _mapping(mapping: Properties) -> Properties:
    ebs: Properties = _deep(mapping["ebs"])
    for name in ("Encrypted", "DeleteOnTermination"):
        ebs[name] = ebs[name] == "true"
    return {"DeviceName": mapping["deviceName"], "Ebs": ebs}


def _auto_scaling_group(rest: Properties) -> Properties:
    for name in ("instanceRefresh", "waitForCapacityTimeout", "forceDelete"):
        rest.pop(name, None)  # of the provider's own, or of another call
    template = rest.pop("launchTemplate")
    tags = list(map(_deep, rest.pop("tags")))
    return {
        "LaunchTemplate": {"LaunchTemplateId": template["id"], "Version": template["version"]},
        "MaxSize": str(_deep(rest.pop("maxSize"))),
        "MinSize": str(_deep(rest.pop("minSize"))),
        "NewInstancesProtectedFromScaleIn": rest.pop("protectFromScaleIn"),
        "VPCZoneIdentifier": rest.pop("vpcZoneIdentifiers"),
        "Tags": tags,
    }


def _providers_of_cluster(rest: Properties) -> Properties:
    return {
        "Cluster": rest.pop("clusterName"),
        "CapacityProviders": rest.pop("capacityProviders"),
        "DefaultCapacityProviderStrategy": [],
    }


def _instance_profile(rest: Properties) -> Properties:
    rest.pop("tags", None)
    return {"Roles": [rest.pop("role")]}


_SHAPES: Final[Mapping[str, Callable[[Properties], Properties]]] = {
    "Certificate": _certificate,
    "ClusterCapacityProviders": _providers_of_cluster,
    "EventRule": _event_rule,
    "FlowLog": _flow_log,
    "Group": _auto_scaling_group,
    "InstanceProfile": _instance_profile,
    "LaunchTemplate": _launch_template,
    "Listener": _listener,
    "ListenerCertificate": _listener_certificate,
    "ListenerRule": _listener_rule,
    "LoadBalancer": _load_balancer,
    "MetricAlarm": _metric_alarm,
    "Record": _record,
    "Repository": _repository,
    "Service": _service,
    "TargetGroup": _target_group,
    "TaskDefinition": _task_definition,
    "TopicPolicy": _topic_policy,
    "WebAclAssociation": _web_acl_association,
    "WebAclLoggingConfiguration": _web_acl_log,
}


# Types that are properties of another resource in CloudFormation: of a bucket or a repository.


def _access_block(inputs: Properties) -> Properties:
    inputs.pop("bucket")
    return {"PublicAccessBlockConfiguration": _deep(inputs)}


def _ownership(inputs: Properties) -> Properties:
    return {"OwnershipControls": {"Rules": [_deep(inputs["rule"])]}}


def _encryption(inputs: Properties) -> Properties:
    rules = []
    for rule in inputs["rules"]:
        algorithm = rule["applyServerSideEncryptionByDefault"]["sseAlgorithm"]
        rules.append({"ServerSideEncryptionByDefault": {"SSEAlgorithm": algorithm}})
    return {"BucketEncryption": {"ServerSideEncryptionConfiguration": rules}}


def _versioning(inputs: Properties) -> Properties:
    return {"VersioningConfiguration": _deep(inputs["versioningConfiguration"])}


def _lifecycle(inputs: Properties) -> Properties:
    return {"LifecycleConfiguration": {"Rules": list(map(_lifecycle_rule, inputs["rules"]))}}


def _lifecycle_rule(rule: Mapping[str, Any]) -> Properties:
    changed: Properties = {"Id": rule["id"], "Status": rule["status"]}
    if "expiration" in rule:
        changed["ExpirationInDays"] = _deep(rule["expiration"]["days"])
    if "noncurrentVersionExpiration" in rule:
        days = _deep(rule["noncurrentVersionExpiration"]["noncurrentDays"])
        changed["NoncurrentVersionExpiration"] = {"NoncurrentDays": days}
    if "abortIncompleteMultipartUpload" in rule:
        changed["AbortIncompleteMultipartUpload"] = _deep(rule["abortIncompleteMultipartUpload"])
    return changed


FOLDS: Final[Mapping[str, Callable[[Properties], Properties]]] = {
    "BucketLifecycleConfiguration": _lifecycle,
    "BucketOwnershipControls": _ownership,
    "BucketPublicAccessBlock": _access_block,
    "BucketServerSideEncryptionConfiguration": _encryption,
    "BucketVersioning": _versioning,
    "LifecyclePolicy": _image_lifecycle,
}

"""The properties that such a type adds to the bucket or the repository, by its last word."""
