"""Deploy what a cluster runs tasks on: its capacity providers, and the stack's instances."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi

from infra.cluster.capacity import CapacityProviders, CapacityProvidersArgs
from infra.cluster.instances import Instances, InstancesArgs
from infra.service.capacity import ON_FARGATE, Capacity, on_instances, on_spot

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infra.program.areas import Areas
    from infra.settings.service import ServiceSettings


@dataclass(kw_only=True)
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


def deploy_capacity(areas: Areas) -> ClusterCapacity:
    """Register the capacity providers that services name, and the instances of one of them."""
    settings, cluster = areas.settings, areas.cluster
    instances = None
    if settings.services_on_instances:
        instances = _instances(areas)
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


def _instances(areas: Areas) -> Instances:
    settings, network = areas.settings, areas.network
    chosen = settings.instances
    return Instances(
        "instances",
        InstancesArgs(
            aws_environment=areas.environment,
            cluster_name=areas.cluster.cluster_name,
            vpc_id=network.vpc_id,
            subnet_ids=network.task_subnet_ids,
            paths_to_aws=_paths_to_aws(areas),
            endpoints=areas.vpc_endpoints,
            egress=settings.network.egress,
            front_end_security_group_id=areas.ingress.security_group_id,
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


def _paths_to_aws(areas: Areas) -> pulumi.Output[Sequence[pulumi.Input[pulumi.Resource]]]:
    """Return what an instance reaches ECS through: routes, and endpoints if there are any."""
    endpoints = areas.endpoints.resources if areas.endpoints else ()
    return pulumi.Output.from_input(areas.network.routes).apply(
        lambda routes: [*routes, *endpoints]
    )
