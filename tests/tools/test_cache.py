"""The cache's folders are complete or missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.cache import cache_root, filled_whole, remove, replace_link


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, Path.home() / ".cache"),
        ({"XDG_CACHE_HOME": ""}, Path.home() / ".cache"),
        ({"XDG_CACHE_HOME": "relative"}, Path.home() / ".cache"),
        ({"XDG_CACHE_HOME": "/elsewhere"}, Path("/elsewhere")),
    ],
)
def test_the_cache_follows_the_xdg_rules(environment: dict[str, str], expected: Path) -> None:
    assert cache_root(environment) == expected / "fargate-web"


def test_an_interrupted_fill_leaves_no_folder(tmp_path: Path) -> None:
    def fill() -> None:
        with filled_whole(tmp_path / "tool") as partial:
            (partial / "half").touch()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fill()
    assert list(tmp_path.iterdir()) == []


def test_a_filled_folder_replaces_the_old_one(tmp_path: Path) -> None:
    target = tmp_path / "tool"
    target.mkdir()
    (target / "old").touch()
    with filled_whole(target) as partial:
        (partial / "new").touch()
        assert (target / "old").exists(), "until the end the old one stays"
    assert [path.name for path in target.iterdir()] == ["new"]
    assert list(tmp_path.iterdir()) == [target]


def test_read_only_folders_can_be_removed_too(tmp_path: Path) -> None:
    deep = tmp_path / "module" / "deep"
    deep.mkdir(parents=True)
    (deep / "file").touch()
    deep.chmod(0o500)
    deep.parent.chmod(0o500)
    remove(tmp_path / "module")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("before", ["nothing", "right", "wrong", "broken", "file"])
def test_a_link_ends_up_pointing_at_its_target(tmp_path: Path, before: str) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.touch()
    match before:
        case "right":
            link.symlink_to(target)
        case "wrong":
            link.symlink_to(tmp_path)
        case "broken":
            link.symlink_to(tmp_path / "gone")
        case "file":
            link.touch()
    replace_link(link, target)
    assert link.readlink() == target
