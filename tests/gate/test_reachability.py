"""The reviewed sentences of each configuration, and changes that make more reachable."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest

from gate import configurations, graph, reachability
from gate.__main__ import GOLDEN, golden
from gate.configurations import (
    CONFIGURATIONS,
    ROOT,
    Configuration,
    NotRecordedError,
    record,
    recording,
)
from localaws import mocks
from tests.gate.changes import having
from tests.gate.conftest import node, weakened, without

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from gate.graph import Graph

EVERYWHERE = (
    "The tasks of web reach the internet (IPv4) on any port (all protocols), through their "
    "public addresses."
)
ROUTED = (
    "Anyone who is routed to the network from anywhere reaches the load balancer alb on tcp 80."
)
WITHOUT_GROUP = {"referencedSecurityGroupId": ""}


@pytest.mark.parametrize("stack", CONFIGURATIONS)
def test_the_sentences_of_a_configuration_are_the_reviewed_ones(
    graphs: Mapping[str, Graph], stack: str
) -> None:
    sentences = reachability.report(stack, graphs[stack])
    assert sentences == golden(stack).read_text(), (
        "if this is wanted, `.venv/bin/python -m gate reachability --write`"
    )


def test_there_is_a_reviewed_file_for_each_configuration_and_no_other() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == set(CONFIGURATIONS)


def test_a_damaged_stack_file_ends_the_gate_with_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    (tmp_path / "Pulumi.damaged.yaml").write_text("config: {\n")
    monkeypatch.setattr(configurations, "ROOT", tmp_path)
    monkeypatch.setitem(CONFIGURATIONS, "damaged", Configuration("damaged"))
    with pytest.raises(NotRecordedError, match=r"^damaged can't be .*damaged\.yaml, line 2: "):
        recording("damaged")


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"secrets": ["A"]}, "secrets: a list, which is no map"),
        ({"secrets": {"A": None}}, "secrets: A with null"),
        ({"secrets": "A"}, "secrets: 1 character, not shown, which is no map"),
        ({"services": {"web": None}}, "services.web: a value that isn't a map"),
    ],
)
def test_a_refused_value_of_another_form_ends_the_gate_with_its_key(
    monkeypatch: pytest.MonkeyPatch, changes: Mapping[str, Any], key: str
) -> None:
    monkeypatch.setitem(CONFIGURATIONS, "refused", Configuration("dev", changes))
    with pytest.raises(NotRecordedError, match=f"^refused can't be deployed(?s:.*) - {key}"):
        recording("refused")


@pytest.mark.parametrize(
    ("title", "change", "new"),
    [
        (
            "SecurityGroupIngressRule alb-http",
            {"cidrIpv4": "203.0.113.0/24"},
            "203.0.113.0/24 reaches the load balancer alb on tcp 80.",
        ),
        (
            "SecurityGroupIngressRule alb-http",
            {"cidrIpv4": None, "cidrIpv6": "::/0"},
            "The internet (IPv6) reaches the load balancer alb on tcp 80.",
        ),
        (
            "SecurityGroupIngressRule alb-http",
            {"toPort": 443.0},
            "The internet (IPv4) reaches the load balancer alb on tcp 80 to 443.",
        ),
        (
            "SecurityGroupIngressRule alb-http",
            {"fromPort": 22.0, "toPort": 22.0},
            "The internet (IPv4) reaches the load balancer alb on tcp 22, where nothing answers.",
        ),
        ("LoadBalancer alb", {"internal": True}, ROUTED),
        (
            "SecurityGroupIngressRule web-from-ingress-80",
            {"cidrIpv4": "0.0.0.0/0", **WITHOUT_GROUP},
            "The internet (IPv4) reaches the tasks of web on tcp 80.",
        ),
        (
            "SecurityGroupIngressRule web-from-ingress-80",
            {"cidrIpv4": "10.0.0.0/16", **WITHOUT_GROUP},
            "10.0.0.0/16 reaches the tasks of web on tcp 80.",
        ),
        (
            "SecurityGroupIngressRule web-from-ingress-80",
            {"prefixListId": "pl-1", **WITHOUT_GROUP},
            "The addresses of pl-1 reach the tasks of web on tcp 80.",
        ),
        (
            "SecurityGroupIngressRule web-from-ingress-80",
            {"referencedSecurityGroupId": "sg-1"},
            "The members of security group sg-1 reach the tasks of web on tcp 80.",
        ),
        (
            "SecurityGroupEgressRule web-https",
            {"referencedSecurityGroupId": "sg-1", "cidrIpv4": None},
            "The tasks of web may send to the members of security group sg-1 on tcp 443.",
        ),
        (
            "LoadBalancer alb",
            {"securityGroups": ["sg-1"]},
            (
                "The load balancer alb also belongs to security group sg-1, whose rules are "
                "not read here."
            ),
        ),
        (
            "SecurityGroup web",
            {"ingress": [{"protocol": "-1"}]},
            "Security group web of the tasks of web has inline rules, which are not read here.",
        ),
        ("SecurityGroupEgressRule web-https", {"ipProtocol": "-1"}, EVERYWHERE),
        (
            "SecurityGroupEgressRule web-https",
            {"cidrIpv4": "192.0.2.0/24"},
            "The tasks of web may send to 192.0.2.0/24 on tcp 443.",
        ),
    ],
)
def test_a_change_of_what_is_reachable_is_reported(
    graphs: Mapping[str, Graph], title: str, change: dict[str, Any], new: str
) -> None:
    before = reachability.sentences(graphs["dev"])
    assert new not in before
    assert new in reachability.sentences(weakened(graphs["dev"], {title: [having(**change)]}))


def test_rules_for_their_own_group_allow_tasks_to_connect_to_each_other(
    graphs: Mapping[str, Graph],
) -> None:
    changed = copy.deepcopy(graphs["dev"])
    group = node(changed, "SecurityGroup web").outputs["id"]
    node(changed, "SecurityGroupIngressRule web-from-ingress-80").registered.inputs[
        "referencedSecurityGroupId"
    ] = group
    egress = node(changed, "SecurityGroupEgressRule web-https").registered.inputs
    egress.update(referencedSecurityGroupId=group, cidrIpv4=None, fromPort=0.0, toPort=100.0)
    assert "The tasks of web reach the other tasks of web on tcp 80." in reachability.sentences(
        changed
    )


def test_a_connection_needs_an_egress_and_an_ingress_rule(graphs: Mapping[str, Graph]) -> None:
    sentence = "The load balancer alb reaches the tasks of web on tcp 80."
    assert sentence in reachability.sentences(graphs["dev"])
    for rule in (
        "SecurityGroupIngressRule web-from-ingress-80",
        "SecurityGroupEgressRule web-from-ingress-80",
    ):
        for changed in (
            without(graphs["dev"], rule),
            weakened(graphs["dev"], {rule: [having(fromPort=81.0, toPort=90.0)]}),
            weakened(graphs["dev"], {rule: [having(ipProtocol="udp")]}),
        ):
            assert sentence not in reachability.sentences(changed), rule


def test_tasks_without_public_addresses_or_a_gateway_have_no_internet_access(
    graphs: Mapping[str, Graph],
) -> None:
    private = weakened(
        graphs["dev"],
        {
            "Service web": [
                lambda inputs: inputs["networkConfiguration"].update(assignPublicIp=False)
            ]
        },
    )
    sentence = (
        "The tasks of web may send to the internet (IPv4) on tcp 443, but have no route there."
    )
    assert sentence in reachability.sentences(private)


def test_a_port_that_only_redirects_is_reported_as_such(
    graphs: Mapping[str, Graph],
) -> None:
    sentences = reachability.sentences(graphs["everything"])
    reached = "The internet (IPv4) reaches the load balancer alb on tcp 80"
    assert f"{reached}, which only redirects to HTTPS." in sentences
    serves = {"Listener alb-http": [having(defaultActions=[{"type": "fixed-response"}])]}
    sentences = reachability.sentences(weakened(graphs["everything"], serves))
    assert f"{reached}." in sentences


def test_routes_of_an_existing_network_are_reported_as_another_owners() -> None:
    owner = record("owner", mocks.configuration(ROOT, "dev"))
    vpc = owner.id(owner.one("Vpc"))
    guest = record(
        "guest", mocks.configuration(ROOT, "dev", vpcId=vpc, serviceName="guest"), owner.cloud
    )
    sentences = reachability.sentences(graph.build(guest))
    assert "The load balancer alb reaches the tasks of guest on tcp 80." in sentences
    routes = "through the routes of a network that isn't the stack's own."
    assert f"The tasks of guest reach the internet (IPv4) on tcp 443, {routes}" in sentences


def test_an_open_default_group_is_not_reported_as_closed(graphs: Mapping[str, Graph]) -> None:
    closed = "The network's default security group lets nothing in and nothing out."
    opened = weakened(
        graphs["dev"],
        {"DefaultSecurityGroup network-default": [having(egress=[{"protocol": "-1"}])]},
    )
    assert closed in reachability.sentences(graphs["dev"])
    assert closed not in reachability.sentences(opened)


def test_the_requests_of_each_service_are_listed_in_the_order_of_the_rules() -> None:
    services = {
        "api": {"paths": ["/api", "/api/*"]},
        "office": {"hosts": ["office.example.com"], "sourceCidrs": ["10.0.0.0/8"]},
        "next": {},
        "web": {"weights": {"web": 9, "next": 1}},
    }
    config = mocks.configuration(ROOT, "dev", services=services)
    assert reachability.requests(graph.build(record("dev", config))) == [
        "HTTP 80, host is office.example.com and source is 10.0.0.0/8: tasks of office",
        "HTTP 80, path is /api or /api/*: tasks of api",
        "HTTP 80, path is /*: tasks of next (1 of 10), tasks of web (9 of 10)",
    ]
