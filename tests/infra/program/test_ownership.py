"""A stack shares neither its cluster nor its log groups with another one by accident."""

from __future__ import annotations

from typing import Any

import pulumi
import pytest

from localaws.mocks import Cloud
from tests.infra import recorder
from tests.infra.program import denied_lookups

CLUSTER = "aws:ecs/cluster:Cluster"
OURS = {"Project": "fargate-web", "Stack": "dev"}
THEIRS = {"Project": "shop", "Stack": "dev"}
WEB, FLOW = "/aws/ecs/ecs-cluster-dev/dev-web", "/aws/ecs/ecs-cluster-dev/flow"


def account(
    token: str, tags: dict[str, str] | None, *, region: str = recorder.REGION, **inputs: Any
) -> Cloud:
    """Return an account with one resource in it."""
    cloud = Cloud(seed=1)
    cloud.create(
        token, "another project's", {**inputs, **({"tags": tags} if tags else {})}, region=region
    )
    return cloud


def refusal_in(cloud: Cloud) -> str:
    """Return the message of the error that stops a run in that account."""
    return str(recorder.refusal_of(cloud=cloud))


def test_another_projects_cluster_is_refused_with_what_to_do() -> None:
    text = refusal_in(account(CLUSTER, THEIRS, name="ecs-cluster-dev"))
    assert "stack: dev of project fargate-web; the cluster ecs-cluster-dev exists already" in text
    assert "belongs to project shop, stack dev" in text
    assert "a stack name that no other project uses in this account and region" in text
    arn = "arn:aws:ecs:ap-northeast-1:123456789012:cluster/ecs-cluster-dev"
    tags = "key=Project,value=fargate-web key=Stack,value=dev"
    assert f"aws ecs tag-resource --resource-arn {arn} --tags {tags}`" in text


def test_a_cluster_without_an_owner_is_refused_too() -> None:
    text = refusal_in(account(CLUSTER, None, name="ecs-cluster-dev"))
    assert "has no tags that name an owner" in text


@pytest.mark.parametrize(
    ("tags", "name", "region"),
    [
        (OURS, "ecs-cluster-dev", recorder.REGION),
        (THEIRS, "ecs-cluster-dev-2", recorder.REGION),
        (THEIRS, "my-ecs-cluster-dev", recorder.REGION),
        (THEIRS, "ecs-cluster-dev", "us-west-2"),
    ],
    ids=["ours", "longer name", "another beginning", "another region"],
)
def test_the_stacks_own_cluster_and_clusters_of_other_names_and_regions_are_accepted(
    tags: dict[str, str], name: str, region: str
) -> None:
    cloud = account(
        CLUSTER, tags, name=name, region=region, settings=[_INSIGHTS_OFF], configuration=_EXEC
    )
    assert recorder.run("dev", cloud=cloud).one("Cluster").inputs["name"] == "ecs-cluster-dev"


_INSIGHTS_OFF = {"name": "containerInsights", "value": "disabled"}
_EXEC = {
    "executeCommandConfiguration": {
        "logging": "OVERRIDE",
        "logConfiguration": {
            "cloudWatchLogGroupName": "/aws/ecs/ecs-cluster-dev/exec",
            "cloudWatchEncryptionEnabled": False,
        },
    }
}


@pytest.mark.parametrize("group", [WEB, FLOW], ids=["one in use", "one for later"])
def test_another_projects_log_group_is_refused_with_what_to_do(group: str) -> None:
    text = refusal_in(account(recorder.LOG_GROUP, THEIRS, name=group))
    assert f"the log group {group} exists already and belongs to project shop, stack dev" in text
    arn = f"arn:aws:logs:ap-northeast-1:123456789012:log-group:{group}"
    tags = "Project=fargate-web,Stack=dev"
    assert f"aws logs tag-resource --resource-arn {arn} --tags {tags}`" in text


@pytest.mark.parametrize("tags", [OURS, None, {"Team": "a"}], ids=["ours", "none", "others"])
def test_the_stacks_own_log_group_and_one_without_an_owner_are_adopted(
    tags: dict[str, str] | None,
) -> None:
    recording = recorder.run("dev", cloud=account(recorder.LOG_GROUP, tags, name=WEB))
    assert recording.one("LogGroup", "web").import_id == WEB


def test_a_deployed_stack_looks_up_only_its_cluster() -> None:
    made = recorder.deployed("dev")
    again = recorder.run("dev", after=made)
    lookups = [token for token, _ in again.invoked]
    assert lookups.count("aws:ecs/getClusters:getClusters") == 1
    assert lookups.count("aws:ecs/getCluster:getCluster") == 1
    assert "aws:cloudwatch/getLogGroup:getLogGroup" not in lookups


def test_without_permission_to_look_up_clusters_the_run_warns_and_continues(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    warnings: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", lambda message, *_: warnings.append(message))
    monkeypatch.setitem(
        denied_lookups.ACTIONS, "aws:ecs/getClusters:getClusters", "ecs:ListClusters"
    )
    engine = denied_lookups.Denying(Cloud(seed=1))
    recording = recorder.run_under(engine, "dev", recorder.configuration("dev", {}))
    assert recording.one("Cluster").inputs["name"] == "ecs-cluster-dev"
    unchecked = (
        "The owner of the cluster and of the log groups wasn't checked: that takes ecs:ListClusters"
    )
    assert any(each.startswith(unchecked) for each in warnings), warnings
