"""gRPC and HTTP/2 to targets: a real gRPC server and client, and a real Envoy between them."""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING, Any

import grpc
import httpx
import pytest

from localaws.alb.certificate_authority import Authority
from localaws.alb.certificate_files import authority_file
from localaws.alb.grpc_checks import CheckHistory, GrpcChecks, Plan
from localaws.alb.health_probe import status_in
from localaws.alb.load_balancers import LoadBalancers
from localaws.alb.model import Listener
from localaws.alb.targets import Endpoint, TargetState
from localaws.alb.tls import Tls
from localaws.alb.versions import refused
from localaws.catalog.elb.listeners import LISTENER, LISTENER_RULE
from localaws.catalog.elb.target_groups import TARGET_GROUP
from localaws.machine.stream_server import StreamServer
from tests.localaws.alb.http_2_server import serve_http_2
from tests.localaws.alb.scripted_proxy import ALB, FAIL, GROUP, HTTP, PASS, PREFIX, FewResources
from tests.localaws.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from localaws.alb.envoy import CheckResult
    from tests.localaws.alb.conftest import Alb

HTTP2 = f"{PREFIX}:targetgroup/streams/4"
HTTP1 = f"{PREFIX}:targetgroup/plain/5"
CHECK = {"interval": 5, "timeout": 2, "healthyThreshold": 2, "unhealthyThreshold": 2}


class Cart(grpc.GenericRpcHandler):
    """A service with a method of each kind; all others aren't implemented."""

    def __init__(self) -> None:
        self.checked: list[str] = []
        self.health = grpc.StatusCode.OK

    def service(self, call: grpc.HandlerCallDetails) -> Any:
        match call.method:
            case "/shop.Cart/Count":
                return grpc.unary_unary_rpc_method_handler(self.count)
            case "/shop.Cart/Watch":
                return grpc.unary_stream_rpc_method_handler(self.watch)
            case "/shop.Cart/Chat":
                return grpc.stream_stream_rpc_method_handler(self.chat)
            case "/shop.Cart/Ready":
                self.checked.append(str(dict(call.invocation_metadata)["user-agent"]))
                return grpc.unary_unary_rpc_method_handler(self.ready)
        return None

    async def count(self, request: bytes, context: Any) -> bytes:
        context.set_trailing_metadata((("left", "3"),))
        return request * 2

    async def watch(self, request: bytes, context: Any) -> AsyncIterator[bytes]:
        for number in range(3):
            yield request + bytes([number])
        await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "sold out")

    async def chat(self, requests: AsyncIterator[bytes], context: Any) -> AsyncIterator[bytes]:
        async for request in requests:
            yield request.upper()

    async def ready(self, request: bytes, context: Any) -> bytes:
        if self.health is not grpc.StatusCode.OK:
            await context.abort(self.health, "")
        return b""


def rule(priority: int, path: str, group: str) -> dict[str, Any]:
    return {
        "listenerArn": HTTP,
        "priority": priority,
        "conditions": [{"pathPattern": {"values": [path]}}],
        "actions": [{"type": "forward", "targetGroupArn": group}],
    }


def cloud(**check: Any) -> FewResources:
    """An HTTPS listener that routes gRPC by method, and the rest to groups of other versions."""
    made = FewResources()
    made.outputs[LISTENER, HTTP] = {
        "loadBalancerArn": ALB,
        "port": 443.0,
        "protocol": "HTTPS",
        "certificateArn": "arn:aws:acm:eu-west-1:123456789012:certificate/1",
        "defaultActions": [{"type": "forward", "targetGroupArn": HTTP1}],
    }
    for number, (path, group) in enumerate(
        (("/streams/*", HTTP2), ("/shop.Cart/X", HTTP1), ("/shop.*", GROUP)), start=1
    ):
        made.outputs[LISTENER_RULE, str(number)] = rule(number, path, group)
    versions = {
        GROUP: ("GRPC", {**CHECK, "path": "/shop.Cart/Ready", "matcher": "0", **check}),
        HTTP2: ("HTTP2", {**CHECK, "path": "/", "matcher": "200"}),
        HTTP1: ("HTTP1", CHECK),
    }
    for arn, (version, health) in versions.items():
        made.outputs[TARGET_GROUP, arn] = {
            "arn": arn,
            "protocolVersion": version,
            "healthCheck": health,
        }
    return made


@pytest.mark.slow  # a real Envoy
async def test_grpc_and_http_2_reach_targets_of_their_versions_and_other_requests_get_464(
    alb: Alb, tmp_path: Path
) -> None:
    server = grpc.aio.server()
    cart = Cart()
    server.add_generic_rpc_handlers((cart,))
    address = alb.addresses.take_task([80])
    target = Endpoint(address.address, address.port(80))
    assert server.add_insecure_port(f"{target.address}:{target.port}")
    await server.start()
    other = alb.addresses.take_task([80])
    streams = Endpoint(other.address, other.port(80))
    await alb.serve(serve_http_2, streams.address, streams.port)
    balancers = LoadBalancers(
        cloud(),
        alb.addresses,
        lambda _: alb.envoy,
        lambda _: tmp_path / "envoy",
        issue=Authority(tmp_path).issue,
        speed=10,
    )
    balancers.register(GROUP, target)
    balancers.register(HTTP2, streams)

    async def becomes(wanted: TargetState, group: str, member: Endpoint) -> None:
        async def reached() -> bool:
            await balancers.sync()
            return balancers.health(group, member).state is wanted

        await eventually(reached, f"{group} to be {wanted}")

    try:
        await becomes(TargetState.HEALTHY, GROUP, target)
        await becomes(TargetState.HEALTHY, HTTP2, streams)
        assert set(cart.checked) == {"ELB-HealthChecker/2.0"}
        where = alb.addresses.load_balancer(ALB)
        authority = authority_file(tmp_path)
        certificates = await asyncio.to_thread(authority.read_bytes)
        await _calls(f"{where.address}:{where.port(443)}", certificates)
        await _other_clients(f"https://{where.address}:{where.port(443)}", authority)

        cart.health = grpc.StatusCode.UNAVAILABLE
        await becomes(TargetState.UNHEALTHY, GROUP, target)
        reported = balancers.health(GROUP, target)
        assert reported.description == "Health checks failed with these codes: [14]"
        cart.health = grpc.StatusCode.OK
        await becomes(TargetState.HEALTHY, GROUP, target)
    finally:
        await balancers.close()
        await server.stop(None)


async def _calls(address: str, certificates: bytes) -> None:
    credentials = grpc.ssl_channel_credentials(certificates)
    async with grpc.aio.secure_channel(address, credentials) as typed:
        channel: Any = typed
        call = channel.unary_unary("/shop.Cart/Count")(b"ab")
        assert await call == b"abab"
        assert ("left", "3") in list(await call.trailing_metadata())

        watch = channel.unary_stream("/shop.Cart/Watch")(b"x")
        found = [await watch.read() for _ in range(3)]
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await watch.read()
        assert found == [b"x\0", b"x\1", b"x\2"]
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert caught.value.details() == "sold out"

        chat = channel.stream_stream("/shop.Cart/Chat")()
        for word in (b"one", b"two"):
            await chat.write(word)
            assert await chat.read() == word.upper(), "each as it comes"
        await chat.done_writing()

        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await channel.unary_unary("/shop.Cart/None")(b"")
        assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await channel.unary_unary("/shop.Cart/X")(b"")
        assert "464" in str(caught.value.details()), "a group of version HTTP1 takes no gRPC"


async def _other_clients(url: str, authority: Path) -> None:
    context = ssl.create_default_context(cafile=authority)
    async with (
        httpx.AsyncClient(verify=context, http1=False, http2=True) as new,
        httpx.AsyncClient(verify=context) as old,
    ):
        grpc_web = {"Content-Type": "application/grpc-web"}
        for client, method, path, headers, status in (
            (old, "POST", "/shop.Cart/Count", {}, 464),
            (old, "GET", "/streams/1", {}, 464),
            (new, "GET", "/shop.Cart/Count", {}, 464),
            (new, "POST", "/", grpc_web, 503),
            (old, "GET", "/", grpc_web, 503),
            (new, "GET", "/", {}, 503),
        ):
            answer = await client.request(method, f"{url}{path}", headers=headers)
            found = (answer.status_code, answer.headers.get("server"))
            assert found == (status, "awselb/2.0"), (method, path, answer.http_version)
        for method in ("GET", "PUT"):
            answer = await new.request(method, f"{url}/streams/1?a=b")
            assert answer.text == f"{method} /streams/1?a=b"


def test_a_listener_without_http_2_forwards_nothing_to_groups_of_http_2() -> None:
    tls = Tls(certificates=(), oldest="1.2", newest="1.3", http2=False)
    old = Listener(arn="l", endpoint=Endpoint("127.0.0.1", 443), port=443, rules=(), tls=tls)
    assert refused(old, {"GRPC"}) == refused(old, {"HTTP2"}) == [[]]
    assert refused(old, {"HTTP1"}) == refused(old, {"HTTP1", "GRPC"}) == []


def test_the_first_check_decides_and_then_the_thresholds_hold() -> None:
    async def never() -> CheckResult:
        raise AssertionError

    plan = Plan(interval=1, passes=2, failures=3, check=never, notify=lambda: None)
    history = CheckHistory()
    results = [FAIL, PASS, FAIL, PASS, PASS, FAIL, FAIL, PASS, FAIL, FAIL, FAIL]
    changes = [history.add(each, plan) for each in results]
    assert changes == [True, *[False] * 3, True, *[False] * 5, True]
    assert history.health == FAIL


async def test_a_target_is_checked_until_it_is_no_longer_followed() -> None:
    counts = dict.fromkeys("ab", 0)
    notified: list[str] = []

    def plan(name: str) -> Plan:
        async def check() -> CheckResult:
            counts[name] += 1
            return PASS

        return Plan(
            interval=0.01, passes=1, failures=1, check=check, notify=lambda: notified.append(name)
        )

    checks = GrpcChecks()
    target = Endpoint("127.0.0.1", 1)
    plans = {(name, target): plan(name) for name in "ab"}
    checks.follow(plans)

    async def checked() -> bool:
        return min(counts.values()) > 2

    await eventually(checked, "several checks of each")
    assert sorted(notified) == ["a", "b"], "only of the first result: the others are the same"
    checks.follow({("a", target): plan("a")})
    assert checks.health() == {("a", target): PASS}
    before = counts["b"]
    await asyncio.sleep(0.05)
    assert counts["b"] <= before + 1
    await checks.close()
    assert checks.health() == {}


@pytest.mark.parametrize("version", ["HTTP1", "HTTP2", "GRPC"])
@pytest.mark.parametrize("answer", [b"", b"nonsense\r\n\r\n", None])
async def test_a_health_check_without_a_valid_answer_has_no_status(
    version: str, answer: bytes | None
) -> None:
    served = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(2**16)
        if answer is None:
            await reader.read()  # until the other side stops waiting
        writer.write(answer or b"")
        writer.close()
        await writer.wait_closed()
        served.set()

    server = StreamServer(serve)
    await server.listen("127.0.0.1", 0)
    host = f"127.0.0.1:{server.port}"
    opening = asyncio.open_connection("127.0.0.1", server.port)
    time_limit = 0.05 if answer is None else 5.0
    assert await status_in(version, opening, host, "/a", time_limit=time_limit) is None
    await served.wait()
    await server.close()
