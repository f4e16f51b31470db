"""Functions (data sources) that show what exists and nothing else; `invokes.py` has the others."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from localaws.account.parameters import seeded_secret
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
from localaws.catalog.ec2.vpc_endpoints import VPC_ENDPOINT
from localaws.catalog.ecr import REPOSITORY
from localaws.catalog.ecs.services import task_definition_of
from localaws.catalog.efs import FILE_SYSTEM
from localaws.catalog.elb.listeners import LISTENER
from localaws.catalog.elb.load_balancers import HOSTED_ZONES, LOAD_BALANCER
from localaws.catalog.iam.roles import INSTANCE_PROFILE, POLICY, ROLE
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


def _one(token: str, what: str, **arguments: str) -> Function:
    """Make a function that shows the one matching resource; arguments map to its facts."""

    def function(query: Query) -> Properties:
        wanted = {fact: query.args.get(argument) for argument, fact in arguments.items()}
        found = query.facts(query.lookup(token, what, **wanted))
        return {**found, **{argument: found.get(fact) for argument, fact in arguments.items()}}

    return function


def _lists(token: str, **outputs: str) -> Function:
    """Make a function that lists facts of the matching resources; outputs map to the facts."""

    def function(query: Query) -> Properties:
        found = [query.facts(each) for each in query.matching(token)]
        return {
            "id": query.region,
            **{name: [each.get(fact) for each in found] for name, fact in outputs.items()},
        }

    return function


def _gateway(query: Query) -> Properties:
    wanted = query.args.get("internetGatewayId")
    found = query.facts(query.lookup(INTERNET_GATEWAY, "EC2 Internet Gateway", id=wanted))
    vpc = found.get("vpcId")
    attachments = [{"state": "available", "vpcId": vpc}] if vpc else []
    return {**found, "internetGatewayId": found["id"], "attachments": attachments}


def _nat_vpc(query: Query, gateway: Resource) -> object:
    return vpc_of(query.account, gateway.inputs.get("subnetId")) or gateway.inputs.get("vpcId")


def _nat_gateways_in(query: Query, vpc: object, **facts: Any) -> list[Resource]:
    return [
        each
        for each in query.matching(NAT_GATEWAY, **facts)
        if vpc in (None, _nat_vpc(query, each))
    ]


def _nat_gateway(query: Query) -> Properties:
    facts = {name: query.args.get(name) for name in ("id", "subnetId")}
    found = _nat_gateways_in(query, query.args.get("vpcId"), **facts)
    if len(found) != 1 or query.args.get("state") not in (None, "available"):
        raise _not_found(f"{len(found)} EC2 NAT Gateways match, one is wanted: {dict(query.args)}")
    return {**query.facts(found[0]), "vpcId": _nat_vpc(query, found[0]), "state": "available"}


def _nat_gateways(query: Query) -> Properties:
    return {
        "id": query.region,
        "ids": [each.id for each in _nat_gateways_in(query, query.args.get("vpcId"))],
    }


def _network_acls(query: Query) -> Properties:
    """The default ones, which are the only ones here."""
    found = query.matching(VPC, id=query.args.get("vpcId"))
    return {"id": query.region, "ids": [each.computed["defaultNetworkAclId"] for each in found]}


def _availability_zone(query: Query) -> Properties:
    names = [f"{query.region}{zone}" for zone in query.account.zones]
    wanted, by_id = query.args.get("name"), query.args.get("zoneId")
    found = [each for each in names if wanted in (None, each) and by_id in (None, zone_id(each))]
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
    found = query.facts(query.lookup(REPOSITORY, "ECR Repository", name=query.args.get("name")))
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
    return query.facts(found[0])


def _roles(query: Query) -> Properties:
    pattern, prefix = (
        re.compile(str(query.args.get("nameRegex") or "")),
        str(query.args.get("pathPrefix") or "/"),
    )
    found = [query.facts(each) for each in query.matching(ROLE)]
    found = [
        each
        for each in found
        if pattern.search(each["id"]) and str(each.get("path", "/")).startswith(prefix)
    ]
    return {
        "id": query.region,
        "arns": [each["arn"] for each in found],
        "names": [each["id"] for each in found],
    }


def _key(query: Query) -> Properties:
    wanted = str(query.args.get("keyId"))
    name = wanted.rpartition(":")[2]
    if name.startswith("alias/"):
        aliases = query.matching(ALIAS, name=name)
        wanted = str(aliases[0].outputs.get("targetKeyId")) if aliases else wanted
    found = next(
        (each for each in query.matching(KEY) if wanted in (each.id, each.computed.get("arn"))),
        None,
    )
    if found is None:
        raise _not_found(f"reading KMS Key ({wanted}): couldn't find resource")
    facts = query.facts(found)
    return {
        **facts,
        "keyId": query.args.get("keyId"),
        "enabled": facts.get("isEnabled", True) is not False,
        "keyState": "Enabled",
        "keyManager": "CUSTOMER",
        "origin": "AWS_KMS",
        "awsAccountId": query.account.account_id,
    }


def _alias(query: Query) -> Properties:
    found = query.facts(query.lookup(ALIAS, "KMS Alias", name=query.args.get("name")))
    keys = [
        each
        for each in query.matching(KEY)
        if found.get("targetKeyId") in (each.id, each.computed.get("arn"))
    ]
    target = {"targetKeyId": keys[0].id, "targetKeyArn": keys[0].computed["arn"]} if keys else {}
    return {**found, **target}


def _secret_version(query: Query) -> Properties:
    """A secret's current value; those of older versions aren't kept."""
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
    secrets = [each for each in query.account.all(SECRET) if each.region == query.region]
    ids = {each.id for each in secrets if wanted in (each.id, each.outputs.get("name"))}
    found = [each for each in query.matching(SECRET_VERSION) if each.inputs.get("secretId") in ids]
    if stage != "AWSCURRENT" or not found:
        raise _not_found(
            f"reading Secrets Manager Secret Version ({wanted}, {stage}): couldn't find resource"
        )
    newest = query.facts(found[-1])
    return {**newest, "id": f"{wanted}|{stage}", "secretId": wanted, "versionStage": stage}


def _container_definition(query: Query) -> Properties:
    family, name = query.args.get("taskDefinition"), query.args.get("containerName")
    found = task_definition_of(query.account, family)
    containers = json.loads(str(found.outputs["containerDefinitions"])) if found else []
    container = next((each for each in containers if each.get("name") == name), None)
    if found is None or container is None:
        raise _not_found(f"container with name {name!r} not found in task definition {family!r}")
    image = str(container.get("image"))
    return {
        "id": f"{found.id}/{name}",
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
    found = HOSTED_ZONES.get(query.region)
    if found is None or query.args.get("loadBalancerType") not in (None, "application"):
        raise _not_found(
            "the local AWS doesn't know the Route 53 zone of "
            f"{query.args.get('loadBalancerType') or 'application'} "
            f"load balancers in {query.region}; use a load balancer's zoneId"
        )
    return {"id": found}


def _bucket(query: Query) -> Properties:
    name = query.args.get("bucket")
    found = query.account.find(BUCKET, name)
    if found is None:
        raise _not_found(f"reading S3 Bucket ({name}): couldn't find resource")
    return {**query.facts(found), "bucket": name, "bucketRegion": found.region}


LOOKUPS: Mapping[str, Function] = {
    "aws:ec2/getElasticIp:getElasticIp": _one(EIP, "EC2 Elastic IP", id="id", publicIp="publicIp"),
    "aws:ec2/getInternetGateway:getInternetGateway": _gateway,
    "aws:ec2/getNatGateway:getNatGateway": _nat_gateway,
    "aws:ec2/getNatGateways:getNatGateways": _nat_gateways,
    "aws:ec2/getNetworkAcls:getNetworkAcls": _network_acls,
    "aws:ec2/getSecurityGroups:getSecurityGroups": _lists(
        SECURITY_GROUP, ids="id", arns="arn", vpcIds="vpcId"
    ),
    "aws:ec2/getVpcEndpoint:getVpcEndpoint": _one(
        VPC_ENDPOINT, "EC2 VPC Endpoint", id="id", serviceName="serviceName", vpcId="vpcId"
    ),
    "aws:ecr/getRepositories:getRepositories": _lists(REPOSITORY, names="name"),
    "aws:ecr/getRepository:getRepository": _repository,
    "aws:ecs/getContainerDefinition:getContainerDefinition": _container_definition,
    "aws:efs/getFileSystem:getFileSystem": _one(FILE_SYSTEM, "EFS file system", fileSystemId="id"),
    "aws:iam/getInstanceProfile:getInstanceProfile": _one(
        INSTANCE_PROFILE, "IAM Instance Profile", name="id"
    ),
    "aws:iam/getPolicy:getPolicy": _policy,
    "aws:iam/getRoles:getRoles": _roles,
    "aws:index/getArn:getArn": _arn,
    "aws:index/getAvailabilityZone:getAvailabilityZone": _availability_zone,
    "aws:kms/getAlias:getAlias": _alias,
    "aws:kms/getKey:getKey": _key,
    "aws:lb/getHostedZoneId:getHostedZoneId": _hosted_zone_id,
    "aws:lb/getListener:getListener": _one(
        LISTENER, "ELBv2 Listener", arn="arn", loadBalancerArn="loadBalancerArn", port="port"
    ),
    "aws:lb/getLbs:getLbs": _lists(LOAD_BALANCER, arns="id"),
    "aws:s3/getBucket:getBucket": _bucket,
    "aws:secretsmanager/getSecretVersion:getSecretVersion": _secret_version,
    "aws:wafv2/getWebAcl:getWebAcl": _one(WEB_ACL, "WAFv2 WebACL", name="name", scope="scope"),
}
"""By token; `localaws/account/invokes.py` has the others."""
