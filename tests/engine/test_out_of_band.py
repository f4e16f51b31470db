"""A refresh notices resources that were deleted outside of Pulumi, and `up` recreates them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
import httpx
import pytest
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from localaws.mocks import word
from tests.engine.requests import get
from tests.engine.stack import WITHOUT_ASKING, runs_containers, settings
from tests.engine.test_lifecycle import operations, tasks

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.engine.stack import Stack

CASES = {
    "ways to the tasks": {
        *("ListenerRule", "SecurityGroupIngressRule", "SecurityGroupEgressRule"),
        *("Route", "RouteTableAssociation", "DefaultSecurityGroup"),
    },
    "what tasks run with": {"TaskDefinition", "RolePolicy", "Role", "LogGroup"},
    "the service and its cluster": {"Service", "Cluster"},
    "the load balancer": {"ListenerRule", "Listener", "TargetGroup", "LoadBalancer"},
    "everything": set[str](),
}
"""Types that go at once, the last made first; an empty set stands for all of them."""


def kind(resource: dict[str, Any]) -> str:
    return word(resource["type"])


def of_aws(stack: Stack) -> list[dict[str, Any]]:
    """Resources in the state, in the order in which they were made."""
    return [each for each in stack.resources() if each["type"].startswith("aws:")]


def delete(stack: Stack, resources: Iterable[dict[str, Any]]) -> None:
    """Delete them as a user of AWS's console would, from the last one to the first."""
    with grpc.insecure_channel(f"127.0.0.1:{stack.address.aws_port}") as channel:
        provider = provider_pb2_grpc.ResourceProviderStub(channel)
        for each in reversed(list(resources)):
            provider.Delete(
                provider_pb2.DeleteRequest(urn=each["urn"], id=each["id"], timeout=30), timeout=60
            )


@pytest.mark.parametrize("case", CASES)
def test_what_vanished_is_noticed_by_refresh_and_restored_by_up(stack: Stack, case: str) -> None:
    before = of_aws(stack)
    assert set(map(kind, before)) >= CASES[case]
    gone = [each for each in before if kind(each) in CASES[case] or not CASES[case]]
    delete(stack, gone)
    if case == "ways to the tasks":
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


def restore(
    stack: Stack, before: list[dict[str, Any]], gone: list[dict[str, Any]], **config: Any
) -> None:
    """Refresh and deploy; check that the same resources exist again and nothing is left to do."""
    refreshed = operations(stack.run("refresh", *WITHOUT_ASKING, *settings(config)))
    assert refreshed["deleted"] == len(gone)
    restored = operations(stack.up(**config))
    assert restored["created"] + restored["imported"] >= len(gone)
    assert sorted(map(kind, of_aws(stack))) == sorted(map(kind, before))
    stack.needs_nothing(**config)
