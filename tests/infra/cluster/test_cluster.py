"""The resources that a Cluster registers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.infra import recorder

if TYPE_CHECKING:
    from tests.infra.recorder import Recording


def test_a_cluster_has_a_log_group_for_exec_sessions(dev: Recording) -> None:
    assert dev.children(dev.component("Cluster")) == {
        ("Cluster", "cluster"),
        ("LogGroup", "cluster-exec"),
    }


@pytest.mark.parametrize(
    ("which", "insights", "days"), [("dev", "disabled", 7), ("prod", "enabled", 30)]
)
def test_insights_and_retention_are_configured_for_each_stack(
    which: str, insights: str, days: int
) -> None:
    recording = recorder.deployed(which, ecsExec=True, execLogRetentionDays=days)
    inputs = recording.one("Cluster").inputs
    assert inputs["name"] == f"ecs-cluster-{which}"
    assert inputs["settings"] == [{"name": "containerInsights", "value": insights}]
    group = recording.one("LogGroup", "cluster-exec")
    assert group.inputs["name"] == f"/aws/ecs/ecs-cluster-{which}/exec"
    assert group.inputs["retentionInDays"] == days


def test_exec_sessions_are_logged_in_the_clusters_own_group(dev: Recording) -> None:
    assert dev.one("Cluster").inputs["configuration"] == {
        "executeCommandConfiguration": {
            "logging": "OVERRIDE",
            "logConfiguration": {
                "cloudWatchLogGroupName": "/aws/ecs/ecs-cluster-dev/exec",
                "cloudWatchEncryptionEnabled": False,
            },
        }
    }


def test_without_exec_there_is_no_log_group_for_sessions(without_exec: Recording) -> None:
    assert without_exec.children(without_exec.component("Cluster")) == {("Cluster", "cluster")}
    assert "configuration" not in without_exec.one("Cluster").inputs


def test_a_cluster_exposes_what_other_components_use(dev: Recording) -> None:
    shown = dev.outputs[dev.component("Cluster").urn]
    assert shown["clusterName"] == "ecs-cluster-dev"
    assert shown["execLogGroup"] == "/aws/ecs/ecs-cluster-dev/exec"
    assert shown["arn"].endswith(":cluster/ecs-cluster-dev")


def test_the_log_group_of_insights_has_a_retention(dev: Recording, prod: Recording) -> None:
    group = prod.one("LogGroup", "cluster-insights")
    assert group.inputs["name"] == "/aws/ecs/containerinsights/ecs-cluster-prod/performance"
    assert (group.inputs["retentionInDays"], group.retain_on_delete) == (180, True)
    assert group.urn in prod.one("Cluster").dependencies, (
        "AWS would make one that never expires at the first measurement"
    )
    assert "cluster-insights" not in recorder.names(dev, "LogGroup")
