"""What the local Route 53 says of load balancers; no resolver on this machine knows of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localaws.catalog.elb.load_balancers import LOAD_BALANCER
from localaws.catalog.route53.records import RECORD, zone_name
from localaws.catalog.values import blocks

if TYPE_CHECKING:
    from localaws.catalog.account import Account

HTTPS_PORT = 443


def aliases(account: Account) -> dict[str, str]:
    """Return the names that are aliases of a load balancer, each with its DNS name."""
    balancers = {zone_name(str(each.outputs.get("dnsName"))) for each in account.all(LOAD_BALANCER)}
    found = {}
    for record in account.all(RECORD):
        for alias in blocks(record.inputs.get("aliases")):
            target = zone_name(str(alias.get("name"))).removeprefix("dualstack.")
            if target in balancers:
                found[str(record.outputs["fqdn"])] = target
    return found


def options(name: str, dns_name: str, authority: str) -> str:
    """What tells `verify` where a name's HTTPS is, and whom to trust: `--resolve … --cacert …`."""
    address, _, port = dns_name.partition(":")
    # Where ports below 1024 need privileges, the DNS name has the port that stands for 80.
    secure = HTTPS_PORT + int(port) - 80 if port else HTTPS_PORT
    way = f"--connect-to {address}:{secure}" if port else f"--resolve {name}:{secure}:{address}"
    return f"{way} --cacert {authority}"
