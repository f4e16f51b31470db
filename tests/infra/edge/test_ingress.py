"""The resources that a LoadBalancedIngress registers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.infra import recorder
from tests.infra.conftest import EXTRA_CERTIFICATE
from tests.infra.recorder import word

if TYPE_CHECKING:
    from tests.infra.recorder import Recording


def test_an_ingress_is_a_load_balancer_with_its_listener_and_security_group(dev: Recording) -> None:
    assert dev.children(dev.component("LoadBalancedIngress")) == {
        ("SecurityGroup", "alb"),
        ("SecurityGroupIngressRule", "alb-http"),
        ("LoadBalancer", "alb"),
        ("Listener", "alb-http"),
    }


def test_the_load_balancer_is_public_and_has_the_security_settings_that_cost_nothing(
    dev: Recording,
) -> None:
    inputs = dict(dev.one("LoadBalancer").inputs)
    assert len(set(inputs.pop("subnets"))) == 2
    assert inputs.pop("securityGroups") == [dev.id(dev.one("SecurityGroup", "alb"))]
    del inputs["tags"]
    assert inputs == {
        "internal": False,
        "loadBalancerType": "application",
        "ipAddressType": "ipv4",
        "idleTimeout": 60,
        "clientKeepAlive": 3600,
        "accessLogs": {"bucket": "", "enabled": False},
        "dropInvalidHeaderFields": True,
        "desyncMitigationMode": "defensive",
        "enableDeletionProtection": False,
    }


def test_prods_load_balancer_is_protected_from_deletion(prod: Recording) -> None:
    balancer = prod.one("LoadBalancer")
    assert balancer.inputs["enableDeletionProtection"] is True
    assert balancer.protect


def test_the_load_balancer_waits_for_the_whole_vpc(dev: Recording) -> None:
    vpc = next(each.urn for each in dev.registered if each.type == "awsx:ec2:Vpc")
    assert vpc in dev.one("LoadBalancer").dependencies, (
        "its internet gateway and routes are children of that component"
    )


def test_all_clients_can_connect_to_port_80_only(dev: Recording) -> None:
    (rule,) = recorder.named(dev, "SecurityGroupIngressRule", "alb")
    assert _rule(rule.inputs) == {
        "cidrIpv4": "0.0.0.0/0",
        "ipProtocol": "tcp",
        "fromPort": 80,
        "toPort": 80,
    }
    assert rule.inputs["securityGroupId"] == dev.id(dev.one("SecurityGroup", "alb"))


def test_requests_that_match_no_route_are_answered_404(dev: Recording) -> None:
    listener = dev.one("Listener").inputs
    assert (listener["port"], listener["protocol"]) == (80, "HTTP")
    (action,) = listener["defaultActions"]
    assert (action["type"], action["fixedResponse"]["statusCode"]) == ("fixed-response", "404")


def test_with_a_certificate_port_80_redirects_to_https_and_serves_nothing(edge: Recording) -> None:
    listener = edge.one("Listener", "alb-http").inputs
    assert (listener["port"], listener["protocol"]) == (80, "HTTP")
    (action,) = listener["defaultActions"]
    assert action == {
        "type": "redirect",
        "redirect": {"protocol": "HTTPS", "port": "443", "statusCode": "HTTP_301"},
    }, "a redirect keeps host, path and query by default"
    https = edge.id(edge.one("Listener", "alb-https"))
    assert recorder.inputs_of(edge, "ListenerRule", "listenerArn") == {https}


def test_the_https_listener_has_a_safe_tls_policy_and_security_headers(edge: Recording) -> None:
    inputs = dict(edge.one("Listener", "alb-https").inputs)
    (action,) = inputs.pop("defaultActions")
    assert action["fixedResponse"]["statusCode"] == "404"
    del inputs["tags"], inputs["loadBalancerArn"]
    assert inputs == {
        "port": 443,
        "protocol": "HTTPS",
        "certificateArn": edge.id(edge.one("Certificate")),
        "sslPolicy": "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09",
        "routingHttpResponseServerEnabled": False,
        "routingHttpResponseStrictTransportSecurityHeaderValue": "max-age=31536000",
        "routingHttpResponseXContentTypeOptionsHeaderValue": "nosniff",
        "routingHttpResponseXFrameOptionsHeaderValue": "DENY",
    }


def test_the_https_listener_waits_until_the_certificate_is_issued(edge: Recording) -> None:
    assert edge.one("CertificateValidation").urn in edge.one("Listener", "alb-https").dependencies


def test_extra_certificates_are_attached_to_the_https_listener(edge: Recording) -> None:
    extra = edge.one("ListenerCertificate")
    assert extra.name == "alb-https-00000000-0000-0000-0000-000000000001"
    assert extra.inputs == {
        "listenerArn": edge.id(edge.one("Listener", "alb-https")),
        "certificateArn": EXTRA_CERTIFICATE,
    }


def test_an_existing_certificate_needs_neither_domain_nor_zone() -> None:
    run = recorder.run("dev", certificateArn=EXTRA_CERTIFICATE)
    assert run.one("Listener", "alb-https").inputs["certificateArn"] == EXTRA_CERTIFICATE
    assert not run.all("Certificate") + run.all("Record")
    assert run.exports["serviceUrl"] == f"https://{run.exports['albDns']}"


def test_the_frame_header_can_be_left_to_the_service_and_hsts_switched_off() -> None:
    run = recorder.run("dev", certificateArn=EXTRA_CERTIFICATE, frameOptions="none", hstsSeconds=0)
    inputs = run.one("Listener", "alb-https").inputs
    assert "routingHttpResponseXFrameOptionsHeaderValue" not in inputs
    assert inputs["routingHttpResponseStrictTransportSecurityHeaderValue"] == "max-age=0"


def test_switching_https_on_replaces_nothing_but_listener_rules(
    dev: Recording,
) -> None:
    switched = recorder.run("dev", after=dev, domain="shop.example.com", hostedZone="example.com")
    components = ("fargate-web:index:LoadBalancedIngress", "fargate-web:index:WebService")
    changed = {}
    for urn, operation in recorder.changes(switched).items():
        types, name = urn.split("::")[2:]
        if types.startswith(components):
            changed[word(types), name] = operation
    assert changed == {
        ("Listener", "alb-http"): "update",
        ("Listener", "alb-https"): "create",
        # The new ones are created first, on the HTTPS listener. The old ones serve plain HTTP until
        # they are deleted at the end.
        ("ListenerRule", "alb-attachment-48689"): "replace",
        ("ListenerRule", "alb-50000"): "replace",
        ("SecurityGroupIngressRule", "alb-https"): "create",
    }
    assert set(switched.operations.values()) == {"same", "create", "update", "replace"}, (
        "nothing is deleted"
    )
    replaced = {urn for urn, what in switched.operations.items() if what == "replace"}
    assert replaced == {each.urn for each in dev.all("ListenerRule")}


def test_each_allowed_range_has_one_rule_for_each_port() -> None:
    run = recorder.run(
        "dev",
        certificateArn=EXTRA_CERTIFICATE,
        dualStack=True,
        allowedCidrs=["203.0.113.0/24", "2001:db8::/32", "0.0.0.0/0", "::/0"],
    )
    rules = set()
    for rule in recorder.named(run, "SecurityGroupIngressRule", "alb"):
        ipv4, ipv6 = rule.inputs.get("cidrIpv4"), rule.inputs.get("cidrIpv6")
        rules.add((rule.name, ipv4, ipv6, rule.inputs["fromPort"]))
    assert rules == {
        ("alb-http", "0.0.0.0/0", None, 80),
        ("alb-http-ipv6", None, "::/0", 80),
        ("alb-http-203.0.113.0/24", "203.0.113.0/24", None, 80),
        ("alb-http-2001-db8--/32", None, "2001:db8::/32", 80),
        ("alb-https", "0.0.0.0/0", None, 443),
        ("alb-https-ipv6", None, "::/0", 443),
        ("alb-https-203.0.113.0/24", "203.0.113.0/24", None, 443),
        ("alb-https-2001-db8--/32", None, "2001:db8::/32", 443),
    }
    rule = run.one("SecurityGroupIngressRule", "alb-https-203.0.113.0/24")
    assert rule.inputs["description"] == "HTTPS from 203.0.113.0/24"


def test_by_default_only_its_vpc_can_connect_to_an_internal_load_balancer() -> None:
    run = recorder.run("dev", internal=True, vpcCidr="10.9.0.0/16")
    assert run.one("LoadBalancer").inputs["internal"] is True
    (rule,) = recorder.named(run, "SecurityGroupIngressRule", "alb")
    assert _rule(rule.inputs)["cidrIpv4"] == "10.9.0.0/16"


def test_an_internal_and_a_public_load_balancer_have_only_the_security_group_in_common() -> None:
    edge: dict[str, Any] = {
        "domain": "shop.example.com",
        "hostedZone": "example.com",
        "extraCertificateArns": [EXTRA_CERTIFICATE],
    }
    public_run = recorder.run("dev", **edge, internal=False)
    internal_run = recorder.run("dev", **edge, internal=True)
    public = public_run.children(public_run.component("LoadBalancedIngress"))
    internal = internal_run.children(internal_run.component("LoadBalancedIngress"))
    assert {kind for kind, _ in public} == {kind for kind, _ in internal}
    assert public & internal == {("SecurityGroup", "alb")}
    public = public_run.children(public_run.component("WebService"))
    internal = internal_run.children(internal_run.component("WebService"))
    assert public - internal == {
        ("TargetGroup", "alb-web"),
        ("Service", "web"),
        ("ListenerRule", "alb-attachment-48689"),
        ("ListenerRule", "alb-50000"),
    }


@pytest.mark.parametrize("internal", [False, True])
def test_the_target_groups_name_fits_with_the_longest_service_name(*, internal: bool) -> None:
    group = recorder.run("dev", internal=internal, serviceName="a" * 20).one("TargetGroup")
    assert len(f"{group.name}-1234567") <= 32, "Pulumi adds a hyphen and seven characters"


def test_by_default_only_an_existing_vpc_can_connect_to_its_internal_load_balancer() -> None:
    owner = recorder.run("owner", file="dev", network="nat", vpcCidr="10.8.0.0/16")
    (vpc,) = recorder.made(owner.cloud, recorder.VPC)
    run = recorder.run("dev", cloud=owner.cloud, network="nat", vpcId=vpc.id, internal=True)
    (rule,) = recorder.named(run, "SecurityGroupIngressRule", "alb")
    assert _rule(rule.inputs)["cidrIpv4"] == "10.8.0.0/16"


def test_dual_stack_allows_ipv6_clients_and_adds_an_aaaa_record() -> None:
    run = recorder.run("dev", dualStack=True, domain="shop.example.com", hostedZone="example.com")
    assert run.one("LoadBalancer").inputs["ipAddressType"] == "dualstack"
    rules = recorder.named(run, "SecurityGroupIngressRule", "alb")
    assert {rule.name for rule in rules} == {
        "alb-http",
        "alb-http-ipv6",
        "alb-https",
        "alb-https-ipv6",
    }
    assert recorder.inputs_of(run, "Record", "type") == {"A", "AAAA", "CNAME"}


def test_an_internal_load_balancer_has_ipv4_addresses_only() -> None:
    run = recorder.run(
        "dev", dualStack=True, internal=True, domain="shop.example.com", hostedZone="example.com"
    )
    assert run.one("LoadBalancer").inputs["ipAddressType"] == "ipv4"
    assert recorder.inputs_of(run, "Record", "type") == {"A", "CNAME"}


def test_switching_the_access_log_off_updates_the_load_balancer(edge: Recording) -> None:
    access_logs = edge.one("LoadBalancer").inputs["accessLogs"]
    assert access_logs == {"bucket": edge.id(edge.one("Bucket")), "enabled": True}
    quiet = recorder.run(
        "dev",
        after=edge,
        domain="shop.example.com",
        hostedZone="example.com",
        extraCertificateArns=[EXTRA_CERTIFICATE],
        waf="block",
    )
    assert quiet.one("LoadBalancer").inputs["accessLogs"] == {"bucket": "", "enabled": False}
    assert quiet.operations[edge.one("LoadBalancer").urn] == "update"


def _rule(inputs: dict[str, object]) -> dict[str, object]:
    return {name: inputs[name] for name in ("cidrIpv4", "ipProtocol", "fromPort", "toPort")}
