"""The topics that alarms and rules publish to, and which of them no program here made. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from localaws.catalog.cloudwatch import ALARM
from localaws.catalog.events import TARGET
from localaws.catalog.sns import TOPIC

if TYPE_CHECKING:
    from localaws.catalog.account import Account, Resource

_ACTIONS: Final = ("alarmActions", "okActions", "insufficientDataActions")


def unknown(account: Account) -> list[str]:
    """Return the ARNs of the topics that something publishes to, and that aren't here."""
    found: dict[str, None] = {}
    for token in (ALARM, TARGET):
        for each in account.all(token):
            found.update(dict.fromkeys(_unknown_of(account, each)))
    return list(found)


def warning(account: Account, resource: Resource) -> str:
    """Return a warning of topics that aren't here; empty if another resource names them too.

    A stack's alarms and rules usually publish to one topic, of which one warning is enough.
    """
    if resource.token not in {ALARM, TARGET}:
        return ""
    topics = set(_unknown_of(account, resource))
    for token in (ALARM, TARGET):
        for each in account.all(token):
            if each.urn != resource.urn:
                topics.difference_update(_unknown_of(account, each))
    return "; ".join(map(described, sorted(topics)))


def described(topic: str) -> str:
    """Describe a topic that isn't here."""
    return (
        f"topic {topic} isn't in the local AWS, which assumes that it exists on AWS and takes "
        "messages: check its name, and its policy (docs/alarms.md)"
    )


def _unknown_of(account: Account, resource: Resource) -> list[str]:
    """Return the topics that an alarm or a target names and that aren't here."""
    named: list[str] = []
    if resource.token == TARGET:
        named.append(str(resource.outputs.get("arn")))
    else:
        for action in _ACTIONS:
            named += resource.outputs.get(action) or ()
    topics = [arn for arn in named if arn.split(":")[2:3] == ["sns"]]
    return [arn for arn in topics if account.get(TOPIC, arn) is None]
