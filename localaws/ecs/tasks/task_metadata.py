"""Describe a task for the metadata endpoint, by which programs learn about their own task."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localaws.catalog.ec2.network import SUBNET
from localaws.catalog.partitions import partition_of
from localaws.ecs.task_definition import container_id
from localaws.vpc.metadata import ContainerDescription, TaskDescription

if TYPE_CHECKING:
    from collections.abc import Mapping

    from localaws.catalog.account import Account
    from localaws.ecs.tasks.runtime import ContainerSpec, TaskSpec
    from localaws.ecs.tasks.task_network import TaskNetworking


def describe(
    spec: TaskSpec, network: TaskNetworking, digests: Mapping[str, str], account: Account
) -> TaskDescription:
    """Return a task as the endpoint shows it.

    Args:
        spec: The task.
        network: What connects its containers.
        digests: The digest of each container's image, by the container's name.
        account: Where its subnet is.
    """
    interface = network.interface
    subnet = account.get(SUBNET, interface.subnet)
    region = subnet.region if subnet else ""
    shown = dict(subnet.outputs) if subnet else {}
    cluster = spec.cluster.rpartition("/")[2]
    resource = f"ecs:{region}:{account.account_id}:task/{cluster}/{spec.id}"
    return TaskDescription(
        arn=f"arn:{partition_of(region).name}:{resource}",
        cluster=spec.cluster,
        family=spec.family,
        revision=spec.revision,
        zone=str(shown.get("availabilityZone") or ""),
        vpc=interface.vpc,
        address=interface.address,
        cidr=str(shown.get("cidrBlock") or ""),
        ipv6=interface.ipv6,
        ipv6_cidr=str(shown.get("ipv6CidrBlock") or ""),
        cpu=spec.cpu,
        memory=spec.memory,
        role=spec.role,
        containers=tuple(
            _container(each, spec, network, digests.get(each.name, "")) for each in spec.containers
        ),
        launch_type="EC2" if spec.instance else "FARGATE",
    )


def _container(
    container: ContainerSpec, spec: TaskSpec, network: TaskNetworking, digest: str
) -> ContainerDescription:
    on_instance = bool(spec.instance)
    return ContainerDescription(
        name=container.name,
        image=container.image,
        image_digest=digest,
        cpu=container.cpu,
        memory=container.memory,
        runtime_id=container_id(spec.id, container.name) if on_instance else "",
        address=network.host(container)[1] if on_instance else "",
        labels=container.labels,
    )
