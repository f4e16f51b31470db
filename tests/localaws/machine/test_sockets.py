"""What listens on this machine, and what a container printed that couldn't."""

from __future__ import annotations

import os
import socket

import pytest

from localaws.machine.sockets import (
    Listener,
    inodes,
    listening,
    parse,
    refused_port,
    reports_port_in_use,
)

HEADER = (
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  "
    "timeout inode\n"
)
TASK, OTHER = "127.64.0.9", "127.64.0.1"


@pytest.mark.parametrize(
    ("local", "state", "found"),
    [
        ("0100007F:1F90", "0A", [Listener("127.0.0.1", 8080, 77)]),
        ("00000000:0050", "0A", [Listener("0.0.0.0", 80, 77)]),
        ("0100007F:1F90", "01", []),
        ("00000000000000000000000000000000:0BB8", "0A", [Listener("::", 3000, 77)]),
        ("00000000000000000000000001000000:0BB8", "0A", [Listener("::1", 3000, 77)]),
        ("0000000000000000FFFF00000100407F:0BB8", "0A", [Listener("127.64.0.1", 3000, 77)]),
    ],
)
def test_a_line_of_the_kernels_table_is_read(local: str, state: str, found: list[Listener]) -> None:
    line = (
        f"   0: {local} 00000000:0000 {state} 00000000:00000000 00:00000000 00000000     0   "
        "     0 77 1 0 100 0\n"
    )
    assert parse([HEADER, line]) == found


def test_connections_which_follow_the_listening_sockets_are_not_read() -> None:
    listens, connected = (
        (
            f"   0: 0100007F:1F90 00000000:0000 {state} 00000000:00000000 00:00000000 "
            "00000000 0 0 77 1 0 100 0\n"
        )
        for state in ("0A", "06")
    )
    table = iter([HEADER, listens, connected, connected])
    assert len(parse(table)) == 1
    assert list(table) == [connected]


@pytest.mark.parametrize(
    ("family", "address", "everywhere"),
    [
        (socket.AF_INET, "0.0.0.0", True),
        (socket.AF_INET, "127.0.0.1", False),
        (socket.AF_INET6, "::", True),
    ],
)
def test_a_real_socket_is_found_with_its_owner(
    family: int, address: str, *, everywhere: bool
) -> None:
    with socket.socket(family, socket.SOCK_STREAM) as server:
        try:
            server.bind((address, 0))
        except OSError:
            pytest.skip("this machine has no IPv6")
        server.listen()
        port = server.getsockname()[1]
        (found,) = [each for each in listening() if each.port == port]
        assert (found.address, found.everywhere) == (address, everywhere)
        assert found.inode in inodes(os.getsid(0))
    assert found.inode not in inodes(os.getsid(0))
    assert not [each for each in listening() if each.inode == found.inode]


EVERYWHERE = [
    (b"OSError: [Errno 98] Address already in use", None),
    (
        (
            b"ERROR:    [Errno 98] error while attempting to bind on address ('0.0.0.0', 9090): "
            b"address already in use"
        ),
        9090,
    ),
    (b"Error: listen EADDRINUSE: address already in use 0.0.0.0:3000", 3000),
    (b"Error: listen EADDRINUSE: address already in use :::3000", 3000),
    (b"listen tcp :8080: bind: address already in use", None),
    (b"nginx: [emerg] bind() to 0.0.0.0:80 failed (98: Address already in use)", 80),
    (b"nginx: [emerg] bind() to [::]:80 failed (98: Address already in use)", 80),
    (b"[ERROR] Connection in use: ('0.0.0.0', 8000)", 8000),
    (b"Web server failed to start. Port 8080 was already in use.", None),
    (b'Address already in use - bind(2) for "0.0.0.0" port 3000 (Errno::EADDRINUSE)', 3000),
]


@pytest.mark.parametrize(("line", "named"), EVERYWHERE)
def test_a_port_that_is_in_use_is_recognised_by_what_common_servers_print(
    line: bytes, named: int | None
) -> None:
    assert reports_port_in_use(line)
    assert refused_port(line, [8080], TASK, [Listener(OTHER, 8080, 1)]) == (named or 8080)
    assert refused_port(line, [8080], TASK, []) == named


@pytest.mark.parametrize("line", [b"listening on 0.0.0.0:8080", b"10.0.0.1 in use", b""])
def test_what_reports_no_port_in_use_is_not_taken_for_it(line: bytes) -> None:
    assert not reports_port_in_use(line)


def test_a_task_that_is_in_its_own_way_has_the_same_fault_on_aws() -> None:
    line = EVERYWHERE[0][0]
    both = [Listener(TASK, 8080, 1), Listener(OTHER, 8080, 2)]
    assert refused_port(line, [8080], TASK, both) is None
    assert refused_port(line, [9090], TASK, both) is None
