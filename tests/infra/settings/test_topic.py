"""A check of several values is skipped only if one of those values couldn't be read."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields, replace
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

from infra.errors import Problem
from infra.settings import Settings, kinds
from infra.settings.kinds import Whole
from infra.settings.topic import (
    Configuration,
    Topic,
    camel,
    key,
    read_topics,
    topic,
    topic_classes,
    topics_of,
)
from tests.infra.settings import edge_refusals, refusals
from tests.infra.settings.loading import load, only_service, refusal_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


TABLES: list[tuple[Any, str]] = [*refusals.REFUSED, *edge_refusals.REFUSED]
REFUSED = [changes for changes, _ in TABLES if changes.keys() <= kinds().keys()]
REFUSED_BY_ALL = "\x00"
"""A text that no key allows."""


@cache
def unreadable(topic_class: type[Topic], name: str) -> type[Topic]:
    """Return a subclass of a topic, for which using one of the fields fails."""

    class Unreadable(topic_class):  # type: ignore[valid-type, misc]
        def __getattribute__(self, attribute: str) -> Any:
            assert attribute != name, f"a check uses {name}, but its @relation doesn't name it"
            return super().__getattribute__(attribute)

    return Unreadable


def without(read: Topic, name: str) -> Topic:
    """Return a copy of a topic of which one field couldn't be read; using that field fails."""
    topic_class: Any = type(read)
    copy: Topic = object.__new__(unreadable(topic_class, name))
    # Only the fields: what the topic keeps of its properties was made from all of them.
    vars(copy).update({each.name: getattr(read, each.name) for each in fields(read)})
    vars(copy)["unread"] = {**read.unread, name: Problem(name, "unread", "anything")}
    vars(copy)["parts"] = {**read.parts, name: read.kinds()[name].part("")}
    return copy


def with_one_field_unread(settings: Settings) -> Iterator[Settings]:
    """Yield, for each key, settings in which that key alone couldn't be read."""
    service = only_service(settings)
    for attribute, topic_class in topic_classes(type(service)).items():
        for name in topic_class.kinds():
            changed: dict[str, Any] = {attribute: without(getattr(service, attribute), name)}
            yield replace(settings, services=(replace(service, **changed),))
    for attribute, topic_class in topic_classes(type(settings)).items():
        for name in topic_class.kinds():
            changed = {attribute: without(getattr(settings, attribute), name)}
            yield replace(settings, **changed)


@dataclass(frozen=True, kw_only=True)
class TlsSettings(Topic):
    """A topic with one key."""

    tls_version: int = key(Whole(1, 3))


@dataclass(frozen=True, kw_only=True)
class SomeSettings:
    """Settings with a topic and another field."""

    stack: str
    tls: TlsSettings = topic(TlsSettings)


def test_a_topic_needs_only_its_field() -> None:
    configuration = Configuration(texts={"tlsVersion": "2"})
    settings = SomeSettings(stack="dev", **read_topics(SomeSettings, configuration))
    assert settings.tls.tls_version == 2
    assert topics_of(settings) == (settings.tls,)


def distinct(tables: Iterable[Mapping[str, Any]]) -> Iterator[tuple[Mapping[str, Any], Settings]]:
    """Yield changes with their settings; those that differ in what can't be read only once."""
    seen: set[str] = set()
    for changes in tables:
        settings = load(**changes)
        unread = {camel(name) for name in (*settings.unread, *only_service(settings).unread)}
        readable = {name: value for name, value in changes.items() if name not in unread}
        identity = json.dumps([readable, sorted(unread)], sort_keys=True)
        if identity not in seen:
            seen.add(identity)
            yield changes, settings


@pytest.mark.slow  # every check, for each key of more than a hundred configurations
def test_a_check_names_every_field_that_it_uses(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as accepting:
        accepting.setattr(Settings, "problems", lambda _: [])
        cases = list(distinct(REFUSED))
    assert len(cases) > 100
    for changes, settings in cases:
        tried = 0
        try:
            for settings_with_a_gap in with_one_field_unread(settings):
                assert settings_with_a_gap.problems()
                tried += 1
        except AssertionError as error:
            error.add_note(f"with {changes}")
            raise
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
def test_an_unread_value_skips_the_checks_that_need_it_and_no_others(
    changes: dict[str, Any], unread: str, others: set[str]
) -> None:
    refusal = refusal_of(**{**changes, unread: REFUSED_BY_ALL})
    found = [problem.key for problem in refusal.problems]
    assert found[0] == unread
    assert set(found) == {unread, *others}
