"""A part of the stack may be deployed by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.engine.stack import Stack

CLUSTER = "**:index:Cluster**"
"""The component and all that is in it, as none of it comes without the rest."""


def test_a_part_comes_first_and_the_rest_later(empty_stack: Stack) -> None:
    empty_stack.up("--target", CLUSTER)
    assert empty_stack.outputs()["clusterName"] == "ecs-cluster-local"
    assert not [value for value in empty_stack.outputs().values() if "None" in str(value)], (
        "exported as if it existed"
    )

    empty_stack.up()
    outputs = empty_stack.outputs()
    assert outputs["serviceUrl"] == f"http://{outputs['albDns']}"
