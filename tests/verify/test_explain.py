"""Whose answer it is, in words, and how long it asks to wait."""

from datetime import UTC, datetime

import pytest

from tests.verify.test_waiting import answer
from verify.explain import describe, hint, retry_after


@pytest.mark.parametrize(
    ("status", "server", "said"),
    [
        (200, "nginx", "200"),
        (502, "awselb/2.0", "502 from the load balancer: a target closed the connection or sent no valid answer"),
        (503, "awselb/2.0", "503 from the load balancer: no target is registered and healthy"),
        (504, "awselb/2.0", "504 from the load balancer: a target did not answer in time"),
        (460, "awselb/2.0", "460 from the load balancer: the client closed the connection first"),
        (463, "awselb/2.0", "463 from the load balancer: X-Forwarded-For has more than 30 addresses"),
        (404, "awselb/2.0", "404 from the load balancer: no listener rule matches the path"),
        (505, "awselb/2.0", "505 from the load balancer"),
        (503, "nginx/1.27", "503 from nginx/1.27"),
        (503, "a\x1b[2Jb", "503 from a\\x1b[2Jb"),
    ],
)
def test_an_error_names_who_made_it(status: int, server: str, said: str) -> None:
    assert describe(answer(status, server=server)) == said


def test_an_error_without_a_server_is_a_bare_status() -> None:
    assert describe(answer(500)) == "500"


def test_the_hint_looks_where_the_answer_was_made() -> None:
    assert "health check" in hint(answer(503, server="awselb/2.0"))
    assert "application" in hint(answer(503, server="nginx"))
    assert "--status" in hint(answer(301))
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
def test_retry_after_is_seconds_or_a_date_and_nonsense_is_no_wait(value: str, seconds: float) -> None:
    assert retry_after(answer(503, retry_after=value), datetime(2026, 1, 1, tzinfo=UTC)) == seconds
