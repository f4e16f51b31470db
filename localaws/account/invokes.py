"""The functions (data sources) a program may call, answered from the cloud."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from localaws.account import policy_documents
from localaws.account.cloud import SEEDED_SECRET
from localaws.account.parameters import seeded_secret
from localaws.account.record_lookups import LOOKUPS
from localaws.catalog import Refusal, Refused
from localaws.catalog.acm import CERTIFICATE, missing_records
from localaws.catalog.ec2.network import (
    ASSOCIATION,
    EIP,
    EIPS_PER_REGION,
    ROUTE,
    ROUTE_TABLE,
    SECURITY_GROUP,
    SUBNET,
    VPC,
    VPCS_PER_REGION,
    is_default,
    zone_id,
)
from localaws.catalog.ec2.vpc_endpoints import prefix_list_id, prefix_lists
from localaws.catalog.ecs.services import CLUSTER, SERVICE, task_definition_of
from localaws.catalog.elb.listeners import balancers_of
from localaws.catalog.elb.load_balancers import ELB_ACCOUNTS, LOAD_BALANCER
from localaws.catalog.elb.target_groups import TARGET_GROUP
from localaws.catalog.iam.roles import CREATED, ROLE
from localaws.catalog.logs import LOG_GROUP
from localaws.catalog.partitions import Partition, partition_of
from localaws.catalog.route53.records import ZONE, assumed_zone_id, name_of_zone, zone_name
from localaws.catalog.secretsmanager import SECRET, seeded_suffix
from localaws.catalog.ssm import PARAMETER, names_of, parameter_arn
from localaws.catalog.tokens import canonical
from localaws.catalog.values import block, blocks, network, texts

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from localaws.account.cloud import Cloud
    from localaws.catalog import Properties, Resource

_RESERVED_ADDRESSES = 5
"""Addresses that AWS keeps for itself in every subnet."""

_FILTERS = {
    "vpc-id": "vpcId",
    "subnet-id": "id",
    "group-id": "id",
    "group-name": "name",
    "route-table-id": "id",
    "availability-zone": "availabilityZone",
    "availability-zone-id": "availabilityZoneId",
    "cidr-block": "cidrBlock",
    "cidr": "cidrBlock",
    "map-public-ip-on-launch": "mapPublicIpOnLaunch",
    "default": "default",
    "is-default": "default",
    "default-for-az": "default",
    "owner-id": "ownerId",
    "association.subnet-id": "subnetId",
    "association.main": "main",
    "attachment.vpc-id": "vpcId",
    "internet-gateway-id": "id",
    "nat-gateway-id": "id",
    "allocation-id": "id",
    "public-ip": "publicIp",
    "service-name": "serviceName",
    "route.gateway-id": "gatewayId",
}
"""EC2's filter names, by the output they look at; `tag:<name>` works as well."""


@dataclass(frozen=True)
class Query:
    """One call: where it is asked, and with which arguments."""

    cloud: Cloud
    args: Properties
    region: str

    @property
    def partition(self) -> Partition:
        """The partition of the region."""
        return partition_of(self.region)

    def lookup(self, token: str, what: str, **facts: Any) -> Resource:
        """The one resource that matches the arguments given here and the call's filters.

        Raises:
            Refused: None matches, or several do.
        """
        found = self.matching(token, **facts)
        if len(found) == 1:
            return found[0]
        problem = (
            f"multiple {what}s matched; use more specific arguments"
            if found
            else f"no matching {what} found"
        )
        asked = {name: value for name, value in self.args.items() if value is not None}
        raise Refused(Refusal("NotFound", f"{problem}: {asked}", "invokes.one-match"))

    def matching(self, token: str, **facts: Any) -> Sequence[Resource]:
        """The resources of this region that match the facts, tags and filters; a fact of None doesn't matter."""
        wanted = {name: value for name, value in facts.items() if value is not None}
        return [
            each
            for each in self.cloud.all(token)
            if each.region == self.region or token.startswith("aws:iam/")
            if all(self.facts(each).get(name) == value for name, value in wanted.items())
            if (self.facts(each).get("tags") or {}).items() >= block(self.args.get("tags")).items()
            if all(self._passes(each, filter_) for filter_ in blocks(self.args.get("filters")))
        ]

    def facts(self, resource: Resource) -> dict[str, Any]:
        """What a function shows of a resource: its outputs, its id, and all of its tags."""
        shown = {**resource.outputs, "id": resource.id, "default": is_default(resource)}
        return {**shown, "tags": shown.get("tagsAll") or shown.get("tags") or {}}

    def _passes(self, resource: Resource, filter_: Properties) -> bool:
        name, allowed, facts = (
            str(filter_.get("name")),
            texts(filter_.get("values")),
            self.facts(resource),
        )
        if name.startswith("tag:"):
            return facts["tags"].get(name.removeprefix("tag:")) in allowed
        if name not in _FILTERS:
            message = f"the local AWS doesn't know the filter {name!r}; add it to localaws/account/invokes.py"
            raise Refused(Refusal("InvalidParameterValue", message, "invokes.filter"))
        if resource.token == ROUTE_TABLE and name.startswith(("association.", "route.")):
            places = (
                _associations(self.cloud, resource)
                if name.startswith("a")
                else _routes(self.cloud, resource)
            )
            shown = [place.get(_FILTERS[name]) for place in places]
        else:
            shown = [facts.get(_FILTERS[name])]
        return any(_as_text(value) in allowed for value in shown)


def answer(cloud: Cloud, token: str, args: Properties, region: str) -> dict[str, Any]:
    """What a function returns, in the shape of pulumi-aws's result types.

    Raises:
        Refused: There is nothing to find, or the local AWS doesn't know the function.
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


def _as_text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _availability_zones(query: Query) -> Properties:
    excluded = texts(query.args.get("excludeNames"))
    names = [
        f"{query.region}{zone}"
        for zone in query.cloud.zones
        if f"{query.region}{zone}" not in excluded
    ]
    return {
        "id": query.region,
        "names": names,
        "zoneIds": [zone_id(name) for name in names],
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
    account = query.cloud.account_id
    arn = f"arn:{query.partition.name}:iam::{account}:user/local"
    return {"id": account, "accountId": account, "arn": arn, "userId": "AIDALOCAL"}


def _policy_document(query: Query) -> Properties:
    try:
        text, minified = policy_documents.written(query.args)
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
    name, suffix, prefix = (
        query.partition.name,
        query.partition.suffix,
        query.partition.reverse_prefix,
    )
    return {"id": name, "partition": name, "dnsSuffix": suffix, "reverseDnsPrefix": prefix}


def _service_principal(query: Query) -> Properties:
    service = str(query.args.get("serviceName"))
    suffix = query.partition.principal_suffix(service)
    identifier, name = f"{service}.{query.region}.{suffix}", query.partition.principal(service)
    return {
        "id": identifier,
        "name": name,
        "serviceName": service,
        "suffix": suffix,
        "region": query.region,
    }


def _vpc(query: Query) -> Properties:
    facts = {name: query.args.get(name) for name in ("id", "cidrBlock", "default")}
    found = query.facts(query.lookup(VPC, "EC2 VPC", **facts))
    association = {
        "cidrBlock": found["cidrBlock"],
        "state": "associated",
        "associationId": f"{found['id']}-cidr",
    }
    return {**found, "state": "available", "cidrBlockAssociations": [association]}


def _ids(token: str) -> Callable[[Query], Properties]:
    def function(query: Query) -> Properties:
        found = query.matching(token, vpcId=query.args.get("vpcId"))
        return {"id": query.region, "ids": [each.id for each in found]}

    return function


def _subnet(query: Query) -> Properties:
    names = ("id", "vpcId", "cidrBlock", "availabilityZone", "availabilityZoneId")
    found = query.facts(
        query.lookup(SUBNET, "EC2 Subnet", **{name: query.args.get(name) for name in names})
    )
    size = getattr(network(found.get("cidrBlock")), "num_addresses", _RESERVED_ADDRESSES)
    return {
        **found,
        "state": "available",
        "defaultForAz": found["default"],
        "availableIpAddressCount": size - _RESERVED_ADDRESSES,
    }


def _routes(cloud: Cloud, table: Resource) -> list[dict[str, Any]]:
    """A route table's routes: the implicit local one, those of its own, and route resources."""
    vpc = cloud.get(VPC, table.inputs.get("vpcId"))
    routes = [{"cidrBlock": vpc.outputs.get("cidrBlock"), "gatewayId": "local"}] if vpc else []
    routes += [dict(route) for route in blocks(table.inputs.get("routes"))]
    for route in cloud.all(ROUTE):
        if route.inputs.get("routeTableId") == table.id:
            short = {
                "destinationCidrBlock": "cidrBlock",
                "destinationIpv6CidrBlock": "ipv6CidrBlock",
            }
            routes.append({short.get(name, name): value for name, value in route.inputs.items()})
    return routes


def _associations(cloud: Cloud, table: Resource) -> list[dict[str, Any]]:
    """A route table's associations; a VPC's own table has one that makes it the main one."""
    main = [{"routeTableAssociationId": f"{table.id}-main", "routeTableId": table.id, "main": True}]
    return (main if not table.urn else []) + [
        {"routeTableAssociationId": each.id, "main": False, **each.inputs}
        for each in cloud.all(ASSOCIATION)
        if each.inputs.get("routeTableId") == table.id
    ]


def _route_table(query: Query) -> Properties:
    subnet = query.args.get("subnetId")
    tables = query.matching(
        ROUTE_TABLE, id=query.args.get("routeTableId"), vpcId=query.args.get("vpcId")
    )
    if subnet is not None:
        tables = [
            each
            for each in tables
            if any(place.get("subnetId") == subnet for place in _associations(query.cloud, each))
        ]
    if len(tables) != 1:
        message = f"{len(tables)} route tables match, one is wanted: {dict(query.args)}"
        raise Refused(Refusal("NotFound", message, "invokes.one-match"))
    table = tables[0]
    return {
        **query.facts(table),
        "routeTableId": table.id,
        "subnetId": subnet,
        "routes": _routes(query.cloud, table),
        "associations": _associations(query.cloud, table),
    }


def _log_group(query: Query) -> Properties:
    return query.facts(
        query.lookup(LOG_GROUP, "CloudWatch Logs Log Group", name=query.args.get("name"))
    )


def _log_groups(query: Query) -> Properties:
    prefix = query.args.get("logGroupNamePrefix") or ""
    found = [each for each in query.matching(LOG_GROUP) if each.id.startswith(prefix)]
    return {
        "id": query.region,
        "logGroupNamePrefix": query.args.get("logGroupNamePrefix"),
        "logGroupNames": [each.id for each in found],
        "arns": [each.computed["arn"] for each in found],
    }


def _parameter(query: Query) -> Properties:
    asked = str(query.args.get("name"))
    is_arn = asked.startswith("arn:")
    name, _, version = asked.rpartition(":parameter/")[2].partition(":")
    names = names_of(name) if is_arn else (name,)
    found = next(filter(None, (_current_parameter(query, each) for each in names)), None)
    if found is None:
        message = f"reading SSM Parameter ({asked}): couldn't find resource"
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
    seeded = query.cloud.parameters.get(name)
    if seeded is not None and seeded.type != SEEDED_SECRET:
        arn = f"arn:{query.partition.name}:ssm:{query.region}:{query.cloud.account_id}:{parameter_arn(name)}"
        return {"arn": arn, "name": name, "type": seeded.type, "value": seeded.value, "version": 1}
    made = next(iter(query.matching(PARAMETER, name=name)), None)
    return query.facts(made) if made else None


def _secret(query: Query) -> Properties:
    """What is known of a secret, without its value."""
    arn, name = query.args.get("arn"), query.args.get("name")
    seeded = seeded_secret(query.cloud, str(arn or name))
    if seeded is not None:
        place = f"{query.partition.name}:secretsmanager:{query.region}:{query.cloud.account_id}"
        arn = f"arn:{place}:secret:{seeded}-{seeded_suffix(seeded)}"
        found: dict[str, Any] = {
            "id": arn,
            "arn": arn,
            "name": seeded,
            "description": "",
            "kmsKeyId": "",
            "tags": {},
        }
    else:
        made = next(iter(query.matching(SECRET, arn=arn, name=name)), None)
        if made is None:
            message = f"reading Secrets Manager Secret ({arn or name}): couldn't find resource"
            raise Refused(Refusal("NotFound", message, "invokes.one-match"))
        found = query.facts(made)
    return {"createdDate": CREATED, "lastChangedDate": CREATED, "policy": "", "type": "", **found}


def _certificate(query: Query) -> Properties:
    """A certificate by its first name, of those that are resources: others are taken to exist, but not listed."""
    domain, kinds = (
        query.args.get("domain"),
        texts(query.args.get("keyTypes")) or ["RSA_1024", "RSA_2048"],
    )
    statuses = texts(query.args.get("statuses")) or ["ISSUED"]
    found = [
        each
        for each in query.matching(CERTIFICATE, domainName=domain)
        if _status(query.cloud, each) in statuses and each.outputs.get("keyAlgorithm") in kinds
    ]
    problem = f"no ACM Certificate matching domain ({domain})"
    if len(found) > 1:
        if query.args.get("mostRecent") is not True:
            problem, found = f"multiple ACM Certificates matching domain ({domain})", []
        elif len({_status(query.cloud, each) for each in found}) > 1:
            problem, found = (
                "most_recent filtering on different ACM certificate statues is not supported",
                [],
            )
    if not found:
        raise Refused(Refusal("NotFound", problem, "invokes.one-match"))
    newest = found[-1]
    return {**query.facts(newest), "domain": domain, "status": _status(query.cloud, newest)}


def _status(cloud: Cloud, certificate: Resource) -> object:
    """A certificate's status now: ACM issues it as soon as the records that prove its names are there."""
    pending = certificate.computed.get("status") == "PENDING_VALIDATION"
    return (
        "ISSUED"
        if pending and not missing_records(cloud, certificate)
        else certificate.computed.get("status")
    )


def _addresses(query: Query) -> Properties:
    found = query.matching(EIP)
    return {
        "id": query.region,
        "allocationIds": [each.id for each in found],
        "publicIps": [each.outputs["publicIp"] for each in found],
    }


def _quota(query: Query) -> Properties:
    code, service = query.args.get("quotaCode"), query.args.get("serviceCode")
    name, most = _QUOTAS.get((str(service), str(code)), ("", 0))
    if not name:
        message = (
            f"the local AWS doesn't know the quota {code} of {service}; add it to "
            "localaws/account/invokes.py"
        )
        raise Refused(Refusal("NoSuchResourceException", message, "invokes.one-match"))
    arn = f"arn:{query.partition.name}:servicequotas:{query.region}:{query.cloud.account_id}:{service}/{code}"
    own = {"id": arn, "arn": arn, "quotaName": name, "quotaCode": code, "serviceCode": service}
    return {
        **own,
        "value": most,
        "defaultValue": most,
        "adjustable": True,
        "globalQuota": False,
        "usageMetrics": [],
    }


def _zone(query: Query) -> Properties:
    """A hosted zone by id or name; a registered domain has a public one although no resource made it."""
    identifier, name = query.args.get("zoneId"), query.args.get("name")
    domain = zone_name(str(name)) if name is not None else None
    private = bool(query.args.get("privateZone") or query.args.get("vpcId"))
    made = [
        each
        for each in query.cloud.all(ZONE)
        if identifier in (None, each.id)
        and domain in (None, zone_name(str(each.outputs.get("name"))))
        if identifier is not None or bool(each.inputs.get("vpcs")) == private
        if (query.facts(each)["tags"]).items() >= block(query.args.get("tags")).items()
    ]
    if len(made) > 1:
        message = (
            "multiple Route 53 Hosted Zones matched; use more specific arguments: "
            f"{dict(query.args)}"
        )
        raise Refused(Refusal("NotFound", message, "invokes.one-match"))
    assumed = (
        None
        if made or private or query.args.get("tags")
        else _assumed_zone(query.cloud, identifier, domain)
    )
    if not made and assumed is None:
        message = f"no matching Route 53 Hosted Zone found: {dict(query.args)}"
        raise Refused(Refusal("NotFound", message, "invokes.one-match"))
    found: dict[str, Any] = query.facts(made[0]) if made else assumed or {}
    return {
        "arn": f"arn:{query.partition.name}:route53:::hostedzone/{found['id']}",
        "callerReference": "local",
        "comment": "",
        "nameServers": [],
        "privateZone": bool(made) and bool(made[0].inputs.get("vpcs")),
        "resourceRecordSetCount": 2,
        "tags": {},
        **found,
        "zoneId": found["id"],
        "name": zone_name(str(found["name"])),
    }


def _assumed_zone(cloud: Cloud, identifier: object, domain: str | None) -> dict[str, Any] | None:
    name = domain or name_of_zone(cloud, identifier)
    found = assumed_zone_id(name) if name else None
    return {"id": found, "name": name} if found and identifier in (None, found) else None


def _prefix_list(query: Query) -> Properties:
    """One of the lists that AWS keeps: of the services that have gateway endpoints."""
    lists = {
        prefix_list_id(name): (name, networks)
        for name, networks in prefix_lists(query.region).items()
    }
    wanted = [query.args.get("name"), query.args.get("prefixListId") or query.args.get("id")]
    for filter_ in blocks(query.args.get("filters")):
        if filter_.get("name") not in ("prefix-list-name", "prefix-list-id"):
            message = (
                f"the local AWS doesn't know the filter {filter_.get('name')!r}; add it to "
                "localaws/account/invokes.py"
            )
            raise Refused(Refusal("InvalidParameterValue", message, "invokes.filter"))
        wanted[filter_["name"] == "prefix-list-id"] = next(iter(texts(filter_.get("values"))), None)
    for identifier, (name, networks) in lists.items():
        if wanted[0] in (None, name) and wanted[1] in (None, identifier) and any(wanted):
            return {
                "id": identifier,
                "prefixListId": identifier,
                "name": name,
                "cidrBlocks": list(networks),
                "arn": f"arn:{query.partition.name}:ec2:{query.region}:aws:prefix-list/{identifier}",
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
    found = query.facts(query.lookup(CLUSTER, "ECS Cluster", name=query.args.get("clusterName")))
    counts = {
        "pendingTasksCount": 0,
        "runningTasksCount": 0,
        "registeredContainerInstancesCount": 0,
    }
    return {**found, **counts, "clusterName": found["name"], "status": "ACTIVE"}


def _clusters(query: Query) -> Properties:
    return {"id": query.region, "clusterArns": [each.id for each in query.matching(CLUSTER)]}


def _task_definition(query: Query) -> Properties:
    name = query.args.get("taskDefinition")
    found = task_definition_of(query.cloud, name)
    if found is None:
        message = f"Unable to describe task definition: {name}"
        raise Refused(Refusal("ClientException", message, "invokes.one-match"))
    return {**query.facts(found), "taskDefinition": name, "status": "ACTIVE"}


def _load_balancer(query: Query) -> Properties:
    names = ("arn", "name")
    found = query.facts(
        query.lookup(
            LOAD_BALANCER, "ELBv2 Load Balancer", **{name: query.args.get(name) for name in names}
        )
    )
    # The resource has a block of these, the function a list of blocks.
    lists = {
        name: [found[name]]
        for name in ("connectionLogs", "healthCheckLogs")
        if block(found.get(name))
    }
    return {**found, **lists}


def _target_group(query: Query) -> Properties:
    names = ("arn", "name")
    found = query.lookup(
        TARGET_GROUP, "ELBv2 Target Group", **{name: query.args.get(name) for name in names}
    )
    facts = query.facts(found)
    # A number of the resource, a text of the function.
    delay = f"{facts['deregistrationDelay']:g}"
    return {
        **facts,
        "deregistrationDelay": delay,
        "loadBalancerArns": sorted(balancers_of(query.cloud, found.id)),
    }


def _role(query: Query) -> Properties:
    return query.facts(query.lookup(ROLE, "IAM Role", id=query.args.get("name")))


def _security_group(query: Query) -> Properties:
    names = ("id", "name", "vpcId")
    return query.facts(
        query.lookup(
            SECURITY_GROUP, "EC2 Security Group", **{name: query.args.get(name) for name in names}
        )
    )


def _service(query: Query) -> Properties:
    """A service as it is wanted; what runs is the data plane's to tell, which answers before this does."""
    cluster = str(query.args.get("clusterArn")).rpartition("/")[2]
    name = query.args.get("serviceName")
    found = query.cloud.find(SERVICE, f"{cluster}/{name}")
    if found is None:
        raise Refused(
            Refusal("NotFound", f"no service {name} in cluster {cluster}", "invokes.one-match")
        )
    facts = query.facts(found)
    network = facts.get("networkConfiguration")
    own = {
        "serviceName": name,
        "status": "ACTIVE",
        "networkConfigurations": [network] if network else [],
    }
    return {**facts, **own, "clusterArn": facts.get("cluster")}


_QUOTAS = {
    ("vpc", "L-F678F1CE"): ("VPCs per Region", VPCS_PER_REGION),
    ("ec2", "L-0263D0A3"): ("EC2-VPC Elastic IPs", EIPS_PER_REGION),
}
"""Names and values of the quotas that the catalog holds an account to, by service and code."""

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
"""Every function the local AWS answers, by token."""
