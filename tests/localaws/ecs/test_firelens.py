"""Log routers with FireLens: their configuration, and the containers that log to them."""

from __future__ import annotations

from typing import Any

import pytest

from localaws.ecs import firelens
from localaws.ecs.tasks.runtime import Condition, ContainerSpec, LogRouter, TaskStartError

ROUTER: dict[str, Any] = {"name": "router", "firelensConfiguration": {"type": "fluentbit"}}
WEB: dict[str, Any] = {"name": "web", "logConfiguration": {"logDriver": "awsfirelens"}}
TASK = {
    "ecs_task_definition": "dev-web:3",
    "ecs_cluster": "dev",
    "ecs_task_arn": "arn:aws:ecs:eu-west-1:123456789012:task/dev/1",
}


def connected(
    *containers: dict[str, Any], memory: int | None = None, **secrets: str
) -> tuple[ContainerSpec, ...]:
    specs = [ContainerSpec(name=each["name"], image="i", memory=memory) for each in containers]
    return firelens.connected(specs, containers, {"web": secrets})


def routed(**options: str) -> dict[str, Any]:
    return {**WEB, "logConfiguration": {"logDriver": "awsfirelens", "options": options}}


def router(kind: str = "fluentbit", **options: str) -> dict[str, Any]:
    named = {name.replace("_", "-"): value for name, value in options.items()}
    return {**ROUTER, "firelensConfiguration": {"type": kind, "options": named}}


def test_a_container_that_logs_to_a_router_starts_after_it_and_has_its_address() -> None:
    other = {"name": "other"}
    web, beside, _ = connected(WEB, other, ROUTER)
    assert web.depends_on == {"router": Condition.START}
    assert web.environment == {"FLUENT_HOST": "127.0.0.1", "FLUENT_PORT": "24224"}
    assert beside == ContainerSpec(name="other", image="i")


def test_no_container_waits_for_a_router_that_waits_for_others() -> None:
    waiting = {**ROUTER, "dependsOn": [{"containerName": "web", "condition": "START"}]}
    web, _ = connected(WEB, waiting)
    assert web.depends_on == {}, "the agent adds no dependency then"


def test_containers_without_a_router_are_unchanged() -> None:
    plain = {"name": "web", "logConfiguration": {"logDriver": "awslogs"}}
    assert connected(plain) == (ContainerSpec(name="web", image="i"),)


def test_secret_options_are_variables_of_the_router() -> None:
    web, to = connected(routed(Name="datadog"), ROUTER, apikey="hidden")
    assert web.routed_logs is not None
    assert web.routed_logs.options == {"Name": "datadog", "apikey": "${apikey_0}"}
    assert to.environment == {"apikey_0": "hidden"}
    assert "hidden" not in repr(web)


def test_the_buffer_limit_is_no_option_of_the_output() -> None:
    web, _ = connected(routed(**{"log-driver-buffer-limit": "10"}), ROUTER)
    assert web.routed_logs is not None
    assert (web.routed_logs.options, web.routed_logs.limit) == ({}, 10)


@pytest.mark.parametrize(
    ("containers", "message"),
    [
        ([WEB, router("fluentd")], "a log router of type fluentd isn't emulated; use fluentbit"),
        ([WEB, router(config_file_type="s3")], "config-file-type s3 isn't emulated; use file"),
        ([routed(Region="eu-west-1"), ROUTER], "of container web to firelens config: missing out"),
    ],
)
def test_an_option_that_is_not_emulated_or_that_ecs_refuses_fails_the_tasks_start(
    containers: list[dict[str, Any]], message: str
) -> None:
    with pytest.raises(TaskStartError, match=message):
        connected(*containers)


def test_the_options_of_a_router_are_read() -> None:
    options = {"config_file_type": "file", "config_file_value": "/extra.conf"}
    *_, to = connected(WEB, router(enable_ecs_log_metadata="false", **options))
    assert to.log_router == LogRouter(include="/extra.conf", metadata=False)


def test_the_configuration_has_inputs_filters_and_an_output_for_each_container() -> None:
    options = {"Name": "cloudwatch_logs", "region": "eu-west-1", "exclude-pattern": "^GET /health"}
    task = connected(routed(**options), router(config_file_value="/extra.conf"), memory=100)
    assert (
        firelens.configuration(task, TASK)
        == """\
[INPUT]
    Name forward
    Mem_Buf_Limit 50MB
    unix_path /var/run/fluent.sock

[INPUT]
    Name forward
    Listen 127.0.0.1
    Port 24224

[INPUT]
    Name tcp
    Tag firelens-healthcheck
    Listen 127.0.0.1
    Port 8877

[FILTER]
    Name grep
    Match web-firelens*
    Exclude log ^GET /health

[FILTER]
    Name record_modifier
    Match *
    Record ecs_cluster dev
    Record ecs_task_arn arn:aws:ecs:eu-west-1:123456789012:task/dev/1
    Record ecs_task_definition dev-web:3

@INCLUDE /extra.conf

[OUTPUT]
    Name null
    Match firelens-healthcheck

[OUTPUT]
    Name cloudwatch_logs
    Match web-firelens*
    region eu-west-1
"""
    )


def test_without_options_the_configuration_has_no_output_of_the_container() -> None:
    configuration = firelens.configuration(connected(WEB, ROUTER), TASK)
    assert "web-firelens" not in configuration
    assert "Mem_Buf_Limit 25MB" in configuration
