"""What a stack registers whose image is built, and when it is built again."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from localaws.mocks import UNKNOWN
from tests.infra import recorder

if TYPE_CHECKING:
    from pathlib import Path

    from tests.infra.recorder import Recording, Registered

APP = "tests/infra/app"
CHANGES: dict[str, Any] = {
    "build": {"context": APP, "target": "service", "args": {"VERSION": "2"}},
    "command": [],
    "containerPort": 8080,
    "requireImageDigest": True,
}
REGISTRY = "123456789012.dkr.ecr.ap-northeast-1.amazonaws.com"


def run_with_build(**changes: Any) -> Recording:
    return recorder.run("dev", **{**CHANGES, **changes})


@pytest.fixture(scope="module")
def built() -> Recording:
    return run_with_build()


def docker_image(recording: Recording) -> Registered:
    (found,) = [each for each in recording.registered if each.type == "docker-build:index:Image"]
    return found


def test_a_built_image_has_a_repository_with_scans_and_immutable_tags(
    built: Recording,
) -> None:
    component = built.component("BuiltImage")
    (stash,) = [each for each in built.registered if each.type == "pulumi:index:Stash"]
    assert built.children(component) == {
        ("Repository", "web"),
        ("LifecyclePolicy", "web"),
        ("Stash", stash.name),
        ("Image", "web"),
    }
    inputs = dict(built.one("Repository").inputs)
    assert inputs.pop("tags")["Component"] == "web"
    assert inputs == {
        "imageTagMutability": "IMMUTABLE",
        "imageScanningConfiguration": {"scanOnPush": True},
        "encryptionConfigurations": [{"encryptionType": "KMS"}],
        "forceDelete": True,
    }
    assert built.one("LifecyclePolicy").delete_before_replace


def test_old_images_expire_and_the_newest_twenty_stay(built: Recording) -> None:
    tagged, untagged = json.loads(built.one("LifecyclePolicy").inputs["policy"])["rules"]
    assert tagged["selection"] == {
        "tagStatus": "tagged",
        "tagPatternList": ["*"],
        "countType": "imageCountMoreThan",
        "countNumber": 20,
    }
    assert untagged["selection"]["tagStatus"] == "untagged"
    assert untagged["selection"]["countNumber"] == 7


def test_the_image_is_built_as_configured_and_survives_its_successor(built: Recording) -> None:
    inputs = docker_image(built).inputs
    assert inputs["context"] == {"location": APP}
    assert inputs["dockerfile"] == {"location": f"{APP}/Dockerfile"}
    assert inputs["target"] == "service"
    assert inputs["buildArgs"] == {"VERSION": "2"}
    assert inputs["platforms"] == ["linux/amd64"]
    (image,) = [each for each in built.registered if each.type == "awsx:ecr:Image"]
    assert image.retain_on_delete, (
        "the provider would delete it by a digest that the next image may have too"
    )


def test_tasks_run_the_image_by_its_digest_and_may_pull_from_its_repository_only(
    built: Recording,
) -> None:
    repository = built.id(built.one("Repository"))
    image, _, digest = recorder.container(built)["image"].partition("@")
    assert image == f"{REGISTRY}/{repository}"
    assert digest.startswith("sha256:")
    statements = recorder.statements(built.one("RolePolicy", "web-execution"))
    assert [each for each in statements if "ecr:" in json.dumps(each["Action"])] == [
        {"Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*"},
        {
            "Effect": "Allow",
            "Action": [
                "ecr:BatchCheckLayerAvailability",
                "ecr:BatchGetImage",
                "ecr:GetDownloadUrlForLayer",
            ],
            "Resource": f"arn:aws:ecr:ap-northeast-1:123456789012:repository/{repository}",
        },
    ]
    assert not built.all("RolePolicyAttachment")


def test_tasks_for_arm_get_an_image_for_arm() -> None:
    assert docker_image(run_with_build(cpuArchitecture="ARM64")).inputs["platforms"] == [
        "linux/arm64"
    ]


def test_an_image_in_another_registry_has_no_repository_here(dev: Recording) -> None:
    assert not dev.all("Repository")
    assert "docker-build" not in json.dumps([each.type for each in dev.registered])


def test_tasks_behind_endpoints_pull_a_built_image_through_them() -> None:
    recording = run_with_build(network="endpoints")
    names = {each.inputs["serviceName"] for each in recording.all("VpcEndpoint")}
    assert {f"com.amazonaws.ap-northeast-1.{each}" for each in ("ecr.api", "ecr.dkr", "s3")} < names


def test_a_preview_of_the_first_deployment_builds_nothing() -> None:
    config = recorder.configuration("dev", CHANGES)
    account = recorder.account_for(config)
    shown = recorder.run_under(recorder.Recorder(account), "dev", config, preview=True)
    assert not [each for each in shown.registered if each.type.startswith("docker-build:")]
    assert shown.one("TaskDefinition").inputs["containerDefinitions"] is UNKNOWN


def test_the_same_files_keep_the_image_and_its_tag(built: Recording) -> None:
    again = recorder.run("dev", after=built, **CHANGES)
    assert not again.done()
    assert docker_image(again).inputs["tags"] == docker_image(built).inputs["tags"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project's folder with the application in it, in which the program runs."""
    shutil.copytree(recorder.ROOT_FOLDER / APP, tmp_path / "app")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_changed_file_makes_another_image_and_a_repeated_build_gets_another_tag(
    folder: Path,
) -> None:
    changes = {**CHANGES, "build": "app"}
    source = folder / "app" / "main.go"
    first = recorder.run("dev", **changes)
    former = source.read_text()
    source.write_text("package other\n")
    second = recorder.run("dev", after=first, **changes)
    assert second.done() == {("replace", "TaskDefinition"), ("update", "Service")}
    assert not [each for each in second.registered if each.type.startswith("docker-build:")], (
        "a preview doesn't know the tag of what it would build"
    )
    source.write_text(former)
    third = recorder.run("dev", **changes)
    (tag,) = docker_image(third).inputs["tags"]
    (former_tag,) = docker_image(first).inputs["tags"]
    assert tag != former_tag, "ECR refuses a tag that exists"
    fingerprint = tag.rpartition("-")[0].rpartition(":")[2]
    former_fingerprint = former_tag.rpartition("-")[0].rpartition(":")[2]
    assert fingerprint == former_fingerprint, "the files are the same"
