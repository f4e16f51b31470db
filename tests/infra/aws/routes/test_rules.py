"""Routes become rules with stable priorities; overlaps and unreachable rules are found."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.aws.routes import priorities
from infra.aws.routes.conditions import (
    VALUES_PER_RULE,
    WILDCARDS_PER_RULE,
    Conditions,
    split,
)
from infra.aws.routes.rules import Finding, Route, findings, plan, repeated


def conditions(**values: Any) -> Conditions:
    """Return conditions by kind; `header_x_team` is the header x-team."""
    found = {}
    for name, value in values.items():
        kind, _, rest = name.partition("_")
        found[f"{kind} {rest.replace('_', '-')}" if rest else kind] = tuple(value)
    return Conditions(found)


def route(service: str, priority: int | None = None, **values: Any) -> Route:
    return Route(service=service, conditions=conditions(**values), priority=priority)


def order(*routes: Route) -> list[str]:
    return [rule.route.service for rule in plan(routes)]


def found(*routes: Route) -> list[Finding]:
    return list(findings(plan(routes)))


def test_rules_with_more_fixed_characters_come_first() -> None:
    assert order(
        route("all"),
        route("api", path=["/api/*"]),
        route("version", path=["/api/v2/*"]),
        route("exact", path=["/api/"]),
        route("host", host=["shop.example.com"]),
        route("both", host=["shop.example.com"], path=["/api/*"]),
    ) == ["both", "host", "version", "exact", "api", "all"]


def test_a_service_with_every_request_has_the_last_priority() -> None:
    for conditions_of_all in (conditions(), conditions(path=["/*"]), conditions(path=["/a", "/*"])):
        (rule,) = plan([Route(service="web", conditions=conditions_of_all)])
        assert rule.priority == priorities.LAST == 50_000
        assert rule.conditions == conditions(path=["/*"])


_SEGMENT = st.sampled_from(["a", "b", "aa", "*", "?", "a*"])
_PATH = st.lists(_SEGMENT, min_size=1, max_size=2).map(lambda parts: "/" + "/".join(parts))
_HOST = st.sampled_from(["a.test", "b.test", "*.test", "a*.test"])


def _some_conditions(paths: list[str], hosts: list[str], methods: list[str]) -> Conditions:
    values = {"path": tuple(paths), "host": tuple(hosts), "method": tuple(methods)}
    for kind in list(values):
        if not values[kind]:
            del values[kind]
    return Conditions(values)


_CONDITIONS = st.builds(
    _some_conditions,
    st.lists(_PATH, max_size=3, unique=True),
    st.lists(_HOST, max_size=2, unique=True),
    st.lists(st.sampled_from(["GET", "POST"]), max_size=1),
)


@given(_CONDITIONS, _CONDITIONS)
def test_conditions_that_more_general_ones_cover_come_first(
    general: Conditions, special: Conditions
) -> None:
    if not general.covers(special):
        return
    assert special.fixed_characters >= general.fixed_characters
    if special.everything or special.fixed_characters == general.fixed_characters:
        return
    routes = (
        Route(service="general", conditions=general),
        Route(service="special", conditions=special),
    )
    if len(plan(routes)) == 2:
        assert order(*routes) == ["special", "general"]


@given(
    st.lists(st.integers(1, 12), min_size=1, max_size=4),
    st.integers(0, 3),
)
def test_conditions_are_split_into_rules_that_elb_takes(counts: list[int], stars: int) -> None:
    kinds = ["path", "host", "header x-team", "query version"]
    values_by_kind: dict[str, tuple[str, ...]] = {}
    for kind, count in zip(kinds, counts, strict=False):
        # From no wildcard to as many as `stars`, and again.
        values_by_kind[kind] = tuple(f"/{n}{'*' * (n % (stars + 1))}" for n in range(count))
    whole = Conditions(values_by_kind)
    try:
        parts = split(whole)
    except ValueError:
        assert stars * len(counts) > WILDCARDS_PER_RULE
        return
    combinations: list[tuple[str, ...]] = []
    for part in parts:
        values = list(itertools.chain(*part.values.values()))
        assert len(values) <= VALUES_PER_RULE
        assert sum(value.count("*") for value in values) <= WILDCARDS_PER_RULE
        combinations += itertools.product(*part.values.values())
    assert sorted(combinations) == sorted(itertools.product(*whole.values.values()))


@pytest.mark.parametrize(
    ("values", "rules"),
    [
        ({"path": [f"/{number}" for number in range(5)]}, 1),
        ({"path": [f"/{number}" for number in range(6)]}, 2),
        ({"path": [f"/{number}/*" for number in range(8)]}, 2),
        ({"host": ["a.test", "b.test"], "path": ["/a", "/b", "/c"]}, 1),
        ({"host": ["a.test", "b.test"], "path": ["/a", "/b", "/c", "/d"]}, 2),
        ({"path": ["/*/*/*", "/a/*/*/*"]}, 2),
        ({"host": ["*.test"], "path": [f"/{number}/*" for number in range(4)]}, 1),
    ],
)
def test_a_service_has_as_few_rules_as_possible(values: dict[str, Any], rules: int) -> None:
    assert len(split(conditions(**values))) == rules


def test_six_kinds_of_conditions_are_too_many_for_any_rule() -> None:
    many = Conditions({f"header {number}": ("a",) for number in range(6)})
    with pytest.raises(ValueError, match="6 kinds of conditions, where a rule has at most 5"):
        split(many)


def test_a_priority_does_not_depend_on_the_other_rules() -> None:
    alone = {each.route.service: each.priority for each in plan([route("api", path=["/api/*"])])}
    names = ("web", "admin", "blog")
    others = [route(name, path=[f"/{name}/*"]) for name in names]
    together = plan([*others, route("api", path=["/api/*"])])
    assert {each.route.service: each.priority for each in together}["api"] == alone["api"]


def test_the_order_of_values_and_the_case_of_hosts_do_not_change_a_priority() -> None:
    (one,) = plan([route("web", path=["/a", "/b"], host=["Shop.example.com"])])
    (other,) = plan([route("web", host=["shop.example.com"], path=["/b", "/a"])])
    assert one.priority == other.priority


def test_two_rules_whose_hashes_are_equal_both_take_another_priority() -> None:
    (first,) = plan([route("a", path=["/0000"])])
    for number in range(1, 10_000):
        clashing = route("b", path=[f"/{number:04}"])
        if plan([clashing])[0].priority == first.priority:
            break
    together = plan([first.route, clashing])
    assert first.priority not in {each.priority for each in together}, (
        "the former rule stays until the ones at other priorities are there"
    )
    assert len(together) == len({each.priority for each in together}) == 2


def test_a_hundred_rules_have_different_priorities_in_their_range() -> None:
    routes = [route(f"s{number}", path=[f"/{number:03}"]) for number in range(100)]
    numbers = [rule.priority for rule in plan(routes)]
    assert len(set(numbers)) == 100
    assert set(numbers) < set(priorities.DERIVED)


def test_attachments_have_different_priorities_that_do_not_depend_on_others() -> None:
    alone = priorities.of_attachments(["web"])
    names = [f"service-{number}" for number in range(200)]
    together = priorities.of_attachments([*names, "web"])
    assert together["web"] == alone["web"]
    assert len(set(together.values())) == 201
    assert set(together.values()) <= set(priorities.ATTACHMENTS)


def test_a_rule_that_an_earlier_one_covers_is_found_with_an_example() -> None:
    only = found(route("a", priority=1, path=["/api*"]), route("b", path=["/api/*"]))
    (finding,) = only
    assert finding.unreachable
    assert finding.second.route.service == "b"
    assert finding.example.example("https", "shop.test") == "https://shop.test/api/"


def test_a_value_that_never_matches_is_found_beside_others_that_do() -> None:
    (finding,) = found(route("a", path=["/api/*"]), route("b", path=["/x", "/api/v2"]))
    assert finding.unreachable
    assert finding.example.example("http", "a.test") == "http://a.test/api/v2"


def test_rules_that_overlap_partly_are_found_and_special_ones_before_general_ones_are_not() -> None:
    (finding,) = found(route("a", host=["a.example.com"]), route("b", path=["/b/*"]))
    assert not finding.unreachable
    assert finding.example.example("http", "x.test") == "http://a.example.com/b/"
    assert not found(route("a", path=["/api/v2/*"]), route("b", path=["/api/*"]), route("c"))
    assert not found(route("a", host=["a.example.com"]), route("b", host=["b.example.com"]))
    assert not found(route("a", path=["/A/*"]), route("b", path=["/a/*"])), "paths have a case"
    assert found(route("a", host=["A*.example.com"]), route("b", host=["*a.example.com"]))


def test_an_example_shows_the_conditions_that_a_url_cannot_contain() -> None:
    rule = conditions(
        host=["*.example.com"],
        path=["/a?c/*"],
        query_version=["2*"],
        header_x_team=["blue"],
        method=["POST"],
        source=["10.0.0.0/8"],
    )
    assert rule.example("https", "unused") == (
        "https://x.example.com/axc/?version=2 (POST, x-team: blue, from 10.0.0.0)"
    )


def test_two_services_with_the_same_conditions_or_priority_are_found() -> None:
    assert not repeated(plan([route("a", path=["/a"]), route("b", path=["/b"]), route("c")]))
    for one, other in (
        (route("a"), route("b")),
        (route("a", path=["/a"]), route("b", path=["/a"])),
        (route("a", 5, path=["/a"]), route("b", 5, path=["/b"])),
        (route("a", 5, path=list("123456")), route("b", 6, path=["/b"])),
    ):
        ((first, second),) = repeated(plan([one, other]))
        assert (first.route.service, second.route.service) == ("a", "b")
