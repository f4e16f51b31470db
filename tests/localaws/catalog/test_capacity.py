"""Launch templates, Auto Scaling groups and capacity providers: versions, outputs and deletions."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from localaws.account import invokes
from localaws.catalog import CATALOG, UNKNOWN, Refused
from localaws.catalog.amis import architecture_of_image, architecture_of_type, public_parameter
from localaws.ecs.definition import capacity_of
from tests.localaws.catalog.conftest import REGION, TEMPLATE, refusal
from tests.localaws.catalog.operations import refused

if TYPE_CHECKING:
    from tests.localaws.catalog.conftest import Account

LAUNCH, GROUP = "aws:ec2/launchTemplate:LaunchTemplate", "aws:autoscaling/group:Group"
CAPACITY, SERVICE = "aws:ecs/capacityProvider:CapacityProvider", "aws:ecs/service:Service"
PROVIDERS = "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders"
AMI = "/aws/service/ecs/optimized-ami/amazon-linux-2023"


def on_provider(account: Account, provider: str, **more: Any) -> dict[str, Any]:
    """Return a service's inputs with a strategy of one capacity provider."""
    inputs = account.minimal(SERVICE)
    del inputs["launchType"]
    strategy = [{"capacityProvider": provider, "weight": 1}]
    return {**inputs, "capacityProviderStrategies": strategy, **more}


def test_each_change_of_a_launch_template_creates_a_version_and_the_default_stays(
    account: Account,
) -> None:
    template = account.make(LAUNCH, **{**TEMPLATE, "name": "versions"})
    assert re.fullmatch(r"lt-[0-9a-f]{17}", template.id)
    assert (template.outputs["latestVersion"], template.outputs["defaultVersion"]) == (1, 1)
    changed = {**template.inputs, "instanceType": "t3.medium"}
    account.update(LAUNCH, template.id, changed)
    account.update(LAUNCH, template.id, {**changed, "tags": {"a": "b"}})
    updated = account.get(LAUNCH, template.id)
    assert updated
    assert (updated.outputs["latestVersion"], updated.outputs["defaultVersion"]) == (2, 1)
    account.update(LAUNCH, template.id, {**changed, "updateDefaultVersion": True})
    moved = account.get(LAUNCH, template.id)
    assert moved
    assert (moved.outputs["latestVersion"], moved.outputs["defaultVersion"]) == (2, 2)


def test_only_another_name_replaces_a_launch_template_or_a_group() -> None:
    for token in (LAUNCH, GROUP):
        kind = CATALOG[token]
        replacing = {name for name in kind.inputs if kind.replacing([name], {}, {name: "x"})}
        more = {"initialLifecycleHooks"} if token == GROUP else set()
        assert replacing == {"name", "namePrefix", "region"} | more


def test_a_group_has_its_subnets_zones_and_starts_with_its_minimum_size(account: Account) -> None:
    group = account.make(GROUP, **{**account.minimal(GROUP), "minSize": 1})
    assert group.outputs["availabilityZones"] == [f"{REGION}a", f"{REGION}b"]
    assert group.outputs["desiredCapacity"] == 1
    assert group.outputs["arn"].endswith(":autoScalingGroupName/one-more")
    assert account.find(GROUP, group.outputs["arn"]) == group


def test_a_groups_subnet_cannot_be_deleted_but_its_template_can(account: Account) -> None:
    account.make(
        GROUP, **{**account.minimal(GROUP), "vpcZoneIdentifiers": [account.id("subnet-b")]}
    )
    assert refusal(account, "aws:ec2/subnet:Subnet", account.id("subnet-b"))[0] == "ec2.subnet.held"
    account.delete(LAUNCH, account.id("template"))


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ({"imageId": None}, "must contain the parameter ImageId"),
        ({"imageId": "al2023"}, 'Invalid id: "al2023"'),
        ({"instanceType": None}, "must contain the parameter InstanceType"),
        ({"instanceType": "t4g.small"}, "The architecture 'arm64' of the specified instance type"),
        ({"iamInstanceProfile": {"name": "none"}}, "Value (none) for parameter iamInstanceProfile"),
        (
            {"vpcSecurityGroupIds": ["sg-00000000000000000"]},
            "The security group 'sg-00000000000000000' does not exist",
        ),
    ],
)
def test_a_group_needs_a_template_from_which_an_instance_can_be_launched(
    account: Account, template: dict[str, Any], message: str
) -> None:
    inputs = {**TEMPLATE, "name": "wrong", **template}
    wrong = account.make(LAUNCH, **{name: each for name, each in inputs.items() if each}).id
    with pytest.raises(
        Refused, match="You must use a valid fully-formed launch template"
    ) as refusals:
        account.make(GROUP, **{**account.minimal(GROUP), "launchTemplate": {"id": wrong}})
    assert message in str(refusals.value)


def test_a_group_can_be_changed_when_its_template_is_gone(account: Account) -> None:
    group = account.make(GROUP, **account.minimal(GROUP))
    account.delete(LAUNCH, account.id("template"))
    account.update(GROUP, group.id, {**group.inputs, "maxSize": 3})


def test_the_default_warm_up_of_managed_scaling_is_zero(account: Account) -> None:
    scaling = {"status": "ENABLED", "targetCapacity": 100}
    group = {"autoScalingGroupArn": account.id("scaling-arn"), "managedScaling": scaling}
    provider = account.make(CAPACITY, name="spare", autoScalingGroupProvider=group)
    shown = provider.outputs["autoScalingGroupProvider"]
    assert shown["managedScaling"] == {**scaling, "instanceWarmupPeriod": 0}
    assert shown["managedDraining"] == "ENABLED"


def test_a_provider_in_a_services_strategy_cannot_be_removed_from_the_cluster(
    account: Account,
) -> None:
    service = account.make(SERVICE, **on_provider(account, "instances"))
    held = ("ecs.cluster-capacity-providers.in-use", "ResourceInUseException")
    without_it = {"clusterName": "main", "capacityProviders": ["FARGATE"]}
    assert held in refused(account.update, PROVIDERS, "main", without_it)
    assert refusal(account, PROVIDERS, "main") == held
    account.update(PROVIDERS, "main", {"clusterName": "main", "capacityProviders": ["instances"]})
    account.delete(SERVICE, service.id)
    account.delete(PROVIDERS, "main")
    account.delete(CAPACITY, account.id("instances"))


def test_another_strategy_needs_a_forced_deployment(account: Account) -> None:
    service = account.make(SERVICE, **on_provider(account, "FARGATE"))
    spot = on_provider(account, "FARGATE_SPOT", name=service.outputs["name"])
    expected = {("ecs.service.strategy-change", "InvalidArgument")}
    assert refused(account.update, SERVICE, service.id, spot) == expected
    account.update(SERVICE, service.id, {**service.inputs, "desiredCount": 2})
    account.update(SERVICE, service.id, {**spot, "forceNewDeployment": True})


@pytest.mark.parametrize(
    ("part", "architecture", "other"), [("", "x86_64", "t3.small"), ("/arm64", "arm64", "t4g.nano")]
)
def test_public_parameters_name_an_image_of_each_architecture(
    account: Account, part: str, architecture: str, other: str
) -> None:
    name = f"{AMI}{part}/recommended"
    document = json.loads(public_parameter(name, REGION) or "")
    found = invokes.answer(
        account, "aws:ssm/getParameter:getParameter", {"name": f"{name}/image_id"}, REGION
    )
    assert found["value"] == document["image_id"]
    assert found["arn"] == f"arn:aws:ssm:{REGION}::parameter{name}/image_id"
    assert architecture_of_image(found["value"]) == architecture_of_type(other) == architecture
    assert architecture_of_image(f"resolve:ssm:{name}/image_id") == architecture
    assert public_parameter(f"{name}/image_id", "us-east-1") != found["value"]


@pytest.mark.parametrize(
    ("kind", "architecture"),
    [
        *((each, "arm64") for each in ("a1.large", "m7gd.large", "im4gn.large", "g5g.xlarge")),
        *((each, "x86_64") for each in ("g4dn.xlarge", "c7i-flex.large", "u-6tb1.metal")),
        ("small", None),
    ],
)
def test_an_instance_types_name_has_its_architecture(kind: str, architecture: str | None) -> None:
    assert architecture_of_type(kind) == architecture


def test_a_parameter_that_aws_doesnt_publish_is_missing(account: Account) -> None:
    with pytest.raises(Refused, match="couldn't find resource"):
        invokes.answer(
            account, "aws:ssm/getParameter:getParameter", {"name": f"{AMI}/newest"}, REGION
        )


def without_launch_type(account: Account, **more: Any) -> dict[str, Any]:
    """Return inputs of a service for which the cluster's default strategy decides."""
    return {**account.minimal(SERVICE), "launchType": None, **more}


def set_default(account: Account, *providers: str) -> None:
    """Have the account's cluster use these capacity providers by default."""
    (association,) = account.all(PROVIDERS)
    strategy = [{"capacityProvider": each, "weight": 1} for each in providers]
    inputs = {**association.inputs, "defaultCapacityProviderStrategies": strategy}
    account.update(PROVIDERS, association.id, inputs)


def test_a_service_without_launch_type_keeps_the_default_strategy_of_its_creation(
    account: Account,
) -> None:
    set_default(account, "FARGATE_SPOT")
    inputs = without_launch_type(account)
    made = account.make(SERVICE, **inputs)
    strategy = [{"capacityProvider": "FARGATE_SPOT", "weight": 1}]
    assert made.outputs["capacityProviderStrategies"] == strategy
    assert made.outputs["launchType"] == ""
    set_default(account)
    updated = account.update(SERVICE, made.id, {**inputs, "desiredCount": 3})
    assert updated.outputs["capacityProviderStrategies"] == strategy
    assert updated.outputs["launchType"] == ""
    assert not capacity_of(updated).on_instances


def test_a_service_without_launch_type_or_default_strategy_runs_on_instances_for_good(
    account: Account,
) -> None:
    set_default(account)
    made = account.make(SERVICE, **without_launch_type(account))
    assert made.outputs["launchType"] == "EC2"
    set_default(account, "FARGATE_SPOT")
    assert capacity_of(made).on_instances


def test_a_service_with_a_strategy_has_no_launch_type(account: Account) -> None:
    made = account.make(SERVICE, **on_provider(account, "FARGATE_SPOT"))
    assert made.outputs["launchType"] == ""


@pytest.mark.parametrize("cluster", ["main", UNKNOWN])
def test_a_preview_does_not_know_what_a_default_strategy_decides(
    account: Account, cluster: object
) -> None:
    set_default(account, "FARGATE")
    seen = account.preview(SERVICE, without_launch_type(account, cluster=cluster))
    assert seen["capacityProviderStrategies"] is UNKNOWN


def test_a_default_strategy_on_fargate_needs_a_task_definition_for_fargate(
    account: Account,
) -> None:
    set_default(account, "FARGATE")
    container = json.dumps([{"name": "web", "image": "nginx", "memory": 64}])
    for_instances = account.make(
        "aws:ecs/taskDefinition:TaskDefinition",
        family="for-instances",
        networkMode="awsvpc",
        containerDefinitions=container,
    )
    inputs = without_launch_type(account, taskDefinition=for_instances.id)
    incompatible = ("ecs.service.compatible", "InvalidParameterException")
    assert refused(account.make, SERVICE, **inputs) == {incompatible}
