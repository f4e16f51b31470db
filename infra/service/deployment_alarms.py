"""Interface between a service and the alarms that its deployments may set off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pulumi
    import pulumi_aws as aws


class DeploymentAlarms(Protocol):
    """Alarms on the errors and the latency of one service's requests."""

    @property
    def names(self) -> Sequence[str]:
        """Names of the alarms that a deployment is rolled back by; empty where none is."""

    def register_before_service(
        self, parent: pulumi.Resource, label: pulumi.Output[str]
    ) -> Sequence[aws.cloudwatch.MetricAlarm]:
        """Register the alarms as children of a component.

        Args:
            parent: The service's component.
            label: The suffixes of the ARNs of load balancer and target group.
        """
