"""Find the records of the names that a VPC's resolver knows. Pure.

They are the names of load balancers, VPC endpoints, file systems, instances of Cloud Map, services
of Service Connect, hosts by their private addresses, and those in zones of Route 53. No other name
exists.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from random import SystemRandom
from typing import TYPE_CHECKING, NamedTuple

from localaws.catalog.ec2.network import VPC
from localaws.catalog.ec2.vpc_endpoints import VPC_ENDPOINT, private_names
from localaws.catalog.ecs.service_connect import connect_endpoints
from localaws.catalog.ecs.services import SERVICE as ECS_SERVICE
from localaws.catalog.efs import MOUNT_TARGET
from localaws.catalog.elb.load_balancers import LOAD_BALANCER
from localaws.catalog.route53.records import RECORD, ZONE, zone_id, zone_name
from localaws.catalog.servicediscovery import PRIVATE_NAMESPACE, SERVICE, namespace_of
from localaws.catalog.values import block, blocks, texts
from localaws.vpc.model import Interface

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator

    from localaws.catalog.account import Account, Resource
    from localaws.vpc.model import Vpc

_HOST = re.compile(r"ip-(\d{1,3})-(\d{1,3})-(\d{1,3})-(\d{1,3})")
_INTERNAL = "internal"
_LONGEST_CHAIN = 8
"""Aliases of aliases that are followed."""

_MOST_ANSWERED = 8
"""Instances in one answer. Source: Cloud Map's API reference, `RoutingPolicy`."""

_SECONDS = 60
"""How long an answer may be kept where the record sets no time, as for load balancers' names."""


class Record(NamedTuple):
    """One record of a name."""

    name: str
    kind: str
    """`A`, `AAAA`, `CNAME`, `TXT` …"""

    value: str
    """As a zone file has it."""

    seconds: int = _SECONDS


class Instance(NamedTuple):
    """What is registered with a service of Cloud Map."""

    id: str
    address: str
    ipv6: str = ""
    port: int | None = None
    healthy: bool = True


@dataclass(frozen=True)
class Running:
    """The addresses that no record holds, of what runs."""

    load_balancer: Callable[[str], Iterable[Interface]]
    """The interfaces of a load balancer, by its ARN."""

    instances: Callable[[str], Iterable[Instance]]
    """What is registered with a service of Cloud Map, by the service's ARN."""


@dataclass(frozen=True)
class Names:
    """The names that one VPC sees."""

    account: Account
    vpc: Vpc
    running: Running
    choose: Callable[[list[Instance], int], list[Instance]] = SystemRandom().sample
    """Chooses some at random."""

    def find(self, name: str, kind: str) -> list[Record] | None:
        """Return a name's records of a kind, with those of its aliases; None if there is no name.

        Args:
            name: A domain name, in any case, with or without its final dot.
            kind: `A`, `AAAA`, `TXT` …
        """
        return self._find(zone_name(name), kind, _LONGEST_CHAIN)

    def _find(self, name: str, kind: str, left: int) -> list[Record] | None:
        records = self._records(name)
        if not records or not left:
            return None
        found = []
        for record in records:
            if record.kind == "ALIAS":
                targets = self._find(record.value, kind, left - 1) or []
                found += [each._replace(name=name) for each in targets if each.kind == kind]
            elif record.kind == kind:
                found.append(record)
            elif record.kind == "CNAME":
                found.append(record)
                found += self._find(zone_name(record.value), kind, left - 1) or []
        return found

    def _records(self, name: str) -> list[Record]:
        """Return a name's records of every kind."""
        zone = self._private_zone(name)
        if zone is not None:  # it hides all other sources of its names
            return [*self._zone_records(zone, name), *self._cloud_map_records(name)]
        sources = (
            self._host_records,
            self._cloud_map_records,
            self._service_connect_records,
            self._endpoint_records,
            self._load_balancer_records,
            self._file_system_records,
            self._public_records,
        )
        for source in sources:
            records = list(source(name))
            if records:
                return records
        return []

    def _private_zone(self, name: str) -> Resource | None:
        """Return the private zone of the VPC that a name is in, the nearest one of several."""
        found: dict[int, Resource] = {}
        for zone in self.account.all(ZONE):
            apex = zone_name(str(zone.outputs.get("name")))
            if not _is_below(name, apex):
                continue
            for vpc in blocks(zone.outputs.get("vpcs")):
                if vpc.get("vpcId") == self.vpc.id:
                    found[len(apex)] = zone
        return found[max(found)] if found else None

    def _zone_records(self, zone: Resource, name: str) -> Iterator[Record]:
        records = self.account.where(RECORD, "zoneId", zone.id)
        found = [each for each in records if each.outputs.get("fqdn") == name]
        if not found:
            found = [each for each in records if _is_wildcard_of(each, name)]
        for record in found:
            yield from _records_of(record, name)

    def _public_records(self, name: str) -> Iterator[Record]:
        for record in self.account.all(RECORD):
            zone = self.account.get(ZONE, zone_id(record.outputs.get("zoneId")))
            if zone is not None and blocks(zone.outputs.get("vpcs")):
                continue  # a private zone
            if record.outputs.get("fqdn") == name or _is_wildcard_of(record, name):
                yield from _records_of(record, name)

    def _host_records(self, name: str) -> Iterator[Record]:
        """Yield the record of `ip-10-0-1-21.eu-west-1.compute.internal`."""
        host, _, domain = name.partition(".")
        found = _HOST.fullmatch(host)
        record = self.account.get(VPC, self.vpc.id)
        if not found or record is None or domain not in _internal_domains(record.region):
            return
        address = ".".join(found.groups())
        try:
            inside = ipaddress.IPv4Address(address) in ipaddress.IPv4Network(self.vpc.cidr)
        except ValueError:
            return
        if inside:
            yield Record(name, "A", address)

    def _cloud_map_records(self, name: str) -> Iterator[Record]:
        for namespace in self.account.where(PRIVATE_NAMESPACE, "vpc", self.vpc.id):
            for service in self.account.where(SERVICE, "namespaceId", namespace.id):
                own = f"{service.outputs.get('name')}.{namespace.outputs.get('name')}".lower()
                if _is_below(name, own):
                    yield from self._service_records(service, name, own)

    def _service_records(self, service: Resource, name: str, own: str) -> Iterator[Record]:
        """Yield the records of a service of Cloud Map, or of one of its instances.

        Args:
            service: The service.
            name: The name of the records.
            own: The service's own name. An instance with a port has one below it, to which the
                record of type SRV points.
        """
        registered = list(self.running.instances(str(service.outputs.get("arn"))))
        kinds = _kinds(service)
        if name == own:
            for each in self._answered(service, registered):
                for record in _of_instance(each, own, kinds):
                    if record.kind in kinds:
                        yield record._replace(seconds=kinds[record.kind])
        elif "SRV" in kinds:
            for each in registered:
                if name == f"{each.id}.{own}":
                    yield from _addresses(name, [each])

    def _answered(self, service: Resource, registered: list[Instance]) -> list[Instance]:
        """Return the instances that one answer holds.

        Source: Cloud Map developer guide, "Service DNS configuration", and Route 53 developer
        guide, "Multivalue answer routing": all count as healthy where none is.
        """
        if service.outputs.get("healthCheckCustomConfig") is not None:
            healthy = [each for each in registered if each.healthy]
            registered = healthy or registered
        config = block(service.outputs.get("dnsConfig"))
        most = 1 if config.get("routingPolicy") == "WEIGHTED" else _MOST_ANSWERED
        return self.choose(registered, min(most, len(registered)))

    def _service_connect_records(self, name: str) -> Iterator[Record]:
        """Yield the addresses of the tasks behind a name of Service Connect.

        On AWS a proxy in each calling task has the name, and distributes connections; here the
        caller connects to a task itself.
        """
        for service in self.account.all(ECS_SERVICE):
            for endpoint in connect_endpoints(service.outputs):
                namespace = namespace_of(self.account, endpoint.namespace)
                if namespace is None:
                    continue
                default = f"{endpoint.discovery_name}.{namespace.outputs.get('name')}"
                if name in map(str.lower, endpoint.dns_names or (default,)):
                    yield from _addresses(name, self.running.instances(endpoint.registry))

    def _endpoint_records(self, name: str) -> Iterator[Record]:
        for endpoint in self.account.where(VPC_ENDPOINT, "vpcId", self.vpc.id):
            for each in _names_of_endpoint(endpoint):
                if _matches(each.lower(), name):
                    yield from _addresses(name, self._service_interfaces(endpoint))
                    break

    def _load_balancer_records(self, name: str) -> Iterator[Record]:
        for load_balancer in self.account.all(LOAD_BALANCER):
            own = zone_name(str(load_balancer.outputs.get("dnsName")))
            if name in (own, f"dualstack.{own}"):
                interfaces = self.running.load_balancer(load_balancer.id)
                public = load_balancer.outputs.get("internal") is not True
                yield from _addresses(name, interfaces, public=public)

    def _file_system_records(self, name: str) -> Iterator[Record]:
        for target in self.account.all(MOUNT_TARGET):
            if zone_name(str(target.outputs.get("dnsName"))) == name:
                yield from _addresses(name, self._service_interfaces(target))

    def _service_interfaces(self, record: Resource) -> list[Interface]:
        return [each for each in self.vpc.endpoints if each.id.startswith(f"{record.id}-")]


def _names_of_endpoint(endpoint: Resource) -> Iterator[str]:
    for entry in blocks(endpoint.outputs.get("dnsEntries")):
        yield str(entry.get("dnsName"))
    if endpoint.outputs.get("privateDnsEnabled") is True:
        yield from private_names(endpoint)


def _addresses(
    name: str, interfaces: Iterable[Interface | Instance], *, public: bool = False
) -> Iterator[Record]:
    for each in interfaces:
        address = each.address
        if public and isinstance(each, Interface):
            address = each.public_address
        if address:
            yield Record(name, "A", address)
        if each.ipv6:
            yield Record(name, "AAAA", each.ipv6)


def _records_of(record: Resource, name: str) -> Iterator[Record]:
    for alias in blocks(record.outputs.get("aliases")):
        yield Record(name, "ALIAS", zone_name(str(alias.get("name"))))
    ttl = record.outputs.get("ttl")
    seconds = int(ttl) if isinstance(ttl, int | float) else _SECONDS
    for value in texts(record.outputs.get("records")):
        yield Record(name, str(record.outputs.get("type")), value, seconds)


def _kinds(service: Resource) -> dict[str, int]:
    """Return the types of a service's records, and how long each may be kept."""
    records = blocks(block(service.outputs.get("dnsConfig")).get("dnsRecords"))
    return {str(each.get("type")): int(each.get("ttl") or 0) for each in records}


def _of_instance(instance: Instance, own: str, kinds: Container[str]) -> Iterator[Record]:
    """Yield what an instance adds to the records of its service."""
    yield from _addresses(own, [instance])
    if instance.port is not None and "SRV" in kinds:
        # Priority and weight are always 1. Source: Cloud Map's API reference, DnsRecord.
        yield Record(own, "SRV", f"1 1 {instance.port} {instance.id}.{own}.")


def _internal_domains(region: str) -> tuple[str, ...]:
    """Return the domains of hosts' names: us-east-1 has an older one too."""
    regional = f"{region}.compute.{_INTERNAL}"
    return (regional, f"ec2.{_INTERNAL}") if region == "us-east-1" else (regional,)


def _is_below(name: str, apex: str) -> bool:
    return name == apex or name.endswith(f".{apex}")


def _is_wildcard_of(record: Resource, name: str) -> bool:
    return _matches(str(record.outputs.get("fqdn")).replace("\\\\052", "*"), name)


def _matches(pattern: str, name: str) -> bool:
    """Return whether a name is the pattern, or below what follows its `*.`."""
    if pattern.startswith("*."):
        return name.endswith(pattern[1:])
    return name == pattern
