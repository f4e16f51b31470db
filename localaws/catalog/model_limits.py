"""What the models of AWS's services forbid, beyond what the types' own tables say."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from localaws.catalog.service_models import limits, required

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Located = Callable[[object, str], Iterator[tuple[str, Any]]]

CODES = {
    "acm": "ValidationException",
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
    "ssm": "ValidationException",
    "wafv2": "WAFInvalidParameterException",
}
"""What each service answers to a value that its model forbids, by Pulumi's module."""

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
"""Inputs that don't reach the API as they are, and why."""

NOT_REQUIRED = {
    "aws:ec2/internetGateway:InternetGateway vpcId": (
        "a gateway needs no VPC: attaching it is a call of its own"
    ),
    "aws:ec2/securityGroup:SecurityGroup description": "pulumi-aws sends a text of its own",
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
    "aws:wafv2/ipSet:IpSet addresses": "the provider sends an empty list",
    "aws:lb/listenerRule:ListenerRule priority": (
        "the provider sends one more than the listener's highest"
    ),
}
"""Inputs that a call requires and that may be left out, and why; beside those that Pulumi makes a
name for.
"""

ONE_OF_SEVERAL = {
    "aws:acm/certificate:Certificate domainName": (
        "a private key, for another call, takes its place"
    ),
    "aws:ssm/parameter:Parameter value": "`insecureValue` or `valueWo` takes its place",
}
"""Inputs that a call requires of which a rule of the type's requires one or another, and which."""

FROM_ELSEWHERE = {
    "aws:cloudwatch/metricAlarm:MetricAlarm Dimensions[].Name": "Pulumi has a map",
    "aws:cloudwatch/metricAlarm:MetricAlarm Dimensions[].Value": "Pulumi has a map",
    "aws:ec2/flowLog:FlowLog ResourceIds": (
        "one of five inputs, which `ec2.flow-log.one-source` requires"
    ),
    "aws:ec2/flowLog:FlowLog ResourceType": "it follows from which of the five is given",
    "aws:ec2/internetGateway:InternetGateway InternetGatewayId": "the answer of the call before",
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
    (
        "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule GroupId"
    ): "it is `securityGroupId`, which is required",
    (
        "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration LoggingConfiguration"
    ): "it holds all inputs",
}
"""Members that a call requires, and that are no input under a name like theirs: where they come
from. Tags are maps.
"""


def model_rules(
    token: str, values: object, located: Located, *, below: str = "", made_up: str | None = None
) -> Iterator[tuple[str, str]]:
    """Where values break what the model says of the type's inputs, and what is allowed there.

    Args:
        token: The type.
        values: Its inputs, or what one of them holds.
        located: Finds what is at a path.
        below: The path of that one.
        made_up: The input for which Pulumi makes up a name.
    """
    yield from _missing(token, values, located, below, made_up)
    for path, says in limits().get(token, {}).items():
        if path.startswith(below) and f"{token} {path}" not in OTHERWISE:
            for place, value in located(values, path.removeprefix(below)):
                allowed = broken(says, value)
                # The provider leaves an empty text out.
                if allowed and value != "":
                    yield place, allowed


def _missing(
    token: str, values: object, located: Located, below: str, made_up: str | None
) -> Iterator[tuple[str, str]]:
    """Where something is left out that the model requires."""
    for path in required().get(token, ()):
        may_lack = (
            path == made_up or f"{token} {path}" in NOT_REQUIRED.keys() | ONE_OF_SEVERAL.keys()
        )
        if may_lack or not path.startswith(below):
            continue
        parents, _, name = path.removeprefix(below).rpartition(".")
        for place, value in located(values, parents):
            if isinstance(value, Mapping) and value.get(name) is None:
                yield f"{place}.{name}".lstrip("."), "given"


def broken(says: Mapping[str, Any], value: object) -> str | None:
    """Return what is allowed in place of a value, else None; never the value, maybe a secret."""
    low, high = says.get("min"), says.get("max")
    if "enum" in says and isinstance(value, str):
        return None if value in says["enum"] else f"one of {', '.join(says['enum'])}"
    match says["type"], value:
        case "integer" | "long" | "float" | "double", int() | float() if not isinstance(
            value, bool
        ):
            within = (low is None or value >= low) and (high is None or value <= high)
            return None if within else f"a number{_bounds(low, high)}, got {value:g}"
        case "list" | "map", list() | dict() if high is not None and len(value) > high:
            return f"at most {high} items, got {len(value)}"
        case "string", str():
            if not (low or 0) <= len(value) <= (len(value) if high is None else high):
                return f"a text of{_bounds(low, high)} characters, got {len(value)}"
            if "pattern" in says and not _matches(says["pattern"], value):
                return f"a text like {says['pattern']}"
    return None


def _bounds(low: float | None, high: float | None) -> str:
    if high is None:
        return f" at least {low}"
    return f" at most {high}" if low is None else f" {low} to {high}"


def _matches(pattern: str, value: str) -> bool:
    """Match a model's pattern, which is Java's; one that Python can't read forbids nothing."""
    for java, python in (
        ("\\p{Print}", " -~"),
        ("\\p{L}", "\\w"),
        ("\\p{Z}", "\\s"),
        ("\\p{N}", "\\d"),
    ):
        pattern = pattern.replace(java, python)
    try:
        return (
            re.search(pattern if pattern.startswith("^") else f"^(?:{pattern})$", value) is not None
        )
    except re.error:
        return True
