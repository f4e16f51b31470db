"""Log groups outlive their stack, and the next deployment adopts them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localaws.account.cloud import Cloud
from tests.infra import recorder

if TYPE_CHECKING:
    from tests.infra.recorder import Recording

WITH_A_WAF: dict[str, Any] = {"waf": "block"}
"""With it, `prod` has a log group with each of the prefixes that are looked up."""

WEB = "/aws/ecs/ecs-cluster-dev/dev-web"


def test_a_destroy_leaves_every_log_group(dev: Recording) -> None:
    assert {each.name for each in dev.registered if each.retain_on_delete} == {
        "web",
        "cluster-exec",
    }


def test_a_missing_group_is_created(dev: Recording) -> None:
    assert [each.import_id for each in dev.all("LogGroup")] == ["", ""]


def test_a_group_that_exists_is_adopted_and_gets_its_retention() -> None:
    cloud = Cloud(seed=2)
    cloud.create(
        recorder.LOG_GROUP,
        "made by hand",
        {"name": WEB, "retentionInDays": 3},
        region=recorder.REGION,
    )
    recording = recorder.run("dev", cloud=cloud)
    assert recording.one("LogGroup", "web").import_id == WEB
    assert recording.one("LogGroup", "cluster-exec").import_id == "", "only what exists is adopted"
    group = cloud.get(recorder.LOG_GROUP, WEB)
    assert group
    assert group.outputs["retentionInDays"] == 14


def test_a_group_whose_name_is_longer_is_not_adopted() -> None:
    cloud = account_with(f"{WEB}-two")
    assert recorder.run("dev", cloud=cloud).one("LogGroup", "web").import_id == ""


def test_every_group_that_an_earlier_stack_left_is_adopted() -> None:
    left = recorder.inputs_of(recorder.deployed("prod", **WITH_A_WAF), "LogGroup", "name")
    assert len(left) == 4
    again = recorder.run("prod", cloud=account_with(*left), **WITH_A_WAF)
    assert {each.import_id for each in again.all("LogGroup")} == left


def test_a_preview_adopts_a_group_that_exists_alone() -> None:
    config = recorder.configuration("dev", {})
    engine = recorder.Recorder(recorder.account_for(config, account_with(WEB)))
    preview = recorder.run_under(engine, "dev", config, preview=True)
    assert recorder.changes_by_name(preview, "LogGroup") == {
        "web": "import",
        "cluster-exec": "create",
    }


def account_with(*log_groups: str) -> Cloud:
    """Return an account in which log groups exist."""
    cloud = Cloud(seed=2)
    for name in log_groups:
        cloud.create(recorder.LOG_GROUP, name, {"name": name}, region=recorder.REGION)
    return cloud
