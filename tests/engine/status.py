"""What `pulumi-local status` reports of a stack."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localaws.cli.status import fetch

if TYPE_CHECKING:
    from tests.engine.stack import Stack


def status_of(stack: Stack) -> dict[str, Any]:
    found = fetch(stack.directory)
    assert found is not None, "no daemon is running"
    return found


def tasks(stack: Stack, status: str = "RUNNING") -> list[dict[str, Any]]:
    """Tasks with a status, as `pulumi-local status` has them."""
    (service,) = status_of(stack)["services"]
    return [each for each in service["tasks"] if each["lastStatus"] == status]


def load_balancers(stack: Stack) -> list[dict[str, Any]]:
    """Load balancers as `pulumi-local status` has them."""
    return list(status_of(stack)["loadBalancers"])
