"""The cloud remembers what was made, on disk and across crashes, and forgets nothing else."""

from __future__ import annotations

import json
import stat
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import pytest

from localaws.account.cloud import Cloud, StateFileError, changes, equivalent
from localaws.account.tagging import Tagging
from localaws.catalog import CATALOG, UNKNOWN, Refused
from localaws.catalog.account import SeededParameter

if TYPE_CHECKING:
    from pathlib import Path

CLUSTER = "aws:ecs/cluster:Cluster"
LOGS = "aws:cloudwatch/logGroup:LogGroup"
VPC = "aws:ec2/vpc:Vpc"
BALANCER = "aws:lb/loadBalancer:LoadBalancer"
GROUP = "aws:ec2/securityGroup:SecurityGroup"
TARGETS = "aws:lb/targetGroup:TargetGroup"
DEFINITION = "aws:ecs/taskDefinition:TaskDefinition"
SERVICE = "aws:ecs/service:Service"
PARAMETER = "aws:ssm/parameter:Parameter"
REGION = "eu-west-1"


def make(cloud: Cloud, token: str, urn: str = "urn:one", **inputs: Any) -> Any:
    return cloud.create(token, urn, inputs, region=REGION)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "cloud.jsonl"


def test_a_reopened_cloud_holds_the_same_resources_and_goes_on_counting(path: Path) -> None:
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
    assert [second.all(token) for token in CATALOG] == [first.all(token) for token in CATALOG]
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
        *(
            "",
            "{",
            "[]",
            "\n",
            HEADER + "{\n",
            HEADER + "[]\n",
            HEADER + '{"aws:ec2/vpc:Vpc vpc-1": {}}\n',
        ),
        *(HEADER + '{"aws:ec2/vpc:Vpc vpc-1": 5}\n', HEADER + json.dumps(RETIRED) + "\n"),
    ],
)
def test_a_damaged_file_is_named_and_left_alone(path: Path, damage: str) -> None:
    path.parent.mkdir()
    path.write_text(damage)
    with pytest.raises(StateFileError, match=r"cloud\.jsonl is damaged.*delete it"):
        Cloud(path)
    assert path.read_text() == damage


def test_a_newer_file_says_so(path: Path) -> None:
    path.parent.mkdir()
    path.write_text('{"version": 3, "everything": "else"}\n')
    with pytest.raises(StateFileError, match="has version 3, this code reads version 2"):
        Cloud(path)


def of_version_1(cloud: Cloud) -> str:
    """The file that version 1 wrote of a cloud's resources."""
    return json.dumps(
        {
            "version": 1,
            "counters": dict(cloud.counters),
            "resources": [asdict(each) for token in CATALOG for each in cloud.all(token)],
        }
    )


def test_a_file_of_version_1_is_taken_over_whole(path: Path) -> None:
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
    former = path.with_name("cloud.json")
    former.parent.mkdir()
    former.write_text(of_version_1(deployed))
    for cloud in (Cloud(path), Cloud(path)):  # the second has the new file only
        assert {token: cloud.all(token) for token in CATALOG} == {
            token: deployed.all(token) for token in CATALOG
        }
        assert cloud.counters == deployed.counters
        assert [each.name for each in path.parent.iterdir()] == ["cloud.jsonl"]


def test_what_a_takeover_was_killed_before_it_removed_is_not_taken_over_again(path: Path) -> None:
    made = make(Cloud(path), LOGS, name="/new")
    former = path.with_name("cloud.json")
    deployed = Cloud()
    make(deployed, LOGS, name="/old")
    former.write_text(of_version_1(deployed))
    assert Cloud(path).all(LOGS) == [made]
    assert not former.exists()


@pytest.mark.parametrize(
    ("text", "problem"), [("{", "is damaged"), ('{"version": 7}', "has version 7")]
)
def test_a_file_of_version_1_that_cant_be_read_is_named_and_left_alone(
    path: Path, text: str, problem: str
) -> None:
    former = path.with_name("cloud.json")
    former.parent.mkdir()
    former.write_text(text)
    with pytest.raises(StateFileError, match=rf"cloud\.json {problem}"):
        Cloud(path)
    assert [each.name for each in path.parent.iterdir()] == ["cloud.json"]
    assert former.read_text() == text


def test_a_cluster_that_exists_is_returned_when_it_is_created_again(path: Path) -> None:
    cloud = Cloud(path)
    name, settings = "ecs-cluster-dev", [{"name": "containerInsights", "value": "enabled"}]
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
    assert cloud.get(CLUSTER, first.id) == changed, (
        "the second owner changes what the first one uses"
    )
    elsewhere = cloud.create(CLUSTER, "urn:fourth", {"name": name}, region="us-west-2")
    assert elsewhere.id != first.id


def test_an_orphan_of_a_lost_answer_makes_room_for_the_next_creation(path: Path) -> None:
    make(Cloud(path), LOGS, name="/a")
    made = make(Cloud(path), LOGS, name="/a")
    assert [each.id for each in Cloud(path).all(LOGS)] == [made.id]


def test_an_orphan_is_gone_for_good_even_if_the_next_creation_is_refused(path: Path) -> None:
    cloud, heard = Cloud(path), list[int]()
    make(cloud, LOGS, "urn:other", name="/b")
    make(cloud, LOGS, name="/a")
    cloud.on_change.append(lambda: heard.append(len(cloud.all(LOGS))))
    with pytest.raises(Refused):
        make(cloud, LOGS, name="/b")
    assert heard == [1], "the data plane hears of it"
    assert [each.id for each in Cloud(path).all(LOGS)] == ["/b"]


def test_a_resource_that_the_engine_knows_is_no_orphan_even_after_a_crash(path: Path) -> None:
    cloud = Cloud(path)
    made = make(cloud, VPC, cidrBlock="10.0.0.0/16")
    cloud.acknowledge(VPC, made.id)
    replacement = make(Cloud(path), VPC, cidrBlock="10.1.0.0/16")
    assert {each.id for each in Cloud(path).all(VPC)} == {made.id, replacement.id}


def test_what_a_killed_run_created_is_discarded_unless_it_is_recorded_or_known(path: Path) -> None:
    cloud, heard = Cloud(path), list[int]()
    vpc = make(cloud, VPC, "urn:vpc", cidrBlock="10.0.0.0/16")
    make(cloud, LOGS, "urn:recorded", name="/recorded")
    make(cloud, LOGS, "urn:known", name="/known")
    cloud.acknowledge(LOGS, "/known")
    make(cloud, LOGS, "urn:other", name="/other")
    cloud.on_change.append(lambda: heard.append(len(cloud.all(LOGS))))
    urns = ["urn:vpc", "urn:recorded", "urn:known", "urn:never-made"]
    assert cloud.discard_unrecorded(urns, ["/recorded"]) == ["urn:vpc"]
    assert heard == [3]
    assert not Cloud(path).get(VPC, vpc.id)
    assert [each.id for each in Cloud(path).all(LOGS)] == ["/recorded", "/known", "/other"]
    assert not cloud.discard_unrecorded(urns, ["/recorded"])
    assert heard == [3], "nothing was removed"


def test_an_unknown_value_is_never_made_or_saved(path: Path) -> None:
    cloud = Cloud(path)
    with pytest.raises(ValueError, match="tags isn't known"):
        make(cloud, LOGS, name="/a", tags={"a": [UNKNOWN]})
    made = make(cloud, LOGS, name="/a")
    with pytest.raises(ValueError, match="retentionInDays"):
        cloud.update(LOGS, made.id, {"name": "/a", "retentionInDays": UNKNOWN})
    assert Cloud(path).get(LOGS, made.id) == made


def test_an_unknown_type_says_where_to_add_it() -> None:
    with pytest.raises(Refused, match=r"aws:sqs/queue:Queue.*localaws/catalog/"):
        make(Cloud(), "aws:sqs/queue:Queue")


def test_updating_what_is_gone_is_refused_and_deleting_it_is_not() -> None:
    cloud = Cloud()
    with pytest.raises(Refused, match="does not exist"):
        cloud.update(LOGS, "/a", {"name": "/a"})
    cloud.delete(LOGS, "/a")


def test_followers_hear_of_changes_but_not_of_acknowledgements() -> None:
    cloud, heard = Cloud(), list[int]()
    cloud.on_change.append(lambda: heard.append(len(cloud.all(LOGS))))
    made = make(cloud, LOGS, name="/a")
    cloud.acknowledge(LOGS, made.id)
    cloud.update(LOGS, made.id, {"name": "/a", "retentionInDays": 1})
    cloud.delete(LOGS, made.id)
    assert heard == [1, 1, 0]


def test_followers_hear_when_a_deletion_begins_and_when_it_is_given_up() -> None:
    cloud, heard = Cloud(), list[bool]()
    made = make(cloud, LOGS, name="/a")
    cloud.on_change.append(lambda: heard.append(made.id in cloud.draining))
    with pytest.raises(TimeoutError), cloud.deleting(made.id):
        raise TimeoutError
    assert heard == [True, False]


def test_an_update_keeps_what_aws_chose_and_follows_what_the_program_says() -> None:
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
    assert changed.outputs["healthCheck"]["healthyThreshold"] == 5, (
        "without a block AWS's own defaults hold"
    )
    assert cloud.update(TARGETS, made.id, inputs).outputs["deregistrationDelay"] == 300


def test_default_tags_lie_under_the_resources_own() -> None:
    tags = {"Stack": "dev", "Owner": "all"}
    made = Cloud().create(
        LOGS, "urn", {"name": "/a", "tags": {"Owner": "me"}}, region=REGION, tagging=Tagging(tags)
    )
    assert made.outputs["tagsAll"] == {"Stack": "dev", "Owner": "me"}
    assert made.outputs["tags"] == {"Owner": "me"}


def test_a_resources_own_region_wins_over_the_providers() -> None:
    made = make(Cloud(), LOGS, name="/a", region="us-east-1")
    assert made.region == made.outputs["region"] == "us-east-1"
    assert ":us-east-1:" in made.outputs["arn"]


def test_a_prefix_is_completed_by_the_provider() -> None:
    made = make(Cloud(), LOGS, namePrefix="/web-")
    assert made.id == made.outputs["name"]
    assert made.id.startswith("/web-")
    assert len(made.id) == len("/web-") + 26


def test_skip_destroy_leaves_the_resource_to_be_found_again() -> None:
    cloud = Cloud()
    made = make(cloud, LOGS, name="/a", skipDestroy=True)
    cloud.delete(LOGS, made.id)
    assert cloud.find(LOGS, "/a") is not None


def network(cloud: Cloud) -> str:
    return str(make(cloud, VPC, "urn:vpc", cidrBlock="10.0.0.0/16").id)


def test_the_data_plane_completes_what_only_it_knows() -> None:
    cloud = Cloud()
    cloud.completions[BALANCER] = lambda balancer: {
        "dnsName": f"127.0.0.9/{balancer.outputs['name']}"
    }
    vpc = network(cloud)
    subnets = [
        make(
            cloud,
            "aws:ec2/subnet:Subnet",
            f"urn:{zone}",
            vpcId=vpc,
            cidrBlock=f"10.0.{number}.0/24",
            availabilityZone=f"{REGION}{zone}",
        ).id
        for number, zone in enumerate("ab")
    ]
    made = make(cloud, BALANCER, name="web", subnets=subnets, internal=True)
    assert made.outputs["dnsName"] == "127.0.0.9/web"
    assert (
        cloud.update(BALANCER, made.id, {**made.inputs, "idleTimeout": 5}).outputs["dnsName"]
        == "127.0.0.9/web"
    )


def test_a_seeded_parameter_blocks_its_name_and_its_value_never_reaches_the_file(
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
