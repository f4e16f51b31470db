"""Names of the local Route 53."""

from __future__ import annotations

from typing import Any

from localaws.account.dns_names import aliases
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
