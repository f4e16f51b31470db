"""The description of a task for its metadata endpoint."""

from __future__ import annotations

from typing import Any, cast

from localaws.ecs.tasks.runtime import ContainerSpec, TaskSpec
from localaws.ecs.tasks.task_metadata import describe
from localaws.ecs.tasks.task_network import OwnInterface
from localaws.vpc.model import Interface
from tests.localaws.filled_account import FilledAccount

SUBNET = "aws:ec2/subnet:Subnet"


def test_a_task_is_described_with_its_subnet_and_images() -> None:
    account = FilledAccount()
    account.put(SUBNET, "subnet-1", cidrBlock="10.0.1.0/24", availabilityZone="eu-west-1b")
    spec = TaskSpec(
        id="0123",
        hostname="ip-10-0-1-5",
        containers=(ContainerSpec(name="web", image="nginx:stable", cpu=128),),
        cpu=256,
        memory=512,
        cluster="arn:aws:ecs:eu-west-1:123456789012:cluster/shop",
        family="shop",
        revision="3",
        role="arn:aws:iam::123456789012:role/task",
    )
    interface = Interface("0123", "vpc-1", "subnet-1", "10.0.1.5")
    network = OwnInterface(interface, spec.hostname, cast("Any", None))
    found = describe(spec, network, {"web": "sha256:abc"}, account)
    assert found.arn == "arn:aws:ecs:eu-west-1:123456789012:task/shop/0123"
    assert (found.zone, found.cidr, found.address) == ("eu-west-1b", "10.0.1.0/24", "10.0.1.5")
    assert (found.cpu, found.memory, found.role) == (256, 512, spec.role)
    (container,) = found.containers
    assert (container.name, container.image) == ("web", "nginx:stable")
    assert (container.image_digest, container.cpu) == ("sha256:abc", 128)
