"""What a person hears of a daemon that doesn't start; tests/engine has those that do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from localaws.daemon.client import DaemonFailed, ensure
from localaws.daemon.state_directory import StateDirectory

if TYPE_CHECKING:
    from pathlib import Path


def test_the_last_words_of_a_daemon_that_does_not_start_are_of_this_time(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: p\n")
    (tmp_path / "local.parameters.toml").write_text("x =")
    directory = StateDirectory.of(tmp_path, {})
    directory.path.mkdir()
    directory.daemon_log.write_text("what an earlier one printed\n")
    with pytest.raises(DaemonFailed) as failed:
        ensure(directory, lambda _: None)
    _, words, *rest = str(failed.value).splitlines()
    assert "local.parameters.toml is not valid TOML" in words
    assert rest == [
        f"The whole log is {directory.daemon_log}. Fix the cause, then run the same command again."
    ]


def test_a_daemon_with_a_bad_speed_does_not_start_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: p\n")
    monkeypatch.setenv("LOCALAWS_SPEED", "fast")
    with pytest.raises(DaemonFailed, match="LOCALAWS_SPEED: fast; allowed: a number from 1 to 10"):
        ensure(StateDirectory.of(tmp_path, {}), lambda _: None)


def test_the_daemon_runs_the_commands_code_and_not_that_of_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: p\n")
    (tmp_path / "local.parameters.toml").write_text("x =")
    of_another_checkout = tmp_path / "localaws" / "__init__.py"
    of_another_checkout.parent.mkdir()
    of_another_checkout.write_text("raise SystemExit('code of another checkout')\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DaemonFailed, match=r"local\.parameters\.toml is not valid TOML"):
        ensure(StateDirectory.of(tmp_path, {}), lambda _: None)
