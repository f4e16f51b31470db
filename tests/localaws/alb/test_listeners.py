"""The cloud's listeners as input of the compiler."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from localaws.account.cloud import Cloud
from localaws.alb.listeners import certificate_names, listeners
from localaws.alb.tls import Served
from localaws.catalog.account import Resource
from localaws.catalog.acm import CERTIFICATE
from localaws.catalog.elb.listeners import LISTENER, LISTENER_CERTIFICATE, LISTENER_RULE
from localaws.catalog.elb.load_balancers import LOAD_BALANCER
from localaws.machine.addresses import Addresses

if TYPE_CHECKING:
    from localaws.alb.model import Listener

OWN = "arn:aws:acm:eu-west-1:123456789012:certificate/own"
WILD = "arn:aws:acm:eu-west-1:123456789012:certificate/wild"
BEFOREHAND = "arn:aws:acm:eu-west-1:123456789012:certificate/beforehand"
FIXED = [
    {"type": "fixed-response", "fixedResponse": {"contentType": "text/plain", "statusCode": "404"}}
]


class Resources(Cloud):
    """A load balancer with an HTTPS listener, and two certificates."""

    def __init__(self, **listener: Any) -> None:
        super().__init__()
        self.load_balancer: dict[str, Any] = {}
        self.outputs: dict[str, list[tuple[str, dict[str, Any]]]] = {
            LOAD_BALANCER: [("alb", self.load_balancer)],
            CERTIFICATE: [
                (
                    OWN,
                    {
                        "domainName": "app.example.test",
                        "subjectAlternativeNames": ["www.example.test"],
                    },
                ),
                (WILD, {"domainName": "*.example.org"}),
            ],
            LISTENER: [
                (
                    "https",
                    {
                        "loadBalancerArn": "alb",
                        "port": 443.0,
                        "protocol": "HTTPS",
                        "certificateArn": OWN,
                        "sslPolicy": "ELBSecurityPolicy-TLS13-1-2-Res-2021-06",
                        "defaultActions": FIXED,
                        **listener,
                    },
                )
            ],
        }

    def all(self, token: str) -> list[Resource]:
        return [
            Resource(token, name, "", "eu-west-1", inputs, {})
            for name, inputs in self.outputs.get(token, ())
        ]


def served(name: str) -> Served:
    return Served(Path(f"/{name}.pem"), Path(f"/{name}.key"))


def read(cloud: Resources, folder: Path, *arns: str) -> list[Listener]:
    """Return the listeners of an account, for which these certificates were issued."""
    issued = {arn: served(arn[-4:]) for arn in arns or (OWN,)}
    return list(listeners(cloud, Addresses(folder), issued))


def test_a_listener_serves_its_own_certificate_first_and_then_the_others(tmp_path: Path) -> None:
    cloud = Resources()
    others = [{"listenerArn": "https", "certificateArn": arn} for arn in (WILD, OWN)]
    cloud.outputs[LISTENER_CERTIFICATE] = [
        (str(number), other) for number, other in enumerate(others)
    ]
    assert certificate_names(cloud, Addresses(tmp_path)) == {
        OWN: ("app.example.test", "www.example.test"),
        WILD: ("*.example.org",),
    }
    (listener,) = read(cloud, tmp_path, OWN, WILD)
    assert listener.tls is not None
    assert listener.tls.certificates == (served("/own"), served("wild"))
    assert (listener.tls.oldest, listener.tls.newest, listener.tls.http2) == ("1.2", "1.3", True)
    assert listener.scheme == "https"


def test_an_existing_certificate_is_for_the_load_balancers_address(
    tmp_path: Path,
) -> None:
    names = certificate_names(Resources(certificateArn=BEFOREHAND), Addresses(tmp_path))
    assert names == {BEFOREHAND: (Addresses(tmp_path).load_balancer("alb").address,)}


@pytest.mark.parametrize(
    ("policy", "versions"),
    [
        ("ELBSecurityPolicy-TLS13-1-3-2021-06", ("1.3", "1.3")),
        ("ELBSecurityPolicy-2016-08", ("1.0", "1.2")),
    ],
)
def test_the_policy_decides_the_versions_of_tls(
    tmp_path: Path, policy: str, versions: tuple[str, str]
) -> None:
    (listener,) = read(Resources(sslPolicy=policy), tmp_path)
    assert listener.tls is not None
    assert (listener.tls.oldest, listener.tls.newest) == versions


def test_response_headers_and_a_hidden_server_header_come_from_attributes(
    tmp_path: Path,
) -> None:
    (listener,) = read(
        Resources(
            routingHttpResponseStrictTransportSecurityHeaderValue="max-age=300",
            routingHttpResponseXContentTypeOptionsHeaderValue="nosniff",
            routingHttpResponseContentSecurityPolicyHeaderValue="",
            routingHttpResponseServerEnabled=False,
        ),
        tmp_path,
    )
    assert listener.response_headers == (
        ("strict-transport-security", "max-age=300"),
        ("x-content-type-options", "nosniff"),
    )
    assert not listener.server_header


def test_the_load_balancers_attributes_reach_each_of_its_listeners(tmp_path: Path) -> None:
    cloud = Resources(routingHttpRequestXAmznTlsVersionHeaderName="X-Tls")
    cloud.load_balancer |= {
        "clientKeepAlive": 600.0,
        "dropInvalidHeaderFields": True,
        "enableHttp2": False,
        "enableTlsVersionAndCipherSuiteHeaders": True,
        "enableXffClientPort": True,
        "idleTimeout": 30.0,
        "xffHeaderProcessingMode": "preserve",
    }
    (listener,) = read(cloud, tmp_path)
    assert (listener.keep_alive, listener.idle_timeout) == (600, 30)
    assert listener.drop_invalid_headers
    assert listener.client_port
    assert listener.forwarded_for == "preserve"
    assert listener.tls is not None
    assert not listener.tls.http2
    assert listener.tls_headers == ("X-Tls", "x-amzn-tls-cipher-suite")


def test_listeners_of_other_protocols_and_of_load_balancers_that_are_gone_are_left_out(
    tmp_path: Path,
) -> None:
    assert read(Resources(protocol="TCP"), tmp_path) == []
    assert read(Resources(loadBalancerArn="gone"), tmp_path) == []


def test_rules_come_by_priority_and_the_default_last(tmp_path: Path) -> None:
    cloud = Resources()
    cloud.outputs[LISTENER_RULE] = [
        (
            str(priority),
            {"listenerArn": "https", "priority": priority, "actions": [{"type": str(priority)}]},
        )
        for priority in (20.0, 3.0)
    ]
    cloud.outputs[LISTENER_RULE].append(
        ("other", {"listenerArn": "http", "priority": 1, "actions": FIXED})
    )
    (listener,) = read(cloud, tmp_path)
    assert [rule.actions[0]["type"] for rule in listener.rules] == ["3.0", "20.0", "fixed-response"]


def test_a_rule_brings_its_conditions_and_transforms(tmp_path: Path) -> None:
    cloud = Resources()
    parts = {
        "conditions": [{"pathPattern": {"values": ["/a"]}}],
        "transforms": [
            {
                "type": "url-rewrite",
                "urlRewriteConfig": {"rewrite": {"regex": "^/a", "replace": "/"}},
            }
        ],
    }
    cloud.outputs[LISTENER_RULE] = [
        ("with", {"listenerArn": "https", "priority": 1, "actions": FIXED, **parts}),
        ("without", {"listenerArn": "https", "priority": 2, "actions": FIXED, "transforms": None}),
    ]
    (listener,) = read(cloud, tmp_path)
    found = [(rule.conditions, rule.transforms) for rule in listener.rules]
    assert found == [(parts["conditions"], parts["transforms"]), ((), ()), ((), ())]
