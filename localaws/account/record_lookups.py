"""Functions (data sources) that only show resources; `invokes.py` has the others."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from localaws.account.parameters import seeded_secret
from localaws.account.query import ids_of
from localaws.catalog import Refusal, Refused
from localaws.catalog.ec2.network import (
    EIP,
    INTERNET_GATEWAY,
    NAT_GATEWAY,
    SECURITY_GROUP,
    VPC,
    vpc_of,
    zone_id,
)
from localaws.catalog.ec2.network_acls import NETWORK_ACL
from localaws.catalog.ec2.vpc_endpoints import VPC_ENDPOINT
from localaws.catalog.ecr import REPOSITORY
from localaws.catalog.ecs.task_definitions import task_definition_of
from localaws.catalog.efs import FILE_SYSTEM
from localaws.catalog.elb.hosted_zones import hosted_zone
from localaws.catalog.elb.listeners import LISTENER
from localaws.catalog.elb.load_balancers import LOAD_BALANCER
from localaws.catalog.iam.policies import POLICY
from localaws.catalog.iam.roles import INSTANCE_PROFILE, ROLE
from localaws.catalog.kms import ALIAS, KEY
from localaws.catalog.s3 import BUCKET
from localaws.catalog.secretsmanager import SECRET, SECRET_VERSION
from localaws.catalog.wafv2 import WEB_ACL

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from localaws.account.query import Query
    from localaws.catalog import Properties, Resource

    Function = Callable[[Query], Properties]


def _not_found(problem: str) -> Refused:
    return Refused(Refusal("NotFound", problem, "invokes.one-match"))


def _shows_one(token: str, what: str, **arguments: str) -> Function:
    """Make a function that returns the matching resource.

    Args:
        token: The resource's type.
        what: The type's name in an error message.
        arguments: The function's arguments, each with the attribute that it must equal.
    """

    def function(query: Query) -> Properties:
        wanted = {attribute: query.args.get(name) for name, attribute in arguments.items()}
        found = query.attributes(query.lookup(token, what, **wanted))
        for name, attribute in arguments.items():
            found[name] = found.get(attribute)
        return found

    return function


def _lists(token: str, **outputs: str) -> Function:
    """Make a function that lists attributes of the matching resources.

    Args:
        token: The resources' type.
        outputs: The function's outputs, each with the attribute that it lists.
    """

    def function(query: Query) -> Properties:
        result: dict[str, Any] = {"id": query.region}
        found = [query.attributes(each) for each in query.matching(token)]
        for name, attribute in outputs.items():
            result[name] = [each.get(attribute) for each in found]
        return result

    return function


def _gateway(query: Query) -> Properties:
    wanted = query.args.get("internetGatewayId")
    found = query.attributes(query.lookup(INTERNET_GATEWAY, "EC2 Internet Gateway", id=wanted))
    vpc = found.get("vpcId")
    attachments = [{"state": "available", "vpcId": vpc}] if vpc else []
    return {**found, "internetGatewayId": found["id"], "attachments": attachments}


def _nat_vpc(query: Query, gateway: Resource) -> object:
    return vpc_of(query.account, gateway.inputs.get("subnetId")) or gateway.inputs.get("vpcId")


def _nat_gateways_in(query: Query, vpc: object, **wanted: Any) -> list[Resource]:
    found = query.matching(NAT_GATEWAY, **wanted)
    return [each for each in found if vpc in (None, _nat_vpc(query, each))]


def _nat_gateway(query: Query) -> Properties:
    wanted = query.arguments("id", "subnetId")
    found = _nat_gateways_in(query, query.args.get("vpcId"), **wanted)
    if len(found) != 1 or query.args.get("state") not in (None, "available"):
        raise _not_found(f"{len(found)} EC2 NAT Gateways match, one is wanted: {dict(query.args)}")
    return {**query.attributes(found[0]), "vpcId": _nat_vpc(query, found[0]), "state": "available"}


def _nat_gateways(query: Query) -> Properties:
    found = _nat_gateways_in(query, query.args.get("vpcId"))
    return {"id": query.region, "ids": ids_of(found)}


def _network_acls(query: Query) -> Properties:
    """Return the network ACLs of VPCs, the default ones first, which are in the VPCs' records."""
    vpcs = query.matching(VPC, id=query.args.get("vpcId"))
    found = [each.computed["defaultNetworkAclId"] for each in vpcs]
    found += ids_of(query.matching(NETWORK_ACL, vpcId=query.args.get("vpcId")))
    return {"id": query.region, "ids": found}


def _availability_zone(query: Query) -> Properties:
    wanted_name, wanted_id = query.args.get("name"), query.args.get("zoneId")
    found = []
    for each in query.zone_names:
        matches_name = wanted_name in (None, each)
        if matches_name and wanted_id in (None, zone_id(each)):
            found.append(each)
    if len(found) != 1:
        raise _not_found(
            f"{len(found)} EC2 Availability Zones match, one is wanted: {dict(query.args)}"
        )
    name = found[0]
    return {
        "id": name,
        "name": name,
        "nameSuffix": name.removeprefix(query.region),
        "zoneId": zone_id(name),
        "zoneType": "availability-zone",
        "groupName": query.region,
        "networkBorderGroup": query.region,
        "optInStatus": "opt-in-not-required",
        "parentZoneId": "",
        "parentZoneName": "",
        "state": query.args.get("state") or "available",
    }


def _arn(query: Query) -> Properties:
    arn = str(query.args.get("arn"))
    parts = arn.split(":", 5)
    if len(parts) < 6 or parts[0] != "arn":  # noqa: PLR2004 — the parts of an ARN
        raise Refused(Refusal("InvalidArgument", f"({arn}) is an invalid ARN", "invokes.one-match"))
    names = ("partition", "service", "region", "account", "resource")
    return {"id": arn, "arn": arn, **dict(zip(names, parts[1:], strict=True))}


def _repository(query: Query) -> Properties:
    found = query.attributes(
        query.lookup(REPOSITORY, "ECR Repository", name=query.args.get("name"))
    )
    return {"mostRecentImageTags": [], **found}


def _policy(query: Query) -> Properties:
    arn, name = query.args.get("arn"), query.args.get("name")
    found = query.matching(POLICY, arn=arn, name=name, path=query.args.get("pathPrefix"))
    if not found and (arn is None or ":iam::aws:policy/" in str(arn)):
        raise _not_found(
            f"no IAM policy of this account is {arn or name}; the local AWS has no "
            "documents of AWS's managed "
            "policies, so use such a policy by its ARN"
        )
    if len(found) != 1:
        raise _not_found(f"{len(found)} IAM Policies match, one is wanted: {dict(query.args)}")
    return query.attributes(found[0])


def _roles(query: Query) -> Properties:
    pattern = re.compile(str(query.args.get("nameRegex") or ""))
    prefix = str(query.args.get("pathPrefix") or "/")
    found = []
    for role in query.matching(ROLE):
        attributes = query.attributes(role)
        has_prefix = str(attributes.get("path", "/")).startswith(prefix)
        if has_prefix and pattern.search(role.id):
            found.append(attributes)
    return {
        "id": query.region,
        "arns": [each["arn"] for each in found],
        "names": [each["id"] for each in found],
    }


def _key_by(query: Query, id_or_arn: object) -> Resource | None:
    for each in query.matching(KEY):
        if id_or_arn in (each.id, each.computed.get("arn")):
            return each
    return None


def _key(query: Query) -> Properties:
    wanted = str(query.args.get("keyId"))
    name = wanted.rpartition(":")[2]
    if name.startswith("alias/"):
        aliases = query.matching(ALIAS, name=name)
        wanted = str(aliases[0].outputs.get("targetKeyId")) if aliases else wanted
    key = _key_by(query, wanted)
    if key is None:
        raise _not_found(f"reading KMS Key ({wanted}): couldn't find resource")
    found = query.attributes(key)
    return {
        **found,
        "keyId": query.args.get("keyId"),
        "enabled": found.get("isEnabled", True) is not False,
        "keyState": "Enabled",
        "keyManager": "CUSTOMER",
        "origin": "AWS_KMS",
        "awsAccountId": query.account.account_id,
    }


def _alias(query: Query) -> Properties:
    found = query.attributes(query.lookup(ALIAS, "KMS Alias", name=query.args.get("name")))
    key = _key_by(query, found.get("targetKeyId"))
    if key is not None:
        found |= {"targetKeyId": key.id, "targetKeyArn": key.computed["arn"]}
    return found


def _secret_version(query: Query) -> Properties:
    """Return a secret's current value; values of older versions aren't kept."""
    wanted = str(query.args.get("secretId"))
    stage = query.args.get("versionStage") or "AWSCURRENT"
    name = seeded_secret(query.account, wanted)
    if stage == "AWSCURRENT" and name is not None:
        return {
            "id": f"{wanted}|{stage}",
            "arn": wanted,
            "secretId": wanted,
            "secretString": query.account.parameters[name].value,
            "versionStage": stage,
            "versionId": "",
        }
    ids = set()
    for secret in query.account.all(SECRET):
        is_wanted = wanted in (secret.id, secret.outputs.get("name"))
        if is_wanted and secret.region == query.region:
            ids.add(secret.id)
    versions = query.matching(SECRET_VERSION)
    versions = [each for each in versions if each.inputs.get("secretId") in ids]
    if stage != "AWSCURRENT" or not versions:
        raise _not_found(
            f"reading Secrets Manager Secret Version ({wanted}, {stage}): couldn't find resource"
        )
    newest = query.attributes(versions[-1])
    return {**newest, "id": f"{wanted}|{stage}", "secretId": wanted, "versionStage": stage}


def _container_definition(query: Query) -> Properties:
    family, name = query.args.get("taskDefinition"), query.args.get("containerName")
    definition = task_definition_of(query.account, family)
    container = None
    if definition is not None:
        for each in json.loads(str(definition.outputs["containerDefinitions"])):
            if each.get("name") == name:
                container = each
    if definition is None or container is None:
        raise _not_found(f"container with name {name!r} not found in task definition {family!r}")
    image = str(container.get("image"))
    return {
        "id": f"{definition.id}/{name}",
        "taskDefinition": family,
        "containerName": name,
        "image": image,
        "imageDigest": image.rpartition(":")[2] if ":" in image else "",
        "cpu": container.get("cpu", 0),
        "memory": container.get("memory", 0),
        "memoryReservation": container.get("memoryReservation", 0),
        "disableNetworking": container.get("disableNetworking") is True,
        "dockerLabels": container.get("dockerLabels") or {},
        "environment": {each["name"]: each["value"] for each in container.get("environment") or ()},
    }


def _hosted_zone_id(query: Query) -> Properties:
    kind = query.args.get("loadBalancerType") or "application"
    found = hosted_zone(query.region, kind)
    if found is None:
        raise _not_found(
            f"the local AWS doesn't know the Route 53 zone of {kind} load balancers in "
            f"{query.region}; use a load balancer's zoneId"
        )
    return {"id": found}


def _bucket(query: Query) -> Properties:
    name = query.args.get("bucket")
    found = query.account.find(BUCKET, name)
    if found is None:
        raise _not_found(f"reading S3 Bucket ({name}): couldn't find resource")
    return {**query.attributes(found), "bucket": name, "bucketRegion": found.region}


LOOKUPS: Mapping[str, Function] = {
    "aws:ec2/getElasticIp:getElasticIp": _shows_one(
        EIP, "EC2 Elastic IP", id="id", publicIp="publicIp"
    ),
    "aws:ec2/getInternetGateway:getInternetGateway": _gateway,
    "aws:ec2/getNatGateway:getNatGateway": _nat_gateway,
    "aws:ec2/getNatGateways:getNatGateways": _nat_gateways,
    "aws:ec2/getNetworkAcls:getNetworkAcls": _network_acls,
    "aws:ec2/getSecurityGroups:getSecurityGroups": _lists(
        SECURITY_GROUP, ids="id", arns="arn", vpcIds="vpcId"
    ),
    "aws:ec2/getVpcEndpoint:getVpcEndpoint": _shows_one(
        VPC_ENDPOINT, "EC2 VPC Endpoint", id="id", serviceName="serviceName", vpcId="vpcId"
    ),
    "aws:ecr/getRepositories:getRepositories": _lists(REPOSITORY, names="name"),
    "aws:ecr/getRepository:getRepository": _repository,
    "aws:ecs/getContainerDefinition:getContainerDefinition": _container_definition,
    "aws:efs/getFileSystem:getFileSystem": _shows_one(
        FILE_SYSTEM, "EFS file system", fileSystemId="id"
    ),
    "aws:iam/getInstanceProfile:getInstanceProfile": _shows_one(
        INSTANCE_PROFILE, "IAM Instance Profile", name="id"
    ),
    "aws:iam/getPolicy:getPolicy": _policy,
    "aws:iam/getRoles:getRoles": _roles,
    "aws:index/getArn:getArn": _arn,
    "aws:index/getAvailabilityZone:getAvailabilityZone": _availability_zone,
    "aws:kms/getAlias:getAlias": _alias,
    "aws:kms/getKey:getKey": _key,
    "aws:lb/getHostedZoneId:getHostedZoneId": _hosted_zone_id,
    "aws:lb/getListener:getListener": _shows_one(
        LISTENER, "ELBv2 Listener", arn="arn", loadBalancerArn="loadBalancerArn", port="port"
    ),
    "aws:lb/getLbs:getLbs": _lists(LOAD_BALANCER, arns="id"),
    "aws:s3/getBucket:getBucket": _bucket,
    "aws:secretsmanager/getSecretVersion:getSecretVersion": _secret_version,
    "aws:wafv2/getWebAcl:getWebAcl": _shows_one(
        WEB_ACL, "WAFv2 WebACL", name="name", scope="scope"
    ),
}
"""By token; `localaws/account/invokes.py` has the others."""
