"""Sidecars and volumes of a task definition, and what its roles and rules allow for them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from localaws.mocks import Cloud
from tests.infra import recorder

if TYPE_CHECKING:
    from tests.infra.recorder import Recording

SCOPE = "ap-northeast-1:123456789012"
IMAGE = f"123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/proxy@sha256:{'0' * 64}"
ROUTER = "public.ecr.aws/team/router:1"
POINT = f"arn:aws:elasticfilesystem:{SCOPE}:access-point/fsap-"
SYSTEM = f"arn:aws:elasticfilesystem:{SCOPE}:file-system/fs-"


@pytest.fixture(scope="module")
def task() -> Recording:
    return recorder.run(
        "dev",
        ecsExec=False,
        writablePaths=["/tmp"],
        sidecars={
            "proxy": {
                "image": IMAGE,
                "command": ["serve", 1],
                "environment": {"MODE": "fast"},
                "secrets": {"TOKEN": "/shop/token", "KEY": "secretsmanager:shop#key"},
                "user": "101",
                "writablePaths": ["/tmp", "/run"],
                "mounts": {"shared": "/in:ro", "files": "/files"},
                "cpuUnits": 64,
                "memoryMib": 128,
                "dependsOn": {"prepare": "SUCCESS"},
                "healthCheckCommand": ["CMD-SHELL", "test -e /in/ready"],
                "healthCheckIntervalSeconds": 5,
                "healthCheckStartSeconds": 10,
            },
            "prepare": {
                "image": ROUTER,
                "essential": False,
                "dropCapabilities": ["NET_RAW"],
                "mounts": {"archive": "/old:ro"},
            },
        },
        dependsOn={"proxy": "HEALTHY", "prepare": "COMPLETE"},
        volumes={
            "shared": {},
            "files": {"efsFileSystemId": "fs-00000001", "efsAccessPointId": "fsap-00000001"},
            "archive": {"efsFileSystemId": "fs-00000002", "efsAccessPointId": "fsap-00000002"},
        },
        mounts={"shared": "/out"},
        ephemeralStorageGib=50,
    )


def test_a_sidecar_has_everything_that_it_is_configured_with(task: Recording) -> None:
    proxy = recorder.containers(task)["proxy"]
    del proxy["logConfiguration"]  # the test of every container's log compares it
    secret = proxy["secrets"].pop(0)
    assert secret["name"] == "KEY"
    assert secret["valueFrom"].endswith(":secret:shop:key::")
    assert proxy == {
        "name": "proxy",
        "image": IMAGE,
        "essential": True,
        "command": ["serve", "1"],
        "environment": [{"name": "MODE", "value": "fast"}],
        "secrets": [
            {"name": "TOKEN", "valueFrom": f"arn:aws:ssm:{SCOPE}:parameter/shop/token"},
        ],
        "user": "101",
        "readonlyRootFilesystem": True,
        "mountPoints": [
            {"sourceVolume": "scratch-proxy-1", "containerPath": "/tmp", "readOnly": False},
            {"sourceVolume": "scratch-proxy-2", "containerPath": "/run", "readOnly": False},
            {"sourceVolume": "files", "containerPath": "/files", "readOnly": False},
            {"sourceVolume": "shared", "containerPath": "/in", "readOnly": True},
        ],
        "linuxParameters": {"initProcessEnabled": True, "capabilities": {"drop": ["ALL"]}},
        "stopTimeout": 30,
        "dependsOn": [{"containerName": "prepare", "condition": "SUCCESS"}],
        "healthCheck": {
            "command": ["CMD-SHELL", "test -e /in/ready"],
            "interval": 5,
            "timeout": 5,
            "retries": 3,
            "startPeriod": 10,
        },
        "cpu": 64,
        "memory": 128,
    }


def test_a_sidecar_without_options_has_ecss_defaults(task: Recording) -> None:
    prepare = recorder.containers(task)["prepare"]
    assert prepare["essential"] is False
    assert prepare["linuxParameters"]["capabilities"] == {"drop": ["NET_RAW"]}
    assert not {"cpu", "memory", "healthCheck", "command", "portMappings"} & prepare.keys()


def test_the_services_container_depends_on_sidecars_and_mounts_volumes(task: Recording) -> None:
    nginx = recorder.containers(task)["nginx"]
    assert nginx["dependsOn"] == [
        {"containerName": "prepare", "condition": "COMPLETE"},
        {"containerName": "proxy", "condition": "HEALTHY"},
    ]
    assert {mount["sourceVolume"] for mount in nginx["mountPoints"]} == {"scratch-1", "shared"}
    assert next(iter(recorder.containers(task))) == "nginx", (
        "the first container is the service's own"
    )


def test_every_container_logs_to_the_services_group_with_its_own_prefix(task: Recording) -> None:
    containers = recorder.containers(task)
    assert containers.keys() == {"nginx", "prepare", "proxy"}
    for name, container in containers.items():
        options = container["logConfiguration"]["options"]
        assert options["awslogs-group"] == task.exports["webLogGroup"]
        assert options["awslogs-stream-prefix"] == name


def test_a_log_router_gets_the_output_of_the_containers_that_name_it() -> None:
    recording = recorder.run(
        "dev",
        sidecars={
            "router": {"image": ROUTER, "logRouter": "fluentbit", "logRouterFile": "/extra.conf"},
            "beside": {"image": ROUTER, "logTo": "router"},
        },
        logTo="router",
        logOptions={"Name": "datadog", "exclude-pattern": "^GET /health"},
        logSecrets={"apikey": "/shop/token"},
    )
    found = recorder.containers(recording)
    assert found["nginx"]["logConfiguration"] == {
        "logDriver": "awsfirelens",
        "options": {"Name": "datadog", "exclude-pattern": "^GET /health"},
        "secretOptions": [
            {"name": "apikey", "valueFrom": f"arn:aws:ssm:{SCOPE}:parameter/shop/token"}
        ],
    }
    assert found["beside"]["logConfiguration"] == {"logDriver": "awsfirelens"}
    assert found["router"]["firelensConfiguration"] == {
        "type": "fluentbit",
        "options": {"config-file-type": "file", "config-file-value": "/extra.conf"},
    }
    own = found["router"]["logConfiguration"]
    assert own["logDriver"] == "awslogs", "its own output shows why it fails"
    assert own["options"]["awslogs-stream-prefix"] == "router"
    allowed = json.dumps(recorder.statements(recording.one("RolePolicy", "web-execution")))
    assert f"arn:aws:ssm:{SCOPE}:parameter/shop/token" in allowed


def test_volumes_are_scratch_folders_shared_ones_and_encrypted_access_points(
    task: Recording,
) -> None:
    definition = task.one("TaskDefinition").inputs
    volumes = {each["name"]: each for each in definition["volumes"]}
    scratch = {"scratch-1", "scratch-proxy-1", "scratch-proxy-2"}
    assert volumes.keys() == {*scratch, "shared", "files", "archive"}
    assert volumes["shared"] == {"name": "shared"}
    assert volumes["files"]["efsVolumeConfiguration"] == {
        "fileSystemId": "fs-00000001",
        "transitEncryption": "ENABLED",
        "authorizationConfig": {"accessPointId": "fsap-00000001", "iam": "ENABLED"},
    }
    assert definition["ephemeralStorage"] == {"sizeInGib": 50}


def test_the_task_role_may_mount_its_access_points_only_and_write_only_to_writable_mounts(
    task: Recording,
) -> None:
    assert recorder.statements(task.one("RolePolicy", "web-task-efs")) == [
        {
            "Effect": "Allow",
            "Action": ["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"],
            "Resource": f"{SYSTEM}00000001",
            "Condition": {"StringEquals": {"elasticfilesystem:AccessPointArn": f"{POINT}00000001"}},
        },
        {
            "Effect": "Allow",
            "Action": ["elasticfilesystem:ClientMount"],
            "Resource": f"{SYSTEM}00000002",
            "Condition": {"StringEquals": {"elasticfilesystem:AccessPointArn": f"{POINT}00000002"}},
        },
    ]


def test_tasks_may_connect_to_the_mount_targets_in_their_vpc(task: Recording) -> None:
    rule = task.one("SecurityGroupEgressRule", "web-to-10-0-0-0-16-2049").inputs
    assert (rule["cidrIpv4"], rule["fromPort"], rule["toPort"]) == ("10.0.0.0/16", 2049, 2049)


def test_the_execution_role_may_read_every_containers_secrets_and_pull_their_images(
    task: Recording,
) -> None:
    resources: dict[str, Any] = {}
    for statement in recorder.statements(task.one("RolePolicy", "web-execution")):
        actions = statement["Action"]
        resources[actions if isinstance(actions, str) else actions[0]] = statement["Resource"]
    assert f"arn:aws:ssm:{SCOPE}:parameter/shop/token" in resources["ssm:GetParameters"]
    assert resources["secretsmanager:GetSecretValue"] == [
        f"arn:aws:secretsmanager:{SCOPE}:secret:shop-??????"
    ]
    assert resources["ecr:BatchCheckLayerAvailability"] == f"arn:aws:ecr:{SCOPE}:repository/proxy"


def test_images_of_several_repositories_may_be_pulled() -> None:
    own = IMAGE.replace("/proxy", "/shop")
    recording = recorder.run("dev", image=own, sidecars={"proxy": {"image": IMAGE}})
    pulled = recorder.statements(recording.one("RolePolicy", "web-execution"))[-1]["Resource"]
    assert pulled == [f"arn:aws:ecr:{SCOPE}:repository/{name}" for name in ("proxy", "shop")]


def test_a_secret_of_a_sidecar_that_does_not_exist_is_refused_by_its_path() -> None:
    engine = recorder.Recorder(Cloud(seed=1))
    sidecars = {"proxy": {"image": ROUTER, "secrets": {"A": "/none"}}}
    config = recorder.configuration("dev", {"secrets": {}, "sidecars": sidecars})
    refusal = recorder.refusal_by(engine, config)
    assert [problem.key for problem in refusal.problems] == ["sidecars.proxy.secrets"]


def test_endpoints_are_made_for_the_secrets_of_sidecars_too() -> None:
    sidecars = {"proxy": {"image": IMAGE, "secrets": {"A": "secretsmanager:shop"}}}
    recording = recorder.run("dev", network="endpoints", image=IMAGE, secrets={}, sidecars=sidecars)
    services = {each.inputs["serviceName"] for each in recording.all("VpcEndpoint")}
    assert "com.amazonaws.ap-northeast-1.secretsmanager" in services
    assert "com.amazonaws.ap-northeast-1.ssm" not in services
