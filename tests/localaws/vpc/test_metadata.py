"""What a task learns of itself from the metadata endpoint."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast

from localaws.vpc.metadata import ContainerDescription, TaskDescription, TaskMetadata
from tests.localaws.vpc.task_descriptions import ADDRESS, VPC, path_of, task

if TYPE_CHECKING:
    from collections.abc import Mapping

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


def serving(description: TaskDescription, clock: Clock | None = None) -> TaskMetadata:
    metadata = TaskMetadata(clock or Clock())
    metadata.add(description)
    return metadata


def get(metadata: TaskMetadata, path: str) -> Mapping[str, Any]:
    found = metadata.answer(VPC, ADDRESS, path)
    assert found is not None
    status, document = found
    assert status == HTTPStatus.OK
    return cast("Mapping[str, Any]", document)


def test_a_container_finds_itself_by_the_variable_that_it_gets() -> None:
    metadata = serving(task())
    variables = metadata.environment(task(), "web")
    document = get(metadata, path_of(variables["ECS_CONTAINER_METADATA_URI_V4"]))
    assert document["Name"] == "web"
    assert document["Networks"][0]["IPv4Addresses"] == [ADDRESS]
    assert document["Networks"][0]["SubnetGatewayIpv4Address"] == "10.0.1.1/24"
    assert "IPv6Addresses" not in document["Networks"][0]


def test_a_container_finds_its_ipv6_address() -> None:
    metadata = serving(task(ipv6="2001:db8::115", ipv6_cidr="2001:db8::/64"))
    variables = metadata.environment(task(), "web")
    document = get(metadata, path_of(variables["ECS_CONTAINER_METADATA_URI_V4"]))
    assert document["Networks"][0]["IPv6Addresses"] == ["2001:db8::115"]
    assert document["Networks"][0]["IPv6SubnetCIDRBlock"] == "2001:db8::/64"


def test_a_container_finds_its_task_with_every_container() -> None:
    metadata = serving(task())
    variables = metadata.environment(task(), "side")
    document = get(metadata, path_of(variables["ECS_CONTAINER_METADATA_URI_V4"]) + "/task")
    assert document["TaskARN"] == task().arn
    assert (document["Family"], document["Revision"]) == ("shop", "3")
    assert document["Limits"] == {"CPU": 0.25, "Memory": 512}
    assert [each["Name"] for each in document["Containers"]] == ["web", "side"]


def test_a_container_finds_its_labels_beside_those_of_ecs() -> None:
    web = ContainerDescription(
        name="web",
        image="nginx",
        labels={"team": "shop", "com.amazonaws.ecs.cluster": "another"},
    )
    labelled = task(containers=(web,))
    metadata = serving(labelled)
    variables = metadata.environment(labelled, "web")
    labels = get(metadata, path_of(variables["ECS_CONTAINER_METADATA_URI_V4"]))["Labels"]
    assert labels["team"] == "shop"
    assert labels["com.amazonaws.ecs.cluster"] == "web"


def test_a_task_sees_only_itself() -> None:
    metadata = serving(task())
    path = path_of(metadata.environment(task(), "web")["ECS_CONTAINER_METADATA_URI_V4"])
    credentials = metadata.environment(task(), "web")["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"]
    other = task(arn="arn:aws:ecs:eu-west-1:123456789012:task/web/fedcba9876543210")
    metadata.add(replace(other, address="10.0.1.22"))
    metadata.add(replace(other, vpc="vpc-2"))
    for vpc, address in ((VPC, "10.0.1.22"), ("vpc-2", ADDRESS), (VPC, "10.0.1.23")):
        assert metadata.answer(vpc, address, path) is None
        assert metadata.answer(vpc, address, credentials) is None
    metadata.remove(task())
    assert metadata.answer(VPC, ADDRESS, path) is None


def test_credentials_stay_until_they_are_about_to_expire() -> None:
    clock = Clock()
    metadata = serving(task(), clock)
    path = metadata.environment(task(), "web")["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"]
    first = dict(get(metadata, path))
    assert first["RoleArn"] == task().role
    assert first["Expiration"] == "2026-01-02T09:04:05.000Z"
    clock.now += timedelta(hours=5)
    assert get(metadata, path) == first
    clock.now += timedelta(minutes=46)
    assert get(metadata, path)["AccessKeyId"] != first["AccessKeyId"]


def test_a_task_without_a_role_has_no_credentials() -> None:
    without = task(role="")
    metadata = serving(without)
    assert list(metadata.environment(without, "web")) == ["ECS_CONTAINER_METADATA_URI_V4"]


def test_other_paths_are_not_there() -> None:
    metadata = serving(task())
    for path in ("/", "/v4", "/v4/unknown", "/v4/unknown/task", "/v2/credentials/guess"):
        assert metadata.answer(VPC, ADDRESS, path) is None


def test_tasks_of_an_instance_share_its_address_and_are_known_by_their_paths() -> None:
    def on_instance(name: str, address: str) -> TaskDescription:
        web = ContainerDescription(
            name="web", image="nginx", runtime_id=name * 64, address=f"172.17.0.{address}"
        )
        arn = f"arn:aws:ecs:eu-west-1:123456789012:task/web/{name}"
        return task(arn=arn, containers=(web,), launch_type="EC2")

    first, second = on_instance("a", "2"), on_instance("b", "3")
    metadata = serving(first)
    metadata.add(second)
    for each in (first, second):
        variables = metadata.environment(each, "web")
        path = path_of(variables["ECS_CONTAINER_METADATA_URI_V4"])
        document = get(metadata, path)
        assert document["DockerId"] == each.containers[0].runtime_id
        assert document["Networks"] == [
            {"NetworkMode": "bridge", "IPv4Addresses": [each.containers[0].address]}
        ]
        assert get(metadata, f"{path}/task")["LaunchType"] == "EC2"
        assert get(metadata, variables["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"])
    metadata.remove(first)
    assert metadata.answer(VPC, ADDRESS, f"/v4/{'a' * 64}") is None
    assert metadata.answer(VPC, ADDRESS, f"/v4/{'b' * 64}") is not None
