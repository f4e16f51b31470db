"""Alias records of load balancers; the machine's resolver doesn't know these names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localaws.catalog.elb.load_balancers import LOAD_BALANCER
from localaws.catalog.route53.records import RECORD, zone_name
from localaws.catalog.values import blocks

if TYPE_CHECKING:
    from localaws.catalog.account import Account


def aliases(account: Account) -> dict[str, str]:
    """Return the domain names that are aliases of load balancers, each with the DNS name."""
    balancers = {zone_name(str(each.outputs.get("dnsName"))) for each in account.all(LOAD_BALANCER)}
    found = {}
    for record in account.all(RECORD):
        for alias in blocks(record.inputs.get("aliases")):
            target = zone_name(str(alias.get("name"))).removeprefix("dualstack.")
            if target in balancers:
                found[str(record.outputs["fqdn"])] = target
    return found
