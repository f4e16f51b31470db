"""File systems, namespaces and capacity providers: deletions, outputs and replacements."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from localaws.account import invokes
from localaws.catalog import CATALOG
from localaws.ecs.definition import service_spec
from localaws.ecs.scheduler.model import ServiceState
from tests.localaws.catalog.conftest import refusal
from tests.localaws.catalog.operations import refused_rules
from tests.localaws.catalog.storage_cases import (
    BY_ADDRESS,
    CAPACITY,
    FILE_POLICY,
    FILES,
    HTTP_NAMESPACE,
    MANAGED,
    MOUNT,
    NAMESPACE,
    PROVIDERS,
    REGISTRY,
    SCALING_GROUP,
    SERVICE,
)

if TYPE_CHECKING:
    from tests.localaws.catalog.conftest import Account


def test_a_mounted_file_system_cant_be_deleted_and_its_deletion_removes_its_parts(
    account: Account,
) -> None:
    files = account.id("files")
    point = account.make("aws:efs/accessPoint:AccessPoint", fileSystemId=files).id
    assert refusal(account, FILES, files) == ("efs.file-system.held", "FileSystemInUse")
    account.delete(MOUNT, account.id("mount"))
    account.delete(FILES, files)
    assert account.get("aws:efs/accessPoint:AccessPoint", point) is None


def test_a_subnet_with_a_mount_target_cant_be_deleted(account: Account) -> None:
    subnet = account.id("other-subnet")
    mounted = account.make(MOUNT, fileSystemId=account.make(FILES).id, subnetId=subnet).id
    assert refusal(account, "aws:ec2/subnet:Subnet", subnet) == (
        "ec2.subnet.held",
        "DependencyViolation",
    )
    account.delete(MOUNT, mounted)
    account.delete("aws:ec2/subnet:Subnet", subnet)


def test_a_second_policy_of_a_file_system_is_refused(account: Account) -> None:
    account.make(FILE_POLICY, **account.minimal(FILE_POLICY))
    rules = refused_rules(account.make, FILE_POLICY, **account.minimal(FILE_POLICY))
    assert rules == {"efs.policy.unique"}


def test_names_and_addresses_of_a_file_system_are_those_of_its_region(account: Account) -> None:
    files = account.make(FILES, tags={"Name": "uploads"})
    target = account.make(MOUNT, fileSystemId=files.id, subnetId=account.id("subnet-a"))
    assert re.fullmatch(r"fs-[0-9a-f]{17}", files.id)
    assert (
        files.outputs["arn"]
        == f"arn:aws:elasticfilesystem:eu-west-1:123456789012:file-system/{files.id}"
    )
    assert files.outputs["name"] == "uploads"
    assert files.outputs["dnsName"] == f"{files.id}.efs.eu-west-1.amazonaws.com"
    assert target.outputs["dnsName"] == files.outputs["dnsName"]
    assert (
        target.outputs["mountTargetDnsName"] == f"eu-west-1a.{files.id}.efs.eu-west-1.amazonaws.com"
    )
    assert target.outputs["ipAddress"].startswith("10.0.0.")
    groups = [
        account.get("aws:ec2/securityGroup:SecurityGroup", each)
        for each in target.outputs["securityGroups"]
    ]
    assert [each.outputs["name"] for each in groups if each] == ["default"]


def test_a_namespace_or_registry_in_use_cant_be_deleted(
    account: Account,
) -> None:
    registries = {"serviceRegistries": {"registryArn": account.id("registry-arn")}}
    service = account.make(SERVICE, **account.minimal(SERVICE), **registries)
    names = {"clusterArn": service.id.split("/")[1], "serviceName": service.outputs["name"]}
    found = invokes.answer(account, "aws:ecs/getService:getService", names, "eu-west-1")
    assert found["serviceRegistries"] == [registries["serviceRegistries"]], "the SDK takes lists"
    registry = account.id("registry")
    held = ("servicediscovery.namespace.held", "ResourceInUse")
    assert refusal(account, NAMESPACE, account.id("internal")) == held
    assert refusal(account, REGISTRY, registry) == (
        "servicediscovery.service.held",
        "ResourceInUse",
    )
    account.delete(SERVICE, service.id)
    account.delete(REGISTRY, registry)
    account.delete(REGISTRY, account.id("srv-registry"))
    account.delete(NAMESPACE, account.id("internal"))


def test_a_private_namespace_has_a_zone_and_an_http_namespace_an_http_name(
    account: Account,
) -> None:
    private = account.get(NAMESPACE, account.id("internal"))
    plain = account.get(HTTP_NAMESPACE, account.id("http"))
    assert private
    assert plain
    assert re.fullmatch(r"ns-[0-9a-z]{16}", private.id)
    assert private.outputs["hostedZone"].startswith("Z")
    assert plain.outputs["httpName"] == "http"
    found = account.find(NAMESPACE, f"{private.id}:{account.id('vpc')}")
    assert found is private, "imported as NAMESPACE_ID:VPC_ID"


def test_a_registry_with_dns_records_has_type_dns_http_and_its_namespace(account: Account) -> None:
    internal = account.id("internal")
    records = account.make(
        REGISTRY, name="records", dnsConfig={**BY_ADDRESS, "namespaceId": internal}
    )
    assert (records.outputs["type"], records.outputs["namespaceId"]) == ("DNS_HTTP", internal)
    plain = account.make(REGISTRY, name="plain", namespaceId=internal)
    assert plain.outputs["type"] == "HTTP"


def test_a_capacity_provider_of_a_cluster_cant_be_deleted(account: Account) -> None:
    account.make(PROVIDERS, clusterName="main", capacityProviders=["instances"])
    provider = account.id("instances")
    assert refusal(account, CAPACITY, provider) == (
        "ecs.capacity-provider.held",
        "ResourceInUseException",
    )
    account.delete(PROVIDERS, "main")
    account.delete(CAPACITY, provider)


def test_a_service_with_a_capacity_provider_of_instances_runs_on_instances(
    account: Account,
) -> None:
    strategy = [{"capacityProvider": "instances", "weight": 1}]
    inputs = account.minimal(SERVICE)
    del inputs["launchType"]
    service = account.make(SERVICE, **inputs, capacityProviderStrategies=strategy)
    assert service_spec(service, account, ServiceState()).capacity.on_instances


GROUP = {"autoScalingGroupArn": SCALING_GROUP}
RECORDS = {"dnsConfig": BY_ADDRESS}


@pytest.mark.parametrize(
    ("token", "old", "new", "replaces"),
    [
        (
            CAPACITY,
            {"autoScalingGroupProvider": GROUP},
            {"autoScalingGroupProvider": {**GROUP, "managedDraining": "DISABLED"}},
            [],
        ),
        (
            CAPACITY,
            {"autoScalingGroupProvider": GROUP},
            {"autoScalingGroupProvider": {"autoScalingGroupArn": f"{SCALING_GROUP}-2"}},
            ["autoScalingGroupProvider"],
        ),
        (CAPACITY, {"managedInstancesProvider": MANAGED}, {}, ["managedInstancesProvider"]),
        (
            CAPACITY,
            {"managedInstancesProvider": MANAGED},
            {"managedInstancesProvider": {**MANAGED, "propagateTags": "CAPACITY_PROVIDER"}},
            [],
        ),
        (
            REGISTRY,
            RECORDS,
            {"dnsConfig": {**BY_ADDRESS, "dnsRecords": [{"type": "A", "ttl": 60}]}},
            [],
        ),
        (REGISTRY, RECORDS, {"dnsConfig": {**BY_ADDRESS, "routingPolicy": "MULTIVALUE"}}, []),
        (
            REGISTRY,
            RECORDS,
            {"dnsConfig": {**BY_ADDRESS, "dnsRecords": [{"type": "SRV", "ttl": 10}]}},
            ["dnsConfig"],
        ),
        (REGISTRY, {"description": "a"}, {"description": "b"}, []),
    ],
)
def test_only_some_members_of_a_block_can_be_changed_in_place(
    token: str, old: dict[str, Any], new: dict[str, Any], replaces: list[str]
) -> None:
    assert CATALOG[token].replacing(sorted({*old, *new}), old, new) == replaces
