"""Checks of several values are skipped only where one of those values couldn't be read."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from infra.errors import Problem, SettingsError
from infra.settings import Settings, kinds
from tests.infra.settings import test_edge_settings, test_settings
from tests.infra.settings.test_settings import load

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from infra.settings.topic import Topic

TABLES: list[tuple[Any, str]] = [*test_settings.REFUSED, *test_edge_settings.REFUSED]
REFUSED = [changes for changes, _ in TABLES if changes.keys() <= kinds().keys()]
NONSENSE = "\x00 no key allows this"


def without(topic: Topic, name: str) -> Topic:
    """Return the topic as it is where one field couldn't be read; reading that field fails."""

    class Unreadable(type(topic)):  # type: ignore[misc]
        def __getattribute__(self, attribute: str) -> Any:
            assert attribute != name, f"a check looks at {name} without naming it"
            return super().__getattribute__(attribute)

    copy: Topic = object.__new__(Unreadable)
    unread = {**topic.unread, name: Problem(name, "unread", "anything")}
    vars(copy).update({**vars(topic), "unread": unread})
    return copy


def with_one_field_unread(settings: Settings) -> Iterator[Settings]:
    """Yield the settings as they are where one field couldn't be read, for each field."""
    for attribute, topic in vars(settings.service).items():
        for name in topic.kinds():
            changed: dict[str, Any] = {attribute: without(topic, name)}
            yield replace(settings, service=replace(settings.service, **changed))
    for attribute, topic in vars(settings).items():
        if topic in settings.topics:
            for name in topic.kinds():
                changed = {attribute: without(topic, name)}
                yield replace(settings, **changed)


@pytest.mark.parametrize("changes", REFUSED, ids=lambda changes: json.dumps(changes)[:99])
def test_a_check_names_every_field_that_it_looks_at(
    changes: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as accepting:
        accepting.setattr(Settings, "problems", lambda _: [])
        settings = load(**changes)
    tried = 0
    for settings_with_a_gap in with_one_field_unread(settings):
        assert settings_with_a_gap.problems()
        tried += 1
    assert tried > 60


@pytest.mark.parametrize(
    ("changes", "unread", "others"),
    [
        ({"memoryMib": 600}, "containerPort", {"memoryMib"}),
        ({"memoryMib": 600}, "cpuUnits", set()),
        ({"allowedCidrs": ["::/0"], "dualStack": False}, "waf", {"allowedCidrs"}),
        ({"allowedCidrs": ["::/0"], "dualStack": False}, "internal", set()),
        ({"secrets": {"A": "/a"}, "environment": {"A": ""}}, "desiredCount", {"environment"}),
        ({"secrets": {"A": "/a"}, "environment": {"A": ""}}, "image", {"environment"}),
    ],
)
def test_a_value_that_is_unread_hides_the_checks_that_need_it_and_no_others(
    changes: dict[str, Any], unread: str, others: set[str]
) -> None:
    with pytest.raises(SettingsError) as refusal:
        load(**{**changes, unread: NONSENSE})
    found = [problem.key for problem in refusal.value.problems]
    assert found[0] == unread
    assert {*found} == {unread, *others}
