"""Which platforms this machine runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from localaws.images import platforms
from localaws.images.errors import CannotPullError
from localaws.images.puller import platform_for

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("architecture", "platform"),
    [(None, "linux/amd64"), ("X86_64", "linux/amd64"), ("ARM64", "linux/arm64")],
)
def test_a_task_definitions_architecture_names_the_platform(
    architecture: str | None, platform: str
) -> None:
    assert platforms.of_task(architecture) == platform


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


def test_a_task_for_a_processor_that_this_machine_lacks_is_refused_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(platforms, "of_this_machine", lambda: "linux/amd64")
    monkeypatch.setattr(platforms, "can_run", lambda wanted: wanted == "linux/amd64")
    assert platform_for(None) == "linux/amd64"
    with pytest.raises(CannotPullError, match=r"needs linux/arm64, and this machine runs linux/a"):
        platform_for("ARM64")
