"""A protected stack under the real engine: it is destroyed only by the manual's steps.

In test_network.py, the bucket of an access log goes with its stack.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.engine.stack import Stack

GUARDS = (
    "bucketPublicAccessBlock:BucketPublicAccessBlock",
    "bucketOwnershipControls:BucketOwnershipControls",
    "bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
    "bucketVersioning:BucketVersioning",
    "bucketLifecycleConfiguration:BucketLifecycleConfiguration",
    "bucketPolicy:BucketPolicy",
)


def test_a_protected_stack_is_destroyed_in_two_steps_and_its_logs_stay(empty_stack: Stack) -> None:
    empty_stack.up(deletionProtection="true", accessLogs="true", waf="block")
    before = len(empty_stack.resources())
    refusal = empty_stack.run("destroy", "--yes", "--non-interactive", fails=True)
    assert "protected" in refusal, refusal
    assert len(empty_stack.resources()) == before, (
        "the preview stopped it before anything was deleted"
    )
    empty_stack.up(deletionProtection="false", accessLogs="true", waf="block")
    empty_stack.destroy()
    assert Counter(each.token for each in empty_stack.made()) == {
        "aws:cloudwatch/logGroup:LogGroup": 3,
        "aws:s3/bucket:Bucket": 1,
        **{f"aws:s3/{guard}": 1 for guard in GUARDS},
    }, "the bucket stays with all that guards it"
