"""The fingerprint of a build's files and options, which decides when an image is built again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from infra.aws.image_build import ImageBuild
from infra.service.build_context import fingerprint
from localaws.protocol.build_files import context_hash

if TYPE_CHECKING:
    from collections.abc import Callable

BUILD = ImageBuild(context="app")


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "app"
    for name, text in {
        "Dockerfile": "FROM scratch\nCOPY . /\n",
        ".dockerignore": "",
        "main.py": "print(1)",
        "docs/page.md": "page",
        "docs/deep/page.md": "page",
        "build/out.o": "o",
    }.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def current(build: ImageBuild = BUILD, platform: str = "linux/amd64") -> tuple[str, str]:
    """Return the program's fingerprint, and the local docker-build's hash of the same files."""
    files = context_hash(Path(build.context), Path(build.dockerfile_path))
    return fingerprint(build, platform=platform), files


def changed(before: tuple[str, str]) -> list[bool]:
    """Return whether the fingerprint, and whether the hash, differs from before."""
    return [new != old for new, old in zip(current(), before, strict=True)]


def edit(app: Path, name: str) -> None:
    path = app / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("changed")


@pytest.mark.parametrize(
    "change",
    [
        lambda app: edit(app, "main.py"),
        lambda app: edit(app, "docs/deep/page.md"),
        lambda app: edit(app, "new.py"),
        lambda app: edit(app, "Dockerfile"),
        lambda app: (app / "main.py").unlink(),
        lambda app: (app / "main.py").rename(app / "other.py"),
        lambda app: (app / "main.py").chmod(0o755),
        lambda app: (app / "link").symlink_to("main.py"),
        lambda app: (app / "link").symlink_to("docs"),
    ],
)
def test_every_change_of_a_file_changes_the_fingerprint(
    app: Path, change: Callable[[Path], object]
) -> None:
    before = current()
    change(app)
    assert changed(before) == [True, True]


@pytest.mark.parametrize(
    "build",
    [
        ImageBuild(context="app", target="service"),
        ImageBuild(context="app", args={"A": "1"}),
        ImageBuild(context="app", dockerfile="other"),
    ],
)
def test_every_option_changes_the_fingerprint(app: Path, build: ImageBuild) -> None:
    (app / "other").write_text((app / "Dockerfile").read_text())
    assert current(build)[0] != current()[0]
    assert current(platform="linux/arm64")[0] != current()[0]


def test_the_projects_folder_and_the_files_times_do_not_change_the_fingerprint(
    app: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = current()
    elsewhere = app.parent / "elsewhere"
    elsewhere.mkdir()
    app.rename(elsewhere / "app")
    (elsewhere / "app" / "main.py").touch()
    monkeypatch.chdir(elsewhere)
    assert current() == before


@pytest.mark.parametrize(
    ("ignored", "name", "counts"),
    [
        ("docs", "docs/deep/page.md", False),
        ("/docs/", "docs/page.md", False),
        ("*.md", "docs/page.md", True),
        ("**/*.md", "docs/page.md", False),
        ("**/*.md", "page.md", False),
        ("docs/*", "docs/deep/page.md", False),
        ("docs/**", "docs/deep/page.md", False),
        ("docs/*/page.md", "docs/deep/page.md", False),
        ("docs/*/page.md", "docs/page.md", True),
        ("doc?", "docs/page.md", False),
        ("*\n!main.py", "main.py", True),
        ("*\n!main.py", "docs/page.md", False),
        ("docs\n!docs/page.md", "docs/page.md", True),
        ("docs\n!docs/page.md", "docs/deep/page.md", False),
        ("!main.py\nmain.py", "main.py", False),
        ("# main.py\n\n.", "main.py", True),
        ("build/[a-o]ut.o", "build/out.o", False),
        ("*", "Dockerfile", True),
    ],
)
def test_ignored_files_do_not_change_the_fingerprint(
    app: Path, ignored: str, name: str, *, counts: bool
) -> None:
    (app / ".dockerignore").write_text(ignored)
    before = current()
    edit(app, name)
    assert changed(before) == [counts, counts]


def test_a_dockerfiles_own_ignore_file_takes_precedence(app: Path) -> None:
    (app / ".dockerignore").write_text("main.py")
    (app / "Dockerfile.dockerignore").write_text("docs")
    before = current()
    edit(app, "docs/page.md")
    assert current() == before
    edit(app, "main.py")
    assert changed(before) == [True, True]
