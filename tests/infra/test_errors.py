"""Errors that the provider reports are shown in one line, without what names no cause."""

from __future__ import annotations

import pytest

from infra.errors import reason_of

LOOKUP = "invocation of aws:ec2/getVpc:getVpc returned an error: invoking aws:ec2/getVpc:getVpc: "


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (
            f"{LOOKUP}1 error occurred:\n\t* no matching EC2 VPC found\n\n",
            "no matching EC2 VPC found",
        ),
        (f"{LOOKUP}NotFound: no VPC\n  vpc-1", "NotFound: no VPC vpc-1"),
        ("no matching Route 53 Hosted Zone found", "no matching Route 53 Hosted Zone found"),
    ],
)
def test_the_reason_of_a_failed_lookup_is_one_line(error: str, reason: str) -> None:
    assert reason_of(Exception(error)) == reason
