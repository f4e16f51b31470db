"""Task definitions as they are read for a task's start."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from localaws.ecs.definition import service_spec
from localaws.ecs.scheduler.model import ServiceState
from localaws.ecs.task_definition import container_id, parameter_name, task_spec
from localaws.ecs.tasks.runtime import (
    Condition,
    ContainerSpec,
    HealthCheck,
    MountPoint,
    TaskNetwork,
    TaskSpec,
    TaskStartError,
    Ulimit,
)
from localaws.machine.root_file_system import TemporaryFolder

if TYPE_CHECKING:
    from collections.abc import Callable

    from localaws.ecs.scheduler.model import ServiceRevision
    from tests.localaws.ecs.conftest import Web

DB = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-AbCdEf"


def revision(web: Web) -> ServiceRevision:
    """Return the revision that the service requests."""
    return service_spec(web.record, web, ServiceState()).revision


def task_of(
    web: Web, definition: str = "", parameters: Callable[[str], str | None] = lambda _: None
) -> TaskSpec:
    """Return the specification of a task of the service, by default of its task definition."""
    if definition:
        web.change(taskDefinition=definition)
    return task_spec(revision(web), "t1", "subnet-a", "10.0.1.21", parameters)


def read(web: Web, **definition: Any) -> TaskSpec:
    """Return the specification of a task of a definition with some inputs changed."""
    arn = web.define(2, **definition.pop("container", {}))
    web.put("aws:ecs/taskDefinition:TaskDefinition", arn, **definition)
    return task_of(web, arn)


def container(web: Web, **container: Any) -> ContainerSpec:
    """Return the specification of a container with some settings changed."""
    (found,) = read(web, container=container).containers
    return found


def test_a_container_has_its_docker_labels(web: Web) -> None:
    assert container(web, dockerLabels={"team": "shop"}).labels == {"team": "shop"}
    assert container(web).labels == {}


def test_a_container_is_read_with_its_secrets_resolved(web: Web) -> None:
    web.change(
        taskDefinition=web.define(
            2,
            entryPoint=["sh"],
            command=["-c", "true"],
            environment=[{"name": "PLAIN", "value": "1"}],
            secrets=[
                {
                    "name": "SECRET",
                    "valueFrom": "arn:aws:ssm:eu-west-1:123456789012:parameter/demo/x",
                }
            ],
        )
    )
    task = task_of(web, parameters={"/demo/x": "hush"}.get)
    (container,) = task.containers
    assert task.hostname == "ip-10-0-1-21.eu-west-1.compute.internal"
    assert (container.entry_point, container.command) == (("sh",), ("-c", "true"))
    assert container.environment["PLAIN"] == "1"
    assert container.environment["SECRET"] == "hush"
    assert container.environment["AWS_REGION"] == "eu-west-1"
    assert container.log_stream == "/aws/ecs/web/nginx/web/t1"
    assert "hush" not in repr(task)


def test_a_container_with_a_range_of_ports_is_read_with_its_other_ports(web: Web) -> None:
    web.change(
        taskDefinition=web.define(
            2, portMappings=[{"containerPortRange": "8000-8010"}, {"containerPort": 80}]
        )
    )
    (container,) = task_of(web).containers
    assert container.ports == (80,)


def test_a_container_is_read_with_its_health_check_and_dependencies(web: Web) -> None:
    check = {
        "command": ["CMD-SHELL", "curl -f http://localhost/ || exit 1"],
        "interval": 10,
        "startPeriod": 60,
    }
    web.change(
        taskDefinition=web.define(
            2, healthCheck=check, dependsOn=[{"containerName": "db", "condition": "HEALTHY"}]
        )
    )
    (container,) = task_of(web).containers
    assert container.depends_on == {"db": Condition.HEALTHY}
    assert container.health_check == HealthCheck(
        command=("/bin/sh", "-c", "curl -f http://localhost/ || exit 1"),
        interval=10,
        timeout=5,
        retries=3,
        start_period=60,
    )


def test_a_health_check_of_none_is_none(web: Web) -> None:
    web.change(taskDefinition=web.define(2, healthCheck={"command": ["NONE"]}))
    (container,) = task_of(web).containers
    assert container.health_check is None


def test_every_missing_parameter_is_named(web: Web) -> None:
    secrets = [{"name": name, "valueFrom": f"/demo/{name}"} for name in ("b", "a", "there")]
    web.change(taskDefinition=web.define(2, secrets=secrets))
    with pytest.raises(TaskStartError, match=r"invalid parameters: /demo/a, /demo/b$"):
        task_of(web, parameters={"/demo/there": "x"}.get)


@pytest.mark.parametrize(
    ("requested", "message"),
    [
        (f"{DB}:password::", r"did not contain json key password$"),
        (
            f"{DB}:password:AWSCURRENT:",
            r"can't find the specified secret value for staging label: AWSCURRENT$",
        ),
        (f"{DB}:::1234", r"can't find the specified secret value for VersionId: 1234$"),
        (
            DB.replace("db", "none"),
            r"fetch secret arn:.*:none-AbCdEf from .*can't find the specified secret\.$",
        ),
    ],
)
def test_a_missing_secret_has_another_error_than_a_missing_key(
    web: Web, requested: str, message: str
) -> None:
    web.change(taskDefinition=web.define(2, secrets=[{"name": "DB", "valueFrom": requested}]))
    with pytest.raises(TaskStartError, match=message):
        task_spec(revision(web), "t1", "subnet-a", "10.0.1.21", {DB: "{}"}.get)


@pytest.mark.parametrize(
    ("value_from", "name"),
    [
        ("/demo/x", "/demo/x"),
        ("plain", "plain"),
        ("arn:aws:ssm:eu-west-1:123456789012:parameter/demo/x", "/demo/x"),
        (DB, DB),
    ],
)
def test_a_secret_is_looked_up_by_its_name(value_from: str, name: str) -> None:
    assert parameter_name(value_from) == name


def test_output_is_kept_only_if_the_task_definition_configures_a_log(web: Web) -> None:
    web.change(taskDefinition=web.define(2, logConfiguration=None))
    task = task_of(web)
    assert task.containers[0].log_stream is None


def test_options_that_are_left_out_are_the_images_or_unlimited(web: Web) -> None:
    found = container(web)
    assert (found.entry_point, found.command, found.user, found.working_directory) == (
        (),
        (),
        "",
        "",
    )
    assert (found.cpu, found.memory) == (None, None)
    assert not found.read_only
    assert not found.init
    task = read(web)
    assert (task.cpu, task.memory, task.platform) == (None, None, "linux/amd64")


def test_a_container_is_read_with_its_user_limits_mounts_and_capabilities(web: Web) -> None:
    found = container(
        web,
        user="101:101",
        workingDirectory="/srv",
        readonlyRootFilesystem=True,
        cpu=128,
        memory=256,
        stopTimeout=7,
        ulimits=[{"name": "nofile", "softLimit": 10, "hardLimit": 20}],
        mountPoints=[
            {"sourceVolume": "data", "containerPath": "/data"},
            {"sourceVolume": "conf", "containerPath": "/conf", "readOnly": True},
        ],
        linuxParameters={
            "initProcessEnabled": True,
            "capabilities": {"add": ["SYS_PTRACE"], "drop": ["MKNOD", "NET_RAW"]},
            "tmpfs": [{"containerPath": "/scratch", "size": 64, "mountOptions": ["exec"]}],
            "sharedMemorySize": 128,
        },
    )
    assert found.user == "101:101"
    assert found.working_directory == "/srv"
    assert found.read_only
    assert (found.cpu, found.memory, found.stop_timeout) == (128, 256, 7)
    assert found.ulimits == (Ulimit(name="nofile", soft=10, hard=20),)
    assert found.mounts == (
        MountPoint(volume="data", path="/data"),
        MountPoint(volume="conf", path="/conf", read_only=True),
    )
    assert found.temporary == (TemporaryFolder("/scratch", 64, ("exec",)),)
    assert found.shared_memory == 128
    assert found.init
    assert found.added_capabilities == {"SYS_PTRACE"}
    assert found.dropped_capabilities == {"MKNOD", "NET_RAW"}


def test_a_container_has_its_own_volumes_and_those_of_another(web: Web) -> None:
    arn = web.define(2)
    mounted = [
        {"sourceVolume": "data", "containerPath": "/data"},
        {"sourceVolume": "more", "containerPath": "/more"},
    ]
    own = [{"sourceVolume": "own", "containerPath": "/more"}]
    containers = [
        {"name": "db", "image": "db", "mountPoints": mounted},
        {
            "name": "web",
            "image": "web",
            "mountPoints": own,
            "volumesFrom": [{"sourceContainer": "db", "readOnly": True}],
        },
    ]
    web.put(
        "aws:ecs/taskDefinition:TaskDefinition", arn, containerDefinitions=json.dumps(containers)
    )
    web.change(taskDefinition=arn)
    task = task_of(web)
    assert task.containers[1].mounts == (
        MountPoint(volume="own", path="/more"),
        MountPoint(volume="data", path="/data", read_only=True),
    )


def test_a_task_is_read_with_its_size_processor_and_network(web: Web) -> None:
    web.put("aws:ec2/subnet:Subnet", "subnet-a", vpcId="vpc-1")
    web.change(
        networkConfiguration={
            "subnets": ["subnet-a"],
            "securityGroups": ["sg-1", "sg-2"],
            "assignPublicIp": True,
        }
    )
    platform = {"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"}
    task = read(web, cpu=".25 vCPU", memory="1 GB", runtimePlatform=platform)
    assert (task.cpu, task.memory, task.platform) == (256, 1024, "linux/arm64")
    assert (task.family, task.revision) == ("web", "2")
    assert task.cluster.endswith(":cluster/cluster")
    assert task.network == TaskNetwork(
        vpc="vpc-1",
        subnet="subnet-a",
        address="10.0.1.21",
        security_groups=("sg-1", "sg-2"),
        assign_public_address=True,
    )


def test_a_revision_that_an_earlier_version_saved_is_read_without_its_missing_parts(
    web: Web,
) -> None:
    new = revision(web)
    definition = {
        key: new.launch["taskDefinition"][key] for key in ("arn", "family", "containerDefinitions")
    }
    old = replace(
        new, launch={"taskDefinition": definition, "cidrs": {}, "region": new.launch["region"]}
    )
    task = task_spec(old, "t1", "subnet-a", "10.0.1.21", lambda _: None)
    assert task.network == TaskNetwork(subnet="subnet-a", address="10.0.1.21")
    assert task.containers[0].name == "web"


def on_instance(web: Web, **container: Any) -> ContainerSpec:
    """Return the specification of a container on an EC2 instance."""
    web.change(taskDefinition=web.define(2, **container))
    task = task_spec(revision(web), "t1", "", "", lambda _: None, instance="i-1")
    assert task.instance == "i-1"
    (found,) = task.containers
    return found


def test_a_container_on_an_instance_has_a_host_name_like_dockers_and_host_ports(
    web: Web,
) -> None:
    mappings = [
        {"containerPort": 80},
        {"containerPort": 81, "hostPort": 0},
        {"containerPort": 82, "hostPort": 8082, "protocol": "tcp"},
    ]
    found = on_instance(web, portMappings=mappings)
    assert found.host_ports == {80: 0, 81: 0, 82: 8082}
    assert re.fullmatch("[0-9a-f]{12}", found.hostname)
    assert container_id("t1", "web").startswith(found.hostname)
    assert container_id("t2", "web") != container_id("t1", "web") != container_id("t1", "side")
    assert on_instance(web, hostname="mine").hostname == "mine"
    assert container(web).host_ports == {}, "on Fargate a container listens at its task's address"


@pytest.mark.parametrize(
    "mapping", [{"containerPort": 53, "protocol": "udp"}, {"containerPortRange": "80-90"}]
)
def test_an_instance_forwards_single_tcp_ports_only(web: Web, mapping: dict[str, Any]) -> None:
    with pytest.raises(TaskStartError, match="instances forward single TCP ports only"):
        on_instance(web, portMappings=[mapping])
