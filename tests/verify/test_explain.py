"""Descriptions of answers: their origin, hints, and the time in Retry-After."""

from datetime import UTC, datetime

import pytest

from localaws.alb.error_pages import page
from tests.verify.outcomes import answer
from verify.exit_codes import ExitCode
from verify.judging.explain import describe, fault, hint, retry_after
from verify.network.outcome import Answer


@pytest.mark.parametrize(
    ("status", "server", "text"),
    [
        (200, "nginx", "200"),
        (
            502,
            "awselb/2.0",
            "502 from the load balancer: a target closed the connection or sent no valid answer",
        ),
        (503, "awselb/2.0", "503 from the load balancer: no target is registered and healthy"),
        (504, "awselb/2.0", "504 from the load balancer: a target did not answer in time"),
        (460, "awselb/2.0", "460 from the load balancer: the client closed the connection first"),
        (
            463,
            "awselb/2.0",
            "463 from the load balancer: X-Forwarded-For has more than 30 addresses",
        ),
        (404, "awselb/2.0", "404 from the load balancer: no listener rule matches the path"),
        (505, "awselb/2.0", "505 from the load balancer"),
        (503, "nginx/1.27", "503 from nginx/1.27"),
        (503, "a\x1b[2Jb", "503 from a\\x1b[2Jb"),
    ],
)
def test_the_description_of_an_error_has_its_origin(status: int, server: str, text: str) -> None:
    assert describe(answer(status, server=server)) == text


def test_an_error_without_a_server_is_a_bare_status() -> None:
    assert describe(answer(500)) == "500"


PADDING = b"<!-- a padding to disable MSIE and Chrome friendly error page -->\r\n" * 6


@pytest.mark.parametrize("status", [400, 403, 404, 500, 502, 503, 504])
@pytest.mark.parametrize("padding", [b"", PADDING])
def test_without_a_server_header_the_load_balancer_is_recognized_by_its_page(
    status: int, padding: bytes
) -> None:
    error = answer(status, page(status).encode() + padding)
    assert fault(error) is ExitCode.BALANCER_ERROR
    assert f"{status} from the load balancer" in describe(error)
    assert hint(error).endswith("(guessed from the page)")


@pytest.mark.parametrize(
    "body",
    [
        page(503).replace("</center>", "</center>\r\n<hr><center>nginx</center>", 1),
        page(502),
        page(503).replace("Unavailable</h1>", "Down</h1>"),
        "upstream connect error",
        "<p>503 Service Temporarily Unavailable</p>",
    ],
    ids=["nginx's", "of another status", "two texts", "text", "another page"],
)
def test_without_a_server_header_any_other_page_is_the_applications(body: str) -> None:
    error = answer(503, body.encode())
    assert (fault(error), describe(error)) == (ExitCode.APPLICATION_ERROR, "503")
    assert hint(error).endswith("(guessed from the page)")


def test_the_header_decides_before_the_page() -> None:
    assert fault(answer(503, page(503).encode(), server="nginx")) is ExitCode.APPLICATION_ERROR


@pytest.mark.parametrize("error", [answer(503), answer(503, b"<html>")._replace(truncated=True)])
def test_without_a_known_header_or_page_no_fault_is_reported(error: Answer) -> None:
    assert (fault(error), describe(error)) == (None, "503")
    assert "neither header nor page tells" in hint(error)


def test_the_hint_depends_on_the_origin_of_the_answer() -> None:
    assert "health check" in hint(answer(503, server="awselb/2.0"))
    assert "application" in hint(answer(503, server="nginx"))
    assert "--status" in hint(answer(301, location="/elsewhere"))
    assert "path" in hint(answer(404))
    assert hint(answer(200)) == ""


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        (" 7 ", 7.0),
        ("9" * 400, 999_999_999.0),
        ("Thu, 01 Jan 2026 00:00:30 GMT", 30.0),
        ("Wed, 31 Dec 2025 23:59:00 GMT", 0.0),
        ("Thu, 01 Jan 2026 00:00:30 -0000", 0.0),
        ("-7", 0.0),
        ("soon", 0.0),
        ("\u0667", 0.0),
        ("", 0.0),
    ],
)
def test_retry_after_is_seconds_or_a_date_and_nonsense_is_no_wait(
    value: str, seconds: float
) -> None:
    assert retry_after(answer(503, retry_after=value), datetime(2026, 1, 1, tzinfo=UTC)) == seconds
