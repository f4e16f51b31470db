"""Settings of HTTPS, the load balancer, its logs and its WAF."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.aws.environment import AwsEnvironment
from infra.errors import SettingsError
from tests.infra.settings.edge_refusals import LONG_NAME, REFUSED, certificate
from tests.infra.settings.loading import load, only_service, refusal_of

if TYPE_CHECKING:
    from collections.abc import Mapping

ENVIRONMENT = AwsEnvironment(partition="aws", region="ap-northeast-1", account="123456789012")


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
    assert "only uses certificates of its region and account" in problem.allowed


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
