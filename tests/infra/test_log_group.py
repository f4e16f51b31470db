"""Log groups outlive their stack, and the next deployment adopts them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localaws.account.cloud import Cloud
from tests.infra import recorder

if TYPE_CHECKING:
    from tests.infra.recorder import Recording

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
    cloud = Cloud(seed=2)
    cloud.create(recorder.LOG_GROUP, "another's", {"name": f"{WEB}-two"}, region=recorder.REGION)
    assert recorder.run("dev", cloud=cloud).one("LogGroup", "web").import_id == ""
