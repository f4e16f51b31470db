"""Names of endpoint services: in China some start with `cn.`, and only one form is accepted."""

from __future__ import annotations

from typing import Any

import pytest

from localaws.account.cloud import Cloud
from localaws.catalog import Refused

TABLE: list[tuple[str, str, str, bool]] = [
    ("cn-north-1", "Interface", "cn.com.amazonaws.cn-north-1.ecr.api", True),
    ("cn-north-1", "Interface", "com.amazonaws.cn-north-1.ecr.api", False),
    ("cn-northwest-1", "Interface", "com.amazonaws.cn-northwest-1.logs", True),
    ("cn-northwest-1", "Interface", "cn.com.amazonaws.cn-northwest-1.logs", False),
    ("cn-north-1", "Gateway", "com.amazonaws.cn-north-1.s3", True),
    ("cn-north-1", "Interface", "cn.com.amazonaws.cn-north-1.s3", True),
    ("cn-north-1", "Interface", "cn.com.amazonaws.cn-north-1.workspaces", True),
    ("us-gov-west-1", "Interface", "com.amazonaws.us-gov-west-1.ecr.api", True),
    ("us-gov-west-1", "Interface", "cn.com.amazonaws.us-gov-west-1.ecr.api", False),
]


@pytest.mark.parametrize(("region", "kind", "name", "exists"), TABLE)
def test_only_a_services_name_in_its_region_is_accepted(
    region: str,
    kind: str,
    name: str,
    *,
    exists: bool,
) -> None:
    cloud = Cloud(seed=1)

    def make(token: str, **inputs: Any) -> str:
        return cloud.create(f"aws:ec2/{token}", f"urn:{token}", inputs, region=region).id

    vpc = make("vpc:Vpc", cidrBlock="10.0.0.0/16")
    inputs: dict[str, Any] = {"vpcId": vpc, "serviceName": name, "vpcEndpointType": kind}
    if exists:
        assert make("vpcEndpoint:VpcEndpoint", **inputs)
        return
    with pytest.raises(Refused, match=f"'{name}' does not exist in {region}") as refused:
        make("vpcEndpoint:VpcEndpoint", **inputs)
    assert [each.rule for each in refused.value.refusals] == ["ec2.vpc-endpoint.region"]
