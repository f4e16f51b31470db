"""What somebody deletes behind the engine's back is noticed by a refresh, and made again by `up`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
import httpx
import pytest
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

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


def word(resource: dict[str, Any]) -> str:
    return str(resource["type"]).rpartition(":")[2]


def of_aws(stack: Stack) -> list[dict[str, Any]]:
    """Resources in the state, in the order in which they were made."""
    return [each for each in stack.resources() if each["type"].startswith("aws:")]


def delete(stack: Stack, resources: Iterable[dict[str, Any]]) -> None:
    """Delete them as somebody at AWS's console would, from the last one to the first."""
    with grpc.insecure_channel(f"127.0.0.1:{stack.address.aws_port}") as channel:
        provider = provider_pb2_grpc.ResourceProviderStub(channel)
        for each in reversed(list(resources)):
            provider.Delete(provider_pb2.DeleteRequest(urn=each["urn"], id=each["id"], timeout=30), timeout=60)


@pytest.mark.parametrize("case", CASES)
def test_what_vanished_is_noticed_by_refresh_and_healed_by_up(stack: Stack, case: str) -> None:
    before = of_aws(stack)
    assert set(map(word, before)) >= CASES[case]
    gone = [each for each in before if word(each) in CASES[case] or not CASES[case]]
    delete(stack, gone)
    if case == "ways to the tasks":
        assert httpx.get(stack.outputs()["serviceUrl"], trust_env=False).status_code == httpx.codes.NOT_FOUND
    refreshed = operations(stack.run("refresh", "--yes", "--non-interactive", "--skip-preview"))
    assert refreshed["deleted"] == len(gone)
    healed = operations(stack.up())
    assert healed["created"] + healed["imported"] >= len(gone)
    assert sorted(map(word, of_aws(stack))) == sorted(map(word, before))
    url = stack.outputs()["serviceUrl"]
    assert httpx.get(url, trust_env=False).status_code == httpx.codes.OK
    assert len(tasks(url)) == 2
    stack.run("preview", "--non-interactive", "--expect-no-changes")
