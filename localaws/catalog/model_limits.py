"""The rules of AWS's service models, which add to the rules of the types themselves."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from localaws.catalog.properties import items_at, missing_at
from localaws.catalog.service_models import limits, required

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

CODES = {
    "acm": "ValidationException",
    "appautoscaling": "ValidationException",
    "autoscaling": "ValidationError",
    "chatbot": "InvalidParameterException",
    "cloudwatch": "InvalidParameterException",
    "ec2": "InvalidParameterValue",
    "ecr": "InvalidParameterException",
    "ecs": "InvalidParameterException",
    "efs": "BadRequest",
    "iam": "ValidationError",
    "kms": "ValidationException",
    "lb": "ValidationError",
    "route53": "InvalidInput",
    "s3": "MalformedXML",
    "secretsmanager": "ValidationException",
    "servicediscovery": "InvalidInput",
    "sns": "InvalidParameter",
    "ssm": "ValidationException",
    "wafv2": "WAFInvalidParameterException",
}
"""The error code for a value that a service's model forbids, by Pulumi's module."""

OTHERWISE = {
    (
        "aws:ecs/service:Service networkConfiguration.assignPublicIp"
    ): "Pulumi has a boolean for ENABLED and DISABLED",
    "aws:s3/bucket:Bucket acl": "the provider takes aws-exec-read and log-delivery-write too",
    "aws:s3/bucketVersioning:BucketVersioning versioningConfiguration.status": (
        "the provider takes Disabled for a bucket that never had versions"
    ),
    "aws:secretsmanager/secretVersion:SecretVersion secretBinary": "Pulumi has the bytes in Base64",
}
"""Inputs that the model isn't applied to, because the provider changes them before a call."""

NOT_REQUIRED = {
    "aws:ec2/internetGateway:InternetGateway vpcId": (
        "a gateway needs no VPC: a separate call attaches it"
    ),
    "aws:ec2/securityGroup:SecurityGroup description": "pulumi-aws sends a default text",
    (
        "aws:ecr/repository:Repository encryptionConfigurations[].encryptionType"
    ): "the provider sends AES256",
    (
        "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders capacityProviders"
    ): "the provider sends an empty list",
    "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders defaultCapacityProviderStrategies": (
        "the provider sends an empty list"
    ),
    "aws:ecs/service:Service deploymentController.type": "the provider sends ECS",
    "aws:efs/fileSystem:FileSystem creationToken": "the provider makes one up",
    "aws:ec2/networkAclRule:NetworkAclRule egress": "the provider sends false",
    "aws:wafv2/ipSet:IpSet addresses": "the provider sends an empty list",
    "aws:lb/listenerRule:ListenerRule priority": (
        "the provider sends one more than the listener's highest"
    ),
}
"""Inputs that the model requires and a program can leave out, and why. Names that Pulumi generates
aren't listed.
"""

ONE_OF_SEVERAL = {
    "aws:acm/certificate:Certificate domainName": (
        "a private key, for another call, takes its place"
    ),
    "aws:ssm/parameter:Parameter value": "`insecureValue` or `valueWo` takes its place",
}
"""Inputs that the model requires, but that another input can replace; a rule of the type requires
one of them.
"""

FROM_ELSEWHERE = {
    "aws:appautoscaling/policy:Policy PolicyName": "it is `name`, for which Pulumi makes one up",
    "aws:appautoscaling/policy:Policy TargetTrackingScalingPolicyConfiguration."
    "CustomizedMetricSpecification.Metrics[].MetricStat.Metric.Dimensions[].Name": (
        "metrics of the caller's are refused"
    ),
    "aws:appautoscaling/policy:Policy TargetTrackingScalingPolicyConfiguration."
    "CustomizedMetricSpecification.Metrics[].MetricStat.Metric.Dimensions[].Value": (
        "metrics of the caller's are refused"
    ),
    "aws:appautoscaling/scheduledAction:ScheduledAction ScheduledActionName": (
        "it is `name`, for which Pulumi makes one up"
    ),
    "aws:cloudwatch/eventTarget:EventTarget Targets": "it holds all inputs",
    "aws:cloudwatch/eventTarget:EventTarget "
    "Targets[].RunCommandParameters.RunCommandTargets[].Key": "it is `key`, which is required",
    "aws:cloudwatch/eventTarget:EventTarget "
    "Targets[].RunCommandParameters.RunCommandTargets[].Values": (
        "it is `values`, which is required"
    ),
    "aws:cloudwatch/metricAlarm:MetricAlarm Dimensions[].Name": "Pulumi has a map",
    "aws:cloudwatch/metricAlarm:MetricAlarm Dimensions[].Value": "Pulumi has a map",
    "aws:autoscaling/group:Group AutoScalingGroupName": (
        "it is `name`, for which Pulumi makes one up"
    ),
    "aws:ec2/launchTemplate:LaunchTemplate LaunchTemplateName": (
        "it is `name`, for which Pulumi makes one up"
    ),
    "aws:ec2/launchTemplate:LaunchTemplate LaunchTemplateData": "it holds the other inputs",
    "aws:ec2/flowLog:FlowLog ResourceIds": (
        "one of five inputs, which `ec2.flow-log.one-source` requires"
    ),
    "aws:ec2/flowLog:FlowLog ResourceType": "it follows from which of the five is given",
    "aws:ec2/internetGateway:InternetGateway InternetGatewayId": "the answer of the call before",
    "aws:ec2/networkAclAssociation:NetworkAclAssociation AssociationId": (
        "that of the subnet's ACL before, which the provider finds"
    ),
    "aws:ec2/securityGroup:SecurityGroup GroupName": "it is `name`, for which Pulumi makes one up",
    (
        "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders cluster"
    ): "it is `clusterName`, which is required",
    (
        "aws:ecs/service:Service "
        "serviceConnectConfiguration.services[].tls.issuerCertificateAuthority"
    ): ("it is `issuerCertAuthority`, which is required"),
    "aws:ecs/service:Service serviceName": "it is `name`, for which Pulumi makes one up",
    "aws:efs/accessPoint:AccessPoint ClientToken": "the SDK makes one up",
    (
        "aws:lb/listenerCertificate:ListenerCertificate Certificates"
    ): "it holds `certificateArn`, which is required",
    (
        "aws:lb/targetGroupAttachment:TargetGroupAttachment Targets"
    ): "it holds `targetId`, which is required",
    "aws:route53/healthCheck:HealthCheck CallerReference": "the provider makes it up",
    "aws:route53/healthCheck:HealthCheck HealthCheckConfig": "it holds all inputs",
    "aws:route53/record:Record ChangeBatch": "it holds all inputs",
    "aws:route53/record:Record HostedZoneId": "it is `zoneId`, which is required",
    "aws:route53/zone:Zone CallerReference": "the provider makes it up",
    (
        "aws:s3/bucketOwnershipControls:BucketOwnershipControls OwnershipControls"
    ): "it holds `rule`, which is required",
    (
        "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock PublicAccessBlockConfiguration"
    ): "it holds all inputs",
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration "
    "ServerSideEncryptionConfiguration": "it holds `rules`, which are required",
    "aws:sns/topicPolicy:TopicPolicy AttributeName": "the provider sends Policy",
    "aws:sns/topicPolicy:TopicPolicy TopicArn": "it is `arn`, which is required",
    "aws:sns/topicSubscription:TopicSubscription TopicArn": "it is `topic`, which is required",
    (
        "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule GroupId"
    ): "it is `securityGroupId`, which is required",
    (
        "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration LoggingConfiguration"
    ): "it holds all inputs",
}
"""Members that a call requires and that are no input of the same name, and where they come from.
Tags are left out.
"""


def model_rules(
    token: str, values: object, *, below: str = "", generated: str | None = None
) -> Iterator[tuple[str, str]]:
    """Yield the exact path of each value that the model forbids, and what is allowed there.

    Args:
        token: The type.
        values: Its inputs, or the value at the path `below`.
        below: The path of `values` in the inputs, such as `containerDefinitions[].`.
        generated: The input for which Pulumi generates a name.
    """
    yield from _missing(token, values, below, generated)
    for path, constraint in _limits_below(token, below):
        for exact_path, value in items_at(values, path):
            allowed = allowed_instead(constraint, value)
            # The provider leaves an empty text out.
            if allowed and value != "":
                yield exact_path, allowed


@cache
def _limits_below(token: str, below: str) -> tuple[tuple[str, Mapping[str, Any]], ...]:
    """Return the constraints of a type, by the paths from `below` on."""
    found = []
    for path, constraint in limits().get(token, {}).items():
        if path.startswith(below) and f"{token} {path}" not in OTHERWISE:
            found.append((path.removeprefix(below), constraint))
    return tuple(found)


@cache
def _required_below(token: str, below: str, generated: str | None) -> tuple[str, ...]:
    """Return the paths from `below` on that a type's call requires."""
    found = []
    for path in required().get(token, ()):
        name = f"{token} {path}"
        optional = path == generated or name in NOT_REQUIRED or name in ONE_OF_SEVERAL
        if path.startswith(below) and not optional:
            found.append(path.removeprefix(below))
    return tuple(found)


def _missing(
    token: str, values: object, below: str, generated: str | None
) -> Iterator[tuple[str, str]]:
    """Yield the exact path of each value that the model requires and that is missing."""
    for path in _required_below(token, below, generated):
        for exact_path in missing_at(values, path):
            yield exact_path, "given"


def allowed_instead(constraint: Mapping[str, Any], value: object) -> str | None:
    """Return what a model's constraint allows instead of a value, or None if it allows the value.

    The result doesn't contain the value, which may be a secret.
    """
    low, high = constraint.get("min"), constraint.get("max")
    if "enum" in constraint and isinstance(value, str):
        choices = constraint["enum"]
        return None if value in choices else f"one of {', '.join(choices)}"
    match constraint["type"], value:
        case "integer" | "long" | "float" | "double", int() | float() if not isinstance(
            value, bool
        ):
            if not _within(value, low, high):
                return f"a number{_bounds(low, high)}, got {value:g}"
        case "list" | "map", list() | dict() if high is not None and len(value) > high:
            return f"at most {high} items, got {len(value)}"
        case "string", str():
            if not _within(len(value), low, high):
                return f"a text of{_bounds(low, high)} characters, got {len(value)}"
            if "pattern" in constraint and not _matches(constraint["pattern"], value):
                return f"a text like {constraint['pattern']}"
    return None


def _within(number: float, low: float | None, high: float | None) -> bool:
    return (low is None or number >= low) and (high is None or number <= high)


def _bounds(low: float | None, high: float | None) -> str:
    if high is None:
        return f" at least {low}"
    return f" at most {high}" if low is None else f" {low} to {high}"


def _matches(pattern: str, value: str) -> bool:
    """Return whether a model's pattern, in Java's syntax, matches a value.

    A pattern that Python can't compile is taken to match everything.
    """
    for java, python in (
        ("\\p{Print}", " -~"),
        ("\\p{L}", "\\w"),
        ("\\p{Z}", "\\s"),
        ("\\p{N}", "\\d"),
    ):
        pattern = pattern.replace(java, python)
    if not pattern.startswith("^"):
        pattern = f"^(?:{pattern})$"
    try:
        return re.search(pattern, value) is not None
    except re.error:
        return True
