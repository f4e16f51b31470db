"""Instance types and agent settings, compared with what the local AWS knows of them."""

from __future__ import annotations

from infra.aws.instances import HOST_PORTS, TYPES, image_parameter
from localaws.catalog.amis import architecture_of_type, public_parameter
from localaws.ec2.host_ports import DEFAULT_RANGE
from localaws.ec2.instance_types import INSTANCE_TYPES


def test_the_local_aws_has_the_same_types_and_sizes() -> None:
    assert TYPES.keys() == INSTANCE_TYPES.keys()
    for name, ours in TYPES.items():
        theirs = INSTANCE_TYPES[name]
        assert (ours.cpu_architecture, ours.cpu_units, ours.memory_mib) == (
            theirs.architecture,
            theirs.cpu_units,
            theirs.memory_mib,
        ), name


def test_a_type_has_the_architecture_that_the_local_aws_derives_from_its_name() -> None:
    for name, found in TYPES.items():
        expected = {"X86_64": "x86_64", "ARM64": "arm64"}[found.cpu_architecture]
        assert architecture_of_type(name) == expected, name


def test_each_architecture_has_its_own_image() -> None:
    images = {public_parameter(image_parameter(each), "eu-west-1") for each in ("X86_64", "ARM64")}
    assert None not in images
    assert len(images) == 2


def test_host_ports_leave_out_ports_that_an_instance_listens_on() -> None:
    assert HOST_PORTS == DEFAULT_RANGE, "an agent that ignores its setting uses the kernel's range"
    first, last = HOST_PORTS
    assert not any(first <= port <= last for port in (22, 111, 2375, 2376))
