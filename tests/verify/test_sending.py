"""What a request carries and how it is sent: bodies, client certificates, proxies."""

import base64
import json
import os
import shutil
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.verify.authority import Authority, openssl
from tests.verify.clients import probe
from tests.verify.fake_alb import FakeAlb, balancer_error, hello, page
from tests.verify.fake_proxy import FakeProxy
from tests.verify.loopback import LoopbackServer, closed_port
from verify.cli.parser import parse_options
from verify.errors import InputError
from verify.exit_codes import ExitCode
from verify.main import main
from verify.network.client import DirectClient
from verify.network.http1 import Request
from verify.network.outcome import Failure, Phase
from verify.network.runtime import completed
from verify.network.threads import Threads
from verify.options.values import HostPort

ONCE = ("--deadline", "0", "--quiet")
SECRET = "hunter2-and-more"


def echo(_number: int, request: bytes) -> Iterator[bytes]:
    """Answer with what was received, as the worst server would."""
    yield page(request.decode("latin-1"))


# Bodies


@dataclass(frozen=True)
class Sent:
    """Options, and the request line and lines of the head and body that a server then receives."""

    options: tuple[str, ...]
    line: str
    lines: tuple[str, ...] = ()
    body: str = ""
    without: tuple[str, ...] = ()


FORM, JSON = "application/x-www-form-urlencoded", "application/json"
SENT = {
    "nothing": Sent((), "GET / HTTP/1.1", ("Accept: */*",), "", ("Content-Length", "Content-Type")),
    "another method": Sent(
        ("--method", "DELETE"), "DELETE / HTTP/1.1", (), "", ("Content-Length",)
    ),
    "a body": Sent(
        ("--data", "a=1&b=\u00e9"),
        "POST / HTTP/1.1",
        (f"Content-Type: {FORM}", "Content-Length: 8"),
        "a=1&b=\u00c3\u00a9",
    ),
    "an empty body": Sent(("--data", ""), "POST / HTTP/1.1", ("Content-Length: 0",)),
    "a body by another method": Sent(
        ("--data", "x", "--method", "PUT"), "PUT / HTTP/1.1", ("Content-Length: 1",), "x"
    ),
    "a body of another type": Sent(
        ("--data", "<a/>", "--header", "Content-Type: text/xml"),
        "POST / HTTP/1.1",
        ("Content-Type: text/xml",),
        "<a/>",
        (FORM,),
    ),
    "JSON": Sent(
        ("--json", '{"a": 1}'),
        "POST / HTTP/1.1",
        (f"Content-Type: {JSON}", f"Accept: {JSON}", "Content-Length: 8"),
        '{"a": 1}',
        ("*/*",),
    ),
    "JSON, accepting something else": Sent(
        ("--json", "{}", "--header", "Accept: text/plain"),
        "POST / HTTP/1.1",
        ("Accept: text/plain",),
        "{}",
        (f"Accept: {JSON}",),
    ),
    "a body that looks like a file in the middle": Sent(
        ("--data", "a@b"), "POST / HTTP/1.1", (), "a@b"
    ),
}


@pytest.mark.parametrize("name", SENT)
def test_a_request_has_the_configured_method_headers_and_body(name: str) -> None:
    wanted = SENT[name]
    with FakeAlb(lambda _number, _request: [hello("a")]) as alb:
        assert main([alb.authority, *ONCE, *wanted.options]) == ExitCode.PASSED
    head, _, body = alb.requests[0].decode("latin-1").partition("\r\n\r\n")
    first, *lines = head.split("\r\n")
    assert (first, body) == (wanted.line, wanted.body)
    assert set(wanted.lines) <= set(lines)
    assert not [text for text in wanted.without if text in head]


def test_a_body_from_a_file_is_sent_unchanged(tmp_path: Path) -> None:
    (tmp_path / "body").write_bytes(b"\0binary\r\nlines\n")
    with FakeAlb(lambda _number, _request: [hello("a")]) as alb:
        assert main([alb.authority, *ONCE, "--data", f"@{tmp_path}/body"]) == ExitCode.PASSED
    head, _, body = alb.requests[0].partition(b"\r\n\r\n")
    assert body == b"\0binary\r\nlines\n"
    assert b"\r\nContent-Length: 15\r\n" in head


def test_a_body_is_sent_with_every_request_and_by_watch_too(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with FakeAlb(lambda _number, _request: [hello("a")]) as alb:
        common = [alb.authority, "--quiet", "--json", "[1]"]
        assert main([*common, "--interval", "1ms", "--samples", "4"]) == ExitCode.PASSED
        assert len(alb.requests) == 3 + 4
        code = main(["watch", *common, "--for", "300ms", "--before", "0"])
        assert code == ExitCode.PASSED
    assert len(alb.requests) > 9
    assert {request[:4] + request[-3:] for request in alb.requests} == {b"POST[1]"}
    assert "failed" not in capsys.readouterr().out.splitlines()[-1]


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_is_sent_whichever_reader_the_answer_needs(*, chunked: bool) -> None:
    answer = page("ok")
    if chunked:
        head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        answer = head + b"2\r\nok\r\n0\r\n\r\n"
    with FakeAlb(lambda _number, _request: [answer]) as alb:
        code = main([alb.authority, *ONCE, "--data", "x=1", "--body-equals", "ok"])
        assert code == ExitCode.PASSED


class HastyStream:
    """A connection whose server has answered and closed it before all of a body arrived."""

    secured = None

    async def send(self, _data: bytes) -> None:
        raise ConnectionResetError

    async def receive(self) -> bytes:
        return page("", 413)

    def abort(self) -> None:
        """Nothing is left to close."""


class HastyRuntime(Threads):
    async def connect(self, address: str, port: int, seconds: float) -> Any:
        return HastyStream()


@pytest.mark.parametrize("body", [b"x" * 1024**2, b""])
def test_an_answer_before_the_whole_body_was_sent_is_accepted(body: bytes) -> None:
    client = DirectClient(HastyRuntime(), context=None, name="a.example")
    request = Request("POST", "/", (("Content-Length", str(len(body))),), 1024, body)
    exchange = client.exchange(request, HostPort("192.0.2.1", 80), 1.0, lambda _step: None)
    if body:
        assert completed(exchange).status == 413
    else:
        with pytest.raises(ConnectionResetError):
            completed(exchange)


def test_a_body_from_a_file_is_never_shown(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for content in (
        json.dumps({"user": {"password": SECRET}}),
        f"user=a&password={SECRET}",
        SECRET,
    ):
        (tmp_path / "body").write_text(content)
        shown = ("--body-contains", "nothing of the kind", "--identity", "body-regex:(hunter\\S*)")
        with FakeAlb(echo) as alb:
            for output in ("text", "json", "html", "markdown", "jsonl", "junit"):
                main(
                    [
                        alb.authority,
                        *ONCE,
                        "--data",
                        f"@{tmp_path}/body",
                        *shown,
                        "--format",
                        output,
                    ]
                )
        printed = "".join(capfd.readouterr())
        assert "POST" in printed
        assert SECRET not in printed


def test_the_extra_requests_carry_neither_body_nor_method(authority: Authority) -> None:
    with (
        FakeAlb(lambda _number, _request: [page("", 405)]) as plain,
        FakeAlb(echo, authority.server("good")) as alb,
    ):
        options = (
            "--redirect-from",
            str(plain.port),
            "--no-trace",
            "--interval",
            "1ms",
            "--cacert",
            authority.file,
        )
        main([f"https://{alb.authority}", "--quiet", "--json", '{"secret": 1}', *options])
    assert plain.requests[0].startswith(b"GET ")
    assert plain.requests[0].endswith(b"\r\n\r\n")
    traced = [request for request in alb.requests if request.startswith(b"TRACE ")]
    assert traced
    assert traced[0].endswith(b"\r\n\r\n")


# Client certificates


@pytest.fixture(scope="module")
def clients(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Certificates for clients, good and bad, and their keys."""
    folder = tmp_path_factory.mktemp("clients")
    run = partial(openssl, folder=folder)
    for name in ("ca.pem", "key.pem"):
        shutil.copy(authority.folder / name, folder / f"authority-{name}")
    for name in ("good", "other"):
        run("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", f"{name}.key")
    run("genrsa", "-out", "rsa.key", "2048")
    run("req", "-new", "-key", "good.key", "-subj", "/CN=client", "-out", "request.pem")
    sign = (
        "x509",
        "-req",
        "-in",
        "request.pem",
        "-CA",
        "authority-ca.pem",
        "-CAkey",
        "authority-key.pem",
    )
    run(*sign, "-days", "9", "-out", "good.pem")
    run(
        "req",
        "-x509",
        "-key",
        "good.key",
        "-days",
        "9",
        "-subj",
        "/CN=unknown",
        "-out",
        "unknown.pem",
    )
    run("ec", "-in", "good.key", "-aes256", "-passout", "pass:secret", "-out", "encrypted.key")
    (folder / "both.pem").write_text(
        (folder / "good.pem").read_text() + (folder / "good.key").read_text()
    )
    (folder / "broken.key").write_text(
        "-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n"
    )
    (folder / "text").write_text("no PEM")
    return folder


def with_paths(words: tuple[str, ...], folder: Path) -> list[str]:
    """Return options whose values are the paths of files in a folder."""
    found = []
    for word in words:
        is_option = word.startswith("--")
        found.append(word if is_option else str(folder / word))
    return found


def mutual(
    authority: Authority, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
) -> ssl.SSLContext:
    context = authority.server("good")
    context.maximum_version = version
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(authority.file)
    return context


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize(
    "files", [("--cert", "good.pem", "--key", "good.key"), ("--cert", "both.pem")]
)
def test_a_listener_that_requires_a_client_certificate_gets_it(
    version: ssl.TLSVersion, files: tuple[str, ...], clients: Path, authority: Authority
) -> None:
    words = with_paths(files, clients)
    with FakeAlb(lambda _number, _request: [hello("a")], mutual(authority, version)) as alb:
        url = f"https://{alb.authority}"
        common = ("--cacert", authority.file, "--quiet", "--interval", "1ms", *words)
        assert main([url, *common]) == ExitCode.PASSED
        code = main(["watch", url, "--cacert", authority.file, "--quiet", "--for", "100ms", *words])
        assert code == ExitCode.PASSED


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_listener_that_refuses_the_client_certificate_is_named(
    version: ssl.TLSVersion, clients: Path, authority: Authority, capsys: pytest.CaptureFixture[str]
) -> None:
    files = ("--cert", str(clients / "unknown.pem"), "--key", str(clients / "good.key"))
    with FakeAlb(lambda _number, _request: [hello("a")], mutual(authority, version)) as alb:
        code = main([f"https://{alb.authority}", "--cacert", authority.file, *ONCE, *files])
        assert code == ExitCode.NO_TLS
    report = capsys.readouterr().out
    assert "FAIL  tls" in report
    hint = "the listener refuses the client certificate of --cert: is its authority in"
    assert f"hint: {hint}" in report


class Resetting(LoopbackServer):
    """Refuses a handshake as most servers do: with an alert, and a reset of what is sent next."""

    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__()
        self._context = context

    def serve(self, connection: socket.socket) -> None:
        with suppress(OSError), self._context.wrap_socket(connection, server_side=True):
            pass


@pytest.mark.parametrize("by", ["threads", "event loop"])
@pytest.mark.parametrize("data", [(), ("--data", "x" * 200_000)], ids=["no body", "body"])
def test_a_tls_alert_is_reported_rather_than_the_request_that_could_not_be_sent(
    by: str, data: tuple[str, ...], authority: Authority
) -> None:
    with Resetting(mutual(authority)) as server:
        outcomes = probe(
            f"https://{server.authority}", "--cacert", authority.file, *data, by=by, times=10
        )
    for outcome in outcomes:  # a lost alert is a matter of chance
        assert isinstance(outcome, Failure)
        assert outcome.phase is Phase.TLS
        assert outcome.hint.startswith("the listener wants a client certificate")


def test_an_old_tls_version_is_not_reported_as_a_missing_client_certificate(
    clients: Path, authority: Authority, capsys: pytest.CaptureFixture[str]
) -> None:
    files = ("--cert", str(clients / "both.pem"), "--min-tls", "1.3", "--interval", "1ms")
    with FakeAlb(lambda _number, _request: [hello("a")], mutual(authority)) as alb:
        code = main([f"https://{alb.authority}", "--cacert", authority.file, "--quiet", *files])
    assert "TLS 1.2 accepted" in capsys.readouterr().out
    assert code == ExitCode.FAILED


WRONG_FILES = {
    "no certificate file": (
        ("--cert", "nothing.pem"),
        "--cert: can't read a certificate from the file",
    ),
    "no PEM file": (("--cert", "text"), "text is no PEM file of a certificate"),
    "a certificate without a key": (("--cert", "good.pem"), "holds no key"),
    "no key file": (
        ("--cert", "good.pem", "--key", "nothing.key"),
        "--key: can't read a key from the file",
    ),
    "a key file that is a certificate": (
        ("--cert", "good.pem", "--key", "good.pem"),
        "is no PEM file of a private key",
    ),
    "a broken key": (
        ("--cert", "good.pem", "--key", "broken.key"),
        "--cert and --key can't be loaded",
    ),
    "another key": (("--cert", "good.pem", "--key", "other.key"), "is not the certificate's"),
    "a key of another kind": (
        ("--cert", "good.pem", "--key", "rsa.key"),
        "is not the certificate's",
    ),
    "an encrypted key": (
        ("--cert", "good.pem", "--key", "encrypted.key"),
        "has a passphrase, which verify never asks",
    ),
    "a key alone": (("--key", "good.key"), "--key needs --cert"),
    "a folder": (("--cert", "."), "can't read a certificate from the file"),
}


@pytest.mark.parametrize("name", WRONG_FILES)
def test_files_that_are_no_certificate_and_its_key_are_refused(
    name: str, clients: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words, text = WRONG_FILES[name]
    options = with_paths(words, clients)
    assert main(["https://127.0.0.1:1", *options]) == ExitCode.USAGE
    error = capsys.readouterr().err
    assert text in error
    assert "PRIVATE KEY" not in error.replace("private key", "")
    assert len(error.splitlines()) == 2


def test_a_client_certificate_needs_https(
    clients: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["http://127.0.0.1:1", "--cert", str(clients / "both.pem")]) == ExitCode.USAGE
    assert "--cert needs an https target" in capsys.readouterr().err


# Proxies


def test_plain_http_is_forwarded_by_the_proxy_and_keeps_its_host(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NO_PROXY", "*")  # verify reads no variable about proxies
    with FakeAlb(lambda _number, _request: [hello("a")]) as alb, FakeProxy() as proxy:
        options = ["--proxy", f"http://{proxy.authority}", "--path", "/health"]
        options += ["--quiet", "--interval", "1ms"]
        assert main([alb.authority, *options]) == ExitCode.PASSED
    assert {head.split(b"\r\n")[0] for head in proxy.heads} == {
        b"GET http://%s/health HTTP/1.1" % alb.authority.encode()
    }
    assert len(proxy.heads) == len(alb.requests) == 13
    assert b"GET /health HTTP/1.1\r\nHost: %s\r\n" % alb.authority.encode() in alb.requests[0]


@pytest.mark.parametrize("command", [(), ("watch",)])
def test_https_goes_through_the_proxy_and_only_there(
    command: tuple[str, ...], authority: Authority, capsys: pytest.CaptureFixture[str]
) -> None:
    with (
        FakeAlb(lambda _number, _request: [hello("a")], authority.server("good")) as alb,
        FakeProxy() as proxy,
    ):
        options = ["--proxy", proxy.authority, "--cacert", authority.file, "--quiet"]
        options += ["--for", "100ms"] if command else ["--interval", "1ms"]
        assert main([*command, f"https://{alb.authority}", *options]) == ExitCode.PASSED
    assert {head.split(b"\r\n")[0] for head in proxy.heads} == {
        b"CONNECT %s HTTP/1.1" % alb.authority.encode()
    }
    assert f"every request goes through the proxy {proxy.authority}" in capsys.readouterr().out


def test_another_host_or_address_has_a_tunnel_in_plain_too() -> None:
    with FakeAlb(lambda _number, _request: [hello("a")]) as alb, FakeProxy() as proxy:
        through = [*ONCE, "--proxy", proxy.authority]
        code = main(["web.invalid:80", *through, "--connect-to", alb.authority])
        assert code == ExitCode.PASSED
        code = main([alb.authority, *through, "--host", "b.example"])
        assert code == ExitCode.PASSED
    assert [head.split(b" ")[:2] for head in proxy.heads] == [
        [b"CONNECT", alb.authority.encode()]
    ] * 2
    assert [request.split(b"\r\n")[1] for request in alb.requests] == [
        b"Host: web.invalid",
        b"Host: b.example",
    ]


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_the_proxys_credentials_reach_it_and_nothing_else(
    scheme: str, authority: Authority, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    context = authority.server("good") if scheme == "https" else None
    token = base64.b64encode(f"me:{SECRET}@".encode()).decode()
    with FakeAlb(echo, context) as alb, FakeProxy(credentials=f"me:{SECRET}@") as proxy:
        given = f"http://me:{SECRET}%40@{proxy.authority}"
        (tmp_path / "proxy").write_text(f"{given}\n")
        for value in (given, f"@{tmp_path}/proxy"):
            options = ["--proxy", value, "--cacert", authority.file]
            options += ["--format", "json", "--format", "text=stderr"]
            assert main([f"{scheme}://{alb.authority}", *ONCE, *options]) == ExitCode.PASSED
            code = main([f"{scheme}://{alb.authority}", *ONCE, *options, "--body-equals", ""])
            assert code != ExitCode.PASSED
    printed = "".join(capfd.readouterr())
    assert SECRET not in printed
    assert token not in printed
    if scheme == "https":
        assert token.encode() not in b"".join(alb.requests)


def test_the_proxys_credentials_are_masked_where_a_server_sends_them_back(
    capfd: pytest.CaptureFixture[str],
) -> None:
    """The proxy of these tests passes on what it should keep to itself."""
    with FakeAlb(echo) as alb, FakeProxy(credentials=f"me:{SECRET}") as proxy:
        options = ["--proxy", f"http://me:{SECRET}@{proxy.authority}"]
        options += ["--identity", r"body-regex:Basic (\S+)"]
        assert main([alb.authority, *ONCE, *options, "--format", "json"]) == ExitCode.PASSED
        assert b"Proxy-Authorization: Basic " in alb.requests[0]
    (report,) = json.loads(capfd.readouterr().out)["reports"]
    assert report["samples"]["tasks"] == {"***": 1}


@dataclass(frozen=True)
class ProxyCase:
    """A proxy's behaviour, a target's scheme, and what the run has to come to."""

    proxy: Callable[[], FakeProxy]
    code: ExitCode
    text: str
    hint: str
    scheme: str = "https"
    time_limit: str = "500ms"


WANTS_CREDENTIALS = partial(FakeProxy, credentials="me:x")
PROXIES = {
    "a proxy that wants credentials": ProxyCase(
        WANTS_CREDENTIALS,
        ExitCode.NO_CONNECTION,
        "the proxy answers CONNECT with 407 Proxy Authentication Required",
        "the proxy wants another user name and password",
    ),
    "a proxy that wants credentials, in plain": ProxyCase(
        WANTS_CREDENTIALS,
        ExitCode.FAILED,
        "407",
        "the proxy wants another user name and password",
        "http",
    ),
    "a proxy that takes wrong credentials for its own 401": ProxyCase(
        partial(FakeProxy, refuses=[401]),
        ExitCode.NO_CONNECTION,
        "the proxy answers CONNECT with 401 Unauthorized",
        "the proxy wants another user name and password",
    ),
    "a proxy's own error, which may be the application's": ProxyCase(
        partial(FakeProxy, refuses=[500]),
        ExitCode.UNREACHABLE,
        "500",
        "the proxy or the application made this",
        "http",
    ),
    "a proxy that forbids the service": ProxyCase(
        partial(FakeProxy, refuses=[403]),
        ExitCode.NO_CONNECTION,
        "CONNECT with 403 Forbidden",
        "does the proxy allow",
    ),
    "a proxy that can't connect": ProxyCase(
        partial(FakeProxy, refuses=[502]),
        ExitCode.NO_CONNECTION,
        "CONNECT with 502 Bad Gateway",
        "can the proxy resolve",
    ),
    "a proxy of an odd status": ProxyCase(
        partial(FakeProxy, refuses=[599]),
        ExitCode.NO_CONNECTION,
        "CONNECT with 599",
        "can the proxy resolve",
    ),
    "a proxy that never answers": ProxyCase(
        partial(FakeProxy, silent=True),
        ExitCode.NO_CONNECTION,
        "no answer within 0.2 s",
        "is there an HTTP proxy at",
        time_limit="200ms",
    ),
}


@pytest.mark.parametrize("name", PROXIES)
def test_a_proxy_that_prevents_a_request_is_named_with_a_hint(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    case = PROXIES[name]
    with case.proxy() as proxy:
        through = ["--proxy", f"http://other:{SECRET}@{proxy.authority}"]
        options = [*through, *ONCE, "--timeout", case.time_limit]
        assert main([f"{case.scheme}://127.0.0.1:9", *options]) == case.code
    report = capsys.readouterr().out
    assert case.text in report
    assert f"hint: {case.hint}" in report
    assert SECRET not in report


def test_the_load_balancers_own_error_is_known_behind_a_proxy_too() -> None:
    with FakeAlb(lambda _number, _request: [balancer_error(503)]) as alb, FakeProxy() as proxy:
        assert main([alb.authority, *ONCE, "--proxy", proxy.authority]) == ExitCode.BALANCER_ERROR


def test_a_proxys_4xx_ends_the_wait_and_its_5xx_does_not() -> None:
    with FakeProxy(refuses=[503, 503, 503, 407]) as proxy:
        options = ["--quiet", "--deadline", "30s", "--interval", "1ms"]
        main(["https://127.0.0.1:9", "--proxy", proxy.authority, *options])
    assert len(proxy.heads) == 4


def test_a_proxy_that_is_not_there_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    port = closed_port()
    assert main(["a.invalid", *ONCE, "--proxy", f"127.0.0.1:{port}"]) == ExitCode.NO_CONNECTION
    hint = f"is there an HTTP proxy at 127.0.0.1:{port}, which this machine may use?"
    assert f"hint: {hint}" in capsys.readouterr().out
    assert main(["127.0.0.1:1", *ONCE, "--proxy", "proxy.invalid:3128"]) == ExitCode.NO_NAME
    assert "hint: is there an HTTP proxy at proxy.invalid:3128" in capsys.readouterr().out


def test_a_server_that_is_no_proxy_is_known_by_its_answer(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with (
        FakeAlb(lambda _number, _request: [page("", 404)]) as server,
        FakeAlb(lambda _n, _r: [b"\0\1\2"]) as garbage,
    ):
        code = main(["https://127.0.0.1:9", *ONCE, "--proxy", server.authority])
        assert code == ExitCode.NO_CONNECTION
        code = main(["https://127.0.0.1:9", *ONCE, "--proxy", garbage.authority])
        assert code == ExitCode.NO_CONNECTION
    assert "the proxy answers CONNECT with 404 Not Found" in capsys.readouterr().out


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"\x15\x03\x03\0\2\2\x46", id="TLS"),
        pytest.param(b"SSH-2.0-x\r\n", id="another protocol"),
        pytest.param(b"", id="nothing"),
        pytest.param(b"HTTP/1.1 what?\r\n\r\n", id="malformed HTTP"),
    ],
)
def test_a_server_without_http_at_the_proxys_address_is_not_taken_for_the_service(
    sent: bytes, scheme: str
) -> None:
    with FakeAlb(lambda _number, _request: [sent]) as other:
        (outcome,) = probe(
            f"{scheme}://a.example", "--proxy", f"http://{other.authority}", by="threads"
        )
    assert isinstance(outcome, Failure)
    hint = f"is there an HTTP proxy at {other.authority}, which this machine may use?"
    assert outcome.hint == hint


def test_the_redirect_of_plain_http_is_seen_through_the_proxy(authority: Authority) -> None:
    def moved(_number: int, request: bytes) -> list[bytes]:
        path = request.split(b" ")[1].decode()
        return [page("", 301, location=f"https://{alb.authority}{path}")]

    secured = FakeAlb(lambda _number, _request: [hello("a")], authority.server("good"))
    with FakeAlb(moved) as plain, secured as alb, FakeProxy() as proxy:
        options = ("--redirect-from", str(plain.port), "--no-trace", "--interval", "1ms", "--quiet")
        through = ("--proxy", proxy.authority, "--cacert", authority.file)
        assert main([f"https://{alb.authority}", *options, *through]) == ExitCode.PASSED
    assert any(head.startswith(b"GET http://127.0.0.1:%d/?" % plain.port) for head in proxy.heads)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is what verify is compared with")
def test_curl_uses_the_same_route_through_the_proxy(authority: Authority) -> None:
    """The proxy of these tests is one that curl takes for one too."""
    with (
        FakeAlb(lambda _n, _r: [hello("a")], authority.server("good")) as alb,
        FakeProxy(credentials="a:b") as proxy,
    ):
        url = f"https://{alb.authority}/"
        through = ["--proxy", f"http://a:b@{proxy.authority}", "--cacert", authority.file]
        subprocess.run(
            ["curl", "-q", "-sf", "-o", os.devnull, *through, url], check=True, timeout=20
        )
        assert main([url, *ONCE, *through]) == ExitCode.PASSED
    first, second = (head.decode().split("\r\n") for head in proxy.heads)
    assert first[0] == second[0]
    assert {line for line in first if line.startswith(("Host", "Proxy-Auth"))} <= set(second)


WRONG = (
    ("--method", "get"),
    ("--method", "CONNECT"),
    ("--method", "TRACE"),
    ("--method", "PO ST"),
    ("--method", ""),
    ("--data", "@/no/such/file"),
    ("--data", "@"),
    ("--json", "@/no/such/file"),
    ("--json", ""),
    ("--json", f'{{"token": "{SECRET}"'),
    ("--json", f'["{SECRET}", NaN]'),
    ("--json", "[" * 100_000),
    ("--json", "\udcff"),
    ("--proxy", ""),
    ("--proxy", "proxy.example"),
    ("--proxy", "http://proxy.example"),
    ("--proxy", "http://:3128"),
    ("--proxy", "https://proxy.example:3128"),
    ("--proxy", "socks5://proxy.example:1080"),
    ("--proxy", "http://proxy.example:0"),
    ("--proxy", "http://proxy.example:3128/path"),
    ("--proxy", f"http://a:{SECRET} x@proxy.example:3128"),
    ("--proxy", f"http://a:{SECRET}@proxy.example:port"),
    ("--proxy", f"https://a:{SECRET}@proxy.example:3128"),
    ("--proxy", "@/no/such/file"),
)


@pytest.mark.parametrize(("option", "value"), WRONG)
def test_a_wrong_value_is_refused_with_the_options_name_and_without_its_secret(
    option: str, value: str
) -> None:
    with pytest.raises(InputError) as raised:
        parse_options([f"{option}={value}"])
    assert option in raised.value.problem
    assert SECRET not in raised.value.problem + raised.value.hint


def test_a_file_that_is_not_json_is_refused_before_it_is_sent(tmp_path: Path) -> None:
    (tmp_path / "body").write_text("{}\n}")
    expected = (
        r"^argument --json: not JSON at line 2, column 1: Extra data \(the body isn't shown\)"
    )
    with pytest.raises(InputError, match=expected):
        parse_options(["--json", f"@{tmp_path}/body"])
    assert parse_options(["--data", f"@{tmp_path}/body"]).data


def test_a_file_that_is_too_large_for_a_body_is_refused(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(b"x" * (1024**2 + 1))
    with pytest.raises(InputError, match="larger than 1 MiB"):
        parse_options(["--data", f"@{tmp_path}/large"])


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("--data", "a", "--json", "{}"), "--data and --json contradict each other"),
        (("--proxy", "127.0.0.1:9", "--each-address"), "--each-address contradicts --proxy"),
        (("--proxy", "127.0.0.1:9", "--min-addresses", "2"), "--min-addresses contradicts --proxy"),
        (
            ("--proxy", "127.0.0.1:9", "--closed", ":22"),
            "--closed contradicts --proxy: it connects without the proxy",
        ),
        (("--proxy", "127.0.0.1:9", "--min-tls", "1.2"), "--min-tls contradicts --proxy"),
    ],
)
def test_options_that_contradict_each_other_are_refused(
    words: tuple[str, ...], problem: str
) -> None:
    with pytest.raises(InputError, match=problem):
        parse_options(words)
