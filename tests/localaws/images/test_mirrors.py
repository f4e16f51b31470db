"""Registries under another name."""

from __future__ import annotations

import pytest

from localaws.images.mirrors import Mirror, MirrorError, apply, parse
from localaws.images.reference import parse as name

DIGEST = "sha256:" + "0123456789abcdef" * 4


def test_several_mirrors_are_read() -> None:
    text = "public.ecr.aws=127.0.0.1:5101, docker.io=hub.example.com/cache/hub ghcr.io=http://m:80"
    assert parse(text) == {
        "public.ecr.aws": Mirror("127.0.0.1:5101"),
        "docker.io": Mirror("hub.example.com", "cache/hub"),
        "ghcr.io": Mirror("m:80", insecure=True),
    }
    assert parse("") == {}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("public.ecr.aws", "public.ecr.aws has no ="),
        ("=127.0.0.1:5101", "=127.0.0.1:5101: an empty name is no registry"),
        ("public.ecr.aws=", "public.ecr.aws=: an empty name is no registry"),
        ("public.ecr.aws/nginx=127.0.0.1:5101", "public.ecr.aws/nginx is no registry"),
        ("a.example=ftp://b.example", "ftp: is no registry"),
        ("a.example=b.example/", "an empty name is no part of a repository"),
        ("a.example=b.example/Up", "Up is no part of a repository"),
        ("a.example=b.example,a.example=c.example", "a.example has two mirrors"),
        ("a.example=b.example:port", "b.example:port is no registry"),
        ("a.example=b.example:65536", "b.example:65536 is no registry"),
    ],
)
def test_a_mirror_that_cannot_be_understood_is_named_with_what_is_allowed(
    text: str, reason: str
) -> None:
    with pytest.raises(MirrorError) as refusal:
        parse(text)
    assert str(refusal.value).startswith("LOCALAWS_REGISTRY_MIRROR: ")
    assert reason in str(refusal.value)
    assert "allowed: REGISTRY=MIRROR[/PREFIX]" in str(refusal.value)


@pytest.mark.parametrize(
    ("mirror", "image", "called"),
    [
        (Mirror("m:1"), "public.ecr.aws/nginx/nginx:stable", "m:1/nginx/nginx:stable"),
        (Mirror("m:1", "hub"), "nginx", "m:1/hub/library/nginx:latest"),
        (Mirror("m:1", "a/b"), f"x.example/y@{DIGEST}", f"m:1/a/b/y@{DIGEST}"),
    ],
)
def test_an_image_keeps_its_repository_below_the_mirrors_prefix(
    mirror: Mirror, image: str, called: str
) -> None:
    assert str(apply(mirror, name(image))) == called
