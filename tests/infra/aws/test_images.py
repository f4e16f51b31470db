"""Names of images: registries, tags and digests."""

from __future__ import annotations

import pytest

from infra.aws import images

PRIVATE = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"


@pytest.mark.parametrize(
    ("image", "repository", "tag"),
    [
        (f"{PRIVATE}/a", "a", "latest"),
        (f"{PRIVATE}/a/b:1.2", "a/b", "1.2"),
        (f"{PRIVATE}/a@sha256:{'0' * 64}", "a", "latest"),
        ("123456789012.dkr.ecr-fips.us-east-1.amazonaws.com/a:x", "a", "x"),
        ("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/a:x", "a", "x"),
    ],
)
def test_a_private_image_names_its_repository_and_tag(
    image: str, repository: str, tag: str
) -> None:
    found = images.private(image)
    assert found
    assert (found.account, found.repository, found.tag) == ("123456789012", repository, tag)
    assert found.region == image.split(".")[3]


@pytest.mark.parametrize(
    "image", ["nginx", "public.ecr.aws/nginx/nginx:stable", f"evil.example/{PRIVATE}/a"]
)
def test_any_other_registry_is_not_private(image: str) -> None:
    assert images.private(image) is None


@pytest.mark.parametrize(
    ("image", "pinned"), [("nginx", False), ("nginx:1.27.3", False), ("nginx@sha256:0", True)]
)
def test_only_a_digest_pins_an_image(image: str, *, pinned: bool) -> None:
    assert images.is_pinned(image) is pinned


def test_the_command_for_a_digest_depends_on_the_registry() -> None:
    assert (
        images.how_to_pin("nginx:1")
        == "docker buildx imagetools inspect nginx:1 --format '{{.Manifest.Digest}}'"
    )
    assert images.how_to_pin(f"{PRIVATE}/a/b:1").startswith(
        "aws ecr describe-images --registry-id 123456789012 --region eu-west-1 "
        "--repository-name a/b --image-ids imageT"
    )
