"""Names of the local Route 53, and the options by which `verify` reaches them."""

from __future__ import annotations

from typing import Any

import pytest

from localaws.account.dns_names import aliases, verify_options
from localaws.catalog.elb.load_balancers import LOAD_BALANCER
from localaws.catalog.route53.records import RECORD
from tests.localaws.filled_account import FilledAccount

ADDRESS = "127.64.0.1"


def account_with(**records: dict[str, Any]) -> FilledAccount:
    """An account with a load balancer and these records."""
    account = FilledAccount()
    account.put(LOAD_BALANCER, "alb", dnsName=ADDRESS)
    for name, inputs in records.items():
        account.put(RECORD, name, **inputs, fqdn=f"{name}.test")
    return account


def test_only_records_that_are_aliases_of_a_load_balancer_are_found() -> None:
    account = account_with(
        app={"aliases": [{"name": f"dualstack.{ADDRESS}."}]},
        www={"aliases": [{"name": ADDRESS}]},
        cdn={"aliases": [{"name": "cdn.example.org"}]},
        mail={"records": [ADDRESS]},
    )
    assert aliases(account) == {"app.test": ADDRESS, "www.test": ADDRESS}


@pytest.mark.parametrize(
    ("dns_name", "expected"),
    [
        (ADDRESS, f"--resolve app.test:443:{ADDRESS} --cacert ca.pem"),
        (f"{ADDRESS}:8080", f"--connect-to {ADDRESS}:8443 --cacert ca.pem"),
    ],
)
def test_the_options_connect_to_the_https_port(dns_name: str, expected: str) -> None:
    assert verify_options("app.test", dns_name, "ca.pem") == expected
