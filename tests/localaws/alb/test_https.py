"""What a real Envoy does as an HTTPS listener, with certificates of the local authority."""

from __future__ import annotations

import asyncio
import socket
import ssl
from typing import TYPE_CHECKING, Any

import pytest

from localaws.alb.certificate_authority import Authority
from localaws.alb.certificate_files import authority_file
from localaws.alb.compiler import compile_files
from localaws.alb.model import Listener, Rule, TargetGroup
from localaws.alb.targets import Endpoint
from localaws.alb.tls import Tls

if TYPE_CHECKING:
    from tests.localaws.alb.conftest import Alb

pytestmark = pytest.mark.slow  # a real Envoy

ARN = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/app/web/1"
GROUP = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/web/1"
FORWARD = [Rule(actions=[{"type": "forward", "targetGroupArn": GROUP}])]
TO_HTTPS = {"protocol": "HTTPS", "port": "443", "statusCode": "HTTP_301"}
HEADERS = (
    ("strict-transport-security", "max-age=31536000"),
    ("content-security-policy", "default-src 'self' 100%"),
)


class Edge:
    """A load balancer that redirects from HTTP to HTTPS."""

    def __init__(self, alb: Alb) -> None:
        self.alb = alb
        self.listen_address = alb.addresses.load_balancer("alb")
        self.authority = Authority(alb.directory)

    def port(self, port: int) -> int:
        return int(self.listen_address.port(port))

    async def serve(self, targets: list[Any], *names: str, oldest: str = "1.2", **how: Any) -> None:
        certificates = tuple(self.authority.issue([name]) for name in names)
        tls = Tls(certificates=certificates, oldest=oldest, newest="1.3")
        redirect = [Rule(actions=[{"type": "redirect", "redirect": TO_HTTPS}])]
        listeners = [
            Listener(arn=f"{ARN}/http", endpoint=self._at(80), port=80, rules=redirect),
            Listener(
                arn=f"{ARN}/https", endpoint=self._at(443), port=443, rules=FORWARD, tls=tls, **how
            ),
        ]
        check = {"interval": 0.3, "timeout": 1, "healthyThreshold": 1}
        group = TargetGroup(
            arn=GROUP,
            health_check=check,
            checked=tuple(Endpoint(each.address, each.port) for each in targets),
        )
        await self.alb.envoy.apply(compile_files(listeners, [group], self.alb.directory / "envoy"))

    def _at(self, port: int) -> Endpoint:
        return Endpoint(self.listen_address.address, self.port(port))

    def connect(
        self, name: str, newest: ssl.TLSVersion | None = None, offer: str = "http/1.1"
    ) -> ssl.SSLSocket:
        """Return a TLS connection for a name.

        Raises:
            ssl.SSLError: The certificate isn't for it, or no version suits both.
        """
        context = ssl.create_default_context(cafile=str(authority_file(self.alb.directory)))
        context.set_alpn_protocols([offer])
        if newest:
            context.maximum_version = newest
        plain = socket.create_connection((self.listen_address.address, self.port(443)), timeout=5)
        try:
            return context.wrap_socket(plain, server_hostname=name)
        except BaseException:
            plain.close()
            raise

    async def get(self, name: str, path: str = "/", *, secure: bool = True, **headers: str) -> str:
        """Return the whole response, head and body."""

        def ask() -> str:
            if secure:
                opened: socket.socket = self.connect(name)
            else:
                http = (self.listen_address.address, self.port(80))
                opened = socket.create_connection(http, timeout=5)
            with opened as connection:
                fields = "".join(f"{key}: {value}\r\n" for key, value in headers.items())
                request = (
                    f"GET {path} HTTP/1.1\r\nHost: {name}\r\n{fields}Connection: close\r\n\r\n"
                )
                connection.sendall(request.encode())
                answer = b""
                part = connection.recv(65536)
                while part:
                    answer += part
                    part = connection.recv(65536)
                return answer.decode().lower()

        return await asyncio.to_thread(ask)


@pytest.fixture
def edge(alb: Alb) -> Edge:
    return Edge(alb)


async def test_https_is_served_and_http_redirects_to_it(edge: Edge) -> None:
    await edge.serve([await edge.alb.target()], "app.example.test")
    answer = await edge.get("app.example.test", "/a?b=c")
    assert answer.startswith("http/1.1 200")
    assert '"x-forwarded-proto": "https"' in answer
    assert '"x-forwarded-port": "443"' in answer
    moved = await edge.get("app.example.test", "/a?b=c", secure=False)
    assert moved.startswith("http/1.1 301")
    port = "" if edge.port(443) == 443 else ":8443"
    assert f"location: https://app.example.test{port}/a?b=c\r\n" in moved


async def test_each_name_gets_its_certificate_and_an_unknown_one_the_listeners_own(
    edge: Edge,
) -> None:
    await edge.serve([], "app.example.test", "www.example.org", "*.example.net")

    def names(name: str) -> object:
        with edge.connect(name) as connection:
            return (connection.getpeercert() or {})["subjectAltName"]

    for name, certified in (
        ("app.example.test", "app.example.test"),
        ("www.example.org", "www.example.org"),
        ("shop.example.net", "*.example.net"),
    ):
        assert await asyncio.to_thread(names, name) == (("DNS", certified),)
    with pytest.raises(ssl.SSLCertVerificationError, match=r"not valid for 'other\.test'"):
        await asyncio.to_thread(names, "other.test")


async def test_a_policy_refuses_old_versions_of_tls(edge: Edge) -> None:
    await edge.serve([], "app.example.test", oldest="1.3")

    def version(newest: ssl.TLSVersion) -> str | None:
        with edge.connect("app.example.test", newest) as connection:
            return connection.version()

    assert await asyncio.to_thread(version, ssl.TLSVersion.TLSv1_3) == "TLSv1.3"
    with pytest.raises(ssl.SSLError, match=r"(?i)protocol.version"):
        await asyncio.to_thread(version, ssl.TLSVersion.TLSv1_2)
    await edge.serve([], "app.example.test", oldest="1.2")
    assert await asyncio.to_thread(version, ssl.TLSVersion.TLSv1_2) == "TLSv1.2"


async def test_http2_is_offered(edge: Edge) -> None:
    await edge.serve([], "app.example.test")

    def chosen() -> str | None:
        with edge.connect("app.example.test", offer="h2") as connection:
            return connection.selected_alpn_protocol()

    assert await asyncio.to_thread(chosen) == "h2"


async def test_every_answer_has_the_listeners_headers_and_no_server_header(edge: Edge) -> None:
    target = await edge.alb.target()
    for targets, status in (([target], "200"), ([], "503")):
        await edge.serve(targets, "app.example.test", response_headers=HEADERS, server_header=False)
        answer = await edge.get("app.example.test")
        assert answer.startswith(f"http/1.1 {status}")
        head = answer.partition("\r\n\r\n")[0]
        for name, value in HEADERS:
            assert f"\r\n{name}: {value}" in head
        assert "\r\nserver:" not in head


async def test_targets_get_tls_headers_and_no_invalid_ones_where_that_is_configured(
    edge: Edge,
) -> None:
    target = await edge.alb.target()
    await edge.serve([target], "app.example.test")
    assert '"odd_one": "1"' in await edge.get("app.example.test", odd_one="1")
    strict: dict[str, Any] = {
        "tls_headers": ("x-tls", "x-cipher"),
        "drop_invalid_headers": True,
        "client_port": True,
    }
    await edge.serve([target], "app.example.test", **strict)
    answer = await edge.get("app.example.test", odd_one="1")
    assert "odd_one" not in answer
    assert '"x-tls": "tlsv1.3"' in answer
    assert '"x-cipher": "' in answer
    assert '"x-forwarded-for": "127.0.0.1:' in answer
