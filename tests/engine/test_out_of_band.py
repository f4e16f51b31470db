"""A refresh notices resources that were deleted outside of Pulumi, and `up` recreates them.

All at once are deleted in test_fuller_stacks.py, from stacks that have each type that this one has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from tests.engine.out_of_band import delete, kind, of_aws, restore
from tests.engine.requests import get
from tests.engine.stack import runs_containers
from tests.engine.traffic import tasks

if TYPE_CHECKING:
    from tests.engine.stack import Stack

CASES = {
    "ways to the tasks and what they run with": {
        *("ListenerRule", "SecurityGroupIngressRule", "SecurityGroupEgressRule"),
        *("Route", "RouteTableAssociation", "DefaultSecurityGroup"),
        *("TaskDefinition", "RolePolicy", "Role", "LogGroup"),
    },
    "the service and its cluster": {"Service", "Cluster"},
    "the load balancer": {"ListenerRule", "Listener", "TargetGroup", "LoadBalancer"},
}
"""Types that go at once, the last made first."""


@pytest.mark.parametrize("case", CASES)
def test_what_vanished_is_noticed_by_refresh_and_restored_by_up(stack: Stack, case: str) -> None:
    before = of_aws(stack)
    assert set(map(kind, before)) >= CASES[case]
    gone = [each for each in before if kind(each) in CASES[case]]
    delete(stack, gone)
    if "ways" in case:
        url = stack.outputs()["serviceUrl"]
        if runs_containers():
            with pytest.raises(httpx.ConnectTimeout):  # no rule admits clients any more
                get(url)
        else:
            assert get(url).status_code == httpx.codes.NOT_FOUND
    restore(stack, before, gone)
    url = stack.outputs()["serviceUrl"]
    assert get(url).status_code == httpx.codes.OK
    assert len(tasks(url)) == 2
