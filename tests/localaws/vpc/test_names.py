"""Which names a VPC resolves, and to what."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import dns.flags
import dns.message
import dns.rcode
import pytest

from localaws.vpc.desired import desired
from localaws.vpc.names import Instance, Names, Record, Running
from localaws.vpc.resolver import answer
from tests.localaws.vpc.records import REGION, Records, interface

if TYPE_CHECKING:
    from localaws.catalog import Resource
    from localaws.vpc.model import Interface

ZONE = "aws:route53/zone:Zone"
RECORD = "aws:route53/record:Record"


class Harness:
    """A VPC with a subnet, and what runs in it."""

    def __init__(self) -> None:
        self.records = Records()
        self.vpc = self.records.vpc(enableDnsHostnames=True)
        self.subnets = [
            self.records.subnet(self.vpc, f"10.0.{number}.0/24", zone=zone)
            for number, zone in enumerate("ab")
        ]
        self.load_balancers: dict[str, list[Interface]] = {}
        self.instances: dict[str, list[Instance]] = {}

    def names(self, vpc: Resource | None = None) -> Names:
        model = desired(self.records.cloud)
        running = Running(
            lambda arn: self.load_balancers.get(arn, []), lambda arn: self.instances.get(arn, [])
        )
        return Names(self.records.cloud, model.vpc((vpc or self.vpc).id), running)

    def values(self, name: str, kind: str = "A") -> list[str] | None:
        """Return what a name has for values, or None if it doesn't exist."""
        found = self.names().find(name, kind)
        return None if found is None else [each.value for each in found]

    def load_balancer(self, name: str, *, internal: bool) -> Resource:
        """Make a load balancer with a node whose addresses are 10.0.0.10 and 203.0.113.10."""
        if not internal:
            self.records.internet_gateway(self.vpc)
        made = self.records.make(
            "aws:lb/loadBalancer:LoadBalancer",
            name=name,
            internal=internal,
            subnets=[each.id for each in self.subnets],
        )
        public = "" if internal else "203.0.113.10"
        self.load_balancers[made.id] = [
            interface("node", self.subnets[0], "10.0.0.10", public=public)
        ]
        return made

    def zone(self, name: str, *vpcs: Resource) -> Resource:
        return self.records.make(ZONE, name=name, vpcs=[{"vpcId": each.id} for each in vpcs])

    def record(self, zone: Resource, name: str, kind: str, *values: str) -> None:
        self.records.make(
            RECORD, zoneId=zone.id, name=name, type=kind, ttl=300, records=list(values)
        )


def test_a_host_is_named_after_its_address() -> None:
    harness = Harness()
    assert harness.values(f"ip-10-0-1-21.{REGION}.compute.internal") == ["10.0.1.21"]
    assert harness.values(f"IP-10-0-1-21.{REGION}.Compute.Internal.") == ["10.0.1.21"]
    assert harness.values(f"ip-10-9-1-21.{REGION}.compute.internal") is None
    assert harness.values(f"ip-10-0-1-999.{REGION}.compute.internal") is None
    assert harness.values("ip-10-0-1-21.eu-north-1.compute.internal") is None


def test_other_names_do_not_exist() -> None:
    assert Harness().values("example.com") is None


def test_a_load_balancers_name_has_public_addresses_unless_it_is_internal() -> None:
    harness = Harness()
    public = harness.load_balancer("public", internal=False)
    private = harness.load_balancer("private", internal=True)
    assert harness.values(public.outputs["dnsName"]) == ["203.0.113.10"]
    assert harness.values(private.outputs["dnsName"]) == ["10.0.0.10"]


@pytest.mark.parametrize(
    ("service", "names"),
    [
        ("ssm", [f"ssm.{REGION}.amazonaws.com"]),
        ("ecr.api", [f"api.ecr.{REGION}.amazonaws.com"]),
        ("ecr.dkr", [f"123456789012.dkr.ecr.{REGION}.amazonaws.com"]),
    ],
)
def test_an_endpoint_takes_over_its_services_names(service: str, names: list[str]) -> None:
    harness = Harness()
    endpoint = harness.records.make(
        "aws:ec2/vpcEndpoint:VpcEndpoint",
        vpcId=harness.vpc.id,
        serviceName=f"com.amazonaws.{REGION}.{service}",
        vpcEndpointType="Interface",
        privateDnsEnabled=True,
        subnetIds=[each.id for each in harness.subnets],
    )
    addresses = [each.address for each in harness.names().vpc.endpoints]
    assert len(addresses) == 2
    for name in (*names, endpoint.outputs["dnsEntries"][0]["dnsName"]):
        assert harness.values(name) == addresses


def test_an_endpoint_without_private_names_has_only_its_own() -> None:
    harness = Harness()
    endpoint = harness.records.make(
        "aws:ec2/vpcEndpoint:VpcEndpoint",
        vpcId=harness.vpc.id,
        serviceName=f"com.amazonaws.{REGION}.ssm",
        vpcEndpointType="Interface",
        subnetIds=[harness.subnets[0].id],
    )
    assert harness.values(f"ssm.{REGION}.amazonaws.com") is None
    assert harness.values(endpoint.outputs["dnsEntries"][0]["dnsName"])


def test_a_private_zone_is_seen_by_its_vpcs_only_and_hides_the_public_one() -> None:
    harness = Harness()
    other = harness.records.vpc("10.1.0.0/16")
    private = harness.zone("example.com", harness.vpc)
    public = harness.zone("example.com")
    harness.record(private, "db.example.com", "A", "10.0.0.77")
    harness.record(public, "db.example.com", "A", "192.0.2.1")
    harness.record(public, "www.example.com", "A", "192.0.2.2")
    assert harness.values("db.example.com") == ["10.0.0.77"]
    assert harness.values("www.example.com") is None
    (found,) = harness.names(other).find("db.example.com", "A") or []
    assert found == Record("db.example.com", "A", "192.0.2.1", 300)


def test_the_nearest_of_several_zones_answers() -> None:
    harness = Harness()
    wide, near = harness.zone("corp", harness.vpc), harness.zone("eu.corp", harness.vpc)
    harness.record(wide, "a.eu.corp", "A", "10.0.0.1")
    harness.record(near, "b.eu.corp", "A", "10.0.0.2")
    assert harness.values("a.eu.corp") is None
    assert harness.values("b.eu.corp") == ["10.0.0.2"]


def test_wildcards_cnames_and_aliases_are_followed() -> None:
    harness = Harness()
    balancer = harness.load_balancer("private", internal=True)
    zone = harness.zone("corp", harness.vpc)
    harness.record(zone, "*.apps.corp", "CNAME", "www.corp")
    alias = {
        "name": balancer.outputs["dnsName"],
        "zoneId": balancer.outputs["zoneId"],
        "evaluateTargetHealth": False,
    }
    harness.records.make(RECORD, zoneId=zone.id, name="www.corp", type="A", aliases=[alias])
    assert harness.values("www.corp") == ["10.0.0.10"]
    assert harness.values("shop.apps.corp") == ["www.corp", "10.0.0.10"]
    assert harness.values("www.corp", "AAAA") == []


def test_names_that_point_at_each_other_end() -> None:
    harness = Harness()
    zone = harness.zone("corp", harness.vpc)
    harness.record(zone, "a.corp", "CNAME", "b.corp")
    harness.record(zone, "b.corp", "CNAME", "a.corp")
    found = harness.values("a.corp")
    assert found is not None
    assert set(found) == {"a.corp", "b.corp"}


def discovered(harness: Harness, *kinds: str, policy: str = "MULTIVALUE", **more: Any) -> str:
    """Make a service `web.local.test` of Cloud Map with records of some types; return its ARN."""
    namespace = harness.records.make(
        "aws:servicediscovery/privateDnsNamespace:PrivateDnsNamespace",
        name="local.test",
        vpc=harness.vpc.id,
    )
    records = [{"type": kind, "ttl": 10} for kind in kinds]
    service = harness.records.make(
        "aws:servicediscovery/service:Service",
        name="web",
        dnsConfig={"namespaceId": namespace.id, "dnsRecords": records, "routingPolicy": policy},
        **more,
    )
    return str(service.outputs["arn"])


def test_instances_of_cloud_map_have_their_services_name() -> None:
    harness = Harness()
    service = discovered(harness, "A")
    assert harness.values("web.local.test") is None
    harness.instances[service] = [
        Instance("task-1", "10.0.0.21", ipv6="2001:db8::21", port=80),
        Instance("task-2", "10.0.0.22", port=80),
    ]
    assert sorted(harness.values("web.local.test") or ()) == ["10.0.0.21", "10.0.0.22"]
    assert {each.seconds for each in harness.names().find("web.local.test", "A") or ()} == {10}
    assert harness.values("web.local.test", "AAAA") == []
    assert harness.values("web.local.test", "SRV") == []
    assert harness.values("task-1.web.local.test") is None


def test_an_instance_with_a_port_has_a_name_to_which_its_record_points() -> None:
    harness = Harness()
    service = discovered(harness, "SRV")
    harness.instances[service] = [Instance("t1", "10.0.0.21", ipv6="2001:db8::21", port=8080)]
    assert harness.values("web.local.test", "SRV") == ["1 1 8080 t1.web.local.test."]
    assert harness.values("web.local.test") == []
    assert harness.values("T1.web.local.test") == ["10.0.0.21"]
    assert harness.values("t1.web.local.test", "AAAA") == ["2001:db8::21"]
    assert harness.values("t2.web.local.test") is None


def test_only_healthy_instances_are_answered_unless_none_is() -> None:
    harness = Harness()
    service = discovered(harness, "A", healthCheckCustomConfig={"failureThreshold": 1})
    ill = [Instance(f"ill-{number}", f"10.0.0.{number}", healthy=False) for number in (7, 8)]
    harness.instances[service] = [*ill, Instance("well", "10.0.0.9")]
    assert harness.values("web.local.test") == ["10.0.0.9"]
    harness.instances[service] = ill
    assert sorted(harness.values("web.local.test") or ()) == ["10.0.0.7", "10.0.0.8"]


def test_instances_health_does_not_count_where_nothing_checks_it() -> None:
    harness = Harness()
    service = discovered(harness, "A")
    harness.instances[service] = [Instance("ill", "10.0.0.7", healthy=False)]
    assert harness.values("web.local.test") == ["10.0.0.7"]


@pytest.mark.parametrize(("policy", "most"), [("MULTIVALUE", 8), ("WEIGHTED", 1)])
def test_an_answer_has_as_many_instances_as_the_routing_policy_allows(
    policy: str, most: int
) -> None:
    harness = Harness()
    service = discovered(harness, "A", policy=policy)
    harness.instances[service] = [Instance(f"t{each}", f"10.0.0.{each}") for each in range(10, 20)]
    answers = [tuple(sorted(harness.values("web.local.test") or ())) for _ in range(50)]
    assert {len(each) for each in answers} == {most}
    assert len(set(answers)) > 1, "chosen by chance"


def ask(harness: Harness, name: str, kind: str = "A") -> dns.message.Message:
    query = dns.message.make_query(name, kind)
    response = answer(query.to_wire(), harness.names())
    assert response is not None
    found = dns.message.from_wire(response)
    assert found.id == query.id
    return found


def test_a_query_gets_its_records() -> None:
    harness = Harness()
    zone = harness.zone("corp", harness.vpc)
    harness.record(zone, "www.corp", "A", "10.0.0.1", "10.0.0.2")
    harness.record(zone, "www.corp", "TXT", "not quoted")
    response = ask(harness, "www.corp")
    assert response.rcode() == dns.rcode.NOERROR
    (records,) = response.answer
    assert records.ttl == 300
    assert sorted(map(str, records)) == ["10.0.0.1", "10.0.0.2"]
    assert str(ask(harness, "www.corp", "TXT").answer[0][0]) == '"not quoted"'
    assert ask(harness, "www.corp", "AAAA").rcode() == dns.rcode.NOERROR
    assert not ask(harness, "www.corp", "AAAA").answer


def test_a_name_that_does_not_exist_is_an_answer() -> None:
    assert ask(Harness(), "example.com").rcode() == dns.rcode.NXDOMAIN


def test_an_answer_that_is_too_long_is_truncated_and_whole_over_tcp() -> None:
    harness = Harness()
    zone = harness.zone("corp", harness.vpc)
    harness.record(zone, "many.corp", "A", *(f"10.0.0.{number}" for number in range(100)))
    query = dns.message.make_query("many.corp", "A").to_wire()
    short = answer(query, harness.names(), over_tcp=False)
    whole = answer(query, harness.names(), over_tcp=True)
    assert short is not None
    assert whole is not None
    assert dns.message.from_wire(short).flags & dns.flags.TC
    assert len(dns.message.from_wire(whole).answer[0]) == 100


def test_what_is_no_query_gets_no_answer() -> None:
    names = Harness().names()
    assert answer(b"\0" * 5, names) is None
    response = dns.message.make_response(dns.message.make_query("a", "A"))
    assert answer(response.to_wire(), names) is None


def connected(harness: Harness, name: str, *services: dict[str, Any]) -> str:
    """Make a service of ECS with endpoints of Service Connect; return its namespace's ARN."""
    make = harness.records.make
    namespace = make("aws:servicediscovery/httpNamespace:HttpNamespace", name="shop")
    make("aws:ecs/cluster:Cluster", name="default")
    ports = []
    for number, each in enumerate(services):
        ports.append({"name": each["portName"], "containerPort": 8080 + number})
    container = {"name": name, "image": "api", "memory": 128, "portMappings": ports}
    definition = make(
        "aws:ecs/taskDefinition:TaskDefinition",
        family=name,
        containerDefinitions=json.dumps([container]),
    )
    make(
        "aws:ecs/service:Service",
        name=name,
        taskDefinition=definition.outputs["arn"],
        serviceConnectConfiguration={
            "enabled": True,
            "namespace": namespace.outputs["arn"],
            "services": list(services),
        },
    )
    return str(namespace.outputs["arn"])


def test_a_name_of_service_connect_is_the_address_of_each_task_behind_it() -> None:
    harness = Harness()
    arn = connected(
        harness,
        "api",
        {"portName": "api", "clientAlias": [{"dnsName": "Api", "port": 8080}]},
        {"portName": "metrics", "discoveryName": "numbers"},
    )
    harness.instances[f"{arn}/api"] = [Instance("t1", "10.0.0.5"), Instance("t2", "10.0.1.5")]
    harness.instances[f"{arn}/numbers"] = [Instance("t1", "10.0.0.5")]
    assert harness.values("api") == ["10.0.0.5", "10.0.1.5"]
    assert harness.values("numbers.shop") == ["10.0.0.5"]
    for unknown in ("api.shop", "numbers", "metrics", "metrics.shop"):
        assert harness.values(unknown) is None, unknown


def test_a_service_that_only_calls_others_has_no_name() -> None:
    harness = Harness()
    connected(harness, "web")
    assert harness.values("web") is None
    assert harness.values("web.shop") is None
