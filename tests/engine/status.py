"""What `pulumi-local status` reports of a stack."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localaws.cli.status import fetch

if TYPE_CHECKING:
    from tests.engine.stack import Stack


def status_of(stack: Stack) -> dict[str, Any]:
    """Return everything that `pulumi-local status --json` prints."""
    found = fetch(stack.directory)
    assert found is not None, "no daemon is running"
    return found


def tasks(stack: Stack, status: str = "RUNNING") -> list[dict[str, Any]]:
    """Return the tasks of the only service that have a status."""
    (service,) = status_of(stack)["services"]
    return [each for each in service["tasks"] if each["lastStatus"] == status]


def load_balancers(stack: Stack) -> list[dict[str, Any]]:
    """Return the load balancers."""
    return list(status_of(stack)["loadBalancers"])
