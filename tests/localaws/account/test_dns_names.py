"""Names of the local Route 53, and how to ask for what they lead to."""

from __future__ import annotations

from typing import Any

import pytest

from localaws.account.dns_names import aliases, options
from localaws.catalog.account import Resource
from localaws.catalog.elb.load_balancers import LOAD_BALANCER
from localaws.catalog.route53.records import RECORD

ADDRESS = "127.64.0.1"


class Records:
    """A load balancer, and these records."""

    def __init__(self, **records: dict[str, Any]) -> None:
        self.outputs = {LOAD_BALANCER: {"alb": {"dnsName": ADDRESS}}, RECORD: records}

    def all(self, token: str) -> list[Resource]:
        return [
            Resource(token, name, "", "eu-west-1", each, {"fqdn": f"{name}.test"})
            for name, each in self.outputs[token].items()
        ]


def test_an_alias_leads_to_the_load_balancer_and_other_records_nowhere() -> None:
    records = Records(
        app={"aliases": [{"name": f"dualstack.{ADDRESS}."}]},
        www={"aliases": [{"name": ADDRESS}]},
        cdn={"aliases": [{"name": "cdn.example.org"}]},
        mail={"records": [ADDRESS]},
    )
    assert aliases(records) == {"app.test": ADDRESS, "www.test": ADDRESS}


@pytest.mark.parametrize(
    ("dns_name", "expected"),
    [
        (ADDRESS, f"--resolve app.test:443:{ADDRESS} --cacert ca.pem"),
        (f"{ADDRESS}:8080", f"--connect-to {ADDRESS}:8443 --cacert ca.pem"),
    ],
)
def test_the_options_lead_to_where_https_is_served(dns_name: str, expected: str) -> None:
    assert options("app.test", dns_name, "ca.pem") == expected
