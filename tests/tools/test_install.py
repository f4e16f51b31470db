"""The Pulumi CLI that set-up chooses, and how its cache recovers.

Every tool is a stub: no network, and no real CLI.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.tools.conftest import write_stub
from tools import versions
from tools.pulumi.install import (
    LANGUAGE_HOST,
    OUR_HOST,
    OUR_HOST_FILES,
    NoPulumiError,
    find_or_install,
)
from tools.pulumi.versions import MINIMUM, pinned
from tools.running import CommandFailedError
from tools.versions import Version, text

if TYPE_CHECKING:
    from pathlib import Path

    from tests.tools.conftest import Bench
    from tools.setup_context import SetupContext

OFFICIAL_HOST = b"\x7fELF the official one"


class StubSource:
    """A source that installs a stub of the CLI, and counts its uses."""

    def __init__(self, *, prints: str | None = None, official_host: bool = False) -> None:
        self.prints = prints or f"v{text(pinned())}"
        self.official_host = official_host
        self.used = 0

    def __call__(self, context: SetupContext, version: Version, folder: Path) -> None:
        del context, version
        self.used += 1
        write_stub(folder / "bin" / "pulumi", f"echo {self.prints}")
        if self.official_host:
            (folder / "bin" / LANGUAGE_HOST).write_bytes(OFFICIAL_HOST)


def broken_source(context: SetupContext, version: Version, folder: Path) -> None:
    del context, version
    (folder / "bin").mkdir()
    (folder / "bin" / "pulumi").write_text("half")
    raise CommandFailedError("fetching it: no route to host")


def cached(bench: Bench) -> Path:
    return bench.context.cache / "pulumi" / text(pinned()) / "bin" / "pulumi"


def install(bench: Bench, *from_sources: StubSource) -> Path:
    return find_or_install(bench.context, bench.links, from_sources)


def test_when_every_source_fails_the_error_names_each_attempt_and_what_to_install(
    bench: Bench, printed: list[str]
) -> None:
    bench.users_pulumi("v3.100.0")
    with pytest.raises(NoPulumiError) as failure:
        find_or_install(bench.context, bench.links, [broken_source, broken_source])
    message = str(failure.value)
    assert f"{bench.on_path}/pulumi is 3.100.0; {text(MINIMUM)} or later is needed" in message
    assert message.count("no route to host") == 2
    assert "pulumi.com/docs/install" in message
    assert "Go 1.26" in message
    assert printed


def test_a_failed_source_leaves_nothing_in_the_cache(bench: Bench) -> None:
    with pytest.raises(NoPulumiError):
        find_or_install(bench.context, bench.links, [broken_source])
    assert [path.name for path in (bench.context.cache / "pulumi").iterdir()] == ["lock"]


def test_a_source_that_installs_another_version_has_failed(bench: Bench) -> None:
    with pytest.raises(NoPulumiError, match=r"is 3\.1\.0, not the wanted"):
        install(bench, StubSource(prints="v3.1.0"))
    assert not cached(bench).exists()


def test_the_next_source_is_tried_when_one_fails(bench: Bench) -> None:
    good = StubSource()
    assert find_or_install(bench.context, bench.links, [broken_source, good]) == cached(bench)
    assert good.used == 1


def test_if_the_cache_cannot_be_written_the_error_names_xdg_cache_home(bench: Bench) -> None:
    bench.context.cache.write_text("a file where the folder should be")
    with pytest.raises(NoPulumiError, match="XDG_CACHE_HOME"):
        install(bench, StubSource())


def test_nothing_is_installed_where_set_up_could_not_link_to_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = StubSource()
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(PermissionError, match=re.escape(str(bench.links))):
        install(bench, source)
    assert source.used == 0


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("echo v3.243.0", r"is 3\.243\.0"),
        ("echo hello", "`pulumi version` failed"),
        ("exit 3", "exit code 3"),
        ("exec sleep 30", "did not answer within"),
    ],
)
def test_a_pulumi_on_path_that_cannot_be_used_is_skipped_with_the_reason(
    bench: Bench, printed: list[str], monkeypatch: pytest.MonkeyPatch, script: str, reason: str
) -> None:
    monkeypatch.setattr(versions, "ANSWER_SECONDS", 5 if "sleep" not in script else 0.2)
    bench.users_pulumi()
    bench.stub("pulumi", script)
    with pytest.raises(NoPulumiError, match=reason):
        find_or_install(bench.context, bench.links, [broken_source])
    assert any(line.startswith("Not used: ") for line in printed)


def test_a_pulumi_without_a_python_language_host_is_skipped(bench: Bench) -> None:
    bench.users_pulumi()
    (bench.on_path / LANGUAGE_HOST).unlink()
    assert install(bench, StubSource()) == cached(bench)


def test_a_folder_on_path_that_cannot_be_looked_at_is_passed_over(
    bench: Bench, tmp_path: Path
) -> None:
    # Root can search every folder, but no user one with so long a name; both are an OSError.
    path = f"{tmp_path / ('x' * 300)}:{bench.on_path}"
    context = replace(bench.context, environment={**bench.context.environment, "PATH": path})
    users = bench.users_pulumi()
    assert find_or_install(context, bench.links, []) == users


def test_a_recent_pulumi_on_path_is_used_and_nothing_is_installed(bench: Bench) -> None:
    source = StubSource()
    mine = bench.users_pulumi()
    assert install(bench, source) == mine
    assert source.used == 0


def test_a_pulumi_of_exactly_the_minimum_is_recent_enough(bench: Bench) -> None:
    mine = bench.users_pulumi(f"v{text(MINIMUM)}")
    assert install(bench) == mine


def test_after_a_pulumi_that_is_too_old_the_next_one_on_path_is_used(
    bench: Bench, tmp_path: Path
) -> None:
    bench.users_pulumi("v3.100.0")
    recent = write_stub(tmp_path / "later" / "pulumi", "echo v3.250.0")
    environment = {"PATH": f"{bench.on_path}:{tmp_path / 'later'}"}
    context = type(bench.context)(
        cache=bench.context.cache, environment=environment, uv=bench.context.uv
    )
    assert find_or_install(context, bench.links, []) == recent


def test_the_link_that_set_up_made_is_not_the_users_pulumi(bench: Bench) -> None:
    mine = install(bench, StubSource())
    (bench.links / "pulumi").symlink_to(mine)
    (bench.on_path / "pulumi").symlink_to(mine)
    assert install(bench) == mine


def test_an_unchanged_pulumi_is_asked_for_its_version_once(bench: Bench) -> None:
    bench.users_pulumi()
    install(bench)
    install(bench)
    assert bench.times_asked == 1


def test_a_replaced_pulumi_is_asked_for_its_version_again(bench: Bench) -> None:
    mine = bench.users_pulumi()
    assert install(bench) == mine
    bench.users_pulumi("v3.100.0 # longer")
    assert install(bench, StubSource()) == cached(bench)


def test_a_second_run_installs_nothing(bench: Bench, printed: list[str]) -> None:
    source = StubSource()
    assert install(bench, source) == install(bench, source)
    assert source.used == 1
    assert len([line for line in printed if line.startswith("The Pulumi CLI")]) == 1


def test_a_cli_without_a_language_host_gets_ours(bench: Bench) -> None:
    folder = install(bench, StubSource()).parent
    for name in OUR_HOST_FILES:
        assert (folder / name).read_bytes() == (OUR_HOST / name).read_bytes()
    assert (folder / LANGUAGE_HOST).stat().st_mode & 0o111


def test_the_official_language_host_is_left_alone(bench: Bench) -> None:
    source = StubSource(official_host=True)
    folder = install(bench, source).parent
    install(bench, source)
    assert (folder / LANGUAGE_HOST).read_bytes() == OFFICIAL_HOST
    assert not (folder / "language_host.py").exists()


@pytest.mark.parametrize("name", OUR_HOST_FILES)
def test_our_language_host_is_replaced_alone_if_it_is_missing_or_older(
    bench: Bench, name: str
) -> None:
    source = StubSource()
    host = install(bench, source).parent / name
    for damage in (host.unlink, lambda: host.write_text("#!/bin/sh\n# older\n")):
        damage()
        install(bench, source)
        assert host.read_bytes() == (OUR_HOST / name).read_bytes()
    assert source.used == 1


@pytest.mark.parametrize("damage", ["truncated", "deleted", "not executable", "folder deleted"])
def test_a_broken_cli_in_the_cache_is_installed_again(bench: Bench, damage: str) -> None:
    source = StubSource()
    binary = install(bench, source)
    match damage:
        case "truncated":
            binary.write_bytes(binary.read_bytes()[:5])
        case "deleted":
            binary.unlink()
        case "not executable":
            binary.write_text("#!/bin/sh\n")
            binary.chmod(0o644)
        case _:
            shutil.rmtree(binary.parent.parent)
    assert install(bench, source) == binary
    assert source.used == 2


def test_leftovers_of_a_killed_installation_are_removed(bench: Bench) -> None:
    half = bench.context.cache / "pulumi" / f"{text(pinned())}.partial-x" / "bin"
    half.mkdir(parents=True)
    (half / "pulumi").write_text("half")
    half.chmod(0o500)  # as the Go module cache leaves its folders
    install(bench, StubSource())
    assert not half.exists()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"x": 1}', '{"x": {"is": null}}'])
def test_a_damaged_file_of_known_versions_is_ignored(bench: Bench, content: str) -> None:
    memory = bench.context.cache / "pulumi" / "versions.json"
    memory.parent.mkdir(parents=True)
    memory.write_text(content)
    mine = bench.users_pulumi()
    assert install(bench) == mine


def test_a_second_set_up_waits_for_the_first_and_then_uses_its_cli(
    bench: Bench, printed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    installing = threading.Event()
    waiting = threading.Event()
    results = []
    monkeypatch.setattr("tools.cache.say", lambda _line: waiting.set())
    source = StubSource()

    def slow_source(context: SetupContext, version: Version, folder: Path) -> None:
        installing.set()
        assert waiting.wait(timeout=30)
        source(context, version, folder)

    def set_up() -> None:
        results.append(find_or_install(bench.context, bench.links, [slow_source]))

    threads = [threading.Thread(target=set_up) for _ in range(2)]
    threads[0].start()
    assert installing.wait(timeout=30)
    threads[1].start()
    for thread in threads:
        thread.join(timeout=30)
    assert results == [cached(bench)] * 2
    assert source.used == 1
    assert printed


@pytest.mark.slow  # a new Python
def test_the_lock_of_a_killed_set_up_is_released(bench: Bench, printed: list[str]) -> None:
    folder = bench.context.cache / "pulumi"
    hold = (
        "import pathlib, sys, time\nfrom tools.cache import exclusively\n"
        "with exclusively(pathlib.Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen([sys.executable, "-c", hold, folder], stdout=subprocess.PIPE)
    with holder:
        assert holder.stdout
        assert holder.stdout.readline() == b"held\n"
        holder.send_signal(signal.SIGKILL)
    install(bench, StubSource())
    assert not any("waiting" in line for line in printed)
