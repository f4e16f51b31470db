"""The tasks' routes to AWS by endpoints under the real engine: they come, work and are deleted.

No traffic goes through endpoints here; that AWS would accept them, in this order, is what is shown.
test_stopped_runs.py has gateways. The same stack has an access log that goes with it.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from localaws.mocks.urns import STACK
from tests.engine.images import OF_ECR
from tests.engine.requests import get
from tests.engine.stack import operations, runs_containers
from tests.engine.status import load_balancers

if TYPE_CHECKING:
    from tests.engine.stack import Stack

ENDPOINTS: dict[str, Any] = {
    "network": "endpoints",
    "image": OF_ECR,
    "internal": "true",
    "egress": ["10.0.0.0/8:5432"],
}
LOGGED: dict[str, Any] = {"accessLogs": "true", "emptyLogsOnDestroy": "true"}


def page(stack: Stack) -> str:
    """What the internal load balancer answers, only within its VPC where there is one."""
    if not runs_containers():
        return get(f"http://{stack.outputs()['albDns']}").text
    (found,) = load_balancers(stack)
    assert found["publicAddress"] == ""
    address = found["addresses"].split(",")[0]
    return stack.run("internet", "--from", "vpc", "--", "curl", "-sS", "-m5", f"http://{address}")


def test_a_network_with_endpoints_comes_up_answers_and_goes_with_its_access_log(
    empty_stack: Stack,
) -> None:
    """A destroy empties the log's bucket where a deployment has configured that."""
    config = {**ENDPOINTS, **LOGGED}
    empty_stack.up(**config)
    kinds = Counter(each["type"].rpartition(":")[2] for each in empty_stack.resources())
    expected = {"NatGateway": 0, "VpcEndpoint": 6, "SecurityGroup": 3}
    assert {kind: kinds[kind] for kind in expected} == expected
    assert "Hello from ip-10-0-" in page(empty_stack)
    assert not operations(empty_stack.up(**config)).keys() - {"unchanged"}
    empty_stack.destroy()
    assert {each["type"] for each in empty_stack.resources()} <= {STACK}
    left = Counter(each.token for each in empty_stack.made())
    assert left == {"aws:cloudwatch/logGroup:LogGroup": 2}
