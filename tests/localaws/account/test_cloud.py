"""The cloud keeps resources on disk and across crashes; it drops what no run knows."""

from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING, Any

import pytest

from localaws.account.cloud import Cloud, StateFileError, changes, equivalent
from localaws.account.tagging import Tagging
from localaws.catalog import CATALOG, UNKNOWN, Refused
from localaws.catalog.account import SeededParameter
from tests.localaws.account.state_version_1 import in_version_1

if TYPE_CHECKING:
    from pathlib import Path

CLUSTER = "aws:ecs/cluster:Cluster"
LOGS = "aws:cloudwatch/logGroup:LogGroup"
VPC = "aws:ec2/vpc:Vpc"
SUBNET = "aws:ec2/subnet:Subnet"
BALANCER = "aws:lb/loadBalancer:LoadBalancer"
GROUP = "aws:ec2/securityGroup:SecurityGroup"
TARGETS = "aws:lb/targetGroup:TargetGroup"
DEFINITION = "aws:ecs/taskDefinition:TaskDefinition"
SERVICE = "aws:ecs/service:Service"
BUCKET = "aws:s3/bucket:Bucket"
VERSIONING = "aws:s3/bucketVersioning:BucketVersioning"
PARAMETER = "aws:ssm/parameter:Parameter"
REGION = "eu-west-1"


def make(cloud: Cloud, token: str, urn: str = "urn:one", **inputs: Any) -> Any:
    return cloud.create(token, urn, inputs, region=REGION)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "cloud.jsonl"


def test_a_reopened_cloud_has_the_same_resources_and_counters(path: Path) -> None:
    first = Cloud(path)
    make(first, VPC, cidrBlock="10.0.0.0/16")
    definition = make(
        first,
        DEFINITION,
        "urn:two",
        family="web",
        containerDefinitions='[{"name": "a", "image": "b", "memory": 64}]',
    )
    first.acknowledge(DEFINITION, definition.id)
    second = Cloud(path)
    assert resources_by_type(second) == resources_by_type(first)
    assert second.get(DEFINITION, definition.id).acknowledged  # type: ignore[union-attr]
    again = make(second, DEFINITION, "urn:three", **definition.inputs)
    assert again.outputs["revision"] == 2
    second.delete(DEFINITION, again.id)
    assert make(Cloud(path), DEFINITION, "urn:four", **definition.inputs).outputs["revision"] == 3


def test_only_the_owner_may_read_the_file(path: Path) -> None:
    make(Cloud(path), LOGS, name="/a")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["cloud.jsonl"], "no scratch file stays"


HEADER = '{"version": 2}\n'
RESOURCE = {"urn": "u", "region": REGION, "inputs": {}, "computed": {}, "acknowledged": True}
RETIRED = {"aws:x/y:Z z": RESOURCE}


@pytest.mark.parametrize(
    "damage",
    [
        "",
        "{",
        "[]",
        "\n",
        HEADER + "{\n",
        HEADER + "[]\n",
        HEADER + '{"aws:ec2/vpc:Vpc vpc-1": {}}\n',
        HEADER + '{"aws:ec2/vpc:Vpc vpc-1": 5}\n',
        HEADER + json.dumps(RETIRED) + "\n",
    ],
)
def test_a_damaged_file_is_named_and_left_alone(path: Path, damage: str) -> None:
    path.parent.mkdir()
    path.write_text(damage)
    with pytest.raises(StateFileError, match=r"cloud\.jsonl is damaged.*delete it"):
        Cloud(path)
    assert path.read_text() == damage


def test_a_file_of_a_newer_version_is_refused(path: Path) -> None:
    path.parent.mkdir()
    path.write_text('{"version": 3, "everything": "else"}\n')
    with pytest.raises(StateFileError, match="has version 3, this code reads version 2"):
        Cloud(path)


def resources_by_type(cloud: Cloud) -> dict[str, Any]:
    return {token: cloud.all(token) for token in CATALOG}


def test_a_file_of_version_1_is_converted_completely(path: Path) -> None:
    deployed = Cloud()
    made = make(deployed, VPC, cidrBlock="10.0.0.0/16", tags={"Name": "a b"})
    deployed.acknowledge(VPC, made.id)
    make(
        deployed,
        DEFINITION,
        "urn:two",
        family="web",
        containerDefinitions='[{"name": "a", "image": "b", "memory": 64}]',
    )
    old_path = path.with_name("cloud.json")
    old_path.parent.mkdir()
    old_path.write_text(in_version_1(deployed))
    for cloud in (Cloud(path), Cloud(path)):  # the second one reads the converted file
        assert resources_by_type(cloud) == resources_by_type(deployed)
        assert cloud.counters == deployed.counters
        assert [each.name for each in path.parent.iterdir()] == ["cloud.jsonl"]


def test_a_file_of_version_1_that_was_already_converted_is_removed_unread(path: Path) -> None:
    made = make(Cloud(path), LOGS, name="/new")
    old_path = path.with_name("cloud.json")
    deployed = Cloud()
    make(deployed, LOGS, name="/old")
    old_path.write_text(in_version_1(deployed))
    assert Cloud(path).all(LOGS) == [made]
    assert not old_path.exists()


@pytest.mark.parametrize(
    ("text", "problem"), [("{", "is damaged"), ('{"version": 7}', "has version 7")]
)
def test_an_unreadable_file_of_version_1_is_named_and_left_alone(
    path: Path, text: str, problem: str
) -> None:
    old_path = path.with_name("cloud.json")
    old_path.parent.mkdir()
    old_path.write_text(text)
    with pytest.raises(StateFileError, match=rf"cloud\.json {problem}"):
        Cloud(path)
    assert [each.name for each in path.parent.iterdir()] == ["cloud.json"]
    assert old_path.read_text() == text


def test_a_cluster_that_exists_is_returned_when_it_is_created_again(path: Path) -> None:
    cloud = Cloud(path)
    name = "ecs-cluster-dev"
    settings = [{"name": "containerInsights", "value": "enabled"}]
    first = make(
        cloud, CLUSTER, "urn:first", name=name, settings=settings, tags={"Project": "first"}
    )
    second = make(
        cloud, CLUSTER, "urn:second", name=name, settings=settings, tags={"Project": "second"}
    )
    assert second == first
    assert cloud.all(CLUSTER) == [first]
    with pytest.raises(Refused, match="Arguments on this idempotent request are inconsistent"):
        make(cloud, CLUSTER, "urn:third", name=name, settings=[])
    changed = cloud.update(
        CLUSTER, second.id, {"name": name, "settings": [], "tags": {"Project": "second"}}
    )
    assert cloud.get(CLUSTER, first.id) == changed, "both programs share the cluster"
    elsewhere = cloud.create(CLUSTER, "urn:fourth", {"name": name}, region="us-west-2")
    assert elsewhere.id != first.id


def test_the_next_creation_replaces_an_unacknowledged_resource(path: Path) -> None:
    make(Cloud(path), LOGS, name="/a")
    made = make(Cloud(path), LOGS, name="/a")
    assert [each.id for each in Cloud(path).all(LOGS)] == [made.id]


def test_an_unacknowledged_resource_that_another_one_uses_stays(path: Path) -> None:
    """As after `stack rm --force`: a load balancer still runs in the subnets."""
    cloud = Cloud(path)
    vpc = make(cloud, VPC, cidrBlock="10.0.0.0/16")
    make(cloud, SUBNET, "urn:subnet", vpcId=vpc.id, cidrBlock="10.0.0.0/24")
    other = make(cloud, VPC, cidrBlock="10.0.0.0/16")
    assert {each.id for each in cloud.all(VPC)} == {vpc.id, other.id}


def test_an_unacknowledged_resource_is_removed_even_if_the_next_creation_is_refused(
    path: Path,
) -> None:
    cloud = Cloud(path)
    calls = list[int]()
    make(cloud, LOGS, "urn:other", name="/b")
    make(cloud, LOGS, name="/a")
    cloud.on_change.append(lambda: calls.append(len(cloud.all(LOGS))))
    with pytest.raises(Refused):
        make(cloud, LOGS, name="/b")
    assert calls == [1], "the data plane is notified"
    assert [each.id for each in Cloud(path).all(LOGS)] == ["/b"]


def test_an_acknowledged_resource_survives_a_crash_and_the_next_creation(path: Path) -> None:
    cloud = Cloud(path)
    made = make(cloud, VPC, cidrBlock="10.0.0.0/16")
    cloud.acknowledge(VPC, made.id)
    replacement = make(Cloud(path), VPC, cidrBlock="10.1.0.0/16")
    assert {each.id for each in Cloud(path).all(VPC)} == {made.id, replacement.id}


def test_a_setting_of_a_bucket_that_the_engine_forgot_is_overwritten_by_the_same_resource() -> None:
    """As after a `destroy` that was stopped: the setting is retained, the bucket still managed."""
    cloud = Cloud(seed=1)
    bucket = make(cloud, BUCKET, "urn:bucket")
    suspended = {"bucket": bucket.id, "versioningConfiguration": {"status": "Suspended"}}
    enabled = {"bucket": bucket.id, "versioningConfiguration": {"status": "Enabled"}}
    forgotten = make(cloud, VERSIONING, "urn:versioning", **enabled)
    cloud.acknowledge(VERSIONING, forgotten.id)
    made = make(cloud, VERSIONING, "urn:versioning", **suspended)
    assert cloud.all(VERSIONING) == [made]
    assert made.inputs == suspended
    with pytest.raises(Refused, match="one resource would overwrite the other"):
        make(cloud, VERSIONING, "urn:other", **enabled)
    other = make(cloud, BUCKET, "urn:bucket-2")
    make(cloud, VERSIONING, "urn:versioning", **{**enabled, "bucket": other.id})
    assert len(cloud.all(VERSIONING)) == 2, "that of a retained bucket stays"


def test_resources_of_a_killed_run_are_discarded_unless_recorded_or_acknowledged(
    path: Path,
) -> None:
    cloud = Cloud(path)
    calls = list[int]()
    vpc = make(cloud, VPC, "urn:vpc", cidrBlock="10.0.0.0/16")
    make(cloud, LOGS, "urn:recorded", name="/recorded")
    make(cloud, LOGS, "urn:known", name="/known")
    cloud.acknowledge(LOGS, "/known")
    make(cloud, LOGS, "urn:other", name="/other")
    cloud.on_change.append(lambda: calls.append(len(cloud.all(LOGS))))
    urns = ["urn:vpc", "urn:recorded", "urn:known", "urn:never-made"]
    assert cloud.discard_unrecorded(urns, ["/recorded"]) == ["urn:vpc"]
    assert calls == [3]
    assert not Cloud(path).get(VPC, vpc.id)
    assert [each.id for each in Cloud(path).all(LOGS)] == ["/recorded", "/known", "/other"]
    assert not cloud.discard_unrecorded(urns, ["/recorded"])
    assert calls == [3], "nothing was removed"


def test_an_unknown_value_is_never_created_or_saved(path: Path) -> None:
    cloud = Cloud(path)
    with pytest.raises(ValueError, match="tags isn't known"):
        make(cloud, LOGS, name="/a", tags={"a": [UNKNOWN]})
    made = make(cloud, LOGS, name="/a")
    with pytest.raises(ValueError, match="retentionInDays"):
        cloud.update(LOGS, made.id, {"name": "/a", "retentionInDays": UNKNOWN})
    assert Cloud(path).get(LOGS, made.id) == made


def test_the_error_for_an_unknown_type_says_where_to_add_it() -> None:
    with pytest.raises(Refused, match=r"aws:sqs/queue:Queue.*localaws/catalog/"):
        make(Cloud(), "aws:sqs/queue:Queue")


def test_updating_a_missing_resource_is_refused_and_deleting_it_is_not() -> None:
    cloud = Cloud()
    with pytest.raises(Refused, match="does not exist"):
        cloud.update(LOGS, "/a", {"name": "/a"})
    cloud.delete(LOGS, "/a")


def test_on_change_is_called_for_changes_but_not_for_acknowledgements() -> None:
    cloud = Cloud()
    calls = list[int]()
    cloud.on_change.append(lambda: calls.append(len(cloud.all(LOGS))))
    made = make(cloud, LOGS, name="/a")
    cloud.acknowledge(LOGS, made.id)
    cloud.update(LOGS, made.id, {"name": "/a", "retentionInDays": 1})
    cloud.delete(LOGS, made.id)
    assert calls == [1, 1, 0]


def test_on_change_is_called_when_a_deletion_starts_and_when_it_fails() -> None:
    cloud = Cloud()
    calls = list[bool]()
    made = make(cloud, LOGS, name="/a")
    cloud.on_change.append(lambda: calls.append(made.id in cloud.draining))
    with pytest.raises(TimeoutError), cloud.deleting(made.id):
        raise TimeoutError
    assert calls == [True, False]


def test_an_update_keeps_aws_choices_and_applies_the_programs_inputs() -> None:
    cloud = Cloud()
    made = make(
        cloud,
        TARGETS,
        name="web",
        port=80,
        protocol="HTTP",
        vpcId=network(cloud),
        healthCheck={"path": "/up"},
    )
    assert made.outputs["healthCheck"]["healthyThreshold"] == 3
    assert made.outputs["deregistrationDelay"] == 300
    inputs = {name: value for name, value in made.inputs.items() if name != "healthCheck"}
    changed = cloud.update(
        TARGETS, made.id, {**inputs, "deregistrationDelay": 5, "tags": {"a": "b"}}
    )
    assert changed.outputs["arn"] == made.outputs["arn"]
    assert changed.outputs["deregistrationDelay"] == 5
    assert changed.outputs["tagsAll"] == {"a": "b"}
    health_check = changed.outputs["healthCheck"]
    assert health_check["healthyThreshold"] == 5, "AWS's own defaults apply without a block"
    assert cloud.update(TARGETS, made.id, inputs).outputs["deregistrationDelay"] == 300


def test_a_resources_own_tags_override_default_tags() -> None:
    tags = {"Stack": "dev", "Owner": "all"}
    made = Cloud().create(
        LOGS, "urn", {"name": "/a", "tags": {"Owner": "me"}}, region=REGION, tagging=Tagging(tags)
    )
    assert made.outputs["tagsAll"] == {"Stack": "dev", "Owner": "me"}
    assert made.outputs["tags"] == {"Owner": "me"}


def test_a_resources_own_region_overrides_the_providers() -> None:
    made = make(Cloud(), LOGS, name="/a", region="us-east-1")
    assert made.region == made.outputs["region"] == "us-east-1"
    assert ":us-east-1:" in made.outputs["arn"]


def test_the_provider_completes_a_name_prefix() -> None:
    made = make(Cloud(), LOGS, namePrefix="/web-")
    assert made.id == made.outputs["name"]
    assert made.id.startswith("/web-")
    assert len(made.id) == len("/web-") + 26


def test_a_resource_with_skip_destroy_still_exists_after_its_deletion() -> None:
    cloud = Cloud()
    made = make(cloud, LOGS, name="/a", skipDestroy=True)
    cloud.delete(LOGS, made.id)
    assert cloud.find(LOGS, "/a") is not None


def network(cloud: Cloud) -> str:
    return str(make(cloud, VPC, "urn:vpc", cidrBlock="10.0.0.0/16").id)


def test_the_data_plane_adds_outputs_to_a_new_resource() -> None:
    cloud = Cloud()
    cloud.completions[BALANCER] = lambda balancer: {
        "dnsName": f"127.0.0.9/{balancer.outputs['name']}"
    }
    vpc = network(cloud)
    subnets = []
    for number, zone in enumerate("ab"):
        subnet = make(
            cloud,
            "aws:ec2/subnet:Subnet",
            f"urn:{zone}",
            vpcId=vpc,
            cidrBlock=f"10.0.{number}.0/24",
            availabilityZone=f"{REGION}{zone}",
        )
        subnets.append(subnet.id)
    made = make(cloud, BALANCER, name="web", subnets=subnets, internal=True)
    assert made.outputs["dnsName"] == "127.0.0.9/web"
    updated = cloud.update(BALANCER, made.id, {**made.inputs, "idleTimeout": 5})
    assert updated.outputs["dnsName"] == "127.0.0.9/web"


def test_a_seeded_parameter_reserves_its_name_and_its_value_is_never_saved(
    path: Path,
) -> None:
    cloud = Cloud(path)
    cloud.parameters = {"/demo/password": SeededParameter("hunter2", "SecureString")}
    with pytest.raises(Refused, match="ParameterAlreadyExists") as refused:
        make(cloud, PARAMETER, name="/demo/password", type="String", value="x")
    assert refused.value.refusals[0].rule == "ssm.parameter.unique"
    made = make(cloud, PARAMETER, name="/demo/other", type="String", value="x")
    assert cloud.update(PARAMETER, made.id, {**made.inputs, "value": "y"}).outputs["version"] == 2
    assert "hunter2" not in path.read_text()
    assert "hunter2" not in repr(cloud.parameters)


@pytest.mark.parametrize(
    ("token", "name", "old", "new", "expected"),
    [
        (DEFINITION, "containerDefinitions", '[{"name":"a"}]', '[ {"name": "a"} ]', True),
        (DEFINITION, "containerDefinitions", '[{"name":"a"}]', '[{"name":"b"}]', False),
        (DEFINITION, "containerDefinitions", "{", "[", False),
        (BALANCER, "subnets", ["a", "b"], ["b", "a"], True),
        (BALANCER, "subnets", ["a", "b"], ["b"], False),
        (LOGS, "retentionInDays", 7, 7.0, True),
        (SERVICE, "networkConfiguration", {"subnets": ["a", "b"]}, {"subnets": ["b", "a"]}, True),
        (SERVICE, "networkConfiguration", {"subnets": ["a", "b"]}, {"subnets": ["b", "b"]}, False),
        (
            SERVICE,
            "loadBalancers",
            [{"a": 1, "b": 2}, {"a": 2}],
            [{"a": 2}, {"b": 2, "a": 1}],
            True,
        ),
        (LOGS, "tags", ["a", "b"], ["b", "a"], False),
    ],
)
def test_inputs_are_compared_as_aws_compares_them(
    token: str, name: str, old: Any, new: Any, *, expected: bool
) -> None:
    assert equivalent(CATALOG[token], name, old, new) is expected


RULE = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"


@pytest.mark.parametrize(
    ("token", "old", "new", "replaced"),
    [
        (VPC, {"instanceTenancy": "dedicated"}, {"instanceTenancy": "default"}, []),
        (
            VPC,
            {"instanceTenancy": "default"},
            {"instanceTenancy": "dedicated"},
            ["instanceTenancy"],
        ),
        (VPC, {}, {"enableDnsHostnames": True}, []),
        (RULE, {"cidrIpv4": "10.0.0.0/8"}, {"cidrIpv4": "10.0.0.0/9"}, []),
        (
            RULE,
            {"cidrIpv4": "10.0.0.0/8"},
            {"referencedSecurityGroupId": "sg-0"},
            ["cidrIpv4", "referencedSecurityGroupId"],
        ),
        (PARAMETER, {"tier": "Advanced"}, {"tier": "Standard"}, ["tier"]),
        (PARAMETER, {"tier": "Standard"}, {"tier": "Advanced"}, []),
        (BALANCER, {"subnets": ["a"]}, {"subnets": ["a", "b"]}, []),
        (
            BALANCER,
            {"loadBalancerType": "network", "subnets": ["a", "b"]},
            {"subnets": ["a"]},
            ["loadBalancerType", "subnets"],
        ),
        (GROUP, {"description": "a"}, {"description": "b"}, ["description"]),
        (
            TARGETS,
            {"port": 80, "deregistrationDelay": 1},
            {"port": 81, "deregistrationDelay": 2},
            ["port"],
        ),
        (DEFINITION, {"cpu": "256", "tags": {}}, {"cpu": "512", "tags": {"a": "b"}}, ["cpu"]),
    ],
)
def test_a_change_replaces_exactly_where_aws_cant_update(
    token: str, old: dict[str, Any], new: dict[str, Any], replaced: list[str]
) -> None:
    kind = CATALOG[token]
    assert kind.replacing(changes(kind, old, new), old, new) == replaced
