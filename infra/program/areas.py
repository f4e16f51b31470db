"""What a stack has once, and its services and instances are deployed into."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from infra.group_rules import VpcEndpoints

if TYPE_CHECKING:
    from infra.aws.environment import AwsEnvironment
    from infra.cluster.cluster import Cluster
    from infra.edge.ingress import LoadBalancedIngress
    from infra.network.endpoints import PrivateEndpoints
    from infra.network.vpc import Network
    from infra.program.log_groups import LogGroups
    from infra.settings import Settings


@dataclass(kw_only=True)
class Areas:
    """The deployed areas of a stack, and what they were deployed with."""

    settings: Settings
    environment: AwsEnvironment
    log_groups: LogGroups
    network: Network
    endpoints: PrivateEndpoints | None
    """The VPC endpoints; None unless tasks reach AWS only through these."""

    cluster: Cluster
    ingress: LoadBalancedIngress

    @property
    def vpc_endpoints(self) -> VpcEndpoints | None:
        """The endpoints in the form that rules of security groups need."""
        if self.endpoints is None:
            return None
        return VpcEndpoints(
            security_group_id=self.endpoints.security_group_id,
            prefix_list_id=self.endpoints.s3_prefix_list_id,
        )
