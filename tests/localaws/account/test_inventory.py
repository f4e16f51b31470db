"""The inventory's indexes find the same resources as a scan of all resources."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from localaws.account.inventory import Inventory
from localaws.catalog import CATALOG, Resource
from localaws.catalog.properties import values_at

RULE = "aws:lb/listenerRule:ListenerRule"
GROUP = "aws:lb/targetGroup:TargetGroup"
VPC = "aws:ec2/vpc:Vpc"
CLUSTER = "aws:ecs/cluster:Cluster"
TARGETS = "actions[].forward.targetGroups[].arn"


def resource(token: str, identifier: str, urn: str = "", **inputs: Any) -> Resource:
    return Resource(token, identifier, urn, "eu-west-1", inputs, {})


def rule(identifier: str, *groups: object) -> Resource:
    return resource(
        RULE,
        identifier,
        actions=[{"forward": {"targetGroups": [{"arn": each} for each in groups]}}],
    )


VALUES = st.sampled_from(["a", "b", 1, 1.0, None, {"c": 1}])
STEPS = st.lists(st.tuples(st.sampled_from("12345"), st.none() | st.lists(VALUES, max_size=3)))


@given(STEPS)
def test_an_index_finds_the_same_as_a_full_scan(
    steps: list[tuple[str, list[object] | None]],
) -> None:
    inventory = Inventory()
    plain = dict[str, Resource]()
    for identifier, values in steps:
        if values is not None:
            plain[identifier] = rule(identifier, *values)
            inventory.put(plain[identifier])
        elif gone := plain.pop(identifier, None):
            inventory.drop(gone)
        for value in ("a", "b", 1):
            expected = [
                each for each in plain.values() if value in values_at(each.outputs, TARGETS)
            ]
            assert inventory.where(RULE, TARGETS, value) == expected
        assert inventory.all(RULE) == list(plain.values())


def test_a_search_for_a_map_or_none_finds_nothing() -> None:
    inventory = Inventory()
    inventory.put(resource(VPC, "vpc-1", tags={"a": "b"}))
    assert [
        *inventory.where(VPC, "tags", {"a": "b"}),
        *inventory.where(VPC, "cidrBlock", None),
    ] == []


def test_a_resource_is_found_by_its_import_id_until_it_is_removed() -> None:
    inventory = Inventory()
    cluster = resource(CLUSTER, "arn:aws:ecs:::cluster/web", name="web")
    inventory.put(cluster)
    assert inventory.by_import_id(CLUSTER, "web") == cluster
    assert inventory.by_import_id("aws:sqs/queue:Queue", "web") is None
    inventory.drop(cluster)
    assert inventory.by_import_id(CLUSTER, "web") is None


def test_referring_resources_are_found_by_the_kind_of_their_reference() -> None:
    inventory = Inventory()
    group = resource(GROUP, "arn:g")
    forward = rule("r", "arn:g")
    other = rule("s", "arn:h")
    for each in (forward, group, other):
        inventory.put(each)
    assert inventory.referring(group, "held") == [forward]
    assert inventory.referring(group, "gone") == []
    inventory.put(rule("r", "arn:h"))
    assert inventory.referring(group, "held") == []


def test_every_reference_names_a_type_of_the_catalog() -> None:
    for token, kind in CATALOG.items():
        for reference in kind.references:
            assert reference.token in CATALOG, (token, reference.property)
