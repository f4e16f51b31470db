"""The records of a network, made as a program makes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localaws.account.cloud import Cloud
from localaws.vpc.model import Interface

if TYPE_CHECKING:
    from localaws.catalog import Resource

REGION = "eu-west-1"
ANYWHERE = {"cidrIpv4": "0.0.0.0/0"}
ANYWHERE_IPV6 = {"cidrIpv6": "::/0"}


class Records:
    """An account, and short ways to fill it."""

    def __init__(self) -> None:
        self.cloud = Cloud(seed=1)
        self._made = 0
        self.vpcs: dict[str, Resource] = {}

    def make(self, token: str, /, **inputs: Any) -> Resource:
        """Create a resource that the catalog accepts."""
        self._made += 1
        return self.cloud.create(token, f"urn:{token}:{self._made}", inputs, region=REGION)

    def remove(self, *resources: Resource) -> None:
        for each in resources:
            self.cloud.delete(each.token, each.id)

    def vpc(self, cidr: str = "10.0.0.0/16", **inputs: Any) -> Resource:
        return self.make("aws:ec2/vpc:Vpc", cidrBlock=cidr, **inputs)

    def subnet(
        self,
        vpc: Resource,
        cidr: str,
        table: Resource | None = None,
        *,
        ipv6: int | None = None,
        zone: str = "a",
    ) -> Resource:
        """Make a subnet; `ipv6` is the number of its /64 in the VPC's range."""
        zone = f"{REGION}{zone}"
        inputs: dict[str, Any] = {"vpcId": vpc.id, "cidrBlock": cidr, "availabilityZone": zone}
        if ipv6 is not None:
            inputs["ipv6CidrBlock"] = f"{ipv6_prefix(vpc)}{ipv6:02x}::/64"
        made = self.make("aws:ec2/subnet:Subnet", **inputs)
        if table is not None:
            self.make(
                "aws:ec2/routeTableAssociation:RouteTableAssociation",
                subnetId=made.id,
                routeTableId=table.id,
            )
        return made

    def internet_gateway(self, vpc: Resource) -> Resource:
        return self.make("aws:ec2/internetGateway:InternetGateway", vpcId=vpc.id)

    def table(self, vpc: Resource) -> Resource:
        return self.make("aws:ec2/routeTable:RouteTable", vpcId=vpc.id)

    def route(self, table: Resource, destination: str, **target: Any) -> Resource:
        name = "destinationIpv6CidrBlock" if ":" in destination else "destinationCidrBlock"
        inputs = {"routeTableId": table.id, name: destination, **target}
        return self.make("aws:ec2/route:Route", **inputs)

    def nat_gateway(self, subnet: Resource) -> Resource:
        address = self.make("aws:ec2/eip:Eip", domain="vpc")
        return self.make(
            "aws:ec2/natGateway:NatGateway", subnetId=subnet.id, allocationId=address.id
        )

    def group(self, vpc: Resource, name: str, **inline: Any) -> Resource:
        return self.make("aws:ec2/securityGroup:SecurityGroup", vpcId=vpc.id, name=name, **inline)

    def acl(self, vpc: Resource, *subnets: Resource, **inline: Any) -> Resource:
        """Make a network ACL for subnets."""
        names = [each.id for each in subnets]
        return self.make("aws:ec2/networkAcl:NetworkAcl", vpcId=vpc.id, subnetIds=names, **inline)

    def acl_rule(
        self,
        acl: Resource,
        order: int,
        network: str,
        action: str = "allow",
        *,
        egress: bool = False,
        protocol: str = "-1",
        ports: int | tuple[int, int] | None = None,
        **icmp: int,
    ) -> Resource:
        inputs: dict[str, Any] = {
            "networkAclId": acl.id,
            "ruleNumber": order,
            "ruleAction": action,
            "egress": egress,
            "protocol": protocol,
            "ipv6CidrBlock" if ":" in network else "cidrBlock": network,
            **icmp,
        }
        if ports is not None:
            first, last = ports if isinstance(ports, tuple) else (ports, ports)
            inputs |= {"fromPort": first, "toPort": last}
        return self.make("aws:ec2/networkAclRule:NetworkAclRule", **inputs)

    def ingress(self, group: Resource, protocol: str = "tcp", **rule: Any) -> Resource:
        return self._rule("Ingress", group, protocol, rule)

    def egress(self, group: Resource, protocol: str = "tcp", **rule: Any) -> Resource:
        return self._rule("Egress", group, protocol, rule)

    def _rule(
        self, direction: str, group: Resource, protocol: str, rule: dict[str, Any]
    ) -> Resource:
        ports = rule.pop("ports", None)
        if ports is not None:
            first, last = ports if isinstance(ports, tuple) else (ports, ports)
            rule |= {"fromPort": first, "toPort": last}
        token = f"aws:vpc/securityGroup{direction}Rule:SecurityGroup{direction}Rule"
        return self.make(token, securityGroupId=group.id, ipProtocol=protocol, **rule)


def ipv6_prefix(vpc: Resource) -> str:
    """Return a VPC's IPv6 range without the digits that number its subnets."""
    return str(vpc.outputs["ipv6CidrBlock"]).removesuffix("00::/56")


def interface(
    name: str, subnet: Resource, address: str, *groups: Resource, public: str = "", ipv6: str = ""
) -> Interface:
    return Interface(
        name,
        str(subnet.inputs["vpcId"]),
        subnet.id,
        address,
        ipv6,
        frozenset(each.id for each in groups),
        public,
    )
