"""Settings of HTTPS, the load balancer, its logs and its WAF."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.aws.environment import AwsEnvironment
from infra.errors import SettingsError
from tests.infra.settings.loading import load, only_service, refusal_of

if TYPE_CHECKING:
    from collections.abc import Mapping

ENVIRONMENT = AwsEnvironment(partition="aws", region="ap-northeast-1", account="123456789012")
LONG_NAME = f"{'a' * 60}.example.com"


def certificate(
    number: int,
    *,
    partition: str = "aws",
    region: str = "ap-northeast-1",
    account: str = "123456789012",
) -> str:
    """Return the ARN of a certificate, by default one of the stack's account and region."""
    return (
        f"arn:{partition}:acm:{region}:{account}:certificate/00000000-0000-0000-0000-{number:012}"
    )


REFUSED = [
    (
        {"domain": "Shop.example.com", "hostedZone": "example.com"},
        "domain: Shop.example.com; allowed: a domain name",
    ),
    (
        {"domain": "*.example.com", "hostedZone": "example.com"},
        "domain: *.example.com; allowed: a domain name",
    ),
    (
        {"domain": "shop.example.com.", "hostedZone": "example.com"},
        "domain: shop.example.com.; allowed",
    ),
    (
        {"domain": "192.0.2.1", "hostedZone": "example.com"},
        "domain: 192.0.2.1; allowed: a domain name",
    ),
    (
        {"domain": "shop.example.com"},
        "domain: shop.example.com; allowed: only with hostedZone (to validate an ACM certificate)",
    ),
    (
        {"domain": LONG_NAME, "hostedZone": "example.com"},
        "domain: 72 characters; allowed: at most 64, as ACM issues no",
    ),
    (
        {"hostedZone": "example.com"},
        "hostedZone: example.com; allowed: only with domain, a name in the zone",
    ),
    (
        {"domain": "a.example.com", "hostedZone": "my zone"},
        "hostedZone: my zone; allowed: a Route 53 zone's name or id",
    ),
    (
        {"domain": "a.example.com", "hostedZone": "ample.com"},
        "hostedZone: ample.com; allowed: the zone that domain, a.example.com, is in",
    ),
    (
        {"certificateArn": "mine"},
        "certificateArn: mine; allowed: an ACM certificate's ARN, like arn:aws:acm:REGION:",
    ),
    (
        {"certificateArn": f"arn:aws:iam::1:server-certificate/{'0' * 36}"},
        "allowed: an ACM certificate's ARN",
    ),
    (
        {"extraCertificateArns": [certificate(1)]},
        "allowed: none, unless there is domain or certificateArn",
    ),
    (
        {
            "certificateArn": certificate(1),
            "extraCertificateArns": [certificate(2), certificate(1)],
        },
        (
            f"extraCertificateArns: {certificate(1)}; allowed: each certificate once, "
            "certificateArn's not again"
        ),
    ),
    (
        {
            "certificateArn": certificate(1),
            "extraCertificateArns": [certificate(number) for number in range(100, 126)],
        },
        "extraCertificateArns: 26 of them; allowed: at most 25",
    ),
    (
        {"tlsPolicy": "ELBSecurityPolicy-TLS13-1-2-2021-06"},
        "allowed: one of ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09,",
    ),
    ({"hstsSeconds": -1}, "hstsSeconds: -1; allowed: a whole number from 0 to 63072000"),
    ({"frameOptions": "ALLOW"}, "frameOptions: ALLOW; allowed: one of DENY, SAMEORIGIN, none"),
    (
        {"idleTimeoutSeconds": 75},
        "idleTimeoutSeconds: 75; allowed: less than targetKeepAliveSeconds, 75",
    ),
    (
        {"targetKeepAliveSeconds": 60},
        "idleTimeoutSeconds: 60; allowed: less than targetKeepAliveSeconds, 60: if the",
    ),
    (
        {"targetKeepAliveSeconds": 0},
        "targetKeepAliveSeconds: 0; allowed: a whole number from 1 to 86400",
    ),
    (
        {"clientKeepAliveSeconds": 59},
        "clientKeepAliveSeconds: 59; allowed: a whole number from 60 to 604800",
    ),
    ({"internal": "maybe"}, "internal: maybe; allowed: true or false"),
    (
        {"allowedCidrs": ["10.0.0.1/8"]},
        "allowedCidrs: [0] 10.0.0.1/8; allowed: a list, each item an IP range in CIDR notation",
    ),
    (
        {"allowedCidrs": ["10.0.0.0/8", "10.0.0.0/8"]},
        "allowedCidrs: 10.0.0.0/8; allowed: each range once",
    ),
    (
        {"allowedCidrs": [f"10.{number}.0.0/16" for number in range(31)]},
        "31 of them; allowed: at most 30",
    ),
    (
        {"allowedCidrs": ["2001:db8::/32"]},
        "allowedCidrs: 2001:db8::/32; allowed: IPv4 ranges, unless the load balancer",
    ),
    (
        {"allowedCidrs": ["::/0"], "dualStack": True, "internal": True},
        "allowedCidrs: ::/0; allowed: IPv4 ranges",
    ),
    ({"accessLogs": "s3"}, "accessLogs: s3; allowed: true or false"),
    (
        {"accessLogRetentionDays": 0},
        "accessLogRetentionDays: 0; allowed: a whole number from 1 to 3653",
    ),
    ({"emptyLogsOnDestroy": "yes"}, "emptyLogsOnDestroy: yes; allowed: true or false"),
    ({"waf": "on"}, "waf: on; allowed: one of none, count, block"),
]


@pytest.mark.parametrize(
    ("changes", "message"), REFUSED, ids=[json.dumps(changes)[:99] for changes, _ in REFUSED]
)
def test_a_wrong_value_is_refused_with_its_key_and_what_is_allowed(
    changes: Mapping[str, Any], message: str
) -> None:
    refusal = refusal_of(**changes)
    assert message in str(refusal)
    assert len(refusal.problems) == 1, "one mistake is one problem"


@pytest.mark.parametrize(
    "changes",
    [
        {"domain": "example.com", "hostedZone": "example.com"},
        {"domain": "a.b.example.com", "hostedZone": "b.example.com"},
        {"domain": "shop.example.com", "hostedZone": "Z0123456789ABCDEFGHIJ"},
        {"domain": LONG_NAME, "certificateArn": certificate(1)},
        {"domain": LONG_NAME, "hostedZone": "example.com", "certificateArn": certificate(1)},
        {
            "certificateArn": certificate(1),
            "extraCertificateArns": [certificate(2), certificate(3)],
        },
        {
            "tlsPolicy": "ELBSecurityPolicy-TLS13-1-3-FIPS-PQ-2025-09",
            "certificateArn": certificate(1),
        },
        {"idleTimeoutSeconds": 4000, "targetKeepAliveSeconds": 4001},
        {"allowedCidrs": ["0.0.0.0/0", "10.0.0.0/8", "192.0.2.1/32"]},
        {"allowedCidrs": ["::/0", "2001:db8::/32"], "dualStack": True},
    ],
)
def test_values_at_the_limits_are_accepted(changes: Mapping[str, Any]) -> None:
    load(**changes)


@pytest.mark.parametrize(
    "elsewhere",
    [
        certificate(2, region="us-east-1"),
        certificate(2, account="210987654321"),
        certificate(2, partition="aws-cn"),
    ],
)
def test_a_certificate_of_another_account_or_region_is_refused_with_the_reason(
    elsewhere: str,
) -> None:
    settings = load(certificateArn=certificate(1), extraCertificateArns=[elsewhere])
    (problem,) = settings.problems_in(ENVIRONMENT)
    assert (problem.key, problem.value) == ("extraCertificateArns", elsewhere)
    assert "its own region and account only" in problem.allowed


def test_a_partition_whose_names_are_not_known_is_refused() -> None:
    (problem,) = load().problems_in(
        AwsEnvironment(partition="aws-iso", region="us-iso-east-1", account="123456789012")
    )
    assert str(problem).startswith(
        "aws:region: us-iso-east-1, of the partition aws-iso; allowed: a region of aws, "
    )
    for partition, region in (("aws-us-gov", "us-gov-west-1"), ("aws-cn", "cn-north-1")):
        assert not load().problems_in(
            AwsEnvironment(partition=partition, region=region, account="123456789012")
        )


@pytest.mark.parametrize("network", ["public", "endpoints"])
def test_an_image_of_another_partition_is_refused(network: str) -> None:
    settings = load(
        network=network,
        image="123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/a@sha256:" + "0" * 64,
    )
    (problem,) = (each for each in settings.problems_in(ENVIRONMENT) if each.key == "image")
    assert "in the partition aws-cn" in problem.value
    assert problem.allowed == "one in aws, as no role reaches another partition's ECR"


def test_certificates_of_this_account_and_region_are_accepted() -> None:
    assert not load(
        certificateArn=certificate(1), extraCertificateArns=[certificate(2)]
    ).problems_in(ENVIRONMENT)


@given(st.integers(1, 4000), st.integers(1, 86_400))
def test_the_load_balancer_always_closes_connections_before_the_container(
    idle: int, keep_alive: int
) -> None:
    try:
        settings = load(idleTimeoutSeconds=idle, targetKeepAliveSeconds=keep_alive)
    except SettingsError:
        assert idle >= keep_alive
    else:
        assert (
            settings.edge.idle_timeout_seconds
            < only_service(settings).container.target_keep_alive_seconds
        )
