"""The browser: only the pinned package is installed, and a failure has its reason."""

from __future__ import annotations

import sys
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


def test_a_package_with_another_hash_is_refused(tmp_path: Path) -> None:
    packed = tmp_path / "package.tgz"
    packed.write_bytes(b"another")
    with pytest.raises(CommandFailedError, match="not the pinned sha512-"):
        check_integrity(packed, browser.INTEGRITY)
