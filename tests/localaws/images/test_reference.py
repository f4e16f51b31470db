"""Names of images: what is missing is filled in as Docker does, what is wrong is named."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localaws.images.reference import InvalidReferenceError, Reference, parse

DIGEST = "sha256:" + "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("text", "full"),
    [
        ("nginx", "docker.io/library/nginx:latest"),
        ("nginx:1.27", "docker.io/library/nginx:1.27"),
        ("team/shop", "docker.io/team/shop:latest"),
        ("index.docker.io/nginx", "docker.io/library/nginx:latest"),
        ("public.ecr.aws/nginx/nginx:stable", "public.ecr.aws/nginx/nginx:stable"),
        ("localhost/shop", "localhost/shop:latest"),
        ("127.0.0.1:5000/a/b/c:1", "127.0.0.1:5000/a/b/c:1"),
        ("[::1]:5000/a", "[::1]:5000/a:latest"),
        (f"shop.example.com/a@{DIGEST}", f"shop.example.com/a@{DIGEST}"),
        (f"shop.example.com/a:1@{DIGEST}", f"shop.example.com/a@{DIGEST}"),
    ],
)
def test_a_name_gets_the_parts_that_it_lacks(text: str, full: str) -> None:
    assert str(parse(text)) == full
    assert str(parse(full)) == full


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "an empty one is not"),
        ("Nginx", "Nginx is not"),
        ("shop.example.com/", "an empty one is not"),
        ("a//b", "a//b is not"),
        ("nginx:", "an empty one is not"),
        ("nginx:a b", "a b is not"),
        ("nginx:" + "t" * 129, "up to 128 letters"),
        ("nginx@sha256:12", "sha256:12 is no digest"),
        ("https://shop.example.com/a", "is not"),
        ("nginx;rm -rf", "is not"),
        ("--help", "is not"),
    ],
)
def test_a_text_that_names_no_image_is_refused_with_the_part_that_is_wrong(
    text: str, reason: str
) -> None:
    with pytest.raises(InvalidReferenceError, match="invalid reference format") as refusal:
        parse(text)
    assert reason in str(refusal.value)


@given(st.text(max_size=80))
def test_a_name_that_is_accepted_reads_the_same_when_it_is_written_out(text: str) -> None:
    try:
        reference = parse(text)
    except InvalidReferenceError:
        return
    assert isinstance(reference, Reference)
    again = parse(str(reference))
    assert str(again) == str(reference)
    assert not str(reference).startswith("-"), "crane would read it as an option"
