"""Interface between a service and the front end through which its requests come."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pulumi


class Connection(Protocol):
    """A service's membership in a front end, before any request comes through it."""

    @property
    def target_group_arn(self) -> pulumi.Output[str] | None:
        """Target group that the tasks join; None where the front end has none."""

    @property
    def request_label(self) -> pulumi.Output[str] | None:
        """Name by which requests to the tasks are counted; None where there is no target group."""

    @property
    def prerequisites(self) -> Sequence[pulumi.Resource]:
        """Resources that the ECS service waits for, and that are deleted after it."""

    def route_requests(
        self, *, after: Sequence[pulumi.Resource], hooks: pulumi.ResourceHookBinding
    ) -> Sequence[pulumi.Resource]:
        """Route requests to the service.

        Args:
            after: Resources that must exist first: the ECS service.
            hooks: Hooks that fail while the service isn't ready for requests.

        Returns:
            The resources that let requests reach the service.
        """


class FrontEnd(Protocol):
    """Where clients' requests enter, and how they are routed to one service."""

    @property
    def security_group_id(self) -> pulumi.Input[str]:
        """Security group from which requests reach the tasks."""

    @property
    def service_suffix(self) -> str:
        """Suffix of the ECS service's name.

        Front ends that can replace each other need different suffixes, so that a change of the
        front end creates another ECS service. One that was updated in place would leave the old
        front end while clients still use it.
        """

    def connect(self, service: pulumi.Resource, *, target_type: str) -> Connection:
        """Register the resources of a service's membership as children of that component.

        `target_type` is how tasks are known: `ip` by their own addresses, `instance` by their
        instance and its host port.
        """
