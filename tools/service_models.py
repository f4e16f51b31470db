"""Write `localaws/catalog/data/service_models.json`: what AWS's API models say of the inputs.

`make models` gets botocore, which ships the models, and runs this on it. The result is small enough
to be kept in the repository, so neither the local AWS nor its tests need botocore.
"""

from __future__ import annotations

import gzip
import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from localaws.catalog.inputs import blocks_of
from tools.data_files import write_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

TARGET = Path(__file__).parents[1] / "localaws" / "catalog" / "data" / "service_models.json"

CALLS = {
    "aws:acm/certificate:Certificate": "acm RequestCertificate ImportCertificate",
    "aws:cloudwatch/logGroup:LogGroup": "logs CreateLogGroup PutRetentionPolicy",
    "aws:cloudwatch/logResourcePolicy:LogResourcePolicy": "logs PutResourcePolicy",
    "aws:cloudwatch/metricAlarm:MetricAlarm": "cloudwatch PutMetricAlarm",
    "aws:ec2/egressOnlyInternetGateway:EgressOnlyInternetGateway": (
        "ec2 CreateEgressOnlyInternetGateway"
    ),
    "aws:ec2/eip:Eip": "ec2 AllocateAddress",
    "aws:ec2/flowLog:FlowLog": "ec2 CreateFlowLogs",
    "aws:ec2/internetGateway:InternetGateway": "ec2 AttachInternetGateway",
    "aws:ec2/natGateway:NatGateway": "ec2 CreateNatGateway",
    "aws:ec2/route:Route": "ec2 CreateRoute",
    "aws:ec2/routeTable:RouteTable": "ec2 CreateRouteTable",
    "aws:ec2/routeTableAssociation:RouteTableAssociation": "ec2 AssociateRouteTable",
    "aws:ec2/securityGroup:SecurityGroup": "ec2 CreateSecurityGroup",
    "aws:ec2/securityGroupRule:SecurityGroupRule": "ec2 AuthorizeSecurityGroupIngress",
    "aws:ec2/subnet:Subnet": "ec2 CreateSubnet",
    "aws:ec2/vpc:Vpc": "ec2 CreateVpc",
    "aws:ec2/vpcEndpoint:VpcEndpoint": "ec2 CreateVpcEndpoint",
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": "ecr PutLifecyclePolicy",
    "aws:ecr/repository:Repository": "ecr CreateRepository",
    "aws:ecr/repositoryPolicy:RepositoryPolicy": "ecr SetRepositoryPolicy",
    "aws:ecs/capacityProvider:CapacityProvider": "ecs CreateCapacityProvider",
    "aws:ecs/cluster:Cluster": "ecs CreateCluster",
    "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders": "ecs PutClusterCapacityProviders",
    "aws:ecs/service:Service": "ecs CreateService",
    "aws:ecs/taskDefinition:TaskDefinition": "ecs RegisterTaskDefinition",
    "aws:efs/accessPoint:AccessPoint": "efs CreateAccessPoint",
    "aws:efs/fileSystem:FileSystem": (
        "efs CreateFileSystem PutLifecycleConfiguration UpdateFileSystemProtection"
    ),
    "aws:efs/fileSystemPolicy:FileSystemPolicy": "efs PutFileSystemPolicy",
    "aws:efs/mountTarget:MountTarget": "efs CreateMountTarget",
    "aws:iam/instanceProfile:InstanceProfile": "iam CreateInstanceProfile AddRoleToInstanceProfile",
    "aws:iam/policy:Policy": "iam CreatePolicy",
    "aws:iam/role:Role": "iam CreateRole",
    "aws:iam/rolePolicy:RolePolicy": "iam PutRolePolicy",
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": "iam AttachRolePolicy",
    "aws:iam/serverCertificate:ServerCertificate": "iam UploadServerCertificate",
    "aws:iam/serviceLinkedRole:ServiceLinkedRole": "iam CreateServiceLinkedRole",
    "aws:iam/user:User": "iam CreateUser",
    "aws:iam/userPolicy:UserPolicy": "iam PutUserPolicy",
    "aws:iam/userPolicyAttachment:UserPolicyAttachment": "iam AttachUserPolicy",
    "aws:kms/alias:Alias": "kms CreateAlias",
    "aws:kms/keyPolicy:KeyPolicy": "kms PutKeyPolicy",
    "aws:kms/key:Key": "kms CreateKey EnableKeyRotation ScheduleKeyDeletion",
    "aws:lb/listener:Listener": "elbv2 CreateListener",
    "aws:lb/listenerCertificate:ListenerCertificate": "elbv2 AddListenerCertificates",
    "aws:lb/listenerRule:ListenerRule": "elbv2 CreateRule",
    "aws:lb/loadBalancer:LoadBalancer": "elbv2 CreateLoadBalancer",
    "aws:lb/targetGroup:TargetGroup": "elbv2 CreateTargetGroup",
    "aws:lb/targetGroupAttachment:TargetGroupAttachment": "elbv2 RegisterTargets",
    "aws:lb/trustStore:TrustStore": "elbv2 CreateTrustStore",
    "aws:route53/healthCheck:HealthCheck": "route53 CreateHealthCheck",
    "aws:route53/record:Record": "route53 ChangeResourceRecordSets",
    "aws:route53/zone:Zone": "route53 CreateHostedZone",
    "aws:s3/bucket:Bucket": "s3 CreateBucket",
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": (
        "s3 PutBucketLifecycleConfiguration"
    ),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": "s3 PutBucketOwnershipControls",
    "aws:s3/bucketPolicy:BucketPolicy": "s3 PutBucketPolicy",
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": "s3 PutPublicAccessBlock",
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": (
        "s3 PutBucketEncryption"
    ),
    "aws:s3/bucketVersioning:BucketVersioning": "s3 PutBucketVersioning",
    "aws:secretsmanager/secret:Secret": "secretsmanager CreateSecret",
    "aws:secretsmanager/secretVersion:SecretVersion": "secretsmanager PutSecretValue",
    "aws:servicediscovery/httpNamespace:HttpNamespace": "servicediscovery CreateHttpNamespace",
    "aws:servicediscovery/privateDnsNamespace:PrivateDnsNamespace": (
        "servicediscovery CreatePrivateDnsNamespace"
    ),
    "aws:servicediscovery/service:Service": "servicediscovery CreateService",
    "aws:ssm/parameter:Parameter": "ssm PutParameter",
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": "ec2 AuthorizeSecurityGroupEgress",
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": (
        "ec2 AuthorizeSecurityGroupIngress"
    ),
    "aws:wafv2/ipSet:IpSet": "wafv2 CreateIPSet",
    "aws:wafv2/webAcl:WebAcl": "wafv2 CreateWebACL",
    "aws:wafv2/webAclAssociation:WebAclAssociation": "wafv2 AssociateWebACL",
    "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration": (
        "wafv2 PutLoggingConfiguration"
    ),
}
"""By resource type: the service, and its calls that take what the resource has for inputs."""

DEEPEST = 8
_KEPT = ("enum", "min", "max", "pattern", "required")
_LEFT_OUT = ("Tag", "TagSpecification", "Statement")
"""Shapes that are the same everywhere, and the statements of web ACLs, which nest without end."""


NAMES = {
    "aws:acm/certificate:Certificate": {"certificateBody": "Certificate"},
    "aws:cloudwatch/logGroup:LogGroup": {"name": "logGroupName"},
    "aws:ecs/cluster:Cluster": {"name": "clusterName"},
    "aws:cloudwatch/metricAlarm:MetricAlarm": {"name": "AlarmName"},
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": {
        "policy": "lifecyclePolicyText",
        "repository": "repositoryName",
    },
    "aws:ecr/repository:Repository": {"name": "repositoryName"},
    "aws:ecr/repositoryPolicy:RepositoryPolicy": {
        "policy": "policyText",
        "repository": "repositoryName",
    },
    "aws:iam/instanceProfile:InstanceProfile": {"name": "InstanceProfileName", "role": "RoleName"},
    "aws:iam/policy:Policy": {"name": "PolicyName", "policy": "PolicyDocument"},
    "aws:iam/role:Role": {"name": "RoleName", "assumeRolePolicy": "AssumeRolePolicyDocument"},
    "aws:iam/rolePolicy:RolePolicy": {
        "name": "PolicyName",
        "policy": "PolicyDocument",
        "role": "RoleName",
    },
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": {"role": "RoleName"},
    "aws:iam/serverCertificate:ServerCertificate": {"name": "ServerCertificateName"},
    "aws:iam/user:User": {"name": "UserName"},
    "aws:iam/userPolicy:UserPolicy": {
        "name": "PolicyName",
        "policy": "PolicyDocument",
        "user": "UserName",
    },
    "aws:iam/userPolicyAttachment:UserPolicyAttachment": {"user": "UserName"},
    "aws:kms/alias:Alias": {"name": "AliasName"},
    "aws:kms/key:Key": {"deletionWindowInDays": "PendingWindowInDays"},
    "aws:route53/healthCheck:HealthCheck": {
        "childHealthThreshold": "HealthCheckConfig.HealthThreshold",
        "childHealthchecks": "HealthCheckConfig.ChildHealthChecks",
        "cloudwatchAlarmName": "HealthCheckConfig.AlarmIdentifier.Name",
        "cloudwatchAlarmRegion": "HealthCheckConfig.AlarmIdentifier.Region",
        "failureThreshold": "HealthCheckConfig.FailureThreshold",
        "fqdn": "HealthCheckConfig.FullyQualifiedDomainName",
        "insufficientDataHealthStatus": "HealthCheckConfig.InsufficientDataHealthStatus",
        "ipAddress": "HealthCheckConfig.IPAddress",
        "port": "HealthCheckConfig.Port",
        "regions": "HealthCheckConfig.Regions",
        "requestInterval": "HealthCheckConfig.RequestInterval",
        "resourcePath": "HealthCheckConfig.ResourcePath",
        "routingControlArn": "HealthCheckConfig.RoutingControlArn",
        "searchString": "HealthCheckConfig.SearchString",
        "type": "HealthCheckConfig.Type",
    },
    "aws:lb/listener:Listener": {"certificateArn": "Certificates[].CertificateArn"},
    "aws:lb/targetGroupAttachment:TargetGroupAttachment": {
        "availabilityZone": "Targets[].AvailabilityZone",
        "port": "Targets[].Port",
        "quicServerId": "Targets[].QuicServerId",
        "targetId": "Targets[].Id",
    },
    "aws:lb/targetGroup:TargetGroup": {
        "healthCheck.healthyThreshold": "HealthyThresholdCount",
        "healthCheck.interval": "HealthCheckIntervalSeconds",
        "healthCheck.matcher": "Matcher.HttpCode",
        "healthCheck.path": "HealthCheckPath",
        "healthCheck.port": "HealthCheckPort",
        "healthCheck.protocol": "HealthCheckProtocol",
        "healthCheck.timeout": "HealthCheckTimeoutSeconds",
        "healthCheck.unhealthyThreshold": "UnhealthyThresholdCount",
    },
}
"""Inputs that the API names differently."""

WRAPPERS = (
    *("ChangeBatch.Changes[].ResourceRecordSet", "LifecycleConfiguration", "LoggingConfiguration"),
    *("OwnershipControls", "PublicAccessBlockConfiguration", "ServerSideEncryptionConfiguration"),
)
"""Members in which a call has all the inputs that the resource has at the top."""

DOCUMENTS = {"aws:ecs/taskDefinition:TaskDefinition": "containerDefinitions"}
"""Inputs that are JSON, and inside of which names are the API's own."""


def model_of(data: Path, service: str) -> dict[str, Any]:
    """The newest model of a service."""
    newest = max((data / service).iterdir())
    found: dict[str, Any] = json.loads(gzip.decompress((newest / "service-2.json.gz").read_bytes()))
    return found


def constraints(data: Path, token: str) -> dict[str, dict[str, Any]]:
    """What the model says of the inputs of a type, by path: `loadBalancers[].containerPort`."""
    says = {path: kept for path, kept in _constraints_by_path(data, token).items() if kept}
    names, document = NAMES.get(token, {}), DOCUMENTS.get(token)
    known = {_plain(path): kept for path, kept in says.items()}
    found: dict[str, dict[str, Any]] = {}
    for path in _inputs(token):
        for marks in ("", "[]"):
            matched = _match(_plain(names.get(path, path) + marks), known)
            if matched and path != document:
                found[path + marks] = known[matched]
    return found | {
        path: kept for path, kept in says.items() if document and path.startswith(f"{document}[].")
    }


def requirements(data: Path, token: str) -> dict[str, str]:
    """Return the members that the model requires of a type's calls, each with its input if any.

    Left out are those that are required inputs of pulumi-aws, and those inside of blocks that are
    no input.
    """
    service, *calls = CALLS[token].split()
    model, says, document = (
        model_of(data, service),
        _constraints_by_path(data, token),
        DOCUMENTS.get(token),
    )
    structures = {path: kept["required"] for path, kept in says.items() if "required" in kept}
    structures[""] = model["shapes"][model["operations"][calls[0]]["input"]["shape"]].get(
        "required", []
    )
    inputs = _as_members(token, says)
    found: dict[str, str] = {}
    required = {
        f"{block.path}.{name}".lstrip(".") for block in blocks_of(token) for name in block.required
    }
    for path, names in structures.items():
        inside_document = document is not None and path.startswith(f"{document}[]")
        # A block is one of the resource's if it is an input, or wraps all of its inputs.
        if not (
            path == ""
            or inside_document
            or path.removesuffix("[]") in inputs
            or _plain(path) in ("", "[]")
        ):
            continue
        for name in names:
            member = f"{path}.{name}".lstrip(".")
            if inputs.get(member) not in required:
                found[member] = member if inside_document else inputs.get(member, "")
    return found


def _as_members(token: str, says: dict[str, dict[str, Any]]) -> dict[str, str]:
    """The inputs of a type, by the member of the API that each of them is."""
    names, members = NAMES.get(token, {}), {_plain(path): path for path in says}
    found: dict[str, str] = {}
    for path in _inputs(token):
        for marks in ("", "[]"):
            matched = _match(_plain(names.get(path, path) + marks), members)
            if matched:
                found.setdefault(members[matched].removesuffix("[]"), path)
    return found


def document_members(data: Path, token: str) -> list[str]:
    """Every member inside an input that is JSON, but for those that are blocks."""
    inside = [
        path
        for path in _constraints_by_path(data, token)
        if path.startswith(f"{DOCUMENTS[token]}[].")
    ]
    return [
        path.removesuffix("[]")
        for path in inside
        if not any(other.startswith((f"{path}.", f"{path}[]")) for other in inside)
    ]


def _inputs(token: str) -> list[str]:
    return sorted(
        {f"{block.path}.{name}".lstrip(".") for block in blocks_of(token) for name in block.names}
    )


def _constraints_by_path(data: Path, token: str) -> dict[str, dict[str, Any]]:
    """Return the model's constraints on each member of a type's calls, by path; most are empty."""
    service, *calls = CALLS[token].split()
    model, says = model_of(data, service), dict[str, dict[str, Any]]()
    for call in calls:
        says.update(_members(model["shapes"], model["operations"][call]["input"]["shape"], "", ()))
    return says


def _members(
    shapes: dict[str, Any], name: str, path: str, above: tuple[str, ...]
) -> Iterator[tuple[str, dict[str, Any]]]:
    shape = shapes[name]
    kept = {key: shape[key] for key in _KEPT if key in shape}
    yield path, {"type": shape["type"], **kept} if kept else {}
    if name in _LEFT_OUT or len(above) >= DEEPEST:
        return
    for member, inner in shape.get("members", {}).items():
        below = f"{path}.{member}".lstrip(".")
        yield from _members(shapes, inner["shape"], below, (*above, name))
    if shape["type"] == "list":
        yield from _members(shapes, shape["member"]["shape"], f"{path}[]", (*above, name))


def _plain(path: str) -> str:
    """Return a path as both sides would write it.

    Pulumi has plurals for lists, the API words like `Config` at an end.
    """
    marks = "[]" if path.endswith("[]") else ""
    for wrapper in WRAPPERS:
        path = path.removeprefix(f"{wrapper}.")
    parts = path.replace("[]", "").lower().split(".")
    return (
        ".".join(
            re.sub(r"(?<!s)s$|(?<=[a-z])config(uration)?s?$", "", _singular(part)) for part in parts
        )
        + marks
    )


def _singular(part: str) -> str:
    return re.sub(r"ies$", "y", part)


def _match(plain: str, known: Mapping[str, object]) -> str | None:
    """The same path, or the only one with the same parts and others between them."""
    if plain in known:
        return plain
    parts = plain.split(".")
    between = [path for path in known if len(parts) > 1 and _is_part(parts, path.split("."))]
    return between[0] if len(between) == 1 else None


def _is_part(few: list[str], many: list[str]) -> bool:
    left = iter(many)
    return (few[0], few[-1]) == (many[0], many[-1]) and all(each in left for each in few)


def main(botocore: Path) -> None:
    """Write the table from a folder in which botocore is installed."""
    data = botocore / "botocore" / "data"
    required: dict[str, list[str]] = {}
    besides: dict[str, list[str]] = {}
    for token in CALLS:
        needed = requirements(data, token)
        required[token] = sorted(path for path in needed.values() if path)
        besides[token] = [name for name, path in needed.items() if not path]
    table = {
        "limits": {token: constraints(data, token) for token in CALLS},
        "required": required,
        "requiredBesides": besides,
        "members": {token: document_members(data, token) for token in DOCUMENTS},
    }
    write_table(TARGET, table, depth=3)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
