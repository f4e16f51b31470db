"""What awsx.ecr's components are made of, as the real ones' source has it."""

from __future__ import annotations

from typing import Any

import pytest

from localaws.catalog import UNKNOWN
from tests.localaws.protocol.recording_engine import Engine, component

URL = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop"
DIGEST = "sha256:" + "a" * 64


def engine(*, preview: bool = False) -> Engine:
    made = Engine(preview=preview)
    made.answers["getAuthorizationToken"] = {
        "proxyEndpoint": "https://123456789012.dkr.ecr.eu-west-1.amazonaws.com",
        "userName": "AWS",
        "password": "token",
    }
    return made


async def image(made: Engine, **inputs: Any) -> dict[str, Any]:
    return await component(made, "awsx:ecr:Image", "shop", **{"repositoryUrl": URL, **inputs})


async def test_a_repository_expires_untagged_images_unless_it_has_rules() -> None:
    made = engine()
    outputs = await component(made, "awsx:ecr:Repository", "Shop", forceDelete=True)
    assert [(each.type, each.name) for each in made.registered] == [
        ("awsx:ecr:Repository", "Shop"),
        ("aws:ecr/repository:Repository", "shop"),
        ("aws:ecr/lifecyclePolicy:LifecyclePolicy", "shop"),
    ]
    assert made.of("Repository")["shop"] == {"forceDelete": True}
    policy = made.of("LifecyclePolicy")["shop"]["policy"]
    assert policy == {
        "rules": [
            {
                "rulePriority": 1,
                "description": "remove untagged images",
                "selection": {
                    "tagStatus": "untagged",
                    "countType": "imageCountMoreThan",
                    "countNumber": 1,
                },
                "action": {"type": "expire"},
            }
        ]
    }
    assert {"url", "repository", "lifecyclePolicy"} == outputs.keys()


async def test_a_repositorys_rules_are_numbered_and_the_one_for_any_image_is_last() -> None:
    made = engine()
    rules = [
        {"tagStatus": "any", "maximumNumberOfImages": 9},
        {"tagStatus": "tagged", "tagPrefixList": ["v"], "maximumAgeLimit": 3},
    ]
    await component(made, "awsx:ecr:Repository", "shop", lifecyclePolicy={"rules": rules})
    first, last = made.of("LifecyclePolicy")["shop"]["policy"]["rules"]
    assert first["selection"] == {
        "tagStatus": "tagged",
        "tagPrefixList": ["v"],
        "countType": "sinceImagePushed",
        "countUnit": "days",
        "countNumber": 3,
    }
    assert (last["rulePriority"], last["selection"]["tagStatus"]) == (2, "any")


async def test_a_repository_can_do_without_rules() -> None:
    made = engine()
    await component(made, "awsx:ecr:Repository", "shop", lifecyclePolicy={"skip": True})
    assert not made.of("LifecyclePolicy")


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ([{"tagStatus": "any", "maximumAgeLimit": 1}] * 2, "At most one"),
        ([{"tagStatus": "tagged", "maximumAgeLimit": 1}], "tagPrefixList cannot be empty"),
        ([{"tagStatus": "untagged"}], "Either .maximumNumberOfImages. or .maximumAgeLimit. must"),
    ],
)
async def test_rules_that_the_real_component_refuses_are_refused(
    rules: list[dict[str, object]], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        await component(engine(), "awsx:ecr:Repository", "shop", lifecyclePolicy={"rules": rules})


async def test_an_image_is_one_docker_build_named_by_its_tag() -> None:
    made = engine()
    await image(
        made,
        imageTag="v1",
        context="app",
        dockerfile="app/Dockerfile",
        args={"VERSION": "2"},
        target="service",
        platform="linux/arm64",
    )
    whole, child = made.registered
    assert (child.type, child.name) == ("docker-build:index:Image", "v1")
    assert child.parent == f"urn:{whole.type}::{whole.name}"
    inputs = made.of("Image")["v1"]
    registry = inputs.pop("registries")[0]
    assert registry["username"] == "AWS"
    assert registry["password"]["value"] == "token"
    assert inputs == {
        "tags": [f"{URL}:v1"],
        "buildArgs": {"VERSION": "2"},
        "cacheFrom": [{"registry": {"ref": f"{URL}:v1"}}],
        "cacheTo": [{"inline": {}}],
        "context": {"location": "app"},
        "dockerfile": {"location": "app/Dockerfile"},
        "platforms": ["linux/arm64"],
        "target": "service",
        "push": True,
    }


@pytest.mark.parametrize(
    ("inputs", "name"),
    [
        ({}, "77f076b3-container"),
        ({"context": "app"}, "81db01c1-container"),
        (
            {"context": "app", "dockerfile": "D", "args": {"A": "1"}},
            "12d1fdea-container",
        ),
    ],
)
async def test_without_a_tag_the_name_comes_from_where_and_how_the_image_is_built(
    inputs: dict[str, Any], name: str
) -> None:
    made = engine()
    await image(made, **inputs)
    assert made.registered[-1].name == name
    assert made.of("Image")[name]["tags"] == [f"{URL}:{name}"]


async def test_the_uri_is_the_repositorys_with_the_digest() -> None:
    class Built(Engine):
        async def RegisterResource(self, request: Any) -> Any:  # noqa: N802 — the protocol's name
            answer = await super().RegisterResource(request)
            if request.type == "docker-build:index:Image":
                answer.object.update({"digest": DIGEST, "ref": f"{URL}:v1@{DIGEST}"})
            return answer

    made = Built()
    made.answers = engine().answers
    assert await image(made, imageTag="v1") == {"imageUri": f"{URL}@{DIGEST}"}


@pytest.mark.parametrize("unknown", [{"repositoryUrl": UNKNOWN}, {"imageTag": UNKNOWN}])
async def test_nothing_is_registered_while_an_input_is_unknown(unknown: dict[str, object]) -> None:
    made = engine(preview=True)
    assert await image(made, **unknown) == {"imageUri": UNKNOWN}
    assert not made.of("Image")["shop"], "only the component"
