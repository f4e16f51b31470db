"""Conditions as regular expressions, run by Python; test_envoy.py runs them in Envoy."""

from __future__ import annotations

import ipaddress
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localaws.alb.conditions import PEER, matchers, wildcard


def meets(condition: dict[str, Any], **request: str) -> bool:
    """Return whether a request with these headers meets a condition.

    As Python's names, `__path` is the header `:path`, and `x_team` is `x-team`.
    """
    headers = {
        ":path": "/",
        ":authority": "example.com",
        ":method": "GET",
        PEER: "127.0.0.1",
    }
    for name, value in request.items():
        headers[name.replace("__", ":").replace("_", "-")] = value
    for matcher in matchers([condition]):
        header = headers.get(matcher["name"])
        pattern = matcher["string_match"]["safe_regex"]["regex"]
        if header is None or not re.fullmatch(pattern, header):
            return False
    return True


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("/*", "/", True),
        ("/*", "/a/b?c=d", True),
        ("/img/*", "/img/a/b.png", True),
        ("/img/*", "/img", False),
        ("/img/*", "/IMG/a", False),
        ("/a?c", "/abc", True),
        ("/a?c", "/a?c", False),
        ("/a?c", "/ac", False),
        ("/exact", "/exact?x=/other", True),
        ("/exact", "/exact/", False),
        ("/a.b", "/axb", False),
        ("/q*", "/p?q", False),
        (r"/a\*b", "/a*b", True),
        (r"/a\*b", "/axb", False),
    ],
)
def test_a_path_matches_whole_case_sensitively_and_without_its_query(
    pattern: str,
    path: str,
    *,
    expected: bool,
) -> None:
    assert meets({"pathPattern": {"values": [pattern]}}, __path=path) is expected


@pytest.mark.parametrize(
    ("pattern", "host", "expected"),
    [
        ("*.example.com", "a.example.com", True),
        ("*.example.com", "A.Example.COM:8080", True),
        ("*.example.com", "example.com", False),
        ("example.com", "example.com.evil.org", False),
    ],
)
def test_a_host_matches_whatever_its_case_and_port(
    pattern: str, host: str, *, expected: bool
) -> None:
    assert meets({"hostHeader": {"values": [pattern]}}, __authority=host) is expected


def test_one_of_several_values_is_enough() -> None:
    condition = {"pathPattern": {"values": ["/a", "/b"]}}
    assert meets(condition, __path="/b")
    assert not meets(condition, __path="/a/b")


def test_header_values_match_whatever_their_case() -> None:
    condition = {"httpHeader": {"httpHeaderName": "X-Team", "values": ["blue*"]}}
    assert meets(condition, x_team="BLUEISH")
    assert not meets(condition, x_team="red")
    assert not meets(condition)


def test_methods_match_exactly() -> None:
    condition = {"httpRequestMethod": {"values": ["GET", "HEAD"]}}
    assert meets(condition, __method="HEAD")
    assert not meets(condition, __method="get")


@pytest.mark.parametrize(
    ("pair", "path", "expected"),
    [
        ({"key": "v", "value": "1"}, "/?v=1", True),
        ({"key": "v", "value": "1"}, "/?a=b&V=1&c=d", True),
        ({"key": "v", "value": "1"}, "/?vv=1", False),
        ({"key": "v", "value": "1"}, "/?v=11", False),
        ({"key": "v", "value": "1*"}, "/?v=11", True),
        ({"value": "1"}, "/?whatever=1", True),
        ({"value": "1"}, "/1", False),
    ],
)
def test_query_strings_match_by_pair(pair: dict[str, str], path: str, *, expected: bool) -> None:
    assert meets({"queryStrings": [pair]}, __path=path) is expected


@given(
    base=st.integers(0, 2**32 - 1),
    prefix=st.integers(0, 32),
    other=st.integers(0, 2**32 - 1),
    near=st.booleans(),
)
def test_a_source_address_matches_the_networks_it_is_in(
    base: int,
    prefix: int,
    other: int,
    *,
    near: bool,
) -> None:
    network = ipaddress.IPv4Network((base, prefix), strict=False)
    # A random address is hardly ever in a random network: half of them are chosen from within.
    address = network[other % network.num_addresses] if near else ipaddress.IPv4Address(other)
    condition = {"sourceIp": {"values": [str(network)]}}
    assert meets(condition, **{PEER.replace("-", "_"): str(address)}) is (address in network)


def test_no_local_client_is_in_an_ipv6_network() -> None:
    assert not meets({"sourceIp": {"values": ["::/0"]}})


@given(st.text(alphabet="ab.*?/", max_size=8), st.text(alphabet="ab.*?/", max_size=8))
def test_wildcards_mean_any_text_and_one_character(pattern: str, text: str) -> None:
    def match(pattern: str, text: str) -> bool:
        if not pattern:
            return not text
        first = pattern[0]
        rest = pattern[1:]
        if first == "*":
            # It stands for nothing, or for one more character.
            return match(rest, text) or (bool(text) and match(pattern, text[1:]))
        return bool(text) and first in {"?", text[0]} and match(rest, text[1:])

    assert bool(re.fullmatch(wildcard(pattern), text)) is match(pattern, text)


def test_regular_expressions_are_taken_as_they_are() -> None:
    assert meets({"pathPattern": {"regexValues": ["/v[12]/.+"]}}, __path="/v2/x")
