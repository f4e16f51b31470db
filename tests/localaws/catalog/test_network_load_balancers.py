"""Network load balancers, where they differ from application load balancers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from localaws.account import invokes
from localaws.account.cloud import Cloud
from tests.localaws.catalog.conftest import bucket_policy
from tests.localaws.catalog.load_balancer_cases import BALANCER, LISTENER, TARGETS
from tests.localaws.catalog.operations import refused
from tests.localaws.catalog.security_cases import BUCKET_POLICY, ENCRYPTION

if TYPE_CHECKING:
    from localaws.catalog import Resource
    from tests.localaws.catalog.conftest import Account


def balancer(account: Account, kind: str = "network", **more: Any) -> Resource:
    inputs = {**account.minimal(BALANCER), "name": kind, "loadBalancerType": kind, **more}
    return account.make(BALANCER, **inputs)


def group(account: Account, **more: Any) -> Resource:
    """Create a target group for TCP."""
    name = f"tcp-{len(account.made)}"
    inputs = {**account.minimal(TARGETS), "name": name, "protocol": "TCP", **more}
    return account.make(TARGETS, **inputs)


@pytest.mark.parametrize("kind", ["network", "gateway"])
def test_only_an_application_load_balancer_gets_the_vpcs_default_security_group(
    account: Account, kind: str
) -> None:
    default = account.made["vpc"].outputs["defaultSecurityGroupId"]
    assert balancer(account, "application").outputs["securityGroups"] == [default]
    assert "securityGroups" not in balancer(account, kind).outputs


@pytest.mark.parametrize(
    ("region", "kind", "zone"),
    [
        ("eu-west-1", "application", "Z32O12XQLNTSW2"),
        ("eu-west-1", "network", "Z2IFOLAFXWLO4F"),
        ("eu-central-1", "application", "Z215JYRZR1TBD5"),
        ("us-east-1", "network", "Z26RNL4JYFTOTI"),
        ("ca-west-1", "application", "Z06473681N0SF6OS049SD"),
        ("ap-southeast-7", "network", "Z054363131YWATEMWRG5L"),
    ],
)
def test_each_type_of_load_balancer_has_a_hosted_zone_in_each_region(
    region: str, kind: str, zone: str
) -> None:
    cloud = Cloud(seed=1)
    vpc = cloud.create("aws:ec2/vpc:Vpc", "vpc", {"cidrBlock": "10.0.0.0/16"}, region=region).id
    subnets = []
    for number, letter in enumerate("ab"):
        inputs = {
            "vpcId": vpc,
            "cidrBlock": f"10.0.{number}.0/24",
            "availabilityZone": f"{region}{letter}",
        }
        subnets.append(cloud.create("aws:ec2/subnet:Subnet", letter, inputs, region=region).id)
    made = {"name": "web", "loadBalancerType": kind, "internal": True, "subnets": subnets}
    assert cloud.create(BALANCER, "web", made, region=region).outputs["zoneId"] == zone
    looked_up = invokes.answer(
        cloud, "aws:lb/getHostedZoneId:getHostedZoneId", {"loadBalancerType": kind}, region
    )
    assert looked_up["id"] == zone


def test_a_network_load_balancer_can_log_to_a_bucket_with_a_kms_key(account: Account) -> None:
    writer = {"Service": ["delivery.logs.amazonaws.com", "logdelivery.elb.amazonaws.com"]}
    document = bucket_policy("main-logs", Principal=writer)
    account.make(BUCKET_POLICY, bucket="main-logs", policy=document)
    by_key = {"applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms"}}
    account.make(ENCRYPTION, bucket="main-logs", rules=[by_key])
    logs = {"bucket": "main-logs", "enabled": True}
    assert refused(balancer, account, "application", accessLogs=logs) == {
        ("elbv2.load-balancer.log-bucket", "InvalidConfigurationRequest")
    }
    balancer(account, accessLogs=logs)


def test_a_listener_of_a_network_load_balancer_has_a_protocol_of_its_kind_and_a_port(
    account: Account,
) -> None:
    inputs = {
        "loadBalancerArn": balancer(account).id,
        "port": 5432,
        "protocol": "TCP",
        "defaultActions": [{"type": "forward", "targetGroupArn": group(account).id}],
    }

    def without(name: str) -> dict[str, Any]:
        return {each: value for each, value in inputs.items() if each != name}

    fits = {("elbv2.listener.protocol-fits", "ValidationError")}
    assert refused(account.make, LISTENER, **{**inputs, "protocol": "HTTP"}) == fits
    assert refused(account.make, LISTENER, **without("protocol")) == fits
    assert refused(account.make, LISTENER, **without("port")) == {
        ("elbv2.listener.port-required", "ValidationError")
    }
    assert refused(account.make, LISTENER, **{**inputs, "protocol": "TLS"}) == {
        ("elbv2.listener.certificate", "ValidationError")
    }
    account.make(LISTENER, **inputs)


@pytest.mark.parametrize(
    ("listener", "of_group", "accepted"),
    [
        ("TCP", "TCP", True),
        ("TCP", "TCP_UDP", True),
        ("TCP", "HTTP", False),
        ("TCP", "TLS", False),
        ("TCP", "UDP", False),
        ("UDP", "UDP", True),
        ("UDP", "TCP_UDP", True),
        ("UDP", "TCP", False),
        ("TCP_UDP", "TCP_UDP", True),
        ("TCP_UDP", "TCP", False),
        ("QUIC", "QUIC", True),
        ("TCP_QUIC", "TCP_QUIC", True),
    ],
)
def test_a_listener_forwards_to_groups_of_protocols_that_fit_its_own(
    account: Account, listener: str, of_group: str, *, accepted: bool
) -> None:
    """As in the table of AWS's page about target groups of network load balancers."""
    forwarded = group(account, protocol=of_group).id
    inputs = {
        "loadBalancerArn": balancer(account).id,
        "port": 5432,
        "protocol": listener,
        "defaultActions": [{"type": "forward", "targetGroupArn": forwarded}],
    }
    if accepted:
        account.make(LISTENER, **inputs)
    else:
        fits = {("elbv2.target-group.protocol-fits", "IncompatibleProtocols")}
        assert refused(account.make, LISTENER, **inputs) == fits


def test_a_listener_of_a_gateway_load_balancer_has_no_protocol_or_port(account: Account) -> None:
    inputs = {
        "loadBalancerArn": balancer(account, "gateway").id,
        "defaultActions": [
            {"type": "forward", "targetGroupArn": group(account, protocol="GENEVE").id}
        ],
    }
    account.make(LISTENER, **inputs)


@pytest.mark.parametrize(
    ("protocol", "kind", "accepted"),
    [
        ("HTTP", "lb_cookie", True),
        ("HTTPS", "app_cookie", True),
        ("HTTP", "source_ip", False),
        ("HTTP", "source_ip_dest_ip", False),
        ("TCP", "source_ip", True),
        ("UDP", "lb_cookie", False),
        ("TLS", "source_ip_dest_ip_proto", False),
        ("GENEVE", "source_ip_dest_ip", True),
        ("GENEVE", "source_ip_dest_ip_proto", True),
        ("GENEVE", "source_ip", False),
    ],
)
def test_a_target_group_has_the_stickiness_of_its_protocol(
    account: Account,
    protocol: str,
    kind: str,
    *,
    accepted: bool,
) -> None:
    sticky = {"type": kind, "cookieName": "session"}
    if accepted:
        group(account, protocol=protocol, stickiness=sticky)
        return
    assert refused(group, account, protocol=protocol, stickiness=sticky) == {
        ("elbv2.target-group.stickiness-protocol", "InvalidConfigurationRequest")
    }


def test_health_checks_of_network_load_balancers_accept_codes_up_to_599(
    account: Account,
) -> None:
    checked = group(account, healthCheck={"protocol": "HTTP"})
    assert checked.outputs["healthCheck"]["matcher"] == "200-399"
    group(account, healthCheck={"protocol": "HTTP", "matcher": "200-599"})
    group(account, healthCheck={"protocol": "HTTP", "matcher": ""})
    wrong = {"protocol": "HTTP", "matcher": "200-600"}
    assert refused(group, account, healthCheck=wrong) == {
        ("elbv2.target-group.health-matcher", "ValidationError")
    }
