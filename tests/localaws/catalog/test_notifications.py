"""Topics, subscriptions, event rules and dashboards, and the rules between them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from localaws.catalog.dashboards import body_flaws
from localaws.catalog.events import template_flaws
from tests.localaws.catalog.alarm_cases import (
    DASHBOARD,
    EVENT_RULE,
    EVENT_TARGET,
    SUBSCRIPTION,
    TOPIC,
    TOPIC_POLICY,
)
from tests.localaws.catalog.conftest import refusal, statement
from tests.localaws.catalog.operations import refused_rules

if TYPE_CHECKING:
    from tests.localaws.catalog.conftest import Account


def rules_against(account: Account, token: str, **more: object) -> set[str]:
    """Return the rules that refuse one more resource with minimal inputs and others."""
    return refused_rules(account.make, token, **{**account.minimal(token), **more})


def test_a_topic_of_the_same_name_is_the_topic_that_exists(account: Account) -> None:
    assert account.make(TOPIC, name="alarms").id == account.id("topic")
    assert account.id("topic") == "arn:aws:sns:eu-west-1:123456789012:alarms"


@pytest.mark.parametrize(
    ("protocol", "endpoint", "pending"),
    [
        ("email", "ops@example.test", True),
        ("https", "https://example.test/", True),
        ("sqs", "arn:aws:sqs:eu-west-1:123456789012:queue", False),
    ],
)
def test_a_subscription_that_a_person_must_confirm_is_pending(
    account: Account, protocol: str, endpoint: str, *, pending: bool
) -> None:
    topic = account.id("topic")
    made = account.make(SUBSCRIPTION, topic=topic, protocol=protocol, endpoint=endpoint)
    assert made.outputs["pendingConfirmation"] is pending
    assert made.id.startswith(f"{topic}:")


def test_an_endpoint_is_subscribed_once_and_a_topic_has_one_policy(account: Account) -> None:
    account.make(SUBSCRIPTION, **account.minimal(SUBSCRIPTION))
    assert rules_against(account, SUBSCRIPTION) == {"sns.subscription.unique"}
    account.make(TOPIC_POLICY, **account.minimal(TOPIC_POLICY))
    assert rules_against(account, TOPIC_POLICY) == {"sns.policy.unique"}


def test_a_topics_policy_and_subscriptions_are_deleted_with_it(account: Account) -> None:
    subscription = account.make(SUBSCRIPTION, **account.minimal(SUBSCRIPTION))
    policy = account.make(TOPIC_POLICY, **account.minimal(TOPIC_POLICY))
    account.delete(TOPIC, account.id("topic"))
    assert account.get(SUBSCRIPTION, subscription.id) is None
    assert account.get(TOPIC_POLICY, policy.id) is None


def test_the_policy_of_an_existing_topic_is_about_that_topic(account: Account) -> None:
    inputs = {
        "name": "alarms",
        "policy": statement(Action="sns:Publish", Principal="*", Resource="arn:aws:sns:::other"),
    }
    rules = refused_rules(account.update, TOPIC, account.id("topic"), inputs)
    assert rules == {"sns.policy.resource"}


def test_a_rule_has_at_most_five_targets_and_cannot_be_deleted_with_any(account: Account) -> None:
    minimal = account.minimal(EVENT_TARGET)
    first = account.make(EVENT_TARGET, **minimal, targetId="one")
    assert rules_against(account, EVENT_TARGET, targetId="one") == {"events.target.unique"}
    for _ in range(4):
        account.make(EVENT_TARGET, **minimal)
    assert rules_against(account, EVENT_TARGET) == {"events.target.count"}
    held = refusal(account, EVENT_RULE, account.id("event-rule"))
    assert held == ("events.rule.held", "ValidationException")
    for target in account.all(EVENT_TARGET):
        account.delete(EVENT_TARGET, target.id)
    account.delete(EVENT_RULE, account.id("event-rule"))
    assert first.outputs["targetId"] == "one"


def test_rules_of_the_same_name_on_two_buses_are_different(account: Account) -> None:
    pattern = json.dumps({"source": ["shop"]})
    on_bus = account.make(
        EVENT_RULE, name="deployments", eventBusName="orders", eventPattern=pattern
    )
    assert on_bus.id == "orders/deployments"
    target = account.make(
        EVENT_TARGET, rule="deployments", eventBusName="orders", arn=account.id("topic")
    )
    assert account.find(EVENT_TARGET, f"orders/deployments/{target.outputs['targetId']}") == target
    account.delete(EVENT_RULE, account.id("event-rule"))


@pytest.mark.parametrize(
    ("more", "state", "enabled"),
    [
        ({}, "ENABLED", True),
        ({"state": "DISABLED"}, "DISABLED", False),
        ({"isEnabled": False}, "DISABLED", False),
    ],
)
def test_state_and_is_enabled_of_a_rule_agree(
    account: Account, more: dict[str, object], state: str, *, enabled: bool
) -> None:
    made = account.make(EVENT_RULE, **{**account.minimal(EVENT_RULE), **more})
    assert (made.outputs["state"], made.outputs["isEnabled"]) == (state, enabled)


def test_a_template_has_placeholders_in_texts_and_as_values() -> None:
    paths = {"reason": "$.detail.reason"}
    assert not list(template_flaws('"It failed: <reason>"', paths))
    assert not list(template_flaws('{"why": <reason>, "text": "<reason>"}', paths))
    assert list(template_flaws("It failed: <reason>", paths))
    assert list(template_flaws('"<why>"', paths)) == [
        "InputTemplate contains invalid placeholder why."
    ]


def test_a_dashboards_arn_has_no_region(account: Account) -> None:
    arn = account.made["dashboard"].outputs["dashboardArn"]
    assert arn == "arn:aws:cloudwatch::123456789012:dashboard/main"
    assert account.find(DASHBOARD, "main") is not None


def test_a_dashboards_flaws_name_their_paths() -> None:
    body = {"widgets": [{"type": "metric", "properties": {"metrics": [["A"]], "view": "line"}}]}
    assert [path for path, _ in body_flaws(body)] == [
        "/widgets/0/properties",
        "/widgets/0/properties/view",
        "/widgets/0/properties/metrics/0",
    ]
