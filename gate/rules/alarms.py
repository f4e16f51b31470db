"""Rules about alarms: their recipients."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gate.rules.registry import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gate.graph import Graph, Node


@rule
def alarms_have_recipients(graph: Graph) -> Iterator[Node]:
    """Require a topic of each alarm, and of the stack's own topics a subscription or a channel."""
    received: set[Node] = set()
    for subscription in graph.all("TopicSubscription"):
        received.update(subscription.named(subscription.inputs["topic"]))
    for channel in graph.all("SlackChannelConfiguration"):
        received.update(channel.named(channel.inputs.get("snsTopicArns")))
    for alarm in graph.all("MetricAlarm"):
        actions = alarm.inputs.get("alarmActions", [])
        # A topic that the stack only refers to has its own recipients.
        if not actions or not received.issuperset(alarm.named(actions)):
            yield alarm
