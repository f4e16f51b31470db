"""The capacity providers of a cluster."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pulumi
import pulumi_aws as aws

if TYPE_CHECKING:
    from collections.abc import Sequence

_FARGATE: Final = ("FARGATE", "FARGATE_SPOT")


@dataclass(kw_only=True)
class CapacityProvidersArgs:
    """Arguments of CapacityProviders."""

    cluster_name: pulumi.Input[str]
    """Cluster that gets the providers."""

    instances_provider: pulumi.Input[str] | None
    """Capacity provider of the stack's instances; None without instances."""


class CapacityProviders(pulumi.ComponentResource):
    """The association of a cluster with capacity providers, which services name in strategies.

    Fargate's providers are always among them: while a service moves from one capacity to another,
    the cluster needs the providers of both.
    """

    provider_names: pulumi.Output[Sequence[str] | None]
    """Names of the capacity providers."""

    association: pulumi.Resource
    """The association. Services with a strategy depend on it: ECS refuses a provider that the
    cluster doesn't have.
    """

    def __init__(
        self, name: str, args: CapacityProvidersArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("fargate-web:index:CapacityProviders", name, None, opts)
        providers: list[pulumi.Input[str]] = list(_FARGATE)
        if args.instances_provider is not None:
            providers.append(args.instances_provider)
        # The cluster has no default strategy. ECS would copy it into services that name none, and
        # every later update of such a service would fail (terraform-provider-aws, issue 44776).
        association = aws.ecs.ClusterCapacityProviders(
            name,
            cluster_name=args.cluster_name,
            capacity_providers=providers,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.association = association
        self.provider_names = association.capacity_providers
        self.register_outputs({"providerNames": self.provider_names})
