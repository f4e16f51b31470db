"""A real Envoy with requests and responses just within an ALB's limits, and just beyond."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from tests.localaws.alb.conftest import GROUP, Alb, forward, on, raw

if TYPE_CHECKING:
    from localaws.alb.model import Rule

pytestmark = pytest.mark.slow  # waits for a real Envoy's time limits

KIB = 1024
NEARLY_A_SECOND = 0.9
"""Envoy's timers are early by some milliseconds."""

MOVED = {
    "type": "redirect",
    "redirect": {"statusCode": "HTTP_301", "path": "/new/#{path}", "query": ""},
}
FAR = on(
    {"sourceIp": {"values": ["10.0.0.0/8"]}},
    {"type": "redirect", "redirect": {"statusCode": "HTTP_302"}},
)


def fixed(status: int) -> Rule:
    answer = {"contentType": "text/plain", "statusCode": str(status), "messageBody": "the rule's"}
    return on(
        {"pathPattern": {"values": [f"/{status}"]}},
        {"type": "fixed-response", "fixedResponse": answer},
    )


def request(path: str = "/", *headers: str) -> str:
    lines = (f"GET {path} HTTP/1.1", "Host: a.test", "Connection: close", *headers)
    return "".join(f"{line}\r\n" for line in (*lines, ""))


def with_line(size: int) -> str:
    return request("/" + "a" * (size - len("GET / HTTP/1.1")))


def with_header(size: int) -> str:
    return request("/", f"X-Long: {'a' * (size - len('X-Long: '))}")


def with_headers(size: int) -> str:
    """Many short ones, of about so many bytes together."""
    return request("/", *(f"x-{number:03}: {'v' * 93}" for number in range(size // 100)))


def with_addresses(count: int, lines: int = 1) -> str:
    addresses = ["192.0.2.1"] * count
    parts = [addresses[start::lines] for start in range(lines)]
    return request("/", *(f"X-Forwarded-For: {', '.join(part)}" for part in parts))


LIMITS = [
    pytest.param(with_line(16 * KIB), with_line(16 * KIB + 1), "414", id="request line"),
    pytest.param(with_header(16 * KIB), with_header(16 * KIB + 1), "400", id="header"),
    pytest.param(with_headers(62 * KIB), with_headers(66 * KIB), "400", id="all headers"),
    pytest.param(with_addresses(30), with_addresses(31), "463", id="addresses"),
    pytest.param(
        with_addresses(30, lines=2), with_addresses(31, lines=2), "463", id="addresses, two headers"
    ),
]


@pytest.mark.parametrize(("within", "beyond", "status"), LIMITS)
async def test_a_request_is_forwarded_up_to_each_limit_and_refused_beyond(
    alb: Alb, within: str, beyond: str, status: str
) -> None:
    target = await alb.target()
    await alb.apply([FAR, forward((GROUP, 1))], {GROUP: [target]})
    await alb.healthy(1)

    code, rest = await raw(alb, within)
    assert code == "200"
    assert "x-localaws" not in rest, "the target sees nothing of how the limit is kept"
    assert len(target.requests) == 1
    code, rest = await raw(alb, beyond)
    assert code == status
    assert "server: awselb/2.0" in rest
    assert f"<h1>{status}" in rest
    assert len(target.requests) == 1


async def test_a_large_request_within_the_limits_is_routed_as_any_other(alb: Alb) -> None:
    await alb.apply(
        [on({"pathPattern": {"values": ["/old"]}}, MOVED), fixed(404), forward((GROUP, 1))],
        {GROUP: []},
    )
    large = [f"X-{number}: {'a' * 9000}" for number in range(4)]
    port = "" if alb.endpoint.port == 80 else f":{alb.endpoint.port}"
    for path, status, part in (
        ("/old", "301", f"location: http://a.test{port}/new/old\r\n"),
        ("/404", "404", "the rule's"),
        ("/", "503", "503 Service Temporarily Unavailable"),
    ):
        code, rest = await raw(alb, request(path, *large))
        assert code == status
        assert part in rest


async def test_the_size_that_a_client_writes_in_an_internal_header_means_nothing(alb: Alb) -> None:
    await alb.apply([forward((GROUP, 1))], {GROUP: []})
    long = f"X-Long: {'a' * 17 * KIB}"
    for size, more, status in (
        ("1", [long], "400"),
        ("20000", [], "503"),
        ("x", [], "503"),
    ):
        code, _ = await raw(alb, request("/", f"X-Localaws-Size: {size}", *more))
        assert code == status


@pytest.mark.parametrize(("size", "status"), [(31 * KIB, "200"), (33 * KIB, "502")])
async def test_a_response_may_have_32_kib_of_headers(alb: Alb, size: int, status: str) -> None:
    line = f"Set-Cookie: {'a' * 86}\r\n"  # of 100 bytes
    target = await alb.target(more_headers=line * (size // 100))
    await alb.apply([forward((GROUP, 1))], {GROUP: [target]}, matcher="200-599")
    await raw(alb, request())
    code, rest = await raw(alb, request())
    assert code == status
    cookies = size // 100 if status == "200" else 0
    assert rest.count("set-cookie") == cookies, "however many they are"


@pytest.mark.parametrize(
    ("part_of_a_request", "status"),
    [
        ("GET / HT", "408"),
        ("GET / HTTP/1.1\r\nHost: a", "408"),
        ("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 10\r\n\r\nabc", "408"),
        ("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3\r\n\r\nabc", "504"),
    ],
)
async def test_a_client_that_stops_half_way_gets_408_and_one_whose_target_is_silent_504(
    alb: Alb, part_of_a_request: str, status: str
) -> None:
    alb.listener = {"idle_timeout": 1}
    await alb.apply([forward((GROUP, 1))], {GROUP: [await alb.target(mode="silent")]})
    await alb.healthy(1)
    start = time.monotonic()
    code, rest = await raw(alb, part_of_a_request, time_limit=10)
    assert code == status
    assert "server: awselb/2.0" in rest
    assert time.monotonic() - start > NEARLY_A_SECOND


@pytest.mark.parametrize("status", [400, 408, 414, 431])
async def test_a_rules_fixed_response_is_not_taken_for_the_load_balancers_own(
    alb: Alb, status: int
) -> None:
    await alb.apply([fixed(status), forward((GROUP, 1))], {GROUP: []})
    code, rest = await raw(alb, request(f"/{status}"))
    assert code == str(status)
    assert rest.endswith("\r\n\r\nthe rule's")


async def test_an_idle_connection_is_closed_when_its_time_is_over(alb: Alb) -> None:
    alb.listener = {"idle_timeout": 1}
    await alb.apply([forward((GROUP, 1))], {GROUP: [await alb.target()]})
    await alb.healthy(1)
    reader, writer = await asyncio.open_connection(alb.endpoint.address, alb.endpoint.port)
    writer.write(b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
    await reader.readuntil(b"\r\n\r\n")
    start = time.monotonic()
    async with asyncio.timeout(10):
        await reader.read(-1)
    assert NEARLY_A_SECOND < time.monotonic() - start < 4
    writer.close()


async def test_a_connection_whose_time_is_over_ends_with_connection_close(alb: Alb) -> None:
    alb.listener = {"keep_alive": 1}
    await alb.apply([forward((GROUP, 1))], {GROUP: [await alb.target()]})
    await alb.healthy(1)
    reader, writer = await asyncio.open_connection(alb.endpoint.address, alb.endpoint.port)
    start = time.monotonic()
    head = b""
    async with asyncio.timeout(10):
        while b"connection: close" not in head:
            await asyncio.sleep(0.3)  # the time ends between two requests
            writer.write(b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.split(b"content-length: ")[1].split(b"\r\n")[0])
            await reader.readexactly(length)
        assert time.monotonic() - start > NEARLY_A_SECOND
        assert await reader.read() == b"", "and closed"
    writer.close()
