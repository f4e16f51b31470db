"""One call of a function (data source): its arguments, and the resources that match them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from localaws.catalog import Refusal, Refused
from localaws.catalog.ec2.network import ASSOCIATION, ROUTE, ROUTE_TABLE, VPC, is_default
from localaws.catalog.partitions import Partition, partition_of
from localaws.catalog.values import block, blocks, texts

if TYPE_CHECKING:
    from collections.abc import Sequence

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
"""EC2's filter names, by the output they look at; `tag:<name>` works as well."""


@dataclass(frozen=True)
class Query:
    """One call: where it is asked, and with which arguments."""

    account: Account
    args: Properties
    region: str

    @property
    def partition(self) -> Partition:
        """The partition of the region."""
        return partition_of(self.region)

    def arn(self, service: str, resource: str, *, account: str | None = None) -> str:
        """Return an ARN in this region, and in this account unless another owns the resource."""
        owner = self.account.account_id if account is None else account
        return f"arn:{self.partition.name}:{service}:{self.region}:{owner}:{resource}"

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
        """Return the resources of this region that match the facts and the call's tags and filters.

        A fact of None matches anything: an argument that the program left out.
        """
        return [each for each in self.account.all(token) if self._matches(each, facts)]

    def facts(self, resource: Resource) -> dict[str, Any]:
        """What a function shows of a resource: its outputs, its id, and all of its tags."""
        shown = {**resource.outputs, "id": resource.id, "default": is_default(resource)}
        return {**shown, "tags": shown.get("tagsAll") or shown.get("tags") or {}}

    def _matches(self, resource: Resource, wanted: Properties) -> bool:
        # IAM is a global service: its resources are the same in every region.
        if resource.region != self.region and not resource.token.startswith("aws:iam/"):
            return False
        facts = self.facts(resource)
        for name, value in wanted.items():
            if value is not None and facts.get(name) != value:
                return False
        if not facts["tags"].items() >= block(self.args.get("tags")).items():
            return False
        # EC2 joins filters by AND, and the values of one by OR.
        for filter_ in blocks(self.args.get("filters")):
            shown = self._filtered_values(resource, facts, str(filter_.get("name")))
            if not {*shown} & {*texts(filter_.get("values"))}:
                return False
        return True

    def _filtered_values(self, resource: Resource, facts: Properties, name: str) -> list[str]:
        """Return what a filter compares with its values; a route table has one for each route."""
        if name.startswith("tag:"):
            tag = facts["tags"].get(name.removeprefix("tag:"))
            return [] if tag is None else [_as_text(tag)]
        if name not in _FILTERS:
            message = (
                f"the local AWS doesn't know the filter {name!r}; add it to "
                "localaws/account/query.py"
            )
            raise Refused(Refusal("InvalidParameterValue", message, "invokes.filter"))
        shown = [facts]
        if resource.token == ROUTE_TABLE and name.startswith("association."):
            shown = [*associations_of(self.account, resource)]
        elif resource.token == ROUTE_TABLE and name.startswith("route."):
            shown = [*routes_of(self.account, resource)]
        return [_as_text(each.get(_FILTERS[name])) for each in shown]


def routes_of(account: Account, table: Resource) -> list[dict[str, Any]]:
    """Return a route table's routes: the implicit local one, inline ones and resources."""
    vpc = account.get(VPC, table.inputs.get("vpcId"))
    routes = [{"cidrBlock": vpc.outputs.get("cidrBlock"), "gatewayId": "local"}] if vpc else []
    routes += [dict(route) for route in blocks(table.inputs.get("routes"))]
    for route in account.where(ROUTE, "routeTableId", table.id):
        # The resource has longer names than the blocks of a table.
        renamed = {_INLINE.get(name, name): value for name, value in route.inputs.items()}
        routes.append(renamed)
    return routes


_INLINE = {"destinationCidrBlock": "cidrBlock", "destinationIpv6CidrBlock": "ipv6CidrBlock"}
"""Inputs of a route resource that a route table's inline block names otherwise."""


def associations_of(account: Account, table: Resource) -> list[dict[str, Any]]:
    """Return a route table's associations; a VPC's default table has one as the main one."""
    found: list[dict[str, Any]] = []
    if not table.urn:
        main = f"{table.id}-main"
        found.append({"routeTableAssociationId": main, "routeTableId": table.id, "main": True})
    found += [
        {"routeTableAssociationId": each.id, "main": False, **each.inputs}
        for each in account.where(ASSOCIATION, "routeTableId", table.id)
    ]
    return found


def _as_text(value: object) -> str:
    """Return a value as EC2's filters write it: a boolean in lower case."""
    return str(value).lower() if isinstance(value, bool) else str(value)
