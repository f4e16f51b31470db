"""Whose fault it is: every way in which a deployment can be broken has its sentence, its hint and its exit code."""

import ssl
from collections.abc import Callable
from dataclasses import dataclass

import httpx
import pytest

from tests.verify.test_run import Handler, found, run
from verify.exit_codes import ExitCode
from verify.report import Report


@dataclass(frozen=True)
class Case:
    """How it is broken, and what a reader is told."""

    broken: Callable[[], Report]
    result: str
    said: str
    hint: str
    code: ExitCode


def responding(status: int, **headers: str) -> Callable[[], Report]:
    def handler(_number: int, _request: httpx.Request) -> httpx.Response:
        return httpx.Response(status, headers=headers)

    return lambda: run(handler, "--deadline", "5s")


def raising(error: Exception) -> Handler:
    def handler(_number: int, _request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("handshake") from error

    return handler


def expired() -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError("no")
    error.verify_code, error.verify_message = 10, "certificate has expired"
    return error


def old_version(_number: int, _request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, text="version 1")


def answered(_number: int, _request: httpx.Request) -> httpx.Response:
    return httpx.Response(200)


BALANCER = "awselb/2.0"
DOWN, WRONG = ExitCode.UNREACHABLE, ExitCode.FAILED
CASES = {
    "the name does not resolve": Case(
        lambda: run(answered, "--deadline", "5s", resolves_after=99),
        "resolve", "the name does not resolve (yet)", "is the stack deployed, the name right?", DOWN,
    ),
    "nothing listens": Case(
        lambda: run(answered, "--deadline", "5s", dead="192.0.2.1"),
        "connect", "connection refused", "is there a listener on this port", DOWN,
    ),
    "a target that closes": Case(
        responding(502, server=BALANCER),
        "http", "502 from the load balancer: a target closed", "keep connections longer", DOWN,
    ),
    "no healthy target": Case(
        responding(503, server=BALANCER),
        "http", "503 from the load balancer: no target is registered and healthy", "health check?", DOWN,
    ),
    "a target that hangs": Case(
        responding(504, server=BALANCER),
        "http", "504 from the load balancer: a target did not answer in time", "is the application stuck", DOWN,
    ),
    "a client that gave up": Case(
        responding(460, server=BALANCER),
        "status", "460 from the load balancer: the client closed", "raise --timeout", WRONG,
    ),
    "too many proxies": Case(
        responding(463, server=BALANCER),
        "status", "463 from the load balancer: X-Forwarded-For", "a loop?", WRONG,
    ),
    "no listener rule": Case(
        responding(404, server=BALANCER),
        "status", "404 from the load balancer: no listener rule", "rule for this host and path?", WRONG,
    ),
    "the application's own error": Case(
        responding(500, server="nginx"), "http", "500 from nginx", "the application's log says why", DOWN,
    ),
    "the application's own 503": Case(
        responding(503, server="nginx"), "http", "503 from nginx", "the application's log says why", DOWN,
    ),
    "a page that is missing": Case(
        responding(404, server="nginx"), "status", "404 from nginx", "the right host and path", WRONG,
    ),
    "a wrong redirect": Case(
        responding(302, location="https://login.example/"),
        "status", "302 redirect to https://login.example/", "accept it with --status", WRONG,
    ),
    "an expired certificate": Case(
        lambda: run(raising(expired()), target="https://a.example"),
        "tls", "the certificate has expired", "renew it", DOWN,
    ),
    "the wrong version": Case(
        lambda: run(old_version, "--body-contains", "version 2"),
        "body-contains", "'version 1' (10 of 10 answers)", "is the new version deployed everywhere?", WRONG,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_each_fault_has_its_sentence_its_hint_and_its_exit_code(name: str) -> None:
    case = CASES[name]
    report = case.broken()
    result = found(report, case.result)
    assert case.said in result.actual
    assert case.hint in result.hint
    assert report.exit_code is case.code


def test_no_two_faults_read_the_same() -> None:
    assert len({case.said for case in CASES.values()}) == len(CASES)


@pytest.mark.parametrize("status", [502, 503, 504, 460, 463, 500])
@pytest.mark.parametrize("server", [BALANCER, "nginx"])
def test_a_guess_is_called_a_guess(status: int, server: str) -> None:
    report = responding(status, server=server)()
    if status >= 500 or server == BALANCER:
        assert any("guessed from the Server header" in result.hint for result in report.results)
