"""Faults of deployments: each has its own text, hint and exit code."""

import ssl
from collections.abc import Callable
from dataclasses import dataclass

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localaws.alb.error_pages import page
from tests.verify.simulated_run import Handler, found, run
from verify.exit_codes import ExitCode, first_met
from verify.judging.report import Report, exit_code


@dataclass(frozen=True)
class Case:
    """A broken deployment, and what the report contains."""

    run: Callable[[], Report]
    result: str
    text: str
    hint: str
    code: ExitCode


def responding(status: int, text: str = "", **headers: str) -> Callable[[], Report]:
    def handler(_number: int, _request: httpx.Request) -> httpx.Response:
        return httpx.Response(status, headers=headers, text=text)

    return lambda: run(handler, "--deadline", "5s")


def raising(error: Exception) -> Handler:
    def handler(_number: int, _request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError(str(error)) from error

    return handler


def expired() -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError("no")
    error.verify_code, error.verify_message = 10, "certificate has expired"
    return error


def garbled(_number: int, _request: httpx.Request) -> httpx.Response:
    raise httpx.RemoteProtocolError("illegal status line")


def answering_version_1(_number: int, _request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, text="version 1")


def answered(_number: int, _request: httpx.Request) -> httpx.Response:
    return httpx.Response(200)


BALANCER = "awselb/2.0"
CASES = {
    "the name does not resolve": Case(
        lambda: run(answered, "--deadline", "5s", resolves_after=99),
        "resolve",
        "the name does not resolve (yet)",
        "is the stack deployed, the name right?",
        ExitCode.NO_NAME,
    ),
    "nothing listens": Case(
        lambda: run(answered, "--deadline", "5s", dead="192.0.2.1"),
        "connect",
        "connection refused",
        "is there a listener on this port",
        ExitCode.NO_CONNECTION,
    ),
    "a target that closes": Case(
        responding(502, server=BALANCER),
        "http",
        "502 from the load balancer: a target closed",
        "keep connections longer",
        ExitCode.BALANCER_ERROR,
    ),
    "no healthy target": Case(
        responding(503, server=BALANCER),
        "http",
        "503 from the load balancer: no target is registered and healthy",
        "health check?",
        ExitCode.BALANCER_ERROR,
    ),
    "no healthy target, behind a listener that hides who answers": Case(
        responding(503, page(503)),
        "http",
        "503 from the load balancer: no target is registered",
        "events (guessed from the page)",
        ExitCode.BALANCER_ERROR,
    ),
    "an error with no sign of who made it": Case(
        responding(503),
        "http",
        "503",
        "neither header nor page tells",
        ExitCode.UNREACHABLE,
    ),
    "a target that hangs": Case(
        responding(504, server=BALANCER),
        "http",
        "504 from the load balancer: a target did not answer in time",
        "is the application stuck",
        ExitCode.BALANCER_ERROR,
    ),
    "a client that gave up": Case(
        responding(460, server=BALANCER),
        "status",
        "460 from the load balancer: the client closed",
        "raise --timeout",
        ExitCode.BALANCER_ERROR,
    ),
    "too many proxies": Case(
        responding(463, server=BALANCER),
        "status",
        "463 from the load balancer: X-Forwarded-For",
        "a loop?",
        ExitCode.BALANCER_ERROR,
    ),
    "no listener rule": Case(
        responding(404, server=BALANCER),
        "status",
        "404 from the load balancer: no listener rule",
        "rule for this host and path?",
        ExitCode.BALANCER_ERROR,
    ),
    "the application's own error": Case(
        responding(500, server="nginx"),
        "http",
        "500 from nginx",
        "the application's log says why",
        ExitCode.APPLICATION_ERROR,
    ),
    "the application's own 503": Case(
        responding(503, server="nginx"),
        "http",
        "503 from nginx",
        "the application's log says why",
        ExitCode.APPLICATION_ERROR,
    ),
    "a page that is missing": Case(
        responding(404, server="nginx"),
        "status",
        "404 from nginx",
        "the right host and path",
        ExitCode.FAILED,
    ),
    "a wrong redirect": Case(
        responding(302, location="https://login.example/"),
        "status",
        "302 redirect to https://login.example/",
        "accept it with --status",
        ExitCode.WRONG_REDIRECT,
    ),
    "an expired certificate": Case(
        lambda: run(raising(expired()), target="https://a.example"),
        "tls",
        "the certificate has expired",
        "renew it",
        ExitCode.BAD_CERTIFICATE,
    ),
    "no TLS": Case(
        lambda: run(
            raising(ssl.SSLError("wrong version number")),
            "--deadline",
            "5s",
            target="https://a.example",
        ),
        "tls",
        "wrong version number",
        "is this port an HTTPS listener?",
        ExitCode.NO_TLS,
    ),
    "no HTTP": Case(
        lambda: run(garbled, "--deadline", "5s"),
        "http",
        "illegal status line",
        "speaks no HTTP",
        ExitCode.UNREACHABLE,
    ),
    "the wrong version": Case(
        lambda: run(answering_version_1, "--body-contains", "version 2"),
        "body-contains",
        "'version 1' (10 of 10 answers)",
        "is the new version deployed everywhere?",
        ExitCode.WRONG_VERSION,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_each_fault_has_its_text_hint_and_exit_code(name: str) -> None:
    case = CASES[name]
    report = case.run()
    result = found(report, case.result)
    assert case.text in result.actual
    assert case.hint in result.hint
    assert report.exit_code is case.code


def test_no_two_faults_have_the_same_text() -> None:
    assert len({case.text for case in CASES.values()}) == len(CASES)


@pytest.mark.parametrize("status", [502, 503, 504, 460, 463, 500])
@pytest.mark.parametrize("server", [BALANCER, "nginx"])
def test_a_hint_that_is_a_guess_names_the_sign(status: int, server: str) -> None:
    report = responding(status, server=server)()
    if status >= 500 or server == BALANCER:
        assert any("guessed from the Server header" in result.hint for result in report.results)


def test_of_several_faults_the_first_on_a_requests_path_is_reported() -> None:
    def mixed(number: int, _request: httpx.Request) -> httpx.Response:
        if number == 5:
            return httpx.Response(502, headers={"server": BALANCER})
        status = 301 if number == 6 else 200
        return httpx.Response(status, text="version 1", headers={"location": "/"})

    wrong_in_three_ways = run(mixed, "--body-contains", "version 2")
    assert wrong_in_three_ways.fault is ExitCode.BALANCER_ERROR
    assert run(mixed).exit_code is ExitCode.BALANCER_ERROR


def test_of_several_targets_the_worst_verdict_counts_and_then_the_first_fault() -> None:
    good = run(answered)
    unhealthy = CASES["no healthy target"].run()
    unresolved = CASES["the name does not resolve"].run()
    old_version = CASES["the wrong version"].run()
    redirect = CASES["a wrong redirect"].run()
    missing_page = CASES["a page that is missing"].run()
    assert exit_code([good, old_version, missing_page, redirect]) == ExitCode.WRONG_REDIRECT
    assert exit_code([missing_page, good]) == ExitCode.FAILED
    assert exit_code([old_version, unhealthy, unresolved]) == ExitCode.NO_NAME


@settings(deadline=None)
@given(st.lists(st.sampled_from([*ExitCode, None])))
def test_the_first_fault_met_is_one_of_those_given(faults: list[ExitCode | None]) -> None:
    given_faults = [fault for fault in faults if fault]
    assert first_met(faults) == (min(given_faults) if given_faults else None)
