"""Which platforms this machine runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localaws.images import platforms

if TYPE_CHECKING:
    from pathlib import Path


def test_a_machine_runs_its_own_platform_and_what_an_emulator_is_enabled_for(
    tmp_path: Path,
) -> None:
    def can_run(wanted: str) -> bool:
        return platforms.can_run(wanted, here="linux/amd64", binfmt=tmp_path)

    assert can_run("linux/amd64")
    assert not can_run("linux/arm64")
    (tmp_path / "qemu-aarch64").write_text("enabled\ninterpreter /usr/bin/qemu-aarch64\n")
    assert can_run("linux/arm64")
    (tmp_path / "qemu-aarch64").write_text("disabled\n")
    assert not can_run("linux/arm64")
    assert not can_run("linux/s390x")
