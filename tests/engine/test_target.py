"""A part of the stack may be deployed by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.engine.stack import Stack

CLUSTER = "**:index:Cluster**"
"""The component and all that is in it, as none of it comes without the rest."""


MOST_PARTS: dict[str, Any] = {
    "alarms": True,
    "maxLatencySeconds": "2",
    "rollbackOnAlarms": True,
    "dashboard": True,
    "alarmEmails": ["ops@example.com"],
    "alarmSlackChannel": "T0123456789/C0123456789",
    "accessLogs": True,
    "flowLogs": "reject",
    "waf": "count",
    "network": "nat",
    "build": "tests/infra/app",
    "command": ["serve"],
    "domain": "shop.example.com",
    "hostedZone": "example.com",
    "services": {
        "web": {"maxCount": 4, "targetRequestsPerMinute": 600},
        "instances": {"capacity": "ec2", "paths": ["/instances/*"]},
    },
}
"""What is made of outputs of other resources, which don't exist under --target."""


def test_a_part_comes_first_and_the_rest_later(empty_stack: Stack) -> None:
    """Of a stack with most parts, and then of the plain one, whose rest comes."""
    for config in (MOST_PARTS, {}):
        empty_stack.up("--target", CLUSTER, **config)
        assert empty_stack.outputs()["clusterName"] == "ecs-cluster-local"
    assert not [value for value in empty_stack.outputs().values() if "None" in str(value)], (
        "exported as if it existed"
    )

    empty_stack.up()
    outputs = empty_stack.outputs()
    assert outputs["serviceUrl"] == f"http://{outputs['albDns']}"
