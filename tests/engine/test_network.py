"""The tasks' routes to AWS under the real engine: each is created, works and is deleted.

No traffic goes through gateways and endpoints here; that AWS would accept them, in this order, is
what is shown.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from localaws.mocks.urns import STACK
from tests.engine.images import OF_ECR
from tests.engine.requests import get
from tests.engine.stack import operations, runs_containers

if TYPE_CHECKING:
    from tests.engine.stack import Stack

NAT = {"network": "nat-per-zone", "dualStack": "true", "flowLogs": "all", "ecsExec": "false"}
ENDPOINTS = {
    "network": "endpoints",
    "image": OF_ECR,
    "internal": "true",
    "egress": ["10.0.0.0/8:5432"],
}


def page(stack: Stack, *, internal: bool) -> str:
    """What the load balancer answers; an internal one only within its VPC, where there is one."""
    if not (internal and runs_containers()):
        return get(f"http://{stack.outputs()['albDns']}").text
    (found,) = json.loads(stack.run("status", "--json"))["loadBalancers"]
    assert found["publicAddress"] == ""
    address = found["addresses"].split(",")[0]
    return stack.run("internet", "--from", "vpc", "--", "curl", "-sS", "-m5", f"http://{address}")


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (
            NAT,
            {
                "NatGateway": 2,
                "Eip": 2,
                "EgressOnlyInternetGateway": 1,
                "FlowLog": 1,
                "VpcEndpoint": 0,
            },
        ),
        (ENDPOINTS, {"NatGateway": 0, "VpcEndpoint": 6, "SecurityGroup": 3}),
    ],
    ids=["gateways", "endpoints"],
)
def test_a_private_network_comes_up_answers_and_goes(
    empty_stack: Stack, config: dict[str, Any], expected: dict[str, int]
) -> None:
    empty_stack.up(**config)
    kinds = Counter(each["type"].rpartition(":")[2] for each in empty_stack.resources())
    assert {kind: kinds[kind] for kind in expected} == expected
    assert "Hello from ip-10-0-" in page(empty_stack, internal="internal" in config)
    assert not operations(empty_stack.up(**config)).keys() - {"unchanged"}
    empty_stack.destroy()
    assert {each["type"] for each in empty_stack.resources()} <= {STACK}
