"""A change of a key has exactly the documented effect, as far as the catalog can tell.

tests/engine/test_config_changes.py shows that the real engine comes to the same.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.infra import recorder
from tests.infra.changes import (
    ELSEWHERE,
    EXAMPLES,
    NEVER,
    REFUSED,
    as_documented,
    documented,
    keys,
    promised,
)
from tests.infra.effects import before, effect

pytestmark = pytest.mark.slow  # the program runs for each key


def test_every_key_has_an_example_of_its_change() -> None:
    assert EXAMPLES.keys() | ELSEWHERE == keys(), (
        "add a line to EXAMPLES, in tests/infra/changes.py"
    )
    assert documented().keys() == keys()


def test_the_manual_states_which_changes_are_refused() -> None:
    never = {key for key, text in documented().items() if text.startswith(NEVER)}
    assert never == REFUSED | {"vpcId", "vpcTags"}
    assert {key for key in never if "refused before anything changes" in documented()[key]} == never


@pytest.mark.parametrize("key", sorted(REFUSED))
def test_a_change_that_cannot_work_is_refused_before_anything_changes(key: str) -> None:
    example = EXAMPLES[key]
    deployed = recorder.deployed("dev", **example.given)
    changes = {**example.given, key: example.value}
    refusal = recorder.refusal_of("dev", cloud=deployed.cloud, **changes)
    assert [problem.key for problem in refusal.problems] == [key]


@pytest.mark.parametrize("key", sorted(EXAMPLES.keys() - REFUSED))
def test_a_change_has_the_documented_operations(key: str) -> None:
    done = effect(key).done
    assert promised(key) == done, (
        f"docs/config.md must begin {key}'s last column with: {as_documented(done)}"
    )


def test_the_same_configuration_changes_nothing() -> None:
    assert recorder.run("dev", after=before("plain")).done() == set()


@pytest.fixture(scope="module")
def owner() -> recorder.Recording:
    """An account with a network of public and private subnets in three zones."""
    return recorder.run("owner", file="dev", network="nat", availabilityZoneCount=3)


@pytest.mark.parametrize("key", ["subnetIds", "subnetTags", "taskSubnetIds", "taskSubnetTags"])
def test_a_change_of_subnets_in_an_existing_vpc_has_the_documented_operations(
    owner: recorder.Recording, key: str
) -> None:
    vpc = recorder.made(owner.cloud, recorder.VPC)[0]
    subnets = recorder.made(owner.cloud, recorder.SUBNET)
    public: list[str] = []
    private: list[str] = []
    for subnet in subnets:
        if subnet.outputs["tags"]["SubnetType"] == "Public":
            public.append(subnet.id)
        else:
            private.append(subnet.id)
    common: dict[str, Any] = {
        "vpcId": vpc.id,
        "network": "nat" if key.startswith("task") else "public",
    }
    moves: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
        "subnetIds": ({"subnetIds": public[:2]}, {"subnetIds": public[1:]}),
        "subnetTags": ({"subnetIds": public[:2]}, {"subnetTags": {"SubnetType": "Public"}}),
        "taskSubnetIds": ({"taskSubnetIds": private[:2]}, {"taskSubnetIds": private[1:]}),
        "taskSubnetTags": (
            {"taskSubnetIds": private[:2]},
            {"taskSubnetTags": {"SubnetType": "Private"}},
        ),
    }
    first, then = moves[key]
    made = recorder.run(key, file="dev", cloud=owner.cloud, **common, **first)
    done = recorder.run(key, file="dev", after=made, **common, **then).done()
    assert promised(key) == done, (
        f"docs/config.md must begin {key}'s last column with: {as_documented(done)}"
    )
