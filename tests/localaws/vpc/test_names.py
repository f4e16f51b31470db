"""The names that a VPC sees. Pure."""

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


class Scene:
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
    scene = Scene()
    assert scene.values(f"ip-10-0-1-21.{REGION}.compute.internal") == ["10.0.1.21"]
    assert scene.values(f"IP-10-0-1-21.{REGION}.Compute.Internal.") == ["10.0.1.21"]
    assert scene.values(f"ip-10-9-1-21.{REGION}.compute.internal") is None
    assert scene.values(f"ip-10-0-1-999.{REGION}.compute.internal") is None
    assert scene.values("ip-10-0-1-21.eu-north-1.compute.internal") is None


def test_other_names_do_not_exist() -> None:
    assert Scene().values("example.com") is None


def test_a_load_balancers_name_has_public_addresses_unless_it_is_internal() -> None:
    scene = Scene()
    public = scene.load_balancer("public", internal=False)
    private = scene.load_balancer("private", internal=True)
    assert scene.values(public.outputs["dnsName"]) == ["203.0.113.10"]
    assert scene.values(private.outputs["dnsName"]) == ["10.0.0.10"]


@pytest.mark.parametrize(
    ("service", "names"),
    [
        ("ssm", [f"ssm.{REGION}.amazonaws.com"]),
        ("ecr.api", [f"api.ecr.{REGION}.amazonaws.com"]),
        ("ecr.dkr", [f"123456789012.dkr.ecr.{REGION}.amazonaws.com"]),
    ],
)
def test_an_endpoint_takes_over_its_services_names(service: str, names: list[str]) -> None:
    scene = Scene()
    endpoint = scene.records.make(
        "aws:ec2/vpcEndpoint:VpcEndpoint",
        vpcId=scene.vpc.id,
        serviceName=f"com.amazonaws.{REGION}.{service}",
        vpcEndpointType="Interface",
        privateDnsEnabled=True,
        subnetIds=[each.id for each in scene.subnets],
    )
    addresses = [each.address for each in scene.names().vpc.endpoints]
    assert len(addresses) == 2
    for name in (*names, endpoint.outputs["dnsEntries"][0]["dnsName"]):
        assert scene.values(name) == addresses


def test_an_endpoint_without_private_names_has_only_its_own() -> None:
    scene = Scene()
    endpoint = scene.records.make(
        "aws:ec2/vpcEndpoint:VpcEndpoint",
        vpcId=scene.vpc.id,
        serviceName=f"com.amazonaws.{REGION}.ssm",
        vpcEndpointType="Interface",
        subnetIds=[scene.subnets[0].id],
    )
    assert scene.values(f"ssm.{REGION}.amazonaws.com") is None
    assert scene.values(endpoint.outputs["dnsEntries"][0]["dnsName"])


def test_a_private_zone_is_seen_by_its_vpcs_only_and_hides_the_public_one() -> None:
    scene = Scene()
    other = scene.records.vpc("10.1.0.0/16")
    private, public = scene.zone("example.com", scene.vpc), scene.zone("example.com")
    scene.record(private, "db.example.com", "A", "10.0.0.77")
    scene.record(public, "db.example.com", "A", "192.0.2.1")
    scene.record(public, "www.example.com", "A", "192.0.2.2")
    assert scene.values("db.example.com") == ["10.0.0.77"]
    assert scene.values("www.example.com") is None
    (found,) = scene.names(other).find("db.example.com", "A") or []
    assert found == Record("db.example.com", "A", "192.0.2.1", 300)


def test_the_nearest_of_several_zones_answers() -> None:
    scene = Scene()
    wide, near = scene.zone("corp", scene.vpc), scene.zone("eu.corp", scene.vpc)
    scene.record(wide, "a.eu.corp", "A", "10.0.0.1")
    scene.record(near, "b.eu.corp", "A", "10.0.0.2")
    assert scene.values("a.eu.corp") is None
    assert scene.values("b.eu.corp") == ["10.0.0.2"]


def test_wildcards_cnames_and_aliases_are_followed() -> None:
    scene = Scene()
    balancer = scene.load_balancer("private", internal=True)
    zone = scene.zone("corp", scene.vpc)
    scene.record(zone, "*.apps.corp", "CNAME", "www.corp")
    alias = {
        "name": balancer.outputs["dnsName"],
        "zoneId": balancer.outputs["zoneId"],
        "evaluateTargetHealth": False,
    }
    scene.records.make(RECORD, zoneId=zone.id, name="www.corp", type="A", aliases=[alias])
    assert scene.values("www.corp") == ["10.0.0.10"]
    assert scene.values("shop.apps.corp") == ["www.corp", "10.0.0.10"]
    assert scene.values("www.corp", "AAAA") == []


def test_names_that_point_at_each_other_end() -> None:
    scene = Scene()
    zone = scene.zone("corp", scene.vpc)
    scene.record(zone, "a.corp", "CNAME", "b.corp")
    scene.record(zone, "b.corp", "CNAME", "a.corp")
    found = scene.values("a.corp")
    assert found is not None
    assert set(found) == {"a.corp", "b.corp"}


def discovered(scene: Scene, *kinds: str, policy: str = "MULTIVALUE", **more: Any) -> str:
    """Make a service `web.local.test` of Cloud Map with records of some types; return its ARN."""
    namespace = scene.records.make(
        "aws:servicediscovery/privateDnsNamespace:PrivateDnsNamespace",
        name="local.test",
        vpc=scene.vpc.id,
    )
    records = [{"type": kind, "ttl": 10} for kind in kinds]
    service = scene.records.make(
        "aws:servicediscovery/service:Service",
        name="web",
        dnsConfig={"namespaceId": namespace.id, "dnsRecords": records, "routingPolicy": policy},
        **more,
    )
    return str(service.outputs["arn"])


def test_instances_of_cloud_map_have_their_services_name() -> None:
    scene = Scene()
    service = discovered(scene, "A")
    assert scene.values("web.local.test") is None
    scene.instances[service] = [
        Instance("task-1", "10.0.0.21", ipv6="2001:db8::21", port=80),
        Instance("task-2", "10.0.0.22", port=80),
    ]
    assert sorted(scene.values("web.local.test") or ()) == ["10.0.0.21", "10.0.0.22"]
    assert {each.seconds for each in scene.names().find("web.local.test", "A") or ()} == {10}
    assert scene.values("web.local.test", "AAAA") == []
    assert scene.values("web.local.test", "SRV") == []
    assert scene.values("task-1.web.local.test") is None


def test_an_instance_with_a_port_has_a_name_to_which_its_record_points() -> None:
    scene = Scene()
    service = discovered(scene, "SRV")
    scene.instances[service] = [Instance("t1", "10.0.0.21", ipv6="2001:db8::21", port=8080)]
    assert scene.values("web.local.test", "SRV") == ["1 1 8080 t1.web.local.test."]
    assert scene.values("web.local.test") == []
    assert scene.values("T1.web.local.test") == ["10.0.0.21"]
    assert scene.values("t1.web.local.test", "AAAA") == ["2001:db8::21"]
    assert scene.values("t2.web.local.test") is None


def test_only_healthy_instances_are_answered_where_their_health_counts() -> None:
    scene = Scene()
    service = discovered(scene, "A", healthCheckCustomConfig={"failureThreshold": 1})
    ill = [Instance(f"ill-{number}", f"10.0.0.{number}", healthy=False) for number in (7, 8)]
    scene.instances[service] = [*ill, Instance("well", "10.0.0.9")]
    assert scene.values("web.local.test") == ["10.0.0.9"]
    scene.instances[service] = ill
    assert sorted(scene.values("web.local.test") or ()) == ["10.0.0.7", "10.0.0.8"]


def test_instances_health_does_not_count_where_nothing_checks_it() -> None:
    scene = Scene()
    service = discovered(scene, "A")
    scene.instances[service] = [Instance("ill", "10.0.0.7", healthy=False)]
    assert scene.values("web.local.test") == ["10.0.0.7"]


@pytest.mark.parametrize(("policy", "most"), [("MULTIVALUE", 8), ("WEIGHTED", 1)])
def test_an_answer_holds_as_many_instances_as_the_routing_policy_says(
    policy: str, most: int
) -> None:
    scene = Scene()
    service = discovered(scene, "A", policy=policy)
    scene.instances[service] = [Instance(f"t{each}", f"10.0.0.{each}") for each in range(10, 20)]
    answers = [tuple(sorted(scene.values("web.local.test") or ())) for _ in range(50)]
    assert {len(each) for each in answers} == {most}
    assert len({*answers}) > 1, "chosen by chance"


def ask(scene: Scene, name: str, kind: str = "A") -> dns.message.Message:
    query = dns.message.make_query(name, kind)
    response = answer(query.to_wire(), scene.names())
    assert response is not None
    found = dns.message.from_wire(response)
    assert found.id == query.id
    return found


def test_a_query_gets_its_records() -> None:
    scene = Scene()
    zone = scene.zone("corp", scene.vpc)
    scene.record(zone, "www.corp", "A", "10.0.0.1", "10.0.0.2")
    scene.record(zone, "www.corp", "TXT", "not quoted")
    response = ask(scene, "www.corp")
    assert response.rcode() == dns.rcode.NOERROR
    (records,) = response.answer
    assert (records.ttl, sorted(map(str, records))) == (300, ["10.0.0.1", "10.0.0.2"])
    assert str(ask(scene, "www.corp", "TXT").answer[0][0]) == '"not quoted"'
    assert ask(scene, "www.corp", "AAAA").rcode() == dns.rcode.NOERROR
    assert not ask(scene, "www.corp", "AAAA").answer


def test_a_name_that_does_not_exist_is_an_answer() -> None:
    assert ask(Scene(), "example.com").rcode() == dns.rcode.NXDOMAIN


def test_an_answer_that_is_too_long_is_asked_again_over_tcp() -> None:
    scene = Scene()
    zone = scene.zone("corp", scene.vpc)
    scene.record(zone, "many.corp", "A", *(f"10.0.0.{number}" for number in range(100)))
    query = dns.message.make_query("many.corp", "A").to_wire()
    short, whole = (answer(query, scene.names(), over_tcp=each) for each in (False, True))
    assert short is not None
    assert whole is not None
    assert dns.message.from_wire(short).flags & dns.flags.TC
    assert len(dns.message.from_wire(whole).answer[0]) == 100


def test_what_is_no_query_gets_no_answer() -> None:
    names = Scene().names()
    assert answer(b"\0" * 5, names) is None
    response = dns.message.make_response(dns.message.make_query("a", "A"))
    assert answer(response.to_wire(), names) is None


def connected(scene: Scene, name: str, *services: dict[str, Any]) -> str:
    """Make a service of ECS with endpoints of Service Connect; return its namespace's ARN."""
    make = scene.records.make
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
    scene = Scene()
    arn = connected(
        scene,
        "api",
        {"portName": "api", "clientAlias": [{"dnsName": "Api", "port": 8080}]},
        {"portName": "metrics", "discoveryName": "numbers"},
    )
    scene.instances[f"{arn}/api"] = [Instance("t1", "10.0.0.5"), Instance("t2", "10.0.1.5")]
    scene.instances[f"{arn}/numbers"] = [Instance("t1", "10.0.0.5")]
    assert scene.values("api") == ["10.0.0.5", "10.0.1.5"]
    assert scene.values("numbers.shop") == ["10.0.0.5"]
    for unknown in ("api.shop", "numbers", "metrics", "metrics.shop"):
        assert scene.values(unknown) is None, unknown


def test_a_service_that_only_calls_others_has_no_name() -> None:
    scene = Scene()
    connected(scene, "web")
    assert scene.values("web") is None
    assert scene.values("web.shop") is None
