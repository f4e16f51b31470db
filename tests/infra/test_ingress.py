"""What a LoadBalancedIngress registers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from infra.ingress import LoadBalancedIngress, LoadBalancedIngressArgs, Route

if TYPE_CHECKING:
    from tests.infra.recorder import Recording

ONE = Route(name="one", port=80, paths=("/*",), priority=1)


@pytest.mark.parametrize(
    ("twin", "what"),
    [
        (Route(name="one", port=81, paths=("/b/*",), priority=2), "name, but several have one"),
        (Route(name="two", port=81, paths=("/b/*",), priority=1), "priority, but several have 1"),
    ],
)
def test_routes_that_collide_are_refused(twin: Route, what: str) -> None:
    args = LoadBalancedIngressArgs(vpc_id="vpc-1", subnet_ids=["subnet-1", "subnet-2"], routes=(ONE, twin))
    with pytest.raises(ValueError, match=what):
        LoadBalancedIngress("alb", args)


def test_an_ingress_is_a_load_balancer_a_listener_and_a_way_to_each_service(dev: Recording) -> None:
    assert dev.children(dev.component("LoadBalancedIngress")) == {
        ("SecurityGroup", "alb"),
        ("SecurityGroupIngressRule", "alb-http"),
        ("LoadBalancer", "alb"),
        ("Listener", "alb-http"),
        ("TargetGroup", "alb-web"),
        ("ListenerRule", "alb-50000"),
    }


def test_the_load_balancer_faces_the_internet_with_the_safe_settings_that_cost_nothing(dev: Recording) -> None:
    inputs = dict(dev.one("LoadBalancer").inputs)
    assert len(set(inputs.pop("subnets"))) == 2
    assert inputs.pop("securityGroups") == [dev.id(dev.one("SecurityGroup", "alb"))]
    del inputs["tags"]
    assert inputs == {
        "internal": False,
        "loadBalancerType": "application",
        "idleTimeout": 60,
        "dropInvalidHeaderFields": True,
        "desyncMitigationMode": "defensive",
        "enableDeletionProtection": False,
    }


def test_prod_cannot_lose_its_load_balancer_by_accident(prod: Recording) -> None:
    balancer = prod.one("LoadBalancer")
    assert balancer.inputs["enableDeletionProtection"] is True
    assert balancer.protect


def test_the_load_balancer_waits_for_the_whole_vpc(dev: Recording) -> None:
    vpc = next(each.urn for each in dev.registered if each.type == "awsx:ec2:Vpc")
    assert vpc in dev.one("LoadBalancer").dependencies, "its internet gateway and routes are children of that component"


def test_the_world_reaches_port_80_and_nothing_else(dev: Recording) -> None:
    (rule,) = [each for each in dev.all("SecurityGroupIngressRule") if each.name.startswith("alb")]
    assert _rule(rule.inputs) == {"cidrIpv4": "0.0.0.0/0", "ipProtocol": "tcp", "fromPort": 80, "toPort": 80}
    assert rule.inputs["securityGroupId"] == dev.id(dev.one("SecurityGroup", "alb"))


def test_what_no_route_takes_is_answered_404(dev: Recording) -> None:
    listener = dev.one("Listener").inputs
    assert (listener["port"], listener["protocol"]) == (80, "HTTP")
    (action,) = listener["defaultActions"]
    assert (action["type"], action["fixedResponse"]["statusCode"]) == ("fixed-response", "404")


def test_everything_goes_to_the_service_unless_another_route_takes_it_first(dev: Recording) -> None:
    rule = dev.one("ListenerRule").inputs
    assert rule["conditions"] == [{"pathPattern": {"values": ["/*"]}}]
    assert rule["actions"] == [{"type": "forward", "targetGroupArn": dev.exports["targetGroupArn"]}]
    assert rule["priority"] == 50_000, "the last there is"


def test_the_target_group_checks_its_targets(dev: Recording) -> None:
    inputs = dict(dev.one("TargetGroup").inputs)
    del inputs["vpcId"], inputs["tags"]
    assert inputs == {
        "targetType": "ip",
        "protocol": "HTTP",
        "port": 80,
        "deregistrationDelay": 30,
        "healthCheck": {
            "path": "/",
            "matcher": "200-399",
            "interval": 30,
            "timeout": 5,
            "healthyThreshold": 2,
            "unhealthyThreshold": 3,
        },
    }, "and has no fixed name, which would turn a replacement into delete-then-create"


def _rule(inputs: dict[str, object]) -> dict[str, object]:
    return {name: inputs[name] for name in ("cidrIpv4", "ipProtocol", "fromPort", "toPort")}
