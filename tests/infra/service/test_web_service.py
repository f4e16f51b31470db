"""The resources that a WebService registers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.infra import recorder

if TYPE_CHECKING:
    from tests.infra.recorder import Recording

SCOPE = "ap-northeast-1:123456789012"


def test_a_service_has_its_own_roles_logs_security_group_and_routing(dev: Recording) -> None:
    assert dev.children(dev.component("WebService")) == {
        ("LogGroup", "web"),
        ("Role", "web-execution"),
        ("RolePolicy", "web-execution"),
        ("Role", "web-task"),
        ("RolePolicy", "web-task"),
        ("TaskDefinition", "web"),
        ("SecurityGroup", "web"),
        ("SecurityGroupIngressRule", "web-from-ingress-80"),
        ("SecurityGroupEgressRule", "web-from-ingress-80"),
        ("SecurityGroupEgressRule", "web-https"),
        ("TargetGroup", "alb-web"),
        ("ListenerRule", "alb-attachment-48689"),
        ("Service", "web"),
        ("ListenerRule", "alb-50000"),
    }


def test_without_exec_the_tasks_have_no_task_role(dev: Recording, without_exec: Recording) -> None:
    children = without_exec.children(without_exec.component("WebService"))
    assert dev.children(dev.component("WebService")) - children == {
        ("Role", "web-task"),
        ("RolePolicy", "web-task"),
    }
    assert "taskRoleArn" not in without_exec.one("TaskDefinition").inputs
    assert without_exec.one("Service").inputs["enableExecuteCommand"] is False
    assert "ssmmessages" not in json.dumps([each.inputs for each in without_exec.registered])


def test_the_task_definition_matches_the_reference_design(dev: Recording) -> None:
    inputs = dev.one("TaskDefinition").inputs
    assert (inputs["family"], inputs["cpu"], inputs["memory"]) == ("dev-web", "256", "512")
    assert (inputs["networkMode"], inputs["requiresCompatibilities"]) == ("awsvpc", ["FARGATE"])
    assert inputs["runtimePlatform"] == {
        "operatingSystemFamily": "LINUX",
        "cpuArchitecture": "X86_64",
    }
    container = recorder.container(dev)
    shell, flag, page = container.pop("command")
    assert (shell, flag) == ("sh", "-c")
    assert "Hello from $HOST" in page
    assert page.endswith("&& exec nginx -g 'daemon off;'"), (
        "the server stays in the foreground, and gets the stop signal"
    )
    assert container == {
        "name": "nginx",
        "image": "public.ecr.aws/nginx/nginx:stable",
        "essential": True,
        "portMappings": [{"containerPort": 80, "hostPort": 80, "protocol": "tcp"}],
        "secrets": [
            {
                "name": "APP_MESSAGE",
                "valueFrom": f"arn:aws:ssm:{SCOPE}:parameter/demo/dev/message",
            },
            {
                "name": "DB_PASSWORD",
                "valueFrom": f"arn:aws:ssm:{SCOPE}:parameter/demo/dev/db_password",
            },
        ],
        "readonlyRootFilesystem": False,
        "linuxParameters": {
            "initProcessEnabled": True,
            "capabilities": {
                "drop": [
                    "AUDIT_WRITE",
                    "FSETID",
                    "MKNOD",
                    "NET_RAW",
                    "SETFCAP",
                    "SETPCAP",
                    "SYS_CHROOT",
                ]
            },
        },
        "stopTimeout": 30,
        "logConfiguration": {
            "logDriver": "awslogs",
            "options": {
                "awslogs-group": "/aws/ecs/ecs-cluster-dev/dev-web",
                "awslogs-region": "ap-northeast-1",
                "awslogs-stream-prefix": "nginx",
            },
        },
    }


def test_the_service_matches_the_reference_design(dev: Recording) -> None:
    inputs = dict(dev.one("Service").inputs)
    network = inputs.pop("networkConfiguration")
    assert network["assignPublicIp"] is True, (
        "without a NAT gateway there is no other route to the image"
    )
    assert network["securityGroups"] == [dev.id(dev.one("SecurityGroup", "web"))]
    assert set(network["subnets"]) == set(dev.one("LoadBalancer").inputs["subnets"])
    assert inputs.pop("cluster").endswith(":cluster/ecs-cluster-dev")
    assert ":task-definition/dev-web:" in inputs.pop("taskDefinition")
    del inputs["tags"]
    assert inputs == {
        "name": "dev-web",
        "launchType": "FARGATE",
        "desiredCount": 2,
        "deploymentMinimumHealthyPercent": 50,
        "deploymentMaximumPercent": 200,
        "deploymentCircuitBreaker": {"enable": True, "rollback": True},
        "availabilityZoneRebalancing": "ENABLED",
        "enableExecuteCommand": True,
        "healthCheckGracePeriodSeconds": 60,
        "loadBalancers": [
            {
                "containerName": "nginx",
                "containerPort": 80,
                "targetGroupArn": dev.exports["targetGroupArn"],
            }
        ],
        "enableEcsManagedTags": True,
        "propagateTags": "SERVICE",
        "waitForSteadyState": True,
    }


def test_deployments_time_out_as_configured_and_deletions_only_after_draining(
    dev: Recording,
) -> None:
    assert dev.one("Service").timeouts == ("10m", "10m", "11m")
    assert recorder.run("dev", drainSeconds=120).one("Service").timeouts == ("10m", "10m", "14m")


def test_the_service_is_created_after_and_deleted_before_the_resources_of_its_tasks(
    dev: Recording,
) -> None:
    needed = [
        *dev.all("RolePolicy"),
        dev.one("ListenerRule", "alb-attachment-48689"),
        dev.one("SecurityGroupIngressRule", "web-from-ingress-80"),
        *dev.all("SecurityGroupEgressRule"),
        dev.one("TaskDefinition"),
    ]
    assert len(needed) == 7
    missing = {each.urn for each in needed} - dev.one("Service").dependencies
    assert not missing, "AWS refuses the service, or its deletion gets stuck"


def test_the_tasks_wait_for_their_log_group(dev: Recording) -> None:
    assert dev.one("LogGroup", "web").urn in dev.one("TaskDefinition").dependencies


def test_the_task_definition_is_registered_after_its_roles_policies(
    sealed: Recording,
) -> None:
    policies = {each.urn for each in sealed.all("RolePolicy") if each.name.startswith("web-")}
    assert len(policies) == 3
    assert policies <= sealed.one("TaskDefinition").dependencies


def test_only_the_load_balancer_can_connect_to_the_tasks_and_to_nothing_else(
    dev: Recording,
) -> None:
    balancer = dev.id(dev.one("SecurityGroup", "alb"))
    tasks = dev.id(dev.one("SecurityGroup", "web"))
    ingress = {rule.name: _rule(rule.inputs) for rule in dev.all("SecurityGroupIngressRule")}
    egress = {rule.name: _rule(rule.inputs) for rule in dev.all("SecurityGroupEgressRule")}
    del ingress["alb-http"]  # the clients of the load balancer
    assert ingress == {"web-from-ingress-80": (tasks, balancer, "tcp", 80, 80)}
    assert egress == {
        "web-from-ingress-80": (balancer, tasks, "tcp", 80, 80),
        "web-https": (tasks, "0.0.0.0/0", "tcp", 443, 443),
    }


@pytest.mark.parametrize(("which", "days"), [("dev", 14), ("prod", 180)])
def test_the_web_log_is_kept_as_long_as_the_stack_configures(
    request: pytest.FixtureRequest, which: str, days: int
) -> None:
    recording: Recording = request.getfixturevalue(which)
    group = recording.one("LogGroup", "web")
    assert group.inputs["name"] == f"/aws/ecs/ecs-cluster-{which}/{which}-web"
    assert group.inputs["retentionInDays"] == days


def test_the_execution_role_reads_two_parameters_and_writes_one_log(dev: Recording) -> None:
    assert recorder.statements(dev.one("RolePolicy", "web-execution")) == [
        {
            "Effect": "Allow",
            "Action": "ssm:GetParameters",
            "Resource": [
                f"arn:aws:ssm:{SCOPE}:parameter/demo/dev/db_password",
                f"arn:aws:ssm:{SCOPE}:parameter/demo/dev/message",
            ],
        },
        {
            "Effect": "Allow",
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": f"arn:aws:logs:{SCOPE}:log-group:/aws/ecs/ecs-cluster-dev/dev-web:*",
        },
    ]


def test_the_task_role_allows_exec_sessions_and_writing_their_log(dev: Recording) -> None:
    channels, log = recorder.statements(dev.one("RolePolicy", "web-task"))
    assert set(channels["Action"]) == {
        *("ssmmessages:CreateControlChannel", "ssmmessages:CreateDataChannel"),
        *("ssmmessages:OpenControlChannel", "ssmmessages:OpenDataChannel"),
        "logs:DescribeLogGroups",
    }
    assert log == {
        "Effect": "Allow",
        "Action": ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
        "Resource": f"arn:aws:logs:{SCOPE}:log-group:/aws/ecs/ecs-cluster-dev/exec:*",
    }


def test_a_private_image_may_be_pulled_from_its_repository_only(another_image: Recording) -> None:
    _, token, pull = recorder.statements(another_image.one("RolePolicy", "shop-execution"))
    assert (token["Action"], token["Resource"]) == ("ecr:GetAuthorizationToken", "*")
    assert pull["Resource"] == "arn:aws:ecr:eu-west-1:210987654321:repository/team/shop"


def _rule(inputs: dict[str, Any]) -> tuple[Any, ...]:
    peer = inputs.get("referencedSecurityGroupId") or inputs["cidrIpv4"]
    return (
        inputs["securityGroupId"],
        peer,
        inputs["ipProtocol"],
        inputs["fromPort"],
        inputs["toPort"],
    )
