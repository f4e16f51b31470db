"""Any sequence of routes can be deployed rule by rule under the rules of the local AWS.

As the engine does, each step creates and updates in any order, and deletes after that. After each
operation, the local load balancer's own matcher decides which service would answer each request.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

import pulumi_aws as aws
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.aws.routes.conditions import Conditions
from infra.aws.routes.rules import Route, findings, plan, repeated
from localaws import mocks
from localaws.alb.conditions import matchers
from localaws.catalog import Refused
from tests.examples import examples
from tests.infra.two_subnets import REGION, network

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from infra.aws.routes.rules import Rule

SERVICES = ("a", "b", "c", "d")
RULE = "aws:lb/listenerRule:ListenerRule"
BLOCKS = {"host": "hostHeader", "path": "pathPattern", "method": "httpRequestMethod"}

CONDITIONS = [
    Conditions({}),
    Conditions({"path": ("/a",)}),
    Conditions({"path": ("/a", "/a/*")}),
    Conditions({"path": ("/a/b/*",)}),
    Conditions({"path": ("/a/b/*",), "method": ("POST",)}),
    Conditions({"path": ("/b*",)}),
    Conditions({"path": ("/0", "/1", "/2", "/3", "/4", "/5", "/6")}),
    Conditions({"host": ("a.test",)}),
    Conditions({"host": ("*.test",)}),
    Conditions({"host": ("a.test",), "path": ("/a/*",)}),
    Conditions({"host": ("b.test", "c.test"), "path": ("/a", "/b*")}),
]


def _requests() -> Iterator[dict[str, str]]:
    for host in ("a.test", "b.test", "example.com"):
        for path in ("/", "/a", "/a/b/c", "/b", "/6"):
            for method in ("GET", "POST"):
                yield {":authority": host, ":path": path, ":method": method}


REQUESTS = list(_requests())


@cache
def account() -> tuple[mocks.Cloud, str, Mapping[str, str]]:
    """Return an account with a listener, and a target group for each service."""

    def program() -> None:
        in_network = network()
        balancer = aws.lb.LoadBalancer("lb", internal=True, subnets=in_network.subnet_ids)
        answer: Any = {
            "type": "fixed-response",
            "fixed_response": {"content_type": "text/plain", "status_code": "404"},
        }
        aws.lb.Listener("lb", load_balancer_arn=balancer.arn, port=80, default_actions=[answer])
        for name in SERVICES:
            aws.lb.TargetGroup(
                name, target_type="ip", protocol="HTTP", port=80, vpc_id=in_network.vpc_id
            )

    run = mocks.run(program)
    groups = {name: run.id(run.one("TargetGroup", name)) for name in SERVICES}
    return run.cloud, run.id(run.one("Listener")), groups


class Deployed:
    """The rules of a listener, as the engine keeps them: by their names."""

    def __init__(self) -> None:
        self.ids: dict[int, str] = {}
        self.rules: dict[int, Rule] = {}

    def put(self, rule: Rule) -> None:
        """Create the rule with this name, or update it if there is one."""
        cloud, listener, groups = account()
        inputs = {
            "listenerArn": listener,
            "priority": rule.priority,
            "conditions": conditions_of(rule),
            "actions": [{"type": "forward", "forward": {"targetGroups": forwarded(rule, groups)}}],
        }
        if rule.priority in self.ids:
            cloud.update(RULE, self.ids[rule.priority], inputs)
        else:
            made = cloud.create(RULE, f"urn:{rule.priority}", inputs, region=REGION)
            self.ids[rule.priority] = made.id
        self.rules[rule.priority] = rule

    def delete(self, priority: int) -> None:
        account()[0].delete(RULE, self.ids.pop(priority))
        del self.rules[priority]


def forwarded(rule: Rule, groups: Mapping[str, str]) -> list[dict[str, Any]]:
    return [{"arn": groups[name], "weight": weight} for name, weight in rule.route.shares.items()]


def conditions_of(rule: Rule) -> list[dict[str, Any]]:
    return [
        {BLOCKS[kind]: {"values": list(values)}} for kind, values in rule.conditions.values.items()
    ]


_MATCHED: dict[tuple[str, ...], bool] = {}
"""Whether a request matches conditions, by the conditions' text and the request's values."""


def matches(rule: Rule, request: Mapping[str, str]) -> bool:
    key = (rule.conditions.text, *request.values())
    if key not in _MATCHED:
        _MATCHED[key] = all(
            re.fullmatch(each["string_match"]["safe_regex"]["regex"], request[each["name"]])
            for each in matchers(conditions_of(rule))
        )
    return _MATCHED[key]


def matching(rules: Sequence[Rule], request: Mapping[str, str]) -> list[Rule]:
    ordered = sorted(rules, key=lambda rule: rule.priority)
    return [rule for rule in ordered if matches(rule, request)]


def receivers(rule: Rule) -> set[str]:
    """Return the services that get requests from a rule."""
    return {name for name, weight in rule.route.shares.items() if weight}


def answers(rules: Sequence[Rule], request: Mapping[str, str]) -> set[str]:
    """Return which services can answer a request: one, or those that share it by weight."""
    first = next(iter(matching(rules, request)), None)
    return receivers(first) if first else {"none"}


def possible_answers(
    before: Sequence[Rule], after: Sequence[Rule], request: Mapping[str, str]
) -> set[str]:
    """Return which services can answer a request between two configurations.

    Those are the services that answered before or answer after. If several matching rules are
    created, deleted or get another service, the service of any of them may answer, too.
    """
    found = answers(before, request) | answers(after, request)
    for rules, others in ((before, after), (after, before)):
        kept = {rule.priority: rule.route.shares for rule in others}
        changing = [
            rule
            for rule in matching(rules, request)
            if kept.get(rule.priority) != rule.route.shares
        ]
        if len(changing) > 1:
            found = found.union(*map(receivers, changing))
    return found


@st.composite
def configurations(draw: st.DrawFn, *, chosen: bool = False) -> tuple[Rule, ...]:
    """Draw the routes of some services, such that the program accepts them.

    Args:
        draw: Draws values.
        chosen: Whether routes may have configured priorities.
    """
    names = draw(st.permutations(SERVICES))[: draw(st.integers(1, len(SERVICES)))]
    some_conditions = draw(st.permutations(CONDITIONS))
    routes = []
    for name, conditions in zip(names, some_conditions, strict=False):
        priority = draw(st.sampled_from([None, 1, 2, 3])) if chosen else None
        others = draw(st.lists(st.sampled_from(SERVICES), max_size=2))
        weights = {other: draw(st.sampled_from([0, 1, 999])) for other in others}
        if weights:
            weights[name] = draw(st.integers(1, 999))
        routes.append(
            Route(service=name, conditions=conditions, priority=priority, weights=weights)
        )
    rules = plan(routes)
    return () if repeated(rules) else rules


@examples(60)
@given(st.lists(configurations(), min_size=2, max_size=4), st.randoms(use_true_random=False))
def test_during_any_change_a_request_reaches_the_service_that_it_reached_before_or_reaches_after(
    sequence: list[tuple[Rule, ...]], random: Any
) -> None:
    deploy_each(sequence, random, check_requests=True)


@examples(40)
@given(
    st.lists(configurations(chosen=True), min_size=2, max_size=4),
    st.randoms(use_true_random=False),
)
def test_configured_priorities_can_be_swapped(
    sequence: list[tuple[Rule, ...]], random: Any
) -> None:
    # Rules that swap priorities are updated one after the other; until then, a request may reach
    # another service.
    deploy_each(sequence, random, check_requests=False)


def deploy_each(sequence: Sequence[tuple[Rule, ...]], random: Any, *, check_requests: bool) -> None:
    """Deploy one configuration after the other, and compare the rules that exist after each."""
    deployed = Deployed()
    before: tuple[Rule, ...] = ()
    try:
        for after in (*sequence, ()):
            for _ in operations(deployed, after, random):
                if check_requests:
                    assert_answered(deployed, before, after)
            assert deployed.rules == {rule.priority: rule for rule in after}
            before = after
    finally:
        for priority in list(deployed.ids):
            deployed.delete(priority)


def assert_answered(deployed: Deployed, before: Sequence[Rule], after: Sequence[Rule]) -> None:
    for request in REQUESTS:
        now = answers(list(deployed.rules.values()), request)
        assert now <= possible_answers(before, after, request), request


def operations(deployed: Deployed, after: Sequence[Rule], random: Any) -> Iterator[None]:
    """Create and update rules in any order, then delete others; yield after each operation."""
    changed = [rule for rule in after if deployed.rules.get(rule.priority) != rule]
    random.shuffle(changed)
    for rule in changed:
        deployed.put(rule)
        yield
    gone = sorted(deployed.ids.keys() - {rule.priority for rule in after})
    random.shuffle(gone)
    for priority in gone:
        deployed.delete(priority)
        yield


def test_rules_named_by_service_could_not_swap_their_priorities() -> None:
    """Show that the local AWS refuses a priority in use, so that the tests above can fail."""
    one, other = plan(
        [
            Route(service="a", conditions=CONDITIONS[1]),
            Route(service="b", conditions=CONDITIONS[5]),
        ]
    )
    deployed = Deployed()
    for rule in (one, other):
        deployed.put(rule)
    cloud = account()[0]
    current = cloud.find(RULE, deployed.ids[one.priority])
    assert current is not None
    inputs = {**current.inputs, "priority": other.priority}
    with pytest.raises(Refused, match="PriorityInUse"):
        cloud.update(RULE, deployed.ids[one.priority], inputs)
    for rule in (one, other):
        deployed.delete(rule.priority)


@given(configurations())
def test_a_finding_of_an_unreachable_rule_is_true(rules: tuple[Rule, ...]) -> None:
    """Compare the analysis, which knows patterns, with requests and the local matcher."""
    for finding in findings(rules):
        example = finding.example.values
        request = {
            ":authority": example.get("host", ("example.com",))[0],
            ":path": example.get("path", ("/",))[0],
            ":method": example.get("method", ("GET",))[0],
        }
        assert matches(finding.first, request)
        assert matches(finding.second, request)
