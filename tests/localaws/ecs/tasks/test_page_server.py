"""The page server that runs instead of nginx in the runtime `process`."""

from __future__ import annotations

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import pytest

from localaws.ecs.tasks.images import PAGE_SERVER
from localaws.ecs.tasks.page_server import answer

if TYPE_CHECKING:
    from collections.abc import Iterator

ADDRESS = "127.64.0.77"


@contextmanager
def serving() -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Start a server; yield it and its port."""
    with socket.socket() as probe:
        probe.bind((ADDRESS, 0))
        port = probe.getsockname()[1]
    with subprocess.Popen(
        [sys.executable, "-I", "-S", str(PAGE_SERVER), ADDRESS, str(port)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={"HOSTNAME": "ip-10-0-1-4.eu-west-1.compute.internal", "PATH": os.defpath},
    ) as server:
        assert server.stderr is not None
        assert server.stderr.readline() == f"[notice] listening on {ADDRESS}:{port}\n"
        try:
            yield server, port
        finally:
            server.kill()


@pytest.mark.slow  # starts the server
def test_the_page_has_the_host_name_and_an_id_and_requests_are_logged_as_by_nginx() -> None:
    with (
        serving() as (server, port),
        closing(http.client.HTTPConnection(ADDRESS, port, timeout=5)) as connection,
    ):
        connection.request("GET", "/", headers={"X-Forwarded-For": "192.0.2.1"})
        response = connection.getresponse()
        assert (response.status, response.getheader("Server")) == (200, "nginx")
        page = response.read().decode()
        lines = page.splitlines()
        assert lines[:2] == [
            "<html><body style='font-family:sans-serif'>",
            "<h1>Hello from ip-10-0-1-4.eu-west-1.compute.internal</h1>",
        ]
        assert re.fullmatch(r"<p>uuid: [0-9a-f-]{36}</p>", lines[2])
        connection.request("GET", "/index.html?x=1")
        assert connection.getresponse().read().decode() == page, (
            "the same connection, the same page"
        )
        connection.request("HEAD", "/")
        head = connection.getresponse()
        assert (head.getheader("Content-Length"), head.read()) == (str(len(page)), b"")
        connection.request("GET", "/nope")
        assert connection.getresponse().status == 404
        assert server.stdout is not None
        assert re.fullmatch(
            r'127\.\S+ - - \[.*\] "GET / HTTP/1\.1" 200 \d+ "-" "192\.0\.2\.1"\n',
            server.stdout.readline(),
        )


@pytest.mark.slow  # starts the server
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGQUIT])
def test_the_server_ends_after_it_has_answered_received_requests(number: signal.Signals) -> None:
    with serving() as (server, port):
        idle = socket.create_connection((ADDRESS, port), timeout=5)
        requesting = socket.create_connection((ADDRESS, port), timeout=5)
        with idle, requesting:
            requesting.sendall(
                b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n"
            )
            server.send_signal(number)
            received = b""
            while chunk := requesting.recv(65536):
                received += chunk
            assert received.startswith(b"HTTP/1.1 200 OK")
            assert server.wait(timeout=5) == 0, "idle connections don't prevent the end"


@pytest.mark.slow  # starts the server
def test_a_request_may_arrive_in_parts() -> None:
    with serving() as (_, port), socket.create_connection((ADDRESS, port), timeout=5) as client:
        client.sendall(b"GET / HT")
        time.sleep(0.02)
        client.sendall(b"TP/1.1\r\nHost: x\r\n\r\n")
        assert client.recv(65536).startswith(b"HTTP/1.1 200 OK")


@pytest.mark.slow  # starts the server
def test_the_server_ends_with_a_message_if_its_port_is_in_use() -> None:
    with serving() as (_, port):
        second = subprocess.run(
            [sys.executable, "-I", "-S", str(PAGE_SERVER), ADDRESS, str(port)],
            capture_output=True,
            text=True,
            check=False,
            timeout=10,
        )
        assert second.returncode == 1
        assert second.stderr.startswith(f"[emerg] bind() to {ADDRESS}:{port} failed")


@pytest.mark.parametrize(
    ("head", "last", "status", "stays"),
    [
        ("GET / HTTP/1.1", False, 200, True),
        ("GET / HTTP/1.1", True, 200, False),
        ("GET / HTTP/1.0", False, 200, False),
        ("GET / HTTP/1.0\r\nConnection: keep-alive", False, 200, True),
        ("GET / HTTP/1.1\r\nConnection: close", False, 200, False),
        ("POST / HTTP/1.1\r\nContent-Length: 0", False, 405, True),
        ("POST / HTTP/1.1\r\nContent-Length: 9", False, 405, False),
        ("nonsense", False, 400, False),
        ("", False, 400, False),
    ],
)
def test_a_connection_stays_open_as_http_requires(
    head: str,
    *,
    last: bool,
    status: int,
    stays: bool,
) -> None:
    response, kept, _ = answer(head.encode(), b"page", last=last)
    assert response.startswith(f"HTTP/1.1 {status} ".encode())
    assert kept is stays
    assert (b"Connection: keep-alive" in response) is stays
