"""The times of scheduled actions."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from localaws.catalog.schedules import schedule

MONDAY = datetime(2027, 1, 4, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "zone", "due"),
    [
        ("cron(0 22 * * ? *)", "UTC", "2027-01-04T22:00:00+00:00"),
        ("cron(0 8 ? * MON-FRI *)", "UTC", "2027-01-05T08:00:00+00:00"),
        ("cron(0 8 ? * SAT,SUN *)", "UTC", "2027-01-09T08:00:00+00:00"),
        ("cron(30 9 1 * ? *)", "UTC", "2027-02-01T09:30:00+00:00"),
        ("cron(0/20 12 * * ? *)", "UTC", "2027-01-04T12:20:00+00:00"),
        ("cron(0 0 29 2 ? *)", "UTC", "2028-02-29T00:00:00+00:00"),
        ("cron(0 12 * * ? *)", "UTC", "2027-01-05T12:00:00+00:00"),
        ("cron(0 8 * * ? *)", "Asia/Tokyo", "2027-01-05T08:00:00+09:00"),
        ("rate(5 minutes)", "UTC", "2027-01-04T12:05:00+00:00"),
        ("rate(1 day)", "UTC", "2027-01-05T12:00:00+00:00"),
        ("at(2027-03-01T08:00:00)", "Europe/Berlin", "2027-03-01T08:00:00+01:00"),
    ],
)
def test_a_schedule_has_a_next_time(expression: str, zone: str, due: str) -> None:
    found = schedule(expression, zone).next_after(MONDAY, MONDAY)
    assert found is not None
    assert found.isoformat() == due


@pytest.mark.parametrize(
    "expression", ["at(2026-01-01T00:00:00)", "cron(0 0 1 1 ? 2026)", "cron(0 0 30 2 ? *)"]
)
def test_a_schedule_that_is_over_or_never_comes_has_no_next_time(expression: str) -> None:
    assert schedule(expression).next_after(MONDAY, MONDAY) is None
