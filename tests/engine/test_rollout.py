"""`pulumi up` tells the truth about a deployment: what failed stays failed until it is mended, and says how.

Under the real engine against the local AWS. What AWS itself words differently is in docs/deployments.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.engine.test_rollback import MISSING, service_of

if TYPE_CHECKING:
    from tests.engine.stack import Stack

MISSING_SECRET = ("-c", f'fargate-web:secrets={{"APP_MESSAGE":"{MISSING}"}}')


def test_a_deployment_that_was_rolled_back_stays_failed_until_the_program_goes_back(stack: Stack) -> None:
    good = service_of(stack)["taskDefinition"]
    told = stack.up(*MISSING_SECRET, fails=True)
    wanted = told.partition("wanted: ")[2].splitlines()[0].strip()
    assert wanted.startswith("local-web:")
    assert f"running: {good.rpartition('/')[2]}" in told
    assert f"likely cause: There is no SSM parameter {MISSING}" in told
    assert "aws logs tail /aws/ecs/ecs-cluster-local/local-web" in told
    for _ in range(2):  # the first repairs what the engine noted as half done, the second finds nothing to do
        again = stack.up(*MISSING_SECRET, fails=True)
        assert "doesn't run what this stack asked for: ECS rolled it back" in again
        assert f"wanted:  {wanted}" in again
        assert "pulumi up --refresh" in again
    stack.run("preview", "--non-interactive", *MISSING_SECRET)
    stack.up()
    assert service_of(stack)["runningCount"] == 2
    stack.up("--expect-no-changes")
