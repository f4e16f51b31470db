"""Which crane set-up takes, and how it builds one. No network: stubs all the way."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from tests.tools.conftest import write_stub
from tools import setup
from tools.crane.install import MINIMUM, NoCraneError, find_or_build, from_go_modules, pinned
from tools.running import CommandFailedError
from tools.stand_in.install import NoStandInError
from tools.versions import Version, text

if TYPE_CHECKING:
    from pathlib import Path

    from tests.tools.conftest import Bench
    from tools.setup_context import SetupContext


class StubBuild:
    """Builds a stub, and counts."""

    def __init__(self, says: str = "") -> None:
        self.says = says or f"v{text(pinned())}"
        self.used = 0

    def __call__(self, context: SetupContext, version: Version, binary: Path) -> None:
        self.used += 1
        write_stub(binary, f"echo {self.says}")


def broken_build(context: SetupContext, version: Version, binary: Path) -> None:
    raise CommandFailedError("building crane: no module proxy")


def build_of(bench: Bench) -> Path:
    return bench.context.cache / "crane" / text(pinned()) / "bin" / "crane"


def test_the_pinned_crane_is_recent_enough_itself() -> None:
    assert pinned() >= MINIMUM


@pytest.mark.parametrize("says", [text(MINIMUM), f"v{text(MINIMUM)}", "0.99.1"])
def test_a_recent_crane_on_path_is_used_and_nothing_is_built(bench: Bench, says: str) -> None:
    mine = bench.stub("crane", f"echo {says}")
    build = StubBuild()
    assert find_or_build(bench.context, bench.links, build) == mine
    assert build.used == 0


@pytest.mark.parametrize("script", ["echo 0.1.0", "echo '(devel)'", "exit 1"])
def test_a_crane_that_cannot_be_used_is_passed_over_with_the_reason(
    bench: Bench, printed: list[str], script: str
) -> None:
    mine = bench.stub("crane", script)
    assert find_or_build(bench.context, bench.links, StubBuild()) == build_of(bench)
    assert printed[0].startswith(f"Not used: {mine}")


def test_crane_is_built_once(bench: Bench, printed: list[str]) -> None:
    build = StubBuild()
    assert find_or_build(bench.context, bench.links, build) == build_of(bench)
    assert find_or_build(bench.context, bench.links, build) == build_of(bench)
    assert build.used == 1
    assert len(printed) == 1


@pytest.mark.parametrize("damage", ["truncated", "deleted"])
def test_a_broken_build_in_the_cache_is_built_anew(bench: Bench, damage: str) -> None:
    build = StubBuild()
    binary = find_or_build(bench.context, bench.links, build)
    if damage == "truncated":
        binary.write_bytes(binary.read_bytes()[:5])
    else:
        binary.unlink()
    assert find_or_build(bench.context, bench.links, build) == binary
    assert build.used == 2


@pytest.mark.parametrize("build", [broken_build, StubBuild(says="v0.1.0")])
def test_a_build_that_fails_leaves_nothing_and_says_what_to_install(
    bench: Bench, build: StubBuild
) -> None:
    with pytest.raises(NoCraneError, match=r"(?s)Put crane .* on PATH.*Go 1\.\d+"):
        find_or_build(bench.context, bench.links, build)
    left = {path.name for path in (bench.context.cache / "crane").iterdir()}
    assert left <= {"lock", "versions.json", "failed"}


def test_a_failed_build_is_not_tried_again_within_the_hour(bench: Bench) -> None:
    with pytest.raises(NoCraneError):
        find_or_build(bench.context, bench.links, broken_build)
    build = StubBuild()
    with pytest.raises(NoCraneError, match=r"(?s)no module proxy.*tried again in 60 minutes"):
        find_or_build(bench.context, bench.links, build)
    assert build.used == 0
    failed = bench.context.cache / "crane" / "failed"
    os.utime(failed, (0, time.time() - 3601))
    assert find_or_build(bench.context, bench.links, build) == build_of(bench)
    assert not failed.exists()


def test_a_crane_that_was_installed_after_a_failed_build_is_used_at_once(bench: Bench) -> None:
    with pytest.raises(NoCraneError):
        find_or_build(bench.context, bench.links, broken_build)
    mine = bench.stub("crane", f"echo {text(MINIMUM)}")
    assert find_or_build(bench.context, bench.links, StubBuild()) == mine


def test_the_build_takes_only_what_is_pinned_and_needs_no_libraries(bench: Bench) -> None:
    bench.stub(
        "go",
        'if [ "$1" = env ]; then echo go1.26.8; exit; fi\n'
        'args="$*"; while [ "$1" != -o ]; do shift; done\n'
        'mkdir -p "$(dirname "$2")"; printf "%s\\n" "$args" "$CGO_ENABLED" "$PWD" > "$2"',
    )
    binary = build_of(bench)
    from_go_modules(bench.context, pinned(), binary)
    arguments, cgo, where = binary.read_text().splitlines()
    assert "-mod=readonly" in arguments, "go.sum decides what is built"
    assert arguments.endswith("github.com/google/go-containerregistry/cmd/crane")
    assert cgo == "0"
    assert where.endswith("tools/crane")


def test_set_up_is_complete_without_images_and_says_what_is_missing(
    bench: Bench, printed: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def no_crane(*_: object, **__: object) -> Path:
        raise NoCraneError("There is no usable crane.")

    def no_stand_in(*_: object) -> Path:
        raise NoStandInError("The stand-in could not be made.")

    monkeypatch.setattr(setup, "find_or_build", no_crane)
    monkeypatch.setattr(setup, "find_or_make", no_stand_in)
    monkeypatch.setattr(setup, "say", printed.append)
    setup.prepare_images(tmp_path, bench.context)
    assert "no usable crane" in printed[0]
    assert printed[1] == "The stand-in could not be made."
    assert not (bench.links / "crane").exists()


def test_set_up_links_crane_and_the_stand_in_beside_the_environments_python(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(setup, "find_or_build", lambda *_, **__: tmp_path / "crane")
    monkeypatch.setattr(setup, "find_or_make", lambda *_: tmp_path / "layout")
    setup.prepare_images(tmp_path, bench.context)
    assert (bench.links / "crane").readlink() == tmp_path / "crane"
    link = tmp_path / ".venv" / "share" / "fargate-web" / "nginx-stand-in"
    assert link.readlink() == tmp_path / "layout"
