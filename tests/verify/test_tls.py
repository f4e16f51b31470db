"""HTTPS by real handshakes on loopback, with certificates that OpenSSL's command makes."""

import re
import socket
import ssl
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.verify.authority import Authority
from tests.verify.clients import by_each_client, probe
from tests.verify.fake_alb import FakeAlb, hello, page
from tests.verify.loopback import closed_port
from tests.verify.outcomes import answer, failure
from verify.checking.redirect import plain, redirect_result
from verify.checking.tls_versions import versions_result
from verify.cli.parser import parse_options
from verify.exit_codes import ExitCode
from verify.judging.checks import certificate_results
from verify.judging.report import Status
from verify.main import main
from verify.network.outcome import Answer, Failure, Phase, TlsSeen
from verify.options.target import Target, parse_target
from verify.options.values import HostPort

Check = Callable[..., tuple[int, str]]


@pytest.fixture
def check(authority: Authority, capsys: pytest.CaptureFixture[str]) -> Check:
    """Run the command against a server with one of the certificates; its exit code and report."""

    def run(name: str, *arguments: str) -> tuple[int, str]:
        with FakeAlb(lambda _number, _request: [hello("a")], authority.server(name)) as alb:
            code = main(
                [
                    f"https://{alb.authority}",
                    "--cacert",
                    authority.file,
                    "--interval",
                    "1ms",
                    "--quiet",
                    *arguments,
                ]
            )
        return code, capsys.readouterr().out

    return run


@by_each_client
def test_an_answer_that_ends_with_its_connection_may_close_without_a_close_notify(
    by: str, authority: Authority
) -> None:
    # Many servers close a connection without TLS's close_notify; OpenSSL then forgets the
    # handshake.
    with FakeAlb(
        lambda _number, _request: [b"HTTP/1.1 200 OK\r\n\r\nhello"], authority.server("good")
    ) as alb:
        (outcome,) = probe(f"https://{alb.authority}", "--cacert", authority.file, by=by)
    assert isinstance(outcome, Answer), outcome
    assert (outcome.status, bytes(outcome.body)) == (200, b"hello")
    assert outcome.tls is not None
    assert (outcome.tls.version, round(outcome.tls.days_left)) == ("TLSv1.3", 90)


class Resetting(FakeAlb):
    """Resets its connections instead of closing them."""

    def serve(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        super().serve(connection)


@by_each_client
def test_a_reset_does_not_end_an_answer(by: str, authority: Authority) -> None:
    parts: list[bytes | float] = [b"HTTP/1.1 200 OK\r\n\r\nhel", 0.1]
    with Resetting(lambda _number, _request: parts, authority.server("good")) as alb:
        (outcome,) = probe(f"https://{alb.authority}", "--cacert", authority.file, by=by)
    assert isinstance(outcome, Failure), outcome
    assert (outcome.phase, outcome.reason) == (Phase.HTTP, "connection reset")


def test_a_good_certificate_passes_with_its_remaining_time(check: Check) -> None:
    code, report = check("good", "--min-days-left", "30")
    assert code == ExitCode.PASSED
    assert re.search(r"tls         TLSv1.3, TLS_[A-Z0-9_]+ in ", report)
    assert "90 days left, TLSv1.3, for 127.0.0.1" in report


def test_a_certificate_that_expires_soon_gets_a_hint_and_fails_when_requested(check: Check) -> None:
    code, report = check("soon")
    assert code == ExitCode.PASSED
    assert "renewing may have failed" in report
    assert check("soon", "--min-days-left", "30")[0] == ExitCode.BAD_CERTIFICATE


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("expired", "the certificate has expired"),
        ("other", "the certificate is for other addresses"),
        ("unsigned", "the certificate's chain ends at no authority that is trusted here"),
    ],
)
def test_a_bad_certificate_ends_the_wait_at_once_with_the_reason(
    check: Check, name: str, text: str
) -> None:
    code, report = check(name)
    assert code == ExitCode.BAD_CERTIFICATE
    assert f"FAIL  tls     {text}" in report
    assert re.search(r"unreachable after [0-9]\.", report), "another try would not help"


def test_a_certificate_with_a_name_in_its_subject_only_is_refused(
    authority: Authority, capsys: pytest.CaptureFixture[str]
) -> None:
    with FakeAlb(lambda _number, _request: [hello("a")], authority.server("common-name")) as alb:
        code = main([f"https://localhost:{alb.port}", "-4", "--cacert", authority.file, "--quiet"])
    assert code == ExitCode.BAD_CERTIFICATE
    assert "does its subjectAltName cover this name?" in capsys.readouterr().out


@pytest.mark.parametrize(("asked", "code"), [("1.2", ExitCode.PASSED), ("1.3", ExitCode.FAILED)])
def test_versions_older_than_requested_must_be_refused(
    check: Check, asked: str, code: ExitCode
) -> None:
    assert check("good", "--min-tls", asked)[0] == code


async def test_a_server_that_still_speaks_tls_1_0_is_found(authority: Authority) -> None:
    context = authority.server("good")
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        context.minimum_version = ssl.TLSVersion.TLSv1
    with FakeAlb(lambda _number, _request: [], context) as alb:
        options = parse_options(["--min-tls", "1.2"])
        result = await versions_result(HostPort("127.0.0.1", alb.port), "127.0.0.1", options, 10.0)
    assert result.status is Status.FAIL
    assert result.actual == "TLS 1.0 accepted, TLS 1.1 accepted"


async def test_versions_that_could_not_be_tried_are_inconclusive() -> None:
    options = parse_options(["--min-tls", "1.2"])
    result = await versions_result(HostPort("127.0.0.1", closed_port()), "127.0.0.1", options, 10.0)
    assert result.status is Status.UNKNOWN


@pytest.mark.parametrize(("left", "reported"), [(3.0, "3 days left"), (1.0, "1 day left")])
def test_the_certificate_that_expires_first_counts(left: float, reported: str) -> None:
    shown = [answer(tls=TlsSeen("TLSv1.3", ("a.example",), days)) for days in (80.0, left)]
    (result,) = certificate_results(shown, parse_options(["--min-days-left", "7"]))
    assert (result.status, result.attempts) == (Status.FAIL, 2)
    assert result.actual == f"{reported}, TLSv1.3, for a.example"


@pytest.mark.parametrize(
    "option", [("--min-tls", "1.2"), ("--min-days-left", "7"), ("--redirect-from", "80")]
)
def test_options_of_https_need_an_https_target(
    option: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["http://127.0.0.1:1", *option]) == ExitCode.USAGE
    assert "needs an https target" in capsys.readouterr().err


def test_a_file_that_holds_no_certificate_is_unusable_input(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nothing")
    assert main(["https://127.0.0.1:1", "--cacert", str(tmp_path / "ca.pem")]) == ExitCode.USAGE


@pytest.mark.parametrize(
    ("status", "location", "wrong"),
    [
        (301, "https://a.example/shop?id=1", ""),
        (308, "https://A.example:443/shop?id=1", ""),
        (302, "https://a.example/shop?id=1", "302, not 301 or 308"),
        (200, "", "200, not 301 or 308"),
        (301, "http://a.example/shop?id=1", "scheme, port changed"),
        (301, "https://b.example/shop?id=1", "host changed"),
        (301, "https://a.example:8443/shop?id=1", "port changed"),
        (301, "https://a.example/?id=1", "path changed"),
        (301, "https://a.example/shop", "query changed"),
        (301, "/shop?id=1", "scheme, host, port changed"),
        (301, "https://[", "its Location is no URL"),
        (301, "https://a.example:99999/", "its Location is no URL"),
        (301, "", "scheme, host, port, path, query changed"),
    ],
)
def test_a_redirect_to_https_is_permanent_and_keeps_host_path_and_query(
    status: int, location: str, wrong: str
) -> None:
    target = parse_target("https://a.example/shop?id=1").target
    result = redirect_result(
        target, target.authority, plain(target, 80), answer(status, location=location)
    )
    assert result.status is (Status.FAIL if wrong else Status.OK)
    assert wrong in result.actual
    assert "id=1" not in result.actual, "a query may hold a secret"


def test_a_redirect_that_cannot_be_requested_fails() -> None:
    target = parse_target("https://a.example").target
    result = redirect_result(target, "a.example", plain(target, 80), failure())
    assert result.actual == "connection refused"


@given(st.text())
def test_any_location_header_gives_a_printable_failure(location: str) -> None:
    target = Target("https", "a.example", 443, "/")
    result = redirect_result(target, "a.example", plain(target, 80), answer(301, location=location))
    assert result.status is Status.FAIL
    assert result.actual.isprintable()


def test_a_whole_run_follows_the_redirect_check_to_its_own_port(check: Check) -> None:
    def to_https(_number: int, _request: bytes) -> list[bytes]:
        return [page("", 301, location="https://127.0.0.1/?verify=kept")]

    with FakeAlb(to_https) as http:
        code, report = check(
            "good", "--redirect-from", str(http.port), "--header", "Authorization: Bearer hunter2"
        )
        assert b"GET /?verify=kept HTTP" in http.requests[0]
        assert b"hunter2" not in http.requests[0], "a credential is not for a wire without TLS"
    assert code == ExitCode.WRONG_REDIRECT
    assert "it redirects to https://127.0.0.1/?***: port changed" in report
