"""The image table: commands of the runtime `process` for images."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from localaws.ecs.tasks.images import PAGE_SERVER, ImageTableError, UnknownImageError, fill, load

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    "image",
    [
        "nginx",
        "nginx:1.27",
        "public.ecr.aws/nginx/nginx:stable",
        "docker.io/nginxinc/nginx-unprivileged:1.29",
        "123456789012.dkr.ecr.eu-west-1.amazonaws.com/nginx@sha256:00",
    ],
)
def test_nginx_images_run_the_page_server(tmp_path: Path, image: str) -> None:
    row = load(tmp_path / "none.toml").find(image)
    assert row.command is not None
    assert "{page_server}" in row.command


def test_python_images_run_their_own_command_and_get_the_address_to_listen_on(
    tmp_path: Path,
) -> None:
    row = load(tmp_path / "none.toml").find("public.ecr.aws/docker/library/python:3.13-slim")
    assert row.command is None
    assert row.environment == {"HOST": "{address}", "PORT": "{port}"}


def test_an_unknown_image_is_an_error_that_shows_the_row_to_add(tmp_path: Path) -> None:
    own = tmp_path / "localaws-images.toml"
    with pytest.raises(
        UnknownImageError,
        match=r"image mynginx:1; .* match = \[\"mynginx:1\"\] to .*localaws-images",
    ):
        load(own).find("mynginx:1")


def test_a_projects_own_rows_take_precedence(tmp_path: Path) -> None:
    own = tmp_path / "localaws-images.toml"
    own.write_text('[[image]]\nmatch = ["nginx:*", "app"]\ncommand = ["true"]\n')
    images = load(own)
    assert images.find("nginx:1").command == ("true",)
    assert images.find("app").command == ("true",)
    assert images.find("nginx").command != ("true",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[image]\n", "localaws-images.toml: "),
        ('[[image]]\nmatch = "nginx"\n', "needs match, a list"),
        ("[[image]]\ncommand = []\n", "needs match, a list"),
        ('[[image]]\nmatch = ["a"]\nrun = "x"\n', "has run; known are command, environment, match"),
        ('image = "nginx"\n', "localaws-images.toml: "),
    ],
)
def test_a_wrong_table_is_an_error_with_its_file_and_fault(
    tmp_path: Path, text: str, message: str
) -> None:
    own = tmp_path / "localaws-images.toml"
    own.write_text(text)
    with pytest.raises(ImageTableError, match=message):
        load(own)


def test_placeholders_are_filled_in_and_other_braces_unchanged() -> None:
    def filled(text: str) -> str:
        return fill(text, address="127.64.1.2", port=8080)

    assert filled("http://{address}:{port}/{other}") == "http://127.64.1.2:8080/{other}"
    assert filled('{"a": {}}') == '{"a": {}}'
    assert (filled("{python}"), filled("{page_server}")) == (sys.executable, str(PAGE_SERVER))
