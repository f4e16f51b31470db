"""Where tasks run, and the keys that each capacity requires or excludes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from infra.aws.instances import TYPES, families
from tests.infra.settings.loading import load, refusal_of, refused_keys

ROOT = Path(__file__).parents[3]
EC2 = {"capacity": "ec2", "network": "nat"}
PRIVATE_IMAGE = "123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/shop@sha256:" + "0" * 64


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"capacity": "spot"}, "capacity: spot; allowed: one of fargate, fargate-spot, ec2"),
        (
            {"onDemandBase": 1},
            (
                "onDemandBase: 1, which has no effect; allowed: only with capacity fargate-spot, "
                "which runs all other tasks on spare capacity"
            ),
        ),
        ({**EC2, "onDemandBase": 1}, "onDemandBase: 1, which has no effect; allowed: only"),
        (
            {"instanceType": "t3.medium"},
            "instanceType: t3.medium, which has no effect; allowed: only with capacity ec2 of some",
        ),
        (
            {"capacity": "ec2"},
            "network: public; allowed: with capacity ec2, one of nat, nat-per-zone, endpoints",
        ),
        (
            {**EC2, "dualStack": True, "egress": ["2001:db8::/32:5432"]},
            "egress: 2001:db8::/32:5432; allowed: IPv4 destinations with capacity ec2",
        ),
        (
            {**EC2, "sidecars": {"proxy": {"image": "envoy"}}},
            "sidecars: proxy; allowed: none with capacity ec2",
        ),
        (
            {**EC2, "ephemeralStorageGib": 30},
            "ephemeralStorageGib: 30; allowed: 20 with capacity ec2",
        ),
        (
            {
                **EC2,
                "volumes": {
                    "files": {
                        "efsFileSystemId": "fs-0123456789abcdef0",
                        "efsAccessPointId": "fsap-0123456789abcdef0",
                    }
                },
            },
            "volumes.files: an access point of EFS; allowed: a volume that is deleted with",
        ),
        ({**EC2, "instanceType": "small"}, "instanceType: small; allowed: an instance type"),
        (
            {**EC2, "instanceType": "p5.48xlarge"},
            (
                "instanceType: p5.48xlarge; allowed: a type whose size this program knows: nano to "
                "2xlarge of t3, t3a, t4g, or large to 4xlarge of c5"
            ),
        ),
        (
            {**EC2, "cpuArchitecture": "ARM64"},
            "cpuArchitecture: ARM64; allowed: X86_64 with instanceType t3.small",
        ),
        (
            {**EC2, "cpuUnits": 1024, "memoryMib": 2048},
            (
                "instanceType: t3.small, which has 2048 CPU units and, beside the reserve, "
                "1837 MiB for tasks; allowed: a type on which a task with cpuUnits 1024 and "
                "memoryMib 2048 fits"
            ),
        ),
        (
            {**EC2, "instanceReservedMib": 1500},
            "instanceType: t3.small, which has 2048 CPU units and, beside the reserve, 401 MiB",
        ),
        (
            {**EC2, "minInstances": 3, "maxInstances": 2},
            "maxInstances: 2; allowed: at least minInstances, 3",
        ),
        (
            {**EC2, "maxCount": 20, "targetCpuPercent": 60},
            "maxInstances: 4; allowed: at least 7, as otherwise the tasks of all services never",
        ),
        (
            {**EC2, "desiredCount": 13},
            "maxInstances: 4; allowed: at least 5, as otherwise the tasks of all services never",
        ),
        (
            {**EC2, "instanceVolumeGib": 29},
            "instanceVolumeGib: 29; allowed: a whole number",
        ),
        (
            {"services": {"web": {"capacity": "ec2"}, "web-ec2": {}}, "network": "nat"},
            "services.web-ec2: a service beside web; allowed: another name: with capacity ec2",
        ),
    ],
)
def test_keys_that_a_capacity_excludes_are_refused_with_the_reason(
    changes: dict[str, Any], message: str
) -> None:
    assert message in str(refusal_of(**changes))


def test_a_key_that_tasks_on_instances_cannot_have_is_refused_once() -> None:
    efs = {"efsFileSystemId": "fs-01234567", "efsAccessPointId": "fsap-01234567"}
    keys = refused_keys(
        **EC2, ephemeralStorageGib=30, volumes={"files": efs}, mounts={"files": "/files"}
    )
    assert sorted(keys) == ["ephemeralStorageGib", "volumes.files"]


@pytest.mark.parametrize(
    "changes",
    [
        {**EC2, "desiredCount": 12},
        {**EC2, "cpuArchitecture": "ARM64", "instanceType": "t4g.small"},
        {**EC2, "network": "nat-per-zone", "dualStack": True, "egress": ["10.0.0.0/8:5432"]},
        {**EC2, "network": "endpoints", "image": PRIVATE_IMAGE},
        {"capacity": "fargate-spot", "onDemandBase": 1, "cpuArchitecture": "ARM64"},
    ],
)
def test_keys_that_a_capacity_allows_are_accepted(changes: dict[str, Any]) -> None:
    load(**changes)


def test_an_instance_type_is_accepted_if_only_one_service_runs_on_instances() -> None:
    keys = refused_keys(
        capacity="fargate-spot",
        instanceType="t3.medium",
        network="public",
        services={"api": {}, "web": {"capacity": "ec2"}},
    )
    assert "network" in keys
    assert "instanceType" not in keys, "a service uses the instances"


@pytest.mark.parametrize(
    ("name", "architecture", "cpu", "memory"),
    [
        ("t3.small", "X86_64", 2048, 1901),
        ("t3.nano", "X86_64", 2048, 476),
        ("m5.large", "X86_64", 2048, 7680),
        ("c7g.xlarge", "ARM64", 4096, 7618),
        ("t4g.2xlarge", "ARM64", 8192, 30474),
    ],
)
def test_a_type_has_a_processor_and_a_size_for_tasks(
    name: str, architecture: str, cpu: int, memory: int
) -> None:
    found = TYPES[name]
    assert (found.cpu_architecture, found.cpu_units, found.memory_mib) == (
        architecture,
        cpu,
        memory,
    )


def test_a_t3_small_holds_three_of_the_default_tasks() -> None:
    size = {"cpu_units": 256, "memory_mib": 512}
    assert TYPES["t3.small"].tasks(**size, reserved_mib=64) == 3
    assert TYPES["t3.small"].tasks(**size, reserved_mib=1901) == 0
    assert TYPES["m5.large"].tasks(cpu_units=1024, memory_mib=64, reserved_mib=0) == 2


def test_the_families_that_an_error_lists_include_every_type() -> None:
    for name in TYPES:
        assert name.partition(".")[0] in families()


def test_the_manual_lists_the_types_whose_size_is_known() -> None:
    assert families() in (ROOT / "docs" / "ec2.md").read_text("utf-8")
