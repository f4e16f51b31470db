"""The functions (data sources) of `aws` that a program can call; see also `record_lookups.py`."""

from __future__ import annotations

import base64
import zlib
from typing import TYPE_CHECKING, Any

from localaws.account import policy_documents
from localaws.account.parameters import seeded_secret
from localaws.account.query import Query, associations_of, has_tags, ids_of, routes_of
from localaws.account.record_lookups import LOOKUPS
from localaws.catalog import Refusal, Refused
from localaws.catalog.account import SEEDED_SECRET
from localaws.catalog.acm import CERTIFICATE, missing_records
from localaws.catalog.amis import public_parameter
from localaws.catalog.autoscaling import GROUP
from localaws.catalog.ec2.gateways import EIPS_PER_REGION
from localaws.catalog.ec2.network import EIP, ROUTE_TABLE, SECURITY_GROUP, SUBNET, VPC, zone_id
from localaws.catalog.ec2.vpc_endpoints import prefix_list_id, prefix_lists
from localaws.catalog.ec2.vpcs import VPCS_PER_REGION
from localaws.catalog.ecs.capacity_providers import CAPACITY_PROVIDER
from localaws.catalog.ecs.capacity_strategies import CAPACITY_PROVIDERS
from localaws.catalog.ecs.clusters import CLUSTER
from localaws.catalog.ecs.services import SERVICE
from localaws.catalog.ecs.task_definitions import task_definition_of
from localaws.catalog.elb.listeners import balancers_of
from localaws.catalog.elb.load_balancer_logs import ELB_ACCOUNTS
from localaws.catalog.elb.load_balancers import LOAD_BALANCER
from localaws.catalog.elb.target_groups import TARGET_GROUP
from localaws.catalog.iam.names import CREATED
from localaws.catalog.iam.roles import ROLE
from localaws.catalog.logs import LOG_GROUP
from localaws.catalog.route53.records import ZONE, assumed_zone_id, name_of_zone, zone_name
from localaws.catalog.secretsmanager import SECRET, seeded_suffix
from localaws.catalog.ssm import PARAMETER, names_of, parameter_arn
from localaws.catalog.tokens import canonical
from localaws.catalog.values import block, blocks, network, texts

if TYPE_CHECKING:
    from collections.abc import Callable

    from localaws.account.cloud import Cloud
    from localaws.catalog import Properties, Resource
    from localaws.catalog.account import Account

_RESERVED_ADDRESSES = 5
"""Addresses that AWS reserves in every subnet."""


def answer(cloud: Cloud, token: str, args: Properties, region: str) -> dict[str, Any]:
    """Return a function's result, in the shape of pulumi-aws's result types.

    Raises:
        Refused: Nothing matches, or the local AWS doesn't know the function.
    """
    try:
        function = FUNCTIONS[canonical(token)]
    except KeyError:
        message = (
            f"the local AWS doesn't know the function {token}; add it to FUNCTIONS in "
            "localaws/account/invokes.py"
        )
        raise Refused(Refusal("UnknownFunction", message, "invokes.function")) from None
    if token.startswith("aws:ec2/"):
        cloud.require_default_network(region)
    query = Query(cloud, args, region)
    return {"region": region, **function(query)}


def _availability_zones(query: Query) -> Properties:
    excluded = texts(query.args.get("excludeNames"))
    names = [name for name in query.zone_names if name not in excluded]
    return {
        "id": query.region,
        "names": names,
        "zoneIds": list(map(zone_id, names)),
        "groupNames": [query.region],
        "state": query.args.get("state"),
    }


def _region(query: Query) -> Properties:
    endpoint = f"ec2.{query.region}.{query.partition.suffix}"
    return {
        "id": query.region,
        "name": query.region,
        "description": query.region,
        "endpoint": endpoint,
    }


def _caller_identity(query: Query) -> Properties:
    account = query.account.account_id
    arn = f"arn:{query.partition.name}:iam::{account}:user/local"
    return {"id": account, "accountId": account, "arn": arn, "userId": "AIDALOCAL"}


def _policy_document(query: Query) -> Properties:
    try:
        text, minified = policy_documents.policy_json(query.args)
    except ValueError as problem:
        raise Refused(Refusal("InvalidArgument", str(problem), "invokes.policy-document")) from None
    return {
        "id": str(zlib.crc32(text.encode())),
        "version": "2012-10-17",
        **query.args,
        "json": text,
        "minifiedJson": minified,
    }


def _partition(query: Query) -> Properties:
    partition = query.partition
    return {
        "id": partition.name,
        "partition": partition.name,
        "dnsSuffix": partition.suffix,
        "reverseDnsPrefix": partition.reverse_prefix,
    }


def _service_principal(query: Query) -> Properties:
    service = str(query.args.get("serviceName"))
    suffix = query.partition.principal_suffix(service)
    return {
        "id": f"{service}.{query.region}.{suffix}",
        "name": query.partition.principal(service),
        "serviceName": service,
        "suffix": suffix,
        "region": query.region,
    }


def _vpc(query: Query) -> Properties:
    wanted = query.arguments("id", "cidrBlock", "default")
    found = query.attributes(query.lookup(VPC, "EC2 VPC", **wanted))
    association = {
        "cidrBlock": found["cidrBlock"],
        "state": "associated",
        "associationId": f"{found['id']}-cidr",
    }
    return {**found, "state": "available", "cidrBlockAssociations": [association]}


def _ids(token: str) -> Callable[[Query], Properties]:
    def function(query: Query) -> Properties:
        found = query.matching(token, vpcId=query.args.get("vpcId"))
        return {"id": query.region, "ids": ids_of(found)}

    return function


def _subnet(query: Query) -> Properties:
    wanted = query.arguments("id", "vpcId", "cidrBlock", "availabilityZone", "availabilityZoneId")
    found = query.attributes(query.lookup(SUBNET, "EC2 Subnet", **wanted))
    addresses = network(found.get("cidrBlock"))
    return {
        **found,
        "state": "available",
        "defaultForAz": found["default"],
        "availableIpAddressCount": (
            addresses.num_addresses - _RESERVED_ADDRESSES if addresses else 0
        ),
    }


def _route_table(query: Query) -> Properties:
    subnet = query.args.get("subnetId")
    tables = query.matching(
        ROUTE_TABLE, id=query.args.get("routeTableId"), vpcId=query.args.get("vpcId")
    )
    if subnet is not None:
        tables = [each for each in tables if _is_associated(query.account, each, subnet)]
    if len(tables) != 1:
        message = f"{len(tables)} route tables match, one is wanted: {dict(query.args)}"
        raise Refused(Refusal("NotFound", message, "invokes.one-match"))
    table = tables[0]
    return {
        **query.attributes(table),
        "routeTableId": table.id,
        "subnetId": subnet,
        "routes": routes_of(query.account, table),
        "associations": associations_of(query.account, table),
    }


def _is_associated(account: Account, table: Resource, subnet: object) -> bool:
    return any(each.get("subnetId") == subnet for each in associations_of(account, table))


def _log_group(query: Query) -> Properties:
    found = query.lookup(LOG_GROUP, "CloudWatch Logs Log Group", name=query.args.get("name"))
    return query.attributes(found)


def _log_groups(query: Query) -> Properties:
    prefix = query.args.get("logGroupNamePrefix") or ""
    found = [each for each in query.matching(LOG_GROUP) if each.id.startswith(prefix)]
    return {
        "id": query.region,
        "logGroupNamePrefix": query.args.get("logGroupNamePrefix"),
        "logGroupNames": ids_of(found),
        "arns": [each.computed["arn"] for each in found],
    }


def _parameter(query: Query) -> Properties:
    name_or_arn = str(query.args.get("name"))
    name, _, version = name_or_arn.rpartition(":parameter/")[2].partition(":")
    names = names_of(name) if name_or_arn.startswith("arn:") else (name,)
    found = None
    for each in names:
        found = found or _current_parameter(query, each)
    if found is None:
        message = f"reading SSM Parameter ({name_or_arn}): couldn't find resource"
        raise Refused(Refusal("NotFound", message, "invokes.one-match"))
    # Values of older versions aren't kept.
    if version not in ("", str(found["version"])):
        message = (
            f"Systems Manager could not find version {version} of {name}. Verify the version "
            "and try again."
        )
        raise Refused(Refusal("ParameterVersionNotFound", message, "invokes.one-match"))
    plain = {"insecureValue": found["value"]} if found["type"] != "SecureString" else {}
    if query.args.get("withDecryption") is False and not plain:
        found["value"] = "encrypted"
    return {
        **found,
        **plain,
        "id": found["name"],
        "withDecryption": query.args.get("withDecryption", True),
    }


def _current_parameter(query: Query, name: str) -> dict[str, Any] | None:
    seeded = query.account.parameters.get(name)
    if seeded is not None and seeded.type != SEEDED_SECRET:
        arn = query.arn("ssm", parameter_arn(name))
        return {"arn": arn, "name": name, "type": seeded.type, "value": seeded.value, "version": 1}
    public = public_parameter(name, query.region)
    if public is not None:
        # Public parameters belong to AWS: their ARNs have no account.
        arn = f"arn:{query.partition.name}:ssm:{query.region}::{parameter_arn(name)}"
        return {"arn": arn, "name": name, "type": "String", "value": public, "version": 1}
    resources = query.matching(PARAMETER, name=name)
    return query.attributes(resources[0]) if resources else None


def _secret(query: Query) -> Properties:
    """Describe a secret, without its value."""
    arn, name = query.args.get("arn"), query.args.get("name")
    seeded = seeded_secret(query.account, str(arn or name))
    if seeded is not None:
        arn = query.arn("secretsmanager", f"secret:{seeded}-{seeded_suffix(seeded)}")
        found: dict[str, Any] = {
            "id": arn,
            "arn": arn,
            "name": seeded,
            "description": "",
            "kmsKeyId": "",
            "tags": {},
        }
    else:
        resources = query.matching(SECRET, arn=arn, name=name)
        if not resources:
            message = f"reading Secrets Manager Secret ({arn or name}): couldn't find resource"
            raise Refused(Refusal("NotFound", message, "invokes.one-match"))
        found = query.attributes(resources[0])
    return {"createdDate": CREATED, "lastChangedDate": CREATED, "policy": "", "type": "", **found}


def _certificate(query: Query) -> Properties:
    """Return a certificate by its first domain name.

    Only certificates that are resources are found, not those that a program refers to by ARN.
    """
    domain = query.args.get("domain")
    key_types = texts(query.args.get("keyTypes")) or ["RSA_1024", "RSA_2048"]
    statuses = texts(query.args.get("statuses")) or ["ISSUED"]
    found: list[tuple[Resource, object]] = []
    for each in query.matching(CERTIFICATE, domainName=domain):
        status = _certificate_status(query.account, each)
        if status in statuses and each.outputs.get("keyAlgorithm") in key_types:
            found.append((each, status))
    problem = ""
    if not found:
        problem = f"no ACM Certificate matching domain ({domain})"
    elif len(found) > 1 and query.args.get("mostRecent") is not True:
        problem = f"multiple ACM Certificates matching domain ({domain})"
    elif len({status for _, status in found}) > 1:
        problem = "most_recent filtering on different ACM certificate statues is not supported"
    if problem:
        raise Refused(Refusal("NotFound", problem, "invokes.one-match"))
    newest, status = found[-1]
    return {**query.attributes(newest), "domain": domain, "status": status}


def _certificate_status(account: Account, certificate: Resource) -> object:
    """Return a certificate's current status: ACM issues it once its validation records exist."""
    status = certificate.computed.get("status")
    if status == "PENDING_VALIDATION" and not missing_records(account, certificate):
        return "ISSUED"
    return status


def _addresses(query: Query) -> Properties:
    found = query.matching(EIP)
    return {
        "id": query.region,
        "allocationIds": ids_of(found),
        "publicIps": [each.outputs["publicIp"] for each in found],
    }


def _quota(query: Query) -> Properties:
    code, service = query.args.get("quotaCode"), query.args.get("serviceCode")
    name, value = _QUOTAS.get((str(service), str(code)), ("", 0))
    if not name:
        message = (
            f"the local AWS doesn't know the quota {code} of {service}; add it to "
            "localaws/account/invokes.py"
        )
        raise Refused(Refusal("NoSuchResourceException", message, "invokes.one-match"))
    arn = query.arn("servicequotas", f"{service}/{code}")
    return {
        "id": arn,
        "arn": arn,
        "quotaName": name,
        "quotaCode": code,
        "serviceCode": service,
        "value": value,
        "defaultValue": value,
        "adjustable": True,
        "globalQuota": False,
        "usageMetrics": [],
    }


def _zone(query: Query) -> Properties:
    """Return a hosted zone by id or name.

    A registered domain is assumed to have a public zone, even if no program created it.
    """
    zones = [each for each in query.account.all(ZONE) if _is_wanted_zone(query, each)]
    if len(zones) > 1:
        message = (
            "multiple Route 53 Hosted Zones matched; use more specific arguments: "
            f"{dict(query.args)}"
        )
        raise Refused(Refusal("NotFound", message, "invokes.one-match"))
    found = query.attributes(zones[0]) if zones else _assumed_zone(query)
    if found is None:
        message = f"no matching Route 53 Hosted Zone found: {dict(query.args)}"
        raise Refused(Refusal("NotFound", message, "invokes.one-match"))
    return {
        "arn": f"arn:{query.partition.name}:route53:::hostedzone/{found['id']}",
        "callerReference": "local",
        "comment": "",
        "nameServers": [],
        "privateZone": bool(found.get("vpcs")),
        "resourceRecordSetCount": 2,
        "tags": {},
        **found,
        "zoneId": found["id"],
        "name": zone_name(str(found["name"])),
    }


def _is_wanted_zone(query: Query, zone: Resource) -> bool:
    identifier, name = query.args.get("zoneId"), query.args.get("name")
    if identifier is not None and zone.id != identifier:
        return False
    if name is not None and zone_name(str(name)) != zone_name(str(zone.outputs.get("name"))):
        return False
    if identifier is None and bool(zone.inputs.get("vpcs")) != _wants_private_zone(query):
        return False
    return has_tags(query.attributes(zone), query.args.get("tags"))


def _wants_private_zone(query: Query) -> bool:
    return bool(query.args.get("privateZone") or query.args.get("vpcId"))


def _assumed_zone(query: Query) -> dict[str, Any] | None:
    """Return the public zone that the wanted domain is assumed to have, or None."""
    if _wants_private_zone(query) or query.args.get("tags"):
        return None
    wanted_id, wanted_name = query.args.get("zoneId"), query.args.get("name")
    name = zone_name(str(wanted_name)) if wanted_name else name_of_zone(query.account, wanted_id)
    identifier = assumed_zone_id(name) if name else None
    if identifier is None or wanted_id not in (None, identifier):
        return None
    return {"id": identifier, "name": name}


def _authorization_token(query: Query) -> Properties:
    """Return credentials of the account's registry; the local one doesn't look at them."""
    registry = query.args.get("registryId") or query.account.account_id
    user, password = "AWS", "local"
    return {
        "id": query.region,
        "authorizationToken": base64.b64encode(f"{user}:{password}".encode()).decode(),
        "expiresAt": "2099-01-01T00:00:00Z",
        "password": password,
        "proxyEndpoint": (f"https://{registry}.dkr.ecr.{query.region}.{query.partition.suffix}"),
        "registryId": registry,
        "userName": user,
    }


def _prefix_list(query: Query) -> Properties:
    """Return one of AWS's own prefix lists, of a service with gateway endpoints."""
    wanted_name = query.args.get("name")
    wanted_id = query.args.get("prefixListId") or query.args.get("id")
    for filter_ in blocks(query.args.get("filters")):
        values = texts(filter_.get("values"))
        value = values[0] if values else None
        match filter_.get("name"):
            case "prefix-list-name":
                wanted_name = value
            case "prefix-list-id":
                wanted_id = value
            case other:
                message = (
                    f"the local AWS doesn't know the filter {other!r}; add it to "
                    "localaws/account/invokes.py"
                )
                raise Refused(Refusal("InvalidParameterValue", message, "invokes.filter"))
    for name, networks in prefix_lists(query.region).items():
        identifier = prefix_list_id(name)
        matches = wanted_name in (None, name) and wanted_id in (None, identifier)
        if matches and (wanted_name or wanted_id):
            return {
                "id": identifier,
                "prefixListId": identifier,
                "name": name,
                "cidrBlocks": list(networks),
                "arn": query.arn("ec2", f"prefix-list/{identifier}", account="aws"),
                "addressFamily": "IPv4",
                "entries": [{"cidr": network, "description": ""} for network in networks],
                "maxEntries": len(networks),
                "ownerId": "AWS",
                "tags": {},
                "version": 1,
            }
    message = f"no matching EC2 Prefix List found: {dict(query.args)}"
    raise Refused(Refusal("NotFound", message, "invokes.one-match"))


def _elb_service_account(query: Query) -> Properties:
    account = ELB_ACCOUNTS.get(query.region)
    if account is None:
        message = (
            f"unsupported AWS Region {query.region}: its load balancers write their logs as "
            "a service principal"
        )
        raise Refused(Refusal("NotFound", message, "invokes.one-match"))
    return {"id": account, "arn": f"arn:{query.partition.name}:iam::{account}:root"}


def _cluster(query: Query) -> Properties:
    found = query.attributes(
        query.lookup(CLUSTER, "ECS Cluster", name=query.args.get("clusterName"))
    )
    counts = {
        "pendingTasksCount": 0,
        "runningTasksCount": 0,
        "registeredContainerInstancesCount": _instances_of(query.account, found["name"]),
    }
    return {**found, **counts, "clusterName": found["name"], "status": "ACTIVE"}


def _instances_of(account: Account, cluster: object) -> int:
    """Return the number of instances that a cluster's Auto Scaling groups have at the least."""
    count = 0
    for association in account.where(CAPACITY_PROVIDERS, "clusterName", cluster):
        for name in texts(association.inputs.get("capacityProviders")):
            provider = account.find(CAPACITY_PROVIDER, name)
            if provider is None:
                continue
            settings = block(provider.inputs.get("autoScalingGroupProvider"))
            group = account.find(GROUP, settings.get("autoScalingGroupArn"))
            if group is not None:
                count += int(group.outputs["minSize"])
    return count


def _clusters(query: Query) -> Properties:
    return {"id": query.region, "clusterArns": ids_of(query.matching(CLUSTER))}


def _task_definition(query: Query) -> Properties:
    name = query.args.get("taskDefinition")
    found = task_definition_of(query.account, name)
    if found is None:
        message = f"Unable to describe task definition: {name}"
        raise Refused(Refusal("ClientException", message, "invokes.one-match"))
    return {**query.attributes(found), "taskDefinition": name, "status": "ACTIVE"}


def _load_balancer(query: Query) -> Properties:
    wanted = query.arguments("arn", "name")
    found = query.attributes(query.lookup(LOAD_BALANCER, "ELBv2 Load Balancer", **wanted))
    for name in ("connectionLogs", "healthCheckLogs"):
        # The resource has a block here, the function a list of blocks.
        if block(found.get(name)):
            found[name] = [found[name]]
    return found


def _target_group(query: Query) -> Properties:
    wanted = query.arguments("arn", "name")
    group = query.lookup(TARGET_GROUP, "ELBv2 Target Group", **wanted)
    found = query.attributes(group)
    return {
        **found,
        # The resource has a number here, the function a text.
        "deregistrationDelay": f"{found['deregistrationDelay']:g}",
        "loadBalancerArns": sorted(balancers_of(query.account, group.id)),
    }


def _role(query: Query) -> Properties:
    return query.attributes(query.lookup(ROLE, "IAM Role", id=query.args.get("name")))


def _security_group(query: Query) -> Properties:
    wanted = query.arguments("id", "name", "vpcId")
    return query.attributes(query.lookup(SECURITY_GROUP, "EC2 Security Group", **wanted))


def _service(query: Query) -> Properties:
    """Return a service as configured; the daemon adds the state of its tasks."""
    cluster = str(query.args.get("clusterArn")).rpartition("/")[2]
    name = query.args.get("serviceName")
    service = query.account.find(SERVICE, f"{cluster}/{name}")
    if service is None:
        message = f"no service {name} in cluster {cluster}"
        raise Refused(Refusal("NotFound", message, "invokes.one-match"))
    found = query.attributes(service)
    # Single blocks of the resource, and lists here.
    configuration, registries = found.get("networkConfiguration"), found.get("serviceRegistries")
    return {
        **found,
        "serviceName": name,
        "status": "ACTIVE",
        "networkConfigurations": [configuration] if configuration else [],
        "serviceRegistries": [registries] if registries else [],
        "clusterArn": found.get("cluster"),
    }


_QUOTAS = {
    ("vpc", "L-F678F1CE"): ("VPCs per Region", VPCS_PER_REGION),
    ("ec2", "L-0263D0A3"): ("EC2-VPC Elastic IPs", EIPS_PER_REGION),
}
"""Names and values of the quotas that the catalog enforces, by service and code."""

FUNCTIONS: dict[str, Callable[[Query], Properties]] = {
    **LOOKUPS,
    "aws:acm/getCertificate:getCertificate": _certificate,
    "aws:cloudwatch/getLogGroup:getLogGroup": _log_group,
    "aws:cloudwatch/getLogGroups:getLogGroups": _log_groups,
    "aws:ec2/getEips:getEips": _addresses,
    "aws:ec2/getManagedPrefixList:getManagedPrefixList": _prefix_list,
    "aws:ec2/getPrefixList:getPrefixList": _prefix_list,
    "aws:ec2/getRouteTable:getRouteTable": _route_table,
    "aws:ec2/getRouteTables:getRouteTables": _ids(ROUTE_TABLE),
    "aws:ec2/getSecurityGroup:getSecurityGroup": _security_group,
    "aws:ec2/getSubnet:getSubnet": _subnet,
    "aws:ec2/getSubnets:getSubnets": _ids(SUBNET),
    "aws:ec2/getVpc:getVpc": _vpc,
    "aws:ec2/getVpcs:getVpcs": _ids(VPC),
    "aws:ecr/getAuthorizationToken:getAuthorizationToken": _authorization_token,
    "aws:ecs/getCluster:getCluster": _cluster,
    "aws:ecs/getClusters:getClusters": _clusters,
    "aws:ecs/getService:getService": _service,
    "aws:ecs/getTaskDefinition:getTaskDefinition": _task_definition,
    "aws:elb/getServiceAccount:getServiceAccount": _elb_service_account,
    "aws:iam/getPolicyDocument:getPolicyDocument": _policy_document,
    "aws:iam/getRole:getRole": _role,
    "aws:index/getAvailabilityZones:getAvailabilityZones": _availability_zones,
    "aws:index/getCallerIdentity:getCallerIdentity": _caller_identity,
    "aws:index/getPartition:getPartition": _partition,
    "aws:index/getRegion:getRegion": _region,
    "aws:index/getServicePrincipal:getServicePrincipal": _service_principal,
    "aws:lb/getLoadBalancer:getLoadBalancer": _load_balancer,
    "aws:lb/getTargetGroup:getTargetGroup": _target_group,
    "aws:route53/getZone:getZone": _zone,
    "aws:secretsmanager/getSecret:getSecret": _secret,
    "aws:servicequotas/getServiceQuota:getServiceQuota": _quota,
    "aws:ssm/getParameter:getParameter": _parameter,
}
"""Every function that the local AWS answers, by token."""
