"""Deploy what a cluster runs tasks on: its capacity providers, and the stack's instances."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi

from infra.cluster.capacity import CapacityProviders, CapacityProvidersArgs
from infra.cluster.instances import Instances, InstancesArgs
from infra.group_rules import VpcEndpoints
from infra.service.capacity import ON_FARGATE, Capacity, on_instances, on_spot

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infra.aws.environment import AwsEnvironment
    from infra.cluster.cluster import Cluster
    from infra.edge.ingress import LoadBalancedIngress
    from infra.network.endpoints import PrivateEndpoints
    from infra.network.vpc import Network
    from infra.settings import Settings
    from infra.settings.service import ServiceSettings


@dataclass(frozen=True, kw_only=True)
class ClusterCapacity:
    """What a cluster runs tasks on."""

    instances: Instances | None
    """The stack's instances; None if no service uses them."""

    providers: CapacityProviders | None
    """The cluster's capacity providers; None if every service runs on Fargate."""

    def of(self, service: ServiceSettings) -> Capacity:
        """Return the capacity of one service."""
        chosen = service.capacity
        if chosen.on_instances and self.instances and self.providers:
            return on_instances(
                provider=self.instances.provider_name, association=self.providers.association
            )
        if chosen.spot and self.providers:
            return on_spot(
                on_demand_base=chosen.on_demand_base, association=self.providers.association
            )
        return ON_FARGATE


def deploy_capacity(  # noqa: PLR0917 — one for each area that instances depend on
    settings: Settings,
    environment: AwsEnvironment,
    network: Network,
    endpoints: PrivateEndpoints | None,
    cluster: Cluster,
    ingress: LoadBalancedIngress,
) -> ClusterCapacity:
    """Register the capacity providers that services name, and the instances of one of them."""
    instances = None
    if settings.services_on_instances:
        instances = _instances(settings, environment, network, endpoints, cluster, ingress)
    providers = None
    if instances or any(service.capacity.spot for service in settings.services):
        providers = CapacityProviders(
            "capacity",
            CapacityProvidersArgs(
                cluster_name=cluster.cluster_name,
                instances_provider=instances.provider_name if instances else None,
            ),
        )
    return ClusterCapacity(instances=instances, providers=providers)


def vpc_endpoints(endpoints: PrivateEndpoints | None) -> VpcEndpoints | None:
    """Return the endpoints in the form that rules of security groups need."""
    if endpoints is None:
        return None
    return VpcEndpoints(
        security_group_id=endpoints.security_group_id, prefix_list_id=endpoints.s3_prefix_list_id
    )


def _instances(  # noqa: PLR0917 — as `deploy_capacity`
    settings: Settings,
    environment: AwsEnvironment,
    network: Network,
    endpoints: PrivateEndpoints | None,
    cluster: Cluster,
    ingress: LoadBalancedIngress,
) -> Instances:
    chosen = settings.instances
    return Instances(
        "instances",
        InstancesArgs(
            aws_environment=environment,
            cluster_name=cluster.cluster_name,
            vpc_id=network.vpc_id,
            subnet_ids=network.task_subnet_ids,
            ways_out=_ways_out(network, endpoints),
            endpoints=vpc_endpoints(endpoints),
            egress=settings.network.egress,
            front_end_security_group_id=ingress.security_group_id,
            instance_type=chosen.instance_type,
            cpu_architecture=chosen.type.cpu_architecture,
            min_instances=chosen.min_instances,
            max_instances=chosen.max_instances,
            volume_gib=chosen.instance_volume_gib,
            target_capacity_percent=chosen.target_capacity_percent,
            reserved_mib=chosen.instance_reserved_mib,
            permissions_boundary_arn=settings.keys.permissions_boundary_arn,
            tags=settings.tags,
        ),
    )


def _ways_out(
    network: Network, endpoints: PrivateEndpoints | None
) -> pulumi.Output[Sequence[pulumi.Input[pulumi.Resource]]]:
    """Return what an instance reaches ECS through: routes, and endpoints if there are any."""
    of_endpoints = endpoints.resources if endpoints else ()
    return pulumi.Output.from_input(network.routes).apply(lambda routes: [*routes, *of_endpoints])
