"""A graph as a CloudFormation template of the same resources, for cfn-lint to read. Pure."""

from __future__ import annotations

import copy
import json
import re
from typing import TYPE_CHECKING, Any, Final

from gate.graph import Reference
from gate.types import names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from gate.graph import Graph, Node

    Properties = dict[str, Any]

_RENAMED: Final[Mapping[str, Mapping[str, str | None]]] = {
    "Certificate": {"options": None},
    "Cluster": {"name": "ClusterName", "settings": "ClusterSettings"},
    "FlowLog": {"iamRoleArn": "DeliverLogsPermissionArn", "vpcId": "ResourceId"},
    "InternetGateway": {"vpcId": None},
    "Key": {"deletionWindowInDays": "PendingWindowInDays", "policy": "KeyPolicy"},
    "LogGroup": {"name": "LogGroupName"},
    "Policy": {"policy": "PolicyDocument", "name": "ManagedPolicyName"},
    "Record": {"records": "ResourceRecords", "ttl": "TTL", "zoneId": "HostedZoneId", "allowOverwrite": None},
    "Route": {"egressOnlyGatewayId": "EgressOnlyInternetGatewayId"},
    "Role": {"forceDetachPolicies": None, "assumeRolePolicy": "AssumeRolePolicyDocument", "name": "RoleName"},
    "RolePolicy": {"name": "PolicyName", "policy": "PolicyDocument", "role": "RoleName"},
    "Vpc": {"assignGeneratedIpv6CidrBlock": None},
    "SecurityGroup": {"description": "GroupDescription", "revokeRulesOnDelete": None},
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
        "enableEcsManagedTags": "EnableECSManagedTags",
        "forceDelete": None,
        "forceNewDeployment": None,
        "name": "ServiceName",
        "triggers": None,
        "waitForSteadyState": None,
    },
    "BucketPolicy": {"policy": "PolicyDocument"},
    "Bucket": {"bucket": "BucketName", "bucketPrefix": None, "forceDestroy": None},
    "TaskDefinition": {"skipDestroy": None, "trackLatest": None},
}
"""Inputs that CloudFormation calls something else, by the last word of the type; None where it has no such thing."""

_JSON: Final = frozenset({"policy", "assumeRolePolicy"})
"""Inputs whose text is a JSON document, which is an object there."""

_UPPER: Final = {"cloudwatchMetricsEnabled": "CloudWatchMetricsEnabled", "arn": "Arn", "ipv6CidrBlock": "Ipv6CidrBlock"}
"""Nested names that more than their first letter tells apart."""

_SPELLINGS: Final = {
    ("Certificate", "arn"): None,
    ("Listener", "arn"): None,
    ("ListenerRule", "arn"): None,
    ("LoadBalancer", "arn"): None,
    ("Policy", "arn"): None,
    ("Service", "arn"): None,
    ("TargetGroup", "arn"): None,
    ("TaskDefinition", "arn"): None,
    ("Cluster", "name"): None,
    ("Service", "name"): "Name",
    ("Eip", "id"): "AllocationId",
    ("LoadBalancer", "dnsName"): "DNSName",
    ("LoadBalancer", "zoneId"): "CanonicalHostedZoneID",
    ("SecurityGroup", "id"): "GroupId",
}
"""How a template names an output: None for `Ref`. Without an entry `id` and `name` are a `Ref`, others a `GetAtt`."""


_BESIDE: Final = "Beside"
"""After the label of a resource: that of a second one, which is part of the first elsewhere."""


def template(graph: Graph) -> dict[str, Any]:
    """The template.

    Raises:
        UnmappedTypeError: A resource's type isn't in the table.
    """
    resources: dict[str, Any] = {}
    for node in graph.nodes:
        kind = names(node.type).cloudformation
        if kind:
            resources[_label(node)] = _resource(node, kind)
    for node in graph.nodes:
        fold = _FOLDED.get(node.kind)
        if fold:
            (owner,) = set(node.named(node.inputs["bucket"]))
            own = resources[_label(owner)]["Properties"]
            own.update(_spelt(node, fold(dict(node.inputs))))
        if node.kind == "InternetGateway":
            vpc = _spelt(node, {"VpcId": node.inputs["vpcId"], "InternetGatewayId": {"Ref": _label(node)}})
            resources[f"{_label(node)}{_BESIDE}"] = {"Type": "AWS::EC2::VPCGatewayAttachment", "Properties": vpc}
        if node.kind == "Vpc" and node.inputs.get("assignGeneratedIpv6CidrBlock"):
            block = {"VpcId": {"Ref": _label(node)}, "AmazonProvidedIpv6CidrBlock": True}
            resources[f"{_label(node)}{_BESIDE}"] = {"Type": "AWS::EC2::VPCCidrBlock", "Properties": block}
        if node.kind == "RolePolicyAttachment":
            (role,) = node.named(node.inputs["role"])
            own = resources[_label(role)]["Properties"]
            own.setdefault("ManagedPolicyArns", []).append(_spelt(node, node.inputs["policyArn"]))
    return {"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources}


def title_of(graph: Graph, label: str) -> str:
    """The title of the resource that a template calls `label`, or of the one that this was made for."""
    by_label = {_label(node): node.title for node in graph.nodes}
    return by_label.get(label) or by_label[label.removesuffix(_BESIDE)]


def _label(node: Node) -> str:
    return re.sub(r"[^A-Za-z0-9]", "", node.title.title())


def _resource(node: Node, kind: str) -> dict[str, Any]:
    rest = {name: json.loads(value) if name in _JSON else value for name, value in _given(node).items()}
    special = _SPECIAL.get(node.kind)
    properties = special(rest) if special else {}
    renamed = _RENAMED.get(node.kind, {})
    for name, value in rest.items():
        theirs = renamed.get(name, _pascal(name))
        if theirs is not None:
            properties[theirs] = value if name in _JSON else _tags(value) if name == "tags" else _deep(value)
    resource: dict[str, Any] = {"Type": kind, "Properties": _spelt(node, properties)}
    others = sorted(_label(each) for each in node.sources if names(each.type).cloudformation)
    told = json.dumps(resource["Properties"])
    # What the properties name already needn't be said again.
    unsaid = [label for label in others if not re.search(rf'"{label}"|\${{{label}[.}}]', told)]
    if unsaid:
        resource["DependsOn"] = unsaid
    return resource


def _given(node: Node) -> dict[str, Any]:
    """A copy of the inputs, with the name that a template must say and Pulumi makes up."""
    named = {"name": node.outputs["name"]} if node.kind == "RolePolicy" else {}
    return {**named, **copy.deepcopy(dict(node.inputs))}


def _tags(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]


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


def _spelt(node: Node, value: Any) -> Any:
    """A value with what it says of other resources as the template's functions."""
    match value:
        case str():
            return _text(node.parts(value))
        case dict():
            return {name: _spelt(node, each) for name, each in value.items()}
        case list():
            return [_spelt(node, each) for each in value]
        case _:
            return value


def _text(parts: list[str | Reference]) -> Any:
    match parts:
        case [Reference(attribute="prefixListId") as whole]:
            return whole.node.outputs["prefixListId"]  # no function gives a template this
        case [Reference() as whole]:
            label, attribute = _target(whole)
            return {"Fn::GetAtt": [label, attribute]} if attribute else {"Ref": label}
        case _ if all(isinstance(each, str) for each in parts):
            return "".join(map(str, parts))
    return {
        "Fn::Sub": "".join(
            each.replace("${", "${!") if isinstance(each, str) else f"${{{'.'.join(filter(None, _target(each)))}}}"
            for each in parts
        )
    }


def _target(reference: Reference) -> tuple[str, str | None]:
    node, attribute = reference.node, reference.attribute
    default = None if attribute in {"id", "name"} else _pascal(attribute)
    if (node.kind, attribute) == ("Cluster", "id"):
        return _label(node), "Arn"
    return _label(node), _SPELLINGS.get((node.kind, attribute), default)


# Types whose properties are cut otherwise. Each takes what it uses out of the inputs.


def _take(rest: Properties, *wanted: str) -> Properties:
    """Those of the wanted inputs that are there, as CloudFormation spells them."""
    return {_pascal(name): _deep(rest.pop(name)) for name in wanted if name in rest}


def _attributes(rest: Properties, table: Mapping[str, str]) -> list[dict[str, str]]:
    """Key and value of each attribute whose input is there."""
    found = [(key, rest.pop(name)) for name, key in table.items() if name in rest]
    return [{"Key": key, "Value": _attribute(value)} for key, value in found]


def _attribute(value: Any) -> str:
    return json.dumps(int(value) if isinstance(value, float) else value) if not isinstance(value, str) else value


_LOAD_BALANCER: Final = {
    "clientKeepAlive": "client_keep_alive.seconds",
    "desyncMitigationMode": "routing.http.desync_mitigation_mode",
    "dropInvalidHeaderFields": "routing.http.drop_invalid_header_fields.enabled",
    "enableDeletionProtection": "deletion_protection.enabled",
    "enableHttp2": "routing.http2.enabled",
    "enableWafFailOpen": "waf.fail_open.enabled",
    "idleTimeout": "idle_timeout.timeout_seconds",
    "preserveHostHeader": "routing.http.preserve_host_header.enabled",
    "xffHeaderProcessingMode": "routing.http.xff_header_processing.mode",
}
_TARGET_GROUP: Final = {
    "deregistrationDelay": "deregistration_delay.timeout_seconds",
    "loadBalancingAlgorithmType": "load_balancing.algorithm.type",
    "slowStart": "slow_start.duration_seconds",
}
_HEALTH_CHECK: Final = {
    "enabled": "HealthCheckEnabled",
    "healthyThreshold": "HealthyThresholdCount",
    "interval": "HealthCheckIntervalSeconds",
    "path": "HealthCheckPath",
    "port": "HealthCheckPort",
    "protocol": "HealthCheckProtocol",
    "timeout": "HealthCheckTimeoutSeconds",
    "unhealthyThreshold": "UnhealthyThresholdCount",
}


def _load_balancer(rest: Properties) -> Properties:
    logs = rest.pop("accessLogs", {})
    attributes = _attributes(rest, _LOAD_BALANCER) + _attributes(
        logs,
        {"bucket": "access_logs.s3.bucket", "enabled": "access_logs.s3.enabled", "prefix": "access_logs.s3.prefix"},
    )
    scheme = "internal" if rest.pop("internal", False) else "internet-facing"
    return {"Scheme": scheme, "Type": rest.pop("loadBalancerType"), "LoadBalancerAttributes": attributes}


def _target_group(rest: Properties) -> Properties:
    check = rest.pop("healthCheck", {})
    matcher = {"Matcher": {"HttpCode": check.pop("matcher")}} if "matcher" in check else {}
    attributes = _attributes(rest, _TARGET_GROUP)
    return {
        **matcher,
        **{_HEALTH_CHECK[name]: _deep(value) for name, value in check.items()},
        **({"TargetGroupAttributes": attributes} if attributes else {}),
    }


def _actions(actions: list[Properties]) -> list[Properties]:
    return [{_config(name): _deep(value) for name, value in action.items()} for action in actions]


def _config(name: str) -> str:
    return {"fixedResponse": "FixedResponseConfig", "redirect": "RedirectConfig", "forward": "ForwardConfig"}.get(
        name, _pascal(name)
    )


def _listener(rest: Properties) -> Properties:
    headers = sorted(name for name in rest if name.startswith("routingHttpResponse"))
    attributes = _attributes(rest, {name: _header_attribute(name) for name in headers})
    certificate = rest.pop("certificateArn", None)
    return {
        "DefaultActions": _actions(rest.pop("defaultActions")),
        **({"Certificates": [{"CertificateArn": certificate}]} if certificate else {}),
        **({"ListenerAttributes": attributes} if attributes else {}),
    }


def _header_attribute(name: str) -> str:
    """`routingHttpResponseXFrameOptionsHeaderValue` as AWS spells it, `routing.http.response.x_frame_options…`."""
    snake = re.sub(r"[A-Z]", lambda match: f"_{match[0].lower()}", name)
    tail = snake.removeprefix("routing_http_response_")
    return "routing.http.response." + re.sub(r"_(header_value|enabled)$", r".\1", tail)


def _listener_rule(rest: Properties) -> Properties:
    return {
        "Actions": _actions(rest.pop("actions")),
        "Conditions": [
            {
                "Field": re.sub(r"(?<=[a-z])([A-Z])", lambda match: f"-{match[1].lower()}", name),
                f"{_pascal(name)}Config": _deep(value),
            }
            for condition in rest.pop("conditions")
            for name, value in condition.items()
        ],
    }


def _listener_certificate(rest: Properties) -> Properties:
    return {"Certificates": [{"CertificateArn": rest.pop("certificateArn")}]}


def _service(rest: Properties) -> Properties:
    deployment = {
        "MinimumHealthyPercent": _deep(rest.pop("deploymentMinimumHealthyPercent", None)),
        "MaximumPercent": _deep(rest.pop("deploymentMaximumPercent", None)),
        **_take(rest, "deploymentCircuitBreaker"),
    }
    told = {"DeploymentConfiguration": {name: value for name, value in deployment.items() if value is not None}}
    network = rest.pop("networkConfiguration", {})
    if not network:
        return told
    public = "ENABLED" if network.pop("assignPublicIp", False) else "DISABLED"
    return {**told, "NetworkConfiguration": {"AwsvpcConfiguration": {**_deep(network), "AssignPublicIp": public}}}


def _task_definition(rest: Properties) -> Properties:
    containers = json.loads(rest.pop("containerDefinitions"))
    return {"ContainerDefinitions": [_container(each) for each in containers]}


def _container(container: Properties) -> Properties:
    log = container.pop("logConfiguration", None)
    rest = _deep(container)
    if log:
        rest["LogConfiguration"] = {"LogDriver": log["logDriver"], "Options": log["options"]}
    return dict(rest)


def _certificate(rest: Properties) -> Properties:
    transparency = rest.pop("options", {}).get("certificateTransparencyLoggingPreference")
    return {"CertificateTransparencyLoggingPreference": transparency} if transparency else {}


def _record(rest: Properties) -> Properties:
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


def _endpoint(rest: Properties) -> Properties:
    policy = rest.pop("policy", None)
    return {"PolicyDocument": policy} if policy else {}


def _alias(rest: Properties) -> Properties:
    return {"AliasName": rest.pop("name")}


def _web_acl(rest: Properties) -> Properties:
    return {"Rules": [_waf(each) for each in rest.pop("rules", [])]}


def _waf(value: Any) -> Any:
    """As `_deep`, but a statement's `arn` is in capitals, and what is empty stays an empty object."""
    match value:
        case dict():
            return {_WAF.get(name, _pascal(name)): _waf(each) for name, each in value.items()}
        case list():
            return [_waf(each) for each in value]
        case _:
            return _deep(value)


_WAF: Final = {"ruleActionOverrides": "RuleActionOverrides", "arn": "ARN"}


def _web_acl_association(rest: Properties) -> Properties:
    return {"WebACLArn": rest.pop("webAclArn")}


def _web_acl_log(rest: Properties) -> Properties:
    return {
        "LogDestinationConfigs": rest.pop("logDestinationConfigs"),
        "RedactedFields": _deep(rest.pop("redactedFields", [])),
    }


_SPECIAL: Final[Mapping[str, Callable[[Properties], Properties]]] = {
    "Alias": _alias,
    "Certificate": _certificate,
    "FlowLog": _flow_log,
    "Listener": _listener,
    "ListenerCertificate": _listener_certificate,
    "ListenerRule": _listener_rule,
    "LoadBalancer": _load_balancer,
    "Record": _record,
    "Service": _service,
    "TargetGroup": _target_group,
    "TaskDefinition": _task_definition,
    "VpcEndpoint": _endpoint,
    "WebAcl": _web_acl,
    "WebAclAssociation": _web_acl_association,
    "WebAclLoggingConfiguration": _web_acl_log,
}


# Types that are properties of a bucket there.


def _access_block(inputs: Properties) -> Properties:
    inputs.pop("bucket")
    return {"PublicAccessBlockConfiguration": _deep(inputs)}


def _ownership(inputs: Properties) -> Properties:
    return {"OwnershipControls": {"Rules": [_deep(inputs["rule"])]}}


def _encryption(inputs: Properties) -> Properties:
    rules = [
        {"ServerSideEncryptionByDefault": {"SSEAlgorithm": rule["applyServerSideEncryptionByDefault"]["sseAlgorithm"]}}
        for rule in inputs["rules"]
    ]
    return {"BucketEncryption": {"ServerSideEncryptionConfiguration": rules}}


def _versioning(inputs: Properties) -> Properties:
    return {"VersioningConfiguration": _deep(inputs["versioningConfiguration"])}


def _lifecycle(inputs: Properties) -> Properties:
    return {"LifecycleConfiguration": {"Rules": [_lifecycle_rule(dict(each)) for each in inputs["rules"]]}}


def _lifecycle_rule(rule: Properties) -> Properties:
    changed: Properties = {"Id": rule["id"], "Status": rule["status"]}
    if "expiration" in rule:
        changed["ExpirationInDays"] = _deep(rule["expiration"]["days"])
    if "noncurrentVersionExpiration" in rule:
        days = _deep(rule["noncurrentVersionExpiration"]["noncurrentDays"])
        changed["NoncurrentVersionExpiration"] = {"NoncurrentDays": days}
    if "abortIncompleteMultipartUpload" in rule:
        changed["AbortIncompleteMultipartUpload"] = _deep(rule["abortIncompleteMultipartUpload"])
    return changed


_FOLDED: Final[Mapping[str, Callable[[Properties], Properties]]] = {
    "BucketLifecycleConfiguration": _lifecycle,
    "BucketOwnershipControls": _ownership,
    "BucketPublicAccessBlock": _access_block,
    "BucketServerSideEncryptionConfiguration": _encryption,
    "BucketVersioning": _versioning,
}


def untold(graph: Graph) -> Iterator[str]:
    """The resources that a template has no place for."""
    yield from (
        node.title for node in graph.nodes if not names(node.type).cloudformation and node.kind not in _ELSEWHERE
    )


_ELSEWHERE: Final = frozenset({*_FOLDED, "CertificateValidation", "RolePolicyAttachment"})
"""Types that are part of another type's resource there."""
