"""Flow logs of the VPC, and customer managed keys of all logs."""

from __future__ import annotations

from typing import Any

import pytest

from tests.infra import recorder

GROUP = "/aws/ecs/ecs-cluster-dev/flow"
HERE = "ap-northeast-1:123456789012"


@pytest.mark.parametrize(("choice", "traffic"), [("reject", "REJECT"), ("all", "ALL")])
def test_a_flow_log_writes_one_log_group_and_nothing_else(choice: str, traffic: str) -> None:
    recording = recorder.run("dev", flowLogs=choice, flowLogRetentionDays=90)
    component = recording.component("FlowLogs")
    assert recording.children(component) == {
        (kind, "flow-logs") for kind in ("LogGroup", "Role", "RolePolicy", "FlowLog")
    }
    log = recording.one("FlowLog")
    assert (log.inputs["trafficType"], log.inputs["logDestinationType"]) == (
        traffic,
        "cloud-watch-logs",
    )
    assert log.inputs["logDestination"] == f"arn:aws:logs:{HERE}:log-group:{GROUP}"
    assert log.inputs["vpcId"] == recording.id(recording.one("Vpc"))
    assert recording.one("RolePolicy", "flow-logs").urn in log.dependencies, (
        "it would lose the records until then"
    )
    (statement,) = recorder.statements(recording.one("RolePolicy", "flow-logs"))
    assert statement["Resource"] == f"arn:aws:logs:{HERE}:log-group:{GROUP}:*"
    group = recording.one("LogGroup", "flow-logs")
    assert (group.inputs["name"], group.inputs["retentionInDays"], group.retain_on_delete) == (
        GROUP,
        90,
        True,
    )
    assert recording.outputs[component.urn] == {"logGroup": GROUP}


def test_dev_has_no_flow_log(dev: recorder.Recording) -> None:
    assert not dev.all("FlowLog")


def test_existing_keys_and_a_permissions_boundary_are_set_on_every_log_and_role() -> None:
    key = f"arn:aws:kms:{HERE}:key/12345678-1234-1234-1234-123456789012"
    boundary = "arn:aws:iam::123456789012:policy/boundary"
    changes: dict[str, Any] = {
        "logKeyArn": key,
        "execKeyArn": key,
        "permissionsBoundaryArn": boundary,
    }
    recording = recorder.run("dev", flowLogs="all", waf="block", **changes)
    keys = {each.name: each.inputs.get("kmsKeyId") for each in recording.all("LogGroup")}
    assert keys == dict.fromkeys(("cluster-exec", "web", "flow-logs", "waf"), key)
    boundaries = {
        each.name: each.inputs.get("permissionsBoundary") for each in recording.all("Role")
    }
    assert boundaries == dict.fromkeys(("web-execution", "web-task", "flow-logs"), boundary)
    session = recording.one("Cluster").inputs["configuration"]["executeCommandConfiguration"]
    assert session == {
        "kmsKeyId": key,
        "logging": "OVERRIDE",
        "logConfiguration": {
            "cloudWatchLogGroupName": "/aws/ecs/ecs-cluster-dev/exec",
            "cloudWatchEncryptionEnabled": True,
        },
    }
    *_, statement = recorder.statements(recording.one("RolePolicy", "web-task"))
    assert statement == {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": key}


def test_without_customer_managed_keys_a_session_does_not_encrypt_its_log(
    dev: recorder.Recording,
) -> None:
    session = dev.one("Cluster").inputs["configuration"]["executeCommandConfiguration"]
    assert session["logConfiguration"]["cloudWatchEncryptionEnabled"] is False
    assert "kmsKeyId" not in session
