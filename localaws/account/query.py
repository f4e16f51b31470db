"""A call of a function (data source), and the resources that match its arguments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from localaws.catalog import Refusal, Refused
from localaws.catalog.ec2.network import ASSOCIATION, ROUTE, ROUTE_TABLE, VPC, is_default
from localaws.catalog.partitions import Partition, partition_of
from localaws.catalog.values import block, blocks, texts, without_none

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from localaws.catalog import Properties, Resource
    from localaws.catalog.account import Account

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
"""The output that each of EC2's filters compares; `tag:<name>` is a filter as well."""


@dataclass(frozen=True)
class Query:
    """One call of a function: the account and region, and the arguments."""

    account: Account
    args: Properties
    region: str

    @property
    def partition(self) -> Partition:
        """The partition of the region."""
        return partition_of(self.region)

    @property
    def zone_names(self) -> list[str]:
        """The region's availability zones, such as `eu-west-1a`."""
        return [f"{self.region}{zone}" for zone in self.account.zones]

    def arn(self, service: str, resource: str, *, account: str | None = None) -> str:
        """Return an ARN in this region; `account` is the owner if it isn't this account."""
        owner = self.account.account_id if account is None else account
        return f"arn:{self.partition.name}:{service}:{self.region}:{owner}:{resource}"

    def arguments(self, *names: str) -> dict[str, Any]:
        """Return these arguments of the call; None for those that the program left out."""
        return {name: self.args.get(name) for name in names}

    def lookup(self, token: str, what: str, **wanted: Any) -> Resource:
        """Return the only resource that matches, as `matching` defines it.

        Args:
            token: The resource's type.
            what: The type's name in an error message.
            wanted: Attributes and their values.

        Raises:
            Refused: None matches, or several do.
        """
        found = self.matching(token, **wanted)
        if len(found) == 1:
            return found[0]
        problem = (
            f"multiple {what}s matched; use more specific arguments"
            if found
            else f"no matching {what} found"
        )
        args = without_none(self.args)
        raise Refused(Refusal("NotFound", f"{problem}: {args}", "invokes.one-match"))

    def matching(self, token: str, **wanted: Any) -> Sequence[Resource]:
        """Return the region's resources with these attributes and the call's tags and filters.

        A wanted value of None, an argument that the program left out, matches any resource.
        """
        return [each for each in self.account.all(token) if self._matches(each, wanted)]

    def attributes(self, resource: Resource) -> dict[str, Any]:
        """Return a resource as functions do: its outputs, its id, and all of its tags."""
        shown = {**resource.outputs, "id": resource.id, "default": is_default(resource)}
        return {**shown, "tags": shown.get("tagsAll") or shown.get("tags") or {}}

    def _matches(self, resource: Resource, wanted: Properties) -> bool:
        # IAM is a global service: its resources are the same in every region.
        if resource.region != self.region and not resource.token.startswith("aws:iam/"):
            return False
        attributes = self.attributes(resource)
        for name, value in wanted.items():
            if value is not None and attributes.get(name) != value:
                return False
        if not has_tags(attributes, self.args.get("tags")):
            return False
        # EC2 combines filters with AND, and the values of one filter with OR.
        for filter_ in blocks(self.args.get("filters")):
            actual = self._filtered_values(resource, attributes, str(filter_.get("name")))
            if set(actual).isdisjoint(texts(filter_.get("values"))):
                return False
        return True

    def _filtered_values(self, resource: Resource, attributes: Properties, name: str) -> list[str]:
        """Return the values that a filter compares: for a route table, one for each route."""
        if name.startswith("tag:"):
            tag = attributes["tags"].get(name.removeprefix("tag:"))
            return [] if tag is None else [_as_text(tag)]
        if name == "state":
            # AWS lists what is being made or deleted, too; here that doesn't exist.
            return ["available"]
        if name not in _FILTERS:
            message = (
                f"the local AWS doesn't know the filter {name!r}; add it to "
                "localaws/account/query.py"
            )
            raise Refused(Refusal("InvalidParameterValue", message, "invokes.filter"))
        compared: list[Properties] = [attributes]
        if resource.token == ROUTE_TABLE and name.startswith("association."):
            compared = list(associations_of(self.account, resource))
        elif resource.token == ROUTE_TABLE and name.startswith("route."):
            compared = list(routes_of(self.account, resource))
        return [_as_text(each.get(_FILTERS[name])) for each in compared]


def ids_of(resources: Iterable[Resource]) -> list[str]:
    """Return the ids of resources."""
    return [each.id for each in resources]


def has_tags(attributes: Properties, tags: object) -> bool:
    """Return whether a resource's attributes include all of these tags; None means no tags."""
    return bool(attributes["tags"].items() >= block(tags).items())


def routes_of(account: Account, table: Resource) -> list[dict[str, Any]]:
    """Return a route table's routes: the implicit local route, inline routes and resources."""
    routes: list[dict[str, Any]] = []
    vpc = account.get(VPC, table.inputs.get("vpcId"))
    if vpc:
        routes.append({"cidrBlock": vpc.outputs.get("cidrBlock"), "gatewayId": "local"})
    routes.extend(map(dict, blocks(table.inputs.get("routes"))))
    for resource in account.where(ROUTE, "routeTableId", table.id):
        route = dict(resource.inputs)
        for name, inline_name in _INLINE.items():
            if name in route:
                route[inline_name] = route.pop(name)
        routes.append(route)
    return routes


_INLINE = {"destinationCidrBlock": "cidrBlock", "destinationIpv6CidrBlock": "ipv6CidrBlock"}
"""Inputs of a route resource, and what a route table's inline block calls them."""


def associations_of(account: Account, table: Resource) -> list[dict[str, Any]]:
    """Return a route table's associations; a VPC's own table has a main association."""
    found: list[dict[str, Any]] = []
    if table.made_by_aws:
        main = f"{table.id}-main"
        found.append({"routeTableAssociationId": main, "routeTableId": table.id, "main": True})
    for resource in account.where(ASSOCIATION, "routeTableId", table.id):
        association = {"routeTableAssociationId": resource.id, "main": False}
        found.append({**association, **resource.inputs})
    return found


def _as_text(value: object) -> str:
    """Return a value in the form of EC2's filters: a boolean in lower case."""
    return str(value).lower() if isinstance(value, bool) else str(value)
