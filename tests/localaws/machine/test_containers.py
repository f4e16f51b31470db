"""Containers of an image that is this machine's shell, in every isolation.

Real namespaces, mounts and signals. Where root runs the tests, the isolations for other users are
user namespaces of root's, which have no more rights.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import socket
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

import psutil
import pytest

from localaws.machine.container import DEFAULT_CAPABILITIES, Ulimit
from localaws.machine.isolation import Isolation
from localaws.machine.processes import CannotStartError, CommandFailedError, Launcher
from localaws.machine.root_file_system import Mount, TemporaryFolder
from tests.localaws.machine.conftest import ContainerRunner, Output, add_network

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


pytestmark = pytest.mark.slow  # real processes


async def test_programs_run_behind_the_launcher_with_its_network_and_ids(
    launcher: Launcher,
) -> None:
    assert "LOOPBACK" in await launcher.run(["ip", "-brief", "link"])
    assert await launcher.run(["cat"], feed="fed\n") == "fed\n"
    assert await launcher.run(["sh", "-c", "ls -d /run/netns; echo $PPID"]) == "/run/netns\n1\n"
    with pytest.raises(CommandFailedError, match=r"sh -c echo no; exit 3: exit status 3: no"):
        await launcher.run(["sh", "-c", "echo no; exit 3"])


async def test_a_process_can_run_in_a_network_namespace(launcher: Launcher) -> None:
    network = await add_network(launcher)
    await launcher.run(["ip", "-n", network, "addr", "add", "10.9.8.7/32", "dev", "lo"])
    assert "10.9.8.7" in await launcher.run(["ip", "addr"], network=network)
    assert "10.9.8.7" not in await launcher.run(["ip", "addr"])
    with pytest.raises(CannotStartError, match="ip: network namespace no-such: No such file"):
        await launcher.run(["ip", "addr"], network="no-such")


async def test_a_socket_stays_in_its_network_namespace(launcher: Launcher) -> None:
    loop = asyncio.get_running_loop()
    network = await add_network(launcher)
    stream = partial(launcher.open_socket, family=socket.AF_INET, type=socket.SOCK_STREAM)
    with await stream(network, bind=("127.0.0.1", 80), listen=5) as server:
        assert server.getsockname() == ("127.0.0.1", 80)
        with await stream(network) as client:
            await loop.sock_connect(client, ("127.0.0.1", 80))
            accepted, _ = await loop.sock_accept(server)
            accepted.close()
        with (
            await stream(None) as outside,
            pytest.raises(OSError, match=r"unreachable|refused"),
        ):
            await loop.sock_connect(outside, ("127.0.0.1", 80))
    with pytest.raises(OSError, match="network namespace no-such: No such file"):
        await stream("no-such")
    with pytest.raises(OSError, match="Cannot assign requested address"):
        await stream(network, bind=("192.0.2.1", 80))
    with pytest.raises(OSError, match="port must be 0-65535"):
        await stream(network, bind=("127.0.0.1", 65536))
    assert await launcher.run(["echo", "alive"]) == "alive\n"


async def test_a_request_of_any_size_arrives(runner: ContainerRunner) -> None:
    big = {f"BIG_{number}": "x" * 100_000 for number in range(10)}
    printed = await runner.shell("echo ${#BIG_0} ${#BIG_9}", environment=big)
    assert printed == "100000 100000\n"


async def test_a_container_has_the_images_files_and_its_own_host_and_processes(
    runner: ContainerRunner,
) -> None:
    printed = await runner.shell(
        "cat /etc/owned-by-the-image; hostname; echo $$; ls /proc | grep -c '^[0-9]'; pwd; id -u"
    )
    assert printed.split("\n")[:3] == ["as built", "ip-10-0-1-21", "1"]
    assert int(printed.split()[4]) < 5, "it sees its own processes only"
    assert printed.split()[5:] == ["/", "0"]


@pytest.fixture
def umask_of_the_daemon() -> Iterator[None]:
    """The daemon's umask keeps its own files from other users."""
    before = os.umask(0o077)
    yield
    os.umask(before)


@pytest.mark.usefixtures("umask_of_the_daemon")  # before the launcher, which inherits it
async def test_every_user_of_a_container_reads_what_was_made_for_it(
    runner: ContainerRunner,
) -> None:
    printed = await runner.shell(
        "cat /etc/hosts; stat -c %a / /etc/hosts /made /dev; touch x; stat -c %a x",
        user="nginx",
        working_directory="/made",
        files={"/etc/hosts": "127.0.0.1 localhost\n"},
        mounts=(Mount(str(runner.make_folder(0o777)), "/made"),),
    )
    assert printed.split()[2:] == ["755", "644", "777", "755", "644"]


async def test_what_a_container_writes_stays_its_own(runner: ContainerRunner, image: Path) -> None:
    await runner.shell("echo changed > /etc/owned-by-the-image; rm -r /var; mkdir /var")
    assert await runner.shell("cat /etc/owned-by-the-image; ls /var") == "as built\nlib\n"
    assert (image / "etc/owned-by-the-image").read_text() == "as built\n"


async def test_files_are_written_in_the_stead_of_the_images_links(runner: ContainerRunner) -> None:
    files = {"/etc/resolv.conf": "nameserver 169.254.169.253\n", "/new/folder/file": "text"}
    printed = await runner.shell("cat /etc/resolv.conf /new/folder/file", files=files)
    assert printed == "nameserver 169.254.169.253\ntext"


async def test_an_images_links_are_followed_only_within_the_container(
    runner: ContainerRunner, image: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    link = image / "escape"
    link.symlink_to(outside)
    try:
        container = runner.container("sh", files={"/escape/file": "text"})
        with pytest.raises(CannotStartError, match="File exists"):
            await runner.run(container)
    finally:
        link.unlink()
    assert not list(outside.iterdir())


async def test_a_read_only_root_takes_writes_in_its_volumes_only(
    runner: ContainerRunner, tmp_path: Path
) -> None:
    for name in ("data", "configuration"):
        (tmp_path / name).mkdir()
    (tmp_path / "configuration" / "file").write_text("text\n")
    mounts = (
        Mount(str(tmp_path / "data"), "/data"),
        Mount(str(tmp_path / "configuration"), "/configuration", read_only=True),
    )
    printed = await runner.shell(
        "touch /data/written /dev/shm/written; cat /configuration/file; "
        "for path in /x /configuration/x; do touch $path 2>&1 || true; done",
        read_only=True,
        mounts=mounts,
    )
    assert printed.count("Read-only file system") == 2
    assert printed.startswith("text\n")
    assert (tmp_path / "data" / "written").exists()


async def test_a_fresh_volume_gets_what_the_image_has_there_once(
    isolation: Isolation, launcher: Launcher, image: Path, tmp_path: Path
) -> None:
    for name in ("served", "empty", "other"):
        (tmp_path / name).mkdir()
    mounts = (
        Mount(str(tmp_path / "served"), "/srv/pages", filled=True),
        Mount(str(tmp_path / "empty"), "/etc", filled=False),
    )
    own = tmp_path / "image"
    shutil.copytree(image, own, symlinks=True)
    served = own / "srv" / "pages"
    (served / "folder").mkdir(parents=True)
    (served / "folder" / "program").write_text("echo runs\n")
    (served / "folder" / "program").chmod(0o754)
    (served / "link").symlink_to("folder/program")
    (served / "outside").symlink_to("/etc/passwd")
    (own / "srv" / "elsewhere").symlink_to("/srv/pages")
    served.chmod(0o1777)
    if isolation == Isolation.ROOT:
        os.chown(served, 101, 102)
        os.chown(served / "folder" / "program", 101, 102)
    runner = ContainerRunner(launcher, own, tmp_path)
    await add_network(launcher)
    script = (
        "cd /srv/pages; stat -c %a . folder/program; stat -c %u:%g . folder folder/program; "
        "sh link; readlink outside; ls /etc; echo changed > folder/program"
    )
    printed = (await runner.shell(script, mounts=mounts)).split()
    assert printed[:2] == ["1777", "754"]
    if isolation == Isolation.ROOT:
        assert printed[2:5] == ["101:102", "0:0", "101:102"]
    assert printed[5:] == ["runs", "/etc/passwd"], "nothing of /etc, which isn't to be filled"
    again = await runner.shell("cat /srv/pages/folder/program", mounts=mounts[:1])
    assert again == "changed\n", "a volume that isn't empty stays as it is"
    through_link = Mount(str(tmp_path / "other"), "/srv/elsewhere", filled=True)
    assert "folder" in await runner.shell("ls /srv/elsewhere", mounts=(through_link,))


async def test_containers_that_start_at_once_fill_their_common_volume_once(
    runner: ContainerRunner, image: Path, tmp_path: Path
) -> None:
    (tmp_path / "shared").mkdir()
    mounts = (Mount(str(tmp_path / "shared"), "/bin", filled=True),)
    printed = await asyncio.gather(*(runner.shell("ls /bin", mounts=mounts) for _ in range(4)))
    names = sorted(each.name for each in (image / "bin").iterdir())
    assert set(printed) == {"".join(f"{each}\n" for each in names)}


async def test_folders_in_memory_have_a_size_and_options(runner: ContainerRunner) -> None:
    temporary = (
        TemporaryFolder("/scratch", 1),
        TemporaryFolder("/programs", 2, ("exec", "mode=0755", "uid=0", "noatime")),
        TemporaryFolder("/fixed", 1, ("ro",)),
    )
    script = """
        for folder in /scratch /programs; do
            head -c 1500000 /dev/zero > $folder/file 2> /dev/null && echo fits || echo full
            rm $folder/file; stat -c %a $folder
        done
        touch /fixed/file 2>&1 || true
        head -c 3000000 /dev/zero > /dev/shm/file 2> /dev/null && echo fits || echo full
        grep ' /scratch \\| /programs ' /proc/self/mounts
    """
    printed = await runner.shell(script, temporary=temporary, shared_memory=2)
    lines = printed.splitlines()
    assert lines[:2] == ["full", "1777"]
    assert lines[2:4] == ["fits", "755"]
    assert "Read-only file system" in lines[4]
    assert lines[5] == "full"
    options = [set(each.split()[3].split(",")) for each in lines[6:]]
    assert {"noexec", "nosuid", "nodev", "size=1024k"} <= options[0]
    assert {"nosuid", "nodev", "noatime", "size=2048k", "mode=755"} <= options[1]
    assert "noexec" not in options[1]


async def test_a_user_is_resolved_in_the_images_files(
    runner: ContainerRunner, isolation: Isolation
) -> None:
    script = "id -u; id -g; id -G; echo $HOME; grep CapEff /proc/self/status; echo x > /dev/stdout"
    named = (await runner.shell(script, user="nginx")).split("\n")
    numbered = (await runner.shell(script, user="1000:7")).split("\n")
    assert named[3] == "/var/lib/nginx"
    assert named[5] == "x", "it can open its own standard output"
    if isolation != Isolation.ONE_ID:
        assert named[:3] == ["101", "102", "102 103"]
        assert named[4].endswith("\t0000000000000000")
        assert numbered[:4] == ["1000", "7", "7", "/"]


@pytest.mark.parametrize(
    ("program", "user", "words"),
    [
        ("nosuch", "", 'exec: "nosuch": executable file not found in $PATH'),
        ("/nosuch", "", 'exec: "/nosuch": stat /nosuch: no such file or directory'),
        ("/etc/passwd", "", 'exec: "/etc/passwd": permission denied'),
        ("/bin", "", 'exec: "/bin": is a directory'),
        ("sh", "nosuch", "unable to find user nosuch: no matching entries in passwd file"),
        ("sh", "nginx:x", "unable to find group x: no matching entries in group file"),
    ],
)
async def test_what_cannot_start_is_an_error_with_dockers_message(
    runner: ContainerRunner, program: str, user: str, words: str
) -> None:
    with pytest.raises(CannotStartError) as error:
        await runner.run(runner.container(program, user=user))
    assert str(error.value) == words


async def test_capabilities_are_dockers_less_those_that_are_dropped(
    runner: ContainerRunner,
) -> None:
    script = "grep -h -e CapEff -e CapBnd /proc/self/status"
    assert re.findall(r"\w+$", await runner.shell(script), re.MULTILINE) == [
        "00000000a80425fb",
        "00000000a80425fb",
    ]
    kept = DEFAULT_CAPABILITIES - {"NET_RAW", "MKNOD"}
    assert "00000000a00405fb" in await runner.shell(script, capabilities=kept)
    none = await runner.shell(script, capabilities=frozenset())
    assert none.count("\t0000000000000000") == 2


async def test_ulimits_are_set_as_high_as_this_machine_allows(runner: ContainerRunner) -> None:
    lower = Ulimit("nofile", 777, 888)
    printed = await runner.shell("ulimit -Sn; ulimit -Hn", ulimits=(lower,))
    assert printed == "777\n888\n"
    higher = Ulimit("nofile", 2**29, 2**30)
    assert int(await runner.shell("ulimit -Sn", ulimits=(higher,))) > 888


@pytest.mark.parametrize(
    "command",
    [
        "mount -t tmpfs none /tmp",
        "unshare --mount true",
        "mount --bind /etc /tmp",
        "echo 1 > /proc/sys/net/ipv4/ip_forward",
        "mknod /tmp/disk b 8 0 && cat /tmp/disk",
        "mknod /dev/disk c 1 5 && head -c 1 /dev/disk",
    ],
)
async def test_a_container_cannot_administer_its_host(
    runner: ContainerRunner, command: str
) -> None:
    everything = DEFAULT_CAPABILITIES | {"SYS_ADMIN"}
    container = runner.container("sh", "-c", command, capabilities=everything)
    code, output = await runner.run(container)
    assert code != 0
    assert re.search(r"not permitted|denied|Read-only|must be superuser", output), output


async def test_owners_and_users_can_be_changed_without_an_error(
    runner: ContainerRunner, isolation: Isolation
) -> None:
    printed = await runner.shell(
        "touch /tmp/x; chown 101:102 /tmp/x; stat -c %u /tmp/x; mkfifo /tmp/pipe; ls /tmp; "
        "setpriv --reuid 101 --regid 102 --clear-groups true"
    )
    owner = "0" if isolation == Isolation.ONE_ID else "101"
    assert printed.split() == [owner, "pipe", "x"]


async def test_a_container_ends_as_its_first_process_does(runner: ContainerRunner) -> None:
    assert (await runner.run(runner.container("sh", "-c", "sleep 1000 & exit 3")))[0] == 3
    ignoring = await runner.start(runner.container("sleep", "1000"))
    assert await ignoring.stop(0.2) == -signal.SIGKILL, "process 1 has no default action"
    with Output() as output:
        trap = "trap 'exit 7' TERM; echo ready; while :; do sleep 0.02; done"
        child = await runner.launcher.start_container(
            runner.container("sh", "-c", trap),
            stdout=output.descriptor,
            stderr=output.descriptor,
        )
        await output.until("ready")
        assert await child.stop(20) == 7


async def test_an_init_process_forwards_signals_and_reaps(runner: ContainerRunner) -> None:
    child = await runner.start(runner.container("sleep", "1000", init=True))
    assert await child.stop(20) == 128 + signal.SIGTERM
    assert (await runner.run(runner.container("sh", "-c", "exit 3", init=True)))[0] == 3
    printed = await runner.shell(
        "echo $$ $PPID; (sleep 0.1 &) ; sleep 0.3; ps -o stat= ax", init=True
    )
    assert printed.startswith("2 1\n")
    assert "Z" not in printed


async def test_one_more_process_joins_a_running_container(
    runner: ContainerRunner, isolation: Isolation
) -> None:
    container = runner.container("sleep", "1000", environment={"SECRET": "s3"}, init=False)
    child = await runner.start(container)

    async def execute(script: str, user: str | None = None) -> tuple[int, str]:
        with Output() as output:
            more = await runner.launcher.execute(
                container,
                child.pid,
                ["sh", "-c", script],
                user=user,
                stdout=output.descriptor,
                stderr=output.descriptor,
            )
            return await more.wait(), output.text()

    code, printed = await execute("hostname; cat /proc/1/comm; echo $SECRET $PPID; exit 5")
    assert (code, printed.split()) == (5, ["ip-10-0-1-21", "sleep", "s3", "0"])
    code, printed = await execute("id -u; touch /tmp/written", user="nginx")
    assert printed.split()[0] == ("0" if isolation == Isolation.ONE_ID else "101")
    assert "CapEff:\t00000000a80425fb" in (await execute("cat /proc/self/status"))[1]
    assert (await execute("unshare --mount true"))[0] != 0, "the filter holds for it too"
    with pytest.raises(CannotStartError, match="executable file not found"):
        await runner.launcher.execute(container, child.pid, ["nosuch"])
    await child.stop(0)
    with pytest.raises(CannotStartError, match="the container isn't running"):
        await runner.launcher.execute(container, child.pid, ["true"])


def read_terminal(master: int) -> str:
    """All that was written to a terminal whose processes have ended."""
    printed = b""
    with suppress(OSError), os.fdopen(master, "rb", buffering=0) as terminal:
        while more := terminal.read(4096):
            printed += more
    return printed.decode()


async def test_a_process_that_joins_can_have_a_terminal(runner: ContainerRunner) -> None:
    container = runner.container("sleep", "1000")
    child = await runner.start(container)
    shell = await runner.launcher.execute(container, child.pid, ["sh"], terminal=True)
    assert shell.terminal is not None
    os.write(shell.terminal, b"tty; echo =$TERM=; ls -d /dev/pts/0; exit 3\n")
    assert await shell.wait() == 3
    printed = read_terminal(shell.terminal)
    assert printed.count("/dev/pts/0\r\n") == 2
    assert "=xterm=" in printed


async def test_a_killed_launcher_takes_its_containers_along_and_the_next_start_has_a_new_one(
    runner: ContainerRunner,
) -> None:
    launcher = runner.launcher
    child = await runner.start(runner.container("sleep", "1000"))
    assert launcher.pid is not None
    family = psutil.Process(launcher.pid).children(recursive=True)
    assert len(family) == 2, "the launcher and the container"
    os.kill(launcher.pid, signal.SIGKILL)
    assert await child.wait() == -signal.SIGKILL
    _, alive = await asyncio.to_thread(psutil.wait_procs, family, 10)
    assert not alive
    assert await launcher.run(["ls", "/run/netns"]) == "", "its networks are gone too"


async def test_a_flood_of_messages_waits_for_room_and_blocks_neither_side(
    runner: ContainerRunner,
) -> None:
    child = await runner.start(runner.container("sleep", "1000"))
    for _ in range(2000):
        child.signal(0)  # which only asks whether it is there
    echoes = [runner.launcher.run(["echo", str(number)]) for number in range(200)]
    assert await asyncio.gather(*echoes) == [f"{number}\n" for number in range(200)]
    assert await child.stop(0) == -signal.SIGKILL


async def test_many_containers_start_at_once(runner: ContainerRunner) -> None:
    starts = [runner.start(runner.container("sleep", "1000")) for _ in range(20)]
    children = await asyncio.gather(*starts)
    assert len({child.pid for child in children}) == 20
    await asyncio.gather(*(child.stop(0) for child in children))


async def test_secrets_are_in_no_command_line_and_no_description(runner: ContainerRunner) -> None:
    container = runner.container("sleep", "1000", environment={"SECRET": "s3cr3t"})
    assert "s3cr3t" not in repr(container)
    await runner.start(container)
    assert "s3cr3t" not in await runner.launcher.run(["ps", "axww"])
