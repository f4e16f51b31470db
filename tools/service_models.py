"""Write `localaws/catalog/data/service_models.json`: the API models' constraints on inputs.

`make models` gets botocore, which ships AWS's API models, and runs this on it. The result is small
enough for the repository, so neither the local AWS nor its tests need botocore.

An input of pulumi-aws and the API's member for it often have different names and levels. So paths
are compared in a form that both have in common (`_plain`), and `NAMES` has the rest.
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
    from collections.abc import Iterable, Iterator, Mapping

TARGET = Path(__file__).parents[1] / "localaws" / "catalog" / "data" / "service_models.json"

CALLS = {
    "aws:acm/certificate:Certificate": "acm RequestCertificate ImportCertificate",
    "aws:appautoscaling/policy:Policy": "application-autoscaling PutScalingPolicy",
    "aws:appautoscaling/scheduledAction:ScheduledAction": (
        "application-autoscaling PutScheduledAction"
    ),
    "aws:appautoscaling/target:Target": "application-autoscaling RegisterScalableTarget",
    "aws:autoscaling/group:Group": "autoscaling CreateAutoScalingGroup",
    "aws:chatbot/slackChannelConfiguration:SlackChannelConfiguration": (
        "chatbot CreateSlackChannelConfiguration"
    ),
    "aws:cloudwatch/dashboard:Dashboard": "cloudwatch PutDashboard",
    "aws:cloudwatch/eventRule:EventRule": "events PutRule",
    "aws:cloudwatch/eventTarget:EventTarget": "events PutTargets",
    "aws:cloudwatch/logGroup:LogGroup": "logs CreateLogGroup PutRetentionPolicy",
    "aws:cloudwatch/logResourcePolicy:LogResourcePolicy": "logs PutResourcePolicy",
    "aws:cloudwatch/metricAlarm:MetricAlarm": "cloudwatch PutMetricAlarm",
    "aws:ec2/egressOnlyInternetGateway:EgressOnlyInternetGateway": (
        "ec2 CreateEgressOnlyInternetGateway"
    ),
    "aws:ec2/eip:Eip": "ec2 AllocateAddress",
    "aws:ec2/flowLog:FlowLog": "ec2 CreateFlowLogs",
    "aws:ec2/internetGateway:InternetGateway": "ec2 AttachInternetGateway",
    "aws:ec2/launchTemplate:LaunchTemplate": "ec2 CreateLaunchTemplate",
    "aws:ec2/natGateway:NatGateway": "ec2 CreateNatGateway",
    "aws:ec2/networkAcl:NetworkAcl": "ec2 CreateNetworkAcl",
    "aws:ec2/networkAclAssociation:NetworkAclAssociation": "ec2 ReplaceNetworkAclAssociation",
    "aws:ec2/networkAclRule:NetworkAclRule": "ec2 CreateNetworkAclEntry",
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
    "aws:sns/topic:Topic": "sns CreateTopic",
    "aws:sns/topicPolicy:TopicPolicy": "sns SetTopicAttributes",
    "aws:sns/topicSubscription:TopicSubscription": "sns Subscribe",
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
"""By resource type: the service, and its calls that have the resource's inputs as parameters."""

DEEPEST = 8
_CONSTRAINTS = ("enum", "min", "max", "pattern", "required")
_LEFT_OUT = ("Tag", "TagSpecification", "Statement")
"""Shapes that are the same everywhere, and the statements of web ACLs, which can contain
themselves.
"""

_SURROGATES = r"\uD800"
"""In patterns that allow all of XML's characters, in a form that isn't Python's."""

_UNBOUNDED = ("InstanceType",)
"""Enumerations that grow from month to month: a model of today would refuse tomorrow's members."""

Constraints = dict[str, dict[str, Any]]
"""Constraints by path, such as `loadBalancers[].containerPort`."""

NAMES = {
    "aws:acm/certificate:Certificate": {"certificateBody": "Certificate"},
    "aws:cloudwatch/logGroup:LogGroup": {"name": "logGroupName"},
    "aws:ecs/cluster:Cluster": {"name": "clusterName"},
    "aws:cloudwatch/metricAlarm:MetricAlarm": {"name": "AlarmName"},
    "aws:cloudwatch/eventTarget:EventTarget": {
        "inputTransformer.inputPaths": "Targets[].InputTransformer.InputPathsMap",
        "runCommandTargets": "Targets[].RunCommandParameters.RunCommandTargets",
        "targetId": "Targets[].Id",
    },
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
    *("ChangeBatch.Changes[].ResourceRecordSet", "LaunchTemplateData"),
    *("LifecycleConfiguration", "LoggingConfiguration"),
    *("OwnershipControls", "PublicAccessBlockConfiguration", "ServerSideEncryptionConfiguration"),
    "Targets[]",
)
"""Members of calls that contain all the inputs which the resource has at its top level."""

DOCUMENTS = {"aws:ecs/taskDefinition:TaskDefinition": "containerDefinitions"}
"""Inputs that are JSON documents; the names inside them are the API's."""


def model_of(data: Path, service: str) -> dict[str, Any]:
    """Return the newest model of a service."""
    newest = max((data / service).iterdir())
    found: dict[str, Any] = json.loads(gzip.decompress((newest / "service-2.json.gz").read_bytes()))
    return found


def constraints(data: Path, token: str) -> Constraints:
    """Return the model's constraints on the inputs of a type, by the inputs' paths."""
    document = DOCUMENTS.get(token)
    constrained: Constraints = {}
    for path, found in _constraints_by_path(data, token).items():
        if found:
            constrained[path] = found
    by_input: Constraints = {}
    for path, member in _members_by_input(token, constrained).items():
        if path.removesuffix("[]") != document:
            by_input[path] = constrained[member]
    if document is not None:
        for member, found in constrained.items():
            if member.startswith(f"{document}[]."):
                by_input[member] = found
    return by_input


def requirements(data: Path, token: str) -> dict[str, str]:
    """Return the members that the model requires of a type's calls, each with its input if any.

    Left out are members that are required inputs of pulumi-aws, and those inside of blocks that are
    no input.
    """
    members = _constraints_by_path(data, token)
    required_names = {"": _required_parameters(data, token)}
    for path, found in members.items():
        if "required" in found:
            required_names.setdefault(path, found["required"])
    inputs = _inputs_by_member(token, members)
    required_inputs: set[str] = set()
    for block in blocks_of(token):
        for name in block.required:
            required_inputs.add(_join(block.path, name))
    document = DOCUMENTS.get(token)
    found_members: dict[str, str] = {}
    for path, names in required_names.items():
        inside_document = document is not None and path.startswith(f"{document}[]")
        is_input = path.removesuffix("[]") in inputs
        contains_all_inputs = _plain(path) in ("", "[]")
        if not (inside_document or is_input or contains_all_inputs):
            continue
        for name in names:
            member = _join(path, name)
            if inputs.get(member) not in required_inputs:
                found_members[member] = member if inside_document else inputs.get(member, "")
    return found_members


def document_members(data: Path, token: str) -> list[str]:
    """Return every member inside an input that is a JSON document, except blocks."""
    start = f"{DOCUMENTS[token]}[]."
    inside = [path for path in _constraints_by_path(data, token) if path.startswith(start)]
    leaves: list[str] = []
    for path in inside:
        below = (f"{path}.", f"{path}[]")
        if not any(other.startswith(below) for other in inside):
            leaves.append(path.removesuffix("[]"))
    return leaves


def _required_parameters(data: Path, token: str) -> list[str]:
    """Return the parameters that the first of a type's calls requires."""
    service, first_call, *_ = CALLS[token].split()
    model = model_of(data, service)
    parameters = model["shapes"][model["operations"][first_call]["input"]["shape"]]
    required: list[str] = parameters.get("required", [])
    return required


def _inputs(token: str) -> list[str]:
    """Return the paths of a type's inputs."""
    paths: set[str] = set()
    for block in blocks_of(token):
        paths.update(_join(block.path, name) for name in block.names)
    return sorted(paths)


def _members_by_input(token: str, members: Iterable[str]) -> dict[str, str]:
    """Return the API's member that corresponds to an input, for inputs that have one.

    Paths of lists are tried as the list and as its items (`[]`), which may both be members.
    """
    names = NAMES.get(token, {})
    by_plain_path = {_plain(member): member for member in members}
    found: dict[str, str] = {}
    for path in _inputs(token):
        for marks in ("", "[]"):
            matched = _match(_plain(names.get(path, path) + marks), by_plain_path)
            if matched is not None:
                found[path + marks] = by_plain_path[matched]
    return found


def _inputs_by_member(token: str, members: Iterable[str]) -> dict[str, str]:
    """Return the input that corresponds to a member of the API, for members that have one."""
    found: dict[str, str] = {}
    for path, member in _members_by_input(token, members).items():
        found.setdefault(member.removesuffix("[]"), path.removesuffix("[]"))
    return found


def _constraints_by_path(data: Path, token: str) -> Constraints:
    """Return the model's constraints on each member of a type's calls; most members have none."""
    service, *calls = CALLS[token].split()
    model = model_of(data, service)
    found: Constraints = {}
    for call in calls:
        shape = model["operations"][call]["input"]["shape"]
        found.update(_members(model["shapes"], shape, "", ()))
    return found


def _members(
    shapes: dict[str, Any], name: str, path: str, above: tuple[str, ...]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the constraints on a shape and on its members, by path.

    Args:
        shapes: The model's shapes.
        name: The shape.
        path: Path of the member that has this shape.
        above: Names of the shapes that contain it.
    """
    shape = shapes[name]
    found: dict[str, Any] = {}
    if name not in _UNBOUNDED:
        found = {key: shape[key] for key in _CONSTRAINTS if key in shape}
    if _SURROGATES in found.get("pattern", ""):
        del found["pattern"]
    if found:
        found["type"] = shape["type"]
    yield path, found
    if name in _LEFT_OUT or len(above) >= DEEPEST:
        return
    for member, inner in shape.get("members", {}).items():
        yield from _members(shapes, inner["shape"], _join(path, member), (*above, name))
    if shape["type"] == "list":
        yield from _members(shapes, shape["member"]["shape"], f"{path}[]", (*above, name))


def _join(path: str, name: str) -> str:
    """Return the path of a member of a block, which is at the top level if its path is empty."""
    return f"{path}.{name}" if path else name


def _plain(path: str) -> str:
    """Return a path in a form that inputs and members have in common.

    Pulumi uses plurals for lists, and the API adds words like `Config` to names.
    """
    marks = "[]" if path.endswith("[]") else ""
    for wrapper in WRAPPERS:
        path = path.removeprefix(f"{wrapper}.")
    parts: list[str] = []
    for part in path.replace("[]", "").lower().split("."):
        singular = re.sub(r"ies$", "y", part)
        parts.append(re.sub(r"(?<!s)s$|(?<=[a-z])config(uration)?s?$", "", singular))
    return ".".join(parts) + marks


def _match(plain: str, known: Mapping[str, object]) -> str | None:
    """Return the same path, or else the only one that has more parts between the same parts."""
    if plain in known:
        return plain
    parts = plain.split(".")
    if len(parts) == 1:
        return None
    longer = [path for path in known if _contains_parts(path.split("."), parts)]
    return longer[0] if len(longer) == 1 else None


def _contains_parts(path: list[str], parts: list[str]) -> bool:
    """Return whether a path begins and ends with these parts, and has them all in order."""
    if (path[0], path[-1]) != (parts[0], parts[-1]):
        return False
    rest = iter(path)
    # `in` advances the iterator, so each part is looked for after the one before it.
    return all(part in rest for part in parts)


def main(botocore: Path) -> None:
    """Write the table from a folder in which botocore is installed."""
    data = botocore / "botocore" / "data"
    required: dict[str, list[str]] = {}
    required_besides: dict[str, list[str]] = {}
    for token in CALLS:
        required[token] = []
        required_besides[token] = []
        for member, path in requirements(data, token).items():
            if path:
                required[token].append(path)
            else:
                required_besides[token].append(member)
        required[token].sort()
    table = {
        "limits": {token: constraints(data, token) for token in CALLS},
        "required": required,
        "requiredBesides": required_besides,
        "members": {token: document_members(data, token) for token in DOCUMENTS},
    }
    write_table(TARGET, table, depth=3)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
