"""Other users can't read a state directory, even one that an earlier version made."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

from localaws.daemon.file_permissions import SharedFolder, make_folder, take_from_others
from localaws.machine.file_errors import refusal
from tests.second_user import ANOTHER_USER, AS_ANOTHER_USER, as_user

if TYPE_CHECKING:
    from pathlib import Path

FILES = (
    "cloud.json",
    "daemon.log",
    "state/.pulumi/stacks/p/local.json",
    "logs/aws/ecs/t1",
    "envoy/envoy.log",
)


@pytest.fixture
def old_directory(open_folder: Path) -> Path:
    """A state directory of an earlier version, which every user can read."""
    directory = open_folder / ".local"
    for name in FILES:
        file = directory / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("secret")
    for path in (directory, *directory.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return directory


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_only_its_owner_can_read_a_new_state_directory(tmp_path: Path) -> None:
    make_folder(tmp_path / "a" / "state")
    assert mode(tmp_path / "a" / "state") == 0o700


def test_permissions_of_an_earlier_versions_directory_are_restricted(old_directory: Path) -> None:
    take_from_others(old_directory)
    modes = {mode(path) for path in (old_directory, *old_directory.rglob("*")) if path.is_dir()}
    assert modes == {0o700}
    assert {mode(path) for path in old_directory.rglob("*") if path.is_file()} == {0o600}


def test_a_link_out_of_the_state_directory_is_not_followed(
    old_directory: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir(mode=0o755)
    outside.chmod(0o755)
    (outside / "file").write_text("")
    (outside / "file").chmod(0o644)
    (old_directory / "logs" / "link").symlink_to(outside)
    (old_directory / "config").symlink_to(outside)
    take_from_others(old_directory)
    assert (mode(outside), mode(outside / "file")) == (0o755, 0o644)


def test_a_folder_with_other_contents_keeps_its_mode_and_theirs(
    old_directory: Path,
) -> None:
    (old_directory / "share").mkdir()
    (old_directory / "share").chmod(0o755)
    take_from_others(old_directory)
    assert (mode(old_directory), mode(old_directory / "share")) == (0o755, 0o755)
    assert mode(old_directory / "cloud.json") == 0o600
    assert mode(old_directory / "state") == 0o700


def test_a_folder_that_others_can_write_to_is_refused(old_directory: Path) -> None:
    (old_directory / "share").mkdir()
    old_directory.chmod(0o777)
    with pytest.raises(SharedFolder, match="LOCALAWS_HOME"):
        take_from_others(old_directory)


def test_a_path_of_the_user_itself_is_refused_for_its_mode(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "gone" / "too"):
        assert refusal(path).endswith(f"keeps its owner root out: run `chmod u+rwX {tmp_path}`")


@pytest.mark.slow  # a new Python, as another user
@AS_ANOTHER_USER
def test_another_user_can_read_nothing_afterwards(old_directory: Path) -> None:
    attempt = f"""
import os
for name in {FILES}:
    try:
        print(open(os.path.join({str(old_directory)!r}, name)).read())
    except OSError as error:
        print(type(error).__name__)
"""
    assert as_user(ANOTHER_USER, attempt).split() == ["secret"] * len(FILES)
    take_from_others(old_directory)
    assert as_user(ANOTHER_USER, attempt).split() == ["PermissionError"] * len(FILES)
