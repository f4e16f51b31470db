"""A part of the stack is deployed first, the rest with protection, and all is destroyed at last.

In test_network.py, the bucket of an access log goes with its stack.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from tests.engine.stack import Stack

if TYPE_CHECKING:
    from collections.abc import Iterator

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


LOGGED: dict[str, Any] = {"accessLogs": True, "waf": "block"}

GUARDS = (
    "bucketPublicAccessBlock:BucketPublicAccessBlock",
    "bucketOwnershipControls:BucketOwnershipControls",
    "bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
    "bucketVersioning:BucketVersioning",
    "bucketLifecycleConfiguration:BucketLifecycleConfiguration",
    "bucketPolicy:BucketPolicy",
)


@pytest.fixture(scope="module")
def protected(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack without resources, which the first test deploys with protection."""
    stack = Stack(tmp_path_factory.mktemp("state"))
    yield stack
    stack.run("stop")


def test_a_part_comes_first_and_the_rest_later(protected: Stack) -> None:
    """Of a stack with most parts, and then of the plain one, whose rest comes."""
    for config in (MOST_PARTS, {}):
        protected.up("--target", CLUSTER, **config)
        outputs = protected.outputs()
        assert outputs["clusterName"] == "ecs-cluster-local"
        assert outputs["serviceUrl"] == ""
        assert not {"albDns", "targetGroupArn"} & outputs.keys()
        for service in outputs.get("services", {}).values():
            assert service["targetGroupArn"] is None
    assert not [value for value in protected.outputs().values() if "None" in str(value)], (
        "exported as if it existed"
    )

    protected.up(deletionProtection=True, **LOGGED)
    outputs = protected.outputs()
    assert outputs["serviceUrl"] == f"http://{outputs['albDns']}"


def test_a_protected_stack_is_destroyed_in_two_steps_and_its_logs_stay(protected: Stack) -> None:
    before = len(protected.resources())
    refusal = protected.run("destroy", "--yes", "--non-interactive", fails=True)
    assert "protected" in refusal, refusal
    assert len(protected.resources()) == before, (
        "the preview stopped it before anything was deleted"
    )
    protected.up(deletionProtection=False, **LOGGED)
    protected.destroy()
    assert Counter(each.token for each in protected.made()) == {
        "aws:cloudwatch/logGroup:LogGroup": 3,
        "aws:s3/bucket:Bucket": 1,
        **{f"aws:s3/{guard}": 1 for guard in GUARDS},
    }, "the bucket stays with all that guards it"
