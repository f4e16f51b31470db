"""Destinations that tasks may connect to."""

from __future__ import annotations

import ipaddress
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.aws.egress import Destination
from infra.settings.kinds import Destinations
from tests.infra import recorder


@given(st.ip_addresses(), st.integers(0, 128), st.integers(1, 65535), st.integers(1, 65535))
def test_a_destination_is_read_as_it_is_written(
    address: object, bits: int, port: int, other_port: int
) -> None:
    ipv6 = ":" in str(address)
    network = ipaddress.ip_network(f"{address}/{min(bits, 128 if ipv6 else 32)}", strict=False)
    first, last = sorted((port, other_port))
    written = str(Destination(str(network), first, last))
    read = Destinations().read(written)
    assert (str(read), read.is_ipv6) == (written, ipv6)
    assert re.fullmatch(r"[0-9a-z-]+", read.name), "a URN's parts are divided by two colons"


@given(st.text())
def test_any_other_text_is_refused(text: str) -> None:
    try:
        read = Destinations().read(text)
    except ValueError:
        return
    assert str(read) == text


@pytest.mark.parametrize(
    ("item", "peer", "ports"),
    [
        ("10.0.0.0/8:5432", ("cidrIpv4", "10.0.0.0/8"), (5432, 5432)),
        ("2001:db8::/32:8000-8100", ("cidrIpv6", "2001:db8::/32"), (8000, 8100)),
    ],
)
def test_each_destination_is_one_rule_that_the_service_waits_for(
    item: str, peer: tuple[str, str], ports: tuple[int, int]
) -> None:
    recording = recorder.run("dev", egress=[item], dualStack=peer[0] == "cidrIpv6")
    rule = recording.one("SecurityGroupEgressRule", f"web-to-{re.sub('[^0-9a-z]+', '-', item)}")
    assert rule.inputs[peer[0]] == peer[1]
    assert (rule.inputs["fromPort"], rule.inputs["toPort"], rule.inputs["ipProtocol"]) == (
        *ports,
        "tcp",
    )
    assert rule.inputs["securityGroupId"] == recording.id(recording.one("SecurityGroup", "web"))
    assert rule.urn in recording.one("Service").dependencies
