"""Stubs of the tools that set-up starts: shell scripts in temporary folders."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest

from tools.setup_context import SetupContext

if TYPE_CHECKING:
    from collections.abc import Callable

SYSTEM_PATH = "/usr/bin:/bin"
"""PATH of the stubs themselves, for cat, mkdir and sleep."""


def write_stub(path: Path, script: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\nPATH={SYSTEM_PATH}\n{script}\n")
    path.chmod(0o755)
    return path


def no_uv() -> NoReturn:
    raise AssertionError("uv was requested")


@dataclasses.dataclass(frozen=True)
class Bench:
    """A workshop whose PATH has one folder of stubs, and that folder."""

    context: SetupContext
    on_path: Path
    links: Path

    def stub(self, name: str, script: str) -> Path:
        return write_stub(self.on_path / name, script)

    def users_pulumi(self, version: str = "v3.250.0") -> Path:
        self.stub("pulumi-language-python", "exit 1")
        return self.stub("pulumi", f"echo asked >> '{self.on_path}/asked'; echo {version}")

    @property
    def times_asked(self) -> int:
        asked = self.on_path / "asked"
        return len(asked.read_text().splitlines()) if asked.exists() else 0


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    on_path = tmp_path / "path"
    on_path.mkdir()
    links = tmp_path / ".venv" / "bin"
    links.mkdir(parents=True)
    environment = {"PATH": f"{links}:{on_path}", "HOME": str(tmp_path / "home")}
    return Bench(
        SetupContext(cache=tmp_path / "cache", environment=environment, uv=no_uv), on_path, links
    )


@pytest.fixture(scope="session")
def pulumi_cli() -> Path:
    cli = Path(".venv/bin/pulumi").absolute()
    if not cli.exists():
        missing = pytest.fail if os.environ.get("CI") else pytest.skip
        missing("there is no Pulumi CLI: run `make setup`")
    return cli


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The lines that set-up printed."""
    lines: list[str] = []
    say: Callable[[str], None] = lines.append
    for module in (
        "tools.running",
        "tools.cache",
        "tools.interpreter",
        "tools.network_programs",
        "tools.uv",
        "tools.setup_context",
        "tools.crane.install",
        "tools.pulumi.install",
        "tools.pulumi.sources",
        "tools.stand_in.install",
    ):
        monkeypatch.setattr(f"{module}.say", say)
    return lines
