"""Where tasks go on container instances: never where they don't fit, and as ECS spreads them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localaws.ec2.placement import (
    Constraint,
    ContainerInstance,
    Need,
    PlacedTask,
    Rules,
    Strategy,
    Unplaced,
    place,
    problem_of,
    strategy_problem,
)
from tests.examples import examples

WEB = "service/web"
SMALL = Need(cpu=256, memory=512)


def instance(name: str, zone: str = "a", **changes: object) -> ContainerInstance:
    """Return a t3.small, with some values changed."""
    there = ContainerInstance(
        id=name,
        container_instance=f"ci-{name}",
        zone=zone,
        instance_type="t3.small",
        cpu=2048,
        memory=1901,
    )
    return replace(there, **changes)  # type: ignore[arg-type]


def fill(
    instances: list[ContainerInstance],
    needs: list[Need],
    rules: Rules = Rules(),  # noqa: B008 — frozen
    service: str = WEB,
) -> tuple[list[ContainerInstance], list[Unplaced]]:
    """Place tasks one after another; return the instances with them, and why others weren't."""
    refused = []
    for number, need in enumerate(needs):
        found = place(need, service, instances, rules, choice=lambda among: among[0])
        if isinstance(found, Unplaced):
            refused.append(found)
            continue
        task = PlacedTask(id=f"{number}", service=service, need=need)
        placed = replace(found, tasks=(*found.tasks, task))
        instances = [placed if each.id == found.id else each for each in instances]
    return instances, refused


def counts(instances: list[ContainerInstance]) -> list[int]:
    return [len(each.tasks) for each in instances]


def test_three_small_tasks_fit_a_t3_small_and_a_fourth_does_not() -> None:
    instances, refused = fill([instance("i-1")], [SMALL] * 4)
    assert counts(instances) == [3]
    assert refused == [
        Unplaced(
            "The closest matching (container-instance ci-i-1) has insufficient memory available."
        )
    ]


def test_without_instances_ecs_says_so() -> None:
    assert place(SMALL, WEB, [], Rules()) == Unplaced(
        "Reason: No Container Instances were found in your cluster."
    )


def test_tasks_spread_over_zones_first_and_then_go_where_the_service_has_fewest() -> None:
    three = [instance("i-1", "a"), instance("i-2", "a"), instance("i-3", "b")]
    instances, _ = fill(three, [SMALL] * 4)
    assert counts(instances) == [1, 1, 2]


def test_other_services_tasks_do_not_count_for_the_spread() -> None:
    crowded, _ = fill([instance("i-1", "a")], [SMALL] * 2, service="service/other")
    instances, _ = fill([*crowded, instance("i-2", "b")], [SMALL])
    assert counts(instances) == [3, 0], "equally few of this service: the first by id"


def test_binpack_fills_one_instance_before_the_next() -> None:
    rules = Rules(strategies=(Strategy("binpack", "memory"),))
    instances, _ = fill([instance("i-1"), instance("i-2")], [SMALL] * 4, rules)
    assert counts(instances) == [3, 1]


def test_random_asks_its_source() -> None:
    rules = Rules(strategies=(Strategy("random"),))
    both = [instance("i-1"), instance("i-2")]
    found = place(SMALL, WEB, both, rules, choice=lambda among: among[-1])
    assert isinstance(found, ContainerInstance)
    assert found.id == "i-2"


def test_a_fixed_host_port_admits_one_task_an_instance() -> None:
    need = replace(SMALL, ports=frozenset({80}))
    instances, refused = fill([instance("i-1"), instance("i-2")], [need] * 3)
    assert counts(instances) == [1, 1]
    assert refused[0].reason.endswith("is already using a port required by your task.")


def test_the_agents_own_ports_are_taken() -> None:
    need = replace(SMALL, ports=frozenset({51678}))
    assert isinstance(place(need, WEB, [instance("i-1")], Rules()), Unplaced)


def test_another_processor_is_a_missing_attribute() -> None:
    found = place(replace(SMALL, architecture="ARM64"), WEB, [instance("i-1")], Rules())
    assert isinstance(found, Unplaced)
    assert found.reason.endswith("is missing an attribute required by your task.")


def test_a_draining_instance_gets_nothing() -> None:
    found = place(SMALL, WEB, [instance("i-1", draining=True)], Rules())
    assert isinstance(found, Unplaced)


def test_the_closest_instance_has_the_fewest_unmet_needs() -> None:
    far = instance("i-1", cpu=0, memory=0)
    near = instance("i-2", cpu=0)
    found = place(SMALL, WEB, [far, near], Rules())
    assert found == Unplaced(
        "The closest matching (container-instance ci-i-2) has insufficient CPU units available."
    )


def test_distinct_instances_hold_one_task_of_the_service_each() -> None:
    rules = Rules(constraints=(Constraint("distinctInstance"),))
    instances, refused = fill([instance("i-1"), instance("i-2")], [SMALL] * 3, rules)
    assert counts(instances) == [1, 1]
    assert len(refused) == 1


@pytest.mark.parametrize(
    ("expression", "zones"),
    [
        ("attribute:ecs.availability-zone == a", {"a"}),
        ("attribute:ecs.availability-zone != a", {"b", "c"}),
        ("attribute:ecs.availability-zone in [a, b]", {"a", "b"}),
        ("attribute:ecs.availability-zone not_in [a, b]", {"c"}),
        ("attribute:ecs.instance-type == t3.*", {"a", "b", "c"}),
        ("attribute:ecs.instance-type == t3xsmall", set()),
    ],
)
def test_an_expression_admits_the_instances_that_match(expression: str, zones: set[str]) -> None:
    rules = Rules(constraints=(Constraint("memberOf", expression),))
    assert problem_of(rules.constraints[0]) == ""
    all_three = [instance(f"i-{zone}", zone) for zone in "abc"]
    instances, _ = fill(all_three, [SMALL] * 6, rules)
    assert {each.zone for each in instances if each.tasks} == zones


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "task:group == web",
        "attribute:stack == prod",
        "attribute:ecs.os-type == linux and attribute:ecs.instance-type == t3.small",
        "attribute:ecs.instance-type in t3.small",
        "attribute:ecs.instance-type == [t3.small]",
    ],
)
def test_another_expression_is_refused_with_what_is_allowed(expression: str) -> None:
    problem = problem_of(Constraint("memberOf", expression))
    assert repr(expression) in problem
    assert "allowed here: attribute:NAME == VALUE" in problem


def test_other_strategies_are_refused_with_what_is_allowed() -> None:
    for good in (
        Strategy("spread", "instanceId"),
        Strategy("spread", "attribute:ecs.availability-zone"),
        Strategy("binpack", "cpu"),
        Strategy("random"),
    ):
        assert strategy_problem(good) == ""
    for bad in (Strategy("spread", "attribute:rack"), Strategy("binpack", "disk"), Strategy("x")):
        assert "allowed here: spread of instanceId" in strategy_problem(bad)


_NEEDS = st.builds(
    Need,
    cpu=st.integers(0, 1500),
    memory=st.integers(4, 1500),
    ports=st.frozensets(st.sampled_from((80, 443, 8080)), max_size=2),
    architecture=st.sampled_from(("X86_64", "ARM64")),
)
_INSTANCES = st.lists(
    st.builds(
        instance,
        st.uuids().map(str),
        st.sampled_from("abc"),
        cpu=st.integers(0, 3000),
        memory=st.integers(0, 3000),
        draining=st.booleans(),
    ),
    max_size=4,
    unique_by=lambda each: each.id,
)
_RULES = st.builds(
    Rules,
    strategies=st.lists(
        st.sampled_from(
            (
                Strategy("spread", "instanceId"),
                Strategy("spread", "attribute:ecs.availability-zone"),
                Strategy("binpack", "cpu"),
                Strategy("binpack", "memory"),
                Strategy("random"),
            )
        ),
        max_size=2,
    ).map(tuple),
    constraints=st.sampled_from(((), (Constraint("distinctInstance"),))),
)


@examples(150)
@given(_INSTANCES, st.lists(_NEEDS, max_size=12), _RULES)
def test_placement_never_exceeds_an_instance(
    instances: list[ContainerInstance], needs: list[Need], rules: Rules
) -> None:
    placed, refused = fill(instances, needs, rules)
    assert sum(counts(placed)) + len(refused) == len(needs)
    for each in placed:
        assert each.free_cpu >= min(each.cpu, 0)
        assert each.free_memory >= 0 or not each.tasks
        ports = [port for task in each.tasks for port in task.need.ports]
        assert len(ports) == len(set(ports)), "no port twice"
        assert not each.tasks or not each.draining
        if rules.constraints:
            assert len(each.tasks) <= 1
        assert all(task.need.architecture == each.architecture for task in each.tasks)


@examples(100)
@given(_INSTANCES, _NEEDS, _RULES)
def test_a_task_that_fits_somewhere_is_placed(
    instances: list[ContainerInstance], need: Need, rules: Rules
) -> None:
    found = place(need, WEB, instances, rules)
    fits = any(
        not each.draining
        and each.architecture == need.architecture
        and each.cpu >= need.cpu
        and each.memory >= need.memory
        for each in instances
    )
    assert isinstance(found, ContainerInstance) is fits
