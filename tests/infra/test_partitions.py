"""In China and GovCloud, the program registers only names of that partition."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import TYPE_CHECKING

import pytest

from gate.configurations import CONFIGURATIONS, ROOT, record
from infra.aws import endpoint_services
from infra.aws.environment import AwsEnvironment
from infra.aws.locality import partition_of
from localaws import mocks
from tests.infra import recorder

if TYPE_CHECKING:
    from localaws.mocks import Recording

REGIONS = {
    "cn-north-1": ("aws-cn", "amazonaws.com.cn"),
    "us-gov-west-1": ("aws-us-gov", "amazonaws.com"),
}
"""By region: its partition, and the domain of AWS's services there."""

GLOBAL_PRINCIPALS = {
    "cloudwatch.amazonaws.com",
    "ecs-tasks.amazonaws.com",
    "events.amazonaws.com",
    "vpc-flow-logs.amazonaws.com",
}
"""Principals that have the same name in every partition."""


def configuration(stack: str, region: str) -> dict[str, str]:
    """Return a configuration of the gate with the names of another region."""
    chosen, (partition, suffix) = CONFIGURATIONS[stack], REGIONS[region]
    moved = {
        f"{recorder.REGION}.amazonaws.com": f"{region}.{suffix}",
        recorder.REGION: region,
        "arn:aws:": f"arn:{partition}:",
    }
    found = {}
    # Amazon Q Developer in chat applications isn't in these partitions.
    changes = {**chosen.changes, "alarmSlackChannel": ""}
    for key, value in mocks.configuration(ROOT, chosen.file, **changes).items():
        text = value
        for old, new in moved.items():
            text = text.replace(old, new)
        found[key] = text
    return found


def texts(recording: Recording) -> str:
    return "\n".join(json.dumps(each.inputs, default=str) for each in recording.registered)


@cache
def recorded(stack: str, region: str) -> Recording:
    """Return what a configuration of the gate registers in another region."""
    return record(stack, configuration(stack, region))


@pytest.mark.slow  # the program runs for every configuration, in two regions
@pytest.mark.parametrize("region", REGIONS)
@pytest.mark.parametrize("stack", CONFIGURATIONS)
def test_every_arn_and_domain_belongs_to_the_partition(stack: str, region: str) -> None:
    partition, suffix = REGIONS[region]
    found = texts(recorded(stack, region))
    assert set(re.findall(r"arn:[\w-]*:", found)) == {f"arn:{partition}:"}
    of_kms = {f"ssm.{region}.amazonaws.com", f"secretsmanager.{region}.amazonaws.com"}
    of_instances = {f"ec2.{suffix}"}
    domains = set(re.findall(r"[\w.-]+\.amazonaws\.com[\w.]*", found))
    for domain in domains - of_kms - of_instances - GLOBAL_PRINCIPALS:
        # com.amazonaws.REGION.SERVICE is the name of an endpoint's service, not a domain.
        if "com.amazonaws." not in domain:
            is_load_balancers = f"{region}.elb.{suffix}" in domain
            assert is_load_balancers or domain.endswith(f".{region}.{suffix}"), domain


def test_endpoints_have_the_names_that_they_have_in_china() -> None:
    sealed = recorded("sealed", "cn-north-1")
    assert recorder.inputs_of(sealed, "VpcEndpoint", "serviceName") == {
        "cn.com.amazonaws.cn-north-1.ecr.api",
        "cn.com.amazonaws.cn-north-1.ecr.dkr",
        "com.amazonaws.cn-north-1.kms",
        "com.amazonaws.cn-north-1.logs",
        "com.amazonaws.cn-north-1.s3",
        "com.amazonaws.cn-north-1.secretsmanager",
        "com.amazonaws.cn-north-1.ssm",
        "com.amazonaws.cn-north-1.ssmmessages",
    }
    for region in ("us-gov-west-1", "eu-west-1"):
        environment = AwsEnvironment(
            partition=partition_of(region), region=region, account="123456789012"
        )
        assert (
            endpoint_services.service_name(environment, "ecr.api")
            == f"com.amazonaws.{region}.ecr.api"
        )


@pytest.mark.parametrize(
    ("region", "account"), [("cn-north-1", "638102146993"), ("us-gov-west-1", "048591011584")]
)
def test_access_logs_are_written_by_the_regions_elb_account(region: str, account: str) -> None:
    recording = recorded("prod", region)
    policy = json.loads(recording.one("BucketPolicy").inputs["policy"])
    assert policy["Statement"][0]["Principal"] == {
        "AWS": f"arn:{REGIONS[region][0]}:iam::{account}:root"
    }


def test_in_china_a_key_may_be_used_by_both_domains_of_a_service() -> None:
    found = texts(recorded("everything", "cn-north-1"))
    via = {f"ssm.cn-north-1.{suffix}" for suffix in ("amazonaws.com", "amazonaws.com.cn")}
    assert via <= set(re.findall(r"ssm\.[\w.-]+", found))
    assert "amazonaws.com.cn" not in texts(recorded("everything", "us-gov-west-1"))
