"""Compare the local load balancer with a bare Envoy that only forwards, on one thread each."""

from __future__ import annotations

import csv
import http.client
import io
import itertools
import json
import os
import shutil
import socket
import statistics
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from localaws.alb.compiler import bootstrap, compile_files
from localaws.alb.envoy import find_envoy
from localaws.alb.model import Listener, Rule, TargetGroup
from localaws.alb.targets import Endpoint

if TYPE_CHECKING:
    from collections.abc import Iterator

CONNECTIONS = (10, 50)
REQUESTS = 8000
"""Of each run: CPU time is counted in ticks of ten milliseconds, of which this is some fifty."""

_GROUP = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/web/1"
_LISTENER = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/app/web/1/2"
_TYPES = "type.googleapis.com/envoy.extensions.filters"


class Run(NamedTuple):
    """What one run of requests showed."""

    rate: float
    """Requests a second."""

    latency: float
    """Milliseconds within which 99 of 100 were answered."""

    cpu: float
    """Microseconds of the proxy's CPU time for a request."""


class Proxy:
    """A running Envoy that listens on one port."""

    def __init__(self, folder: Path, port: int, configuration: dict[str, Any]) -> None:
        """Start it in its own folder; returns once it answers with 200."""
        (folder / "bootstrap.json").write_text(json.dumps(configuration))
        argv = [find_envoy(), "-c", "bootstrap.json", "--disable-hot-restart", "--concurrency", "1"]
        self.port = port
        with (folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [*argv, "--log-level", "warning"], cwd=folder, stdout=log, stderr=log
            )
        deadline = time.monotonic() + 20
        while not self._answers():
            if time.monotonic() > deadline:
                self.stop()
                raise SystemExit(f"no Envoy on port {port}: {(folder / 'log').read_text()}")
            time.sleep(0.05)

    def stop(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()

    def run(self, connections: int) -> Run:
        """Send it requests, over so many kept connections."""
        cpu, start = self._cpu(), time.perf_counter()
        latencies = _ask(self.port, connections)
        seconds = time.perf_counter() - start
        used = self._cpu() - cpu
        return Run(
            rate=len(latencies) / seconds,
            latency=statistics.quantiles(latencies, n=100)[98] * 1000,
            cpu=used / len(latencies) * 1_000_000,
        )

    def _cpu(self) -> float:
        """Seconds of CPU time that it has used."""
        times = (
            Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()[11:13]
        )
        return sum(map(int, times)) / os.sysconf("SC_CLK_TCK")

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=1)
        with suppress(OSError, http.client.HTTPException):
            connection.request("GET", "/")
            return connection.getresponse().status == http.HTTPStatus.OK
        return False


def compared(times: int, folder: Path) -> Iterator[tuple[str, str, float, float]]:
    """What, its unit, the local load balancer's measure, and how many times the bare Envoy's it is.

    Args:
        times: Runs of each behind every median; they alternate.
        folder: For files.
    """
    with ExitStack() as stack:
        ports = {name: free_port() for name in ("target", "bare", "balancer")}
        answer = {"direct_response": {"status": 200, "body": {"inline_string": "hello\n"}}}
        proxies = {}
        for name, configuration in (
            ("target", plain(ports["target"], answer)),
            (
                "bare",
                plain(ports["bare"], {"route": {"cluster": "target"}}, target=ports["target"]),
            ),
            ("balancer", _balancer(folder / "balancer", ports["balancer"], ports["target"])),
        ):
            (folder / name).mkdir(exist_ok=True)
            proxies[name] = Proxy(folder / name, ports[name], configuration)
            stack.callback(proxies[name].stop)
        bare, balancer = proxies["bare"], proxies["balancer"]
        for connections in CONNECTIONS:
            pairs = [(bare.run(connections), balancer.run(connections)) for _ in range(times)]
            by_connections = f"through the ALB, {connections} at a time"
            for what, unit, field in (
                (f"requests {by_connections}", "req/s", "rate"),
                (f"99 % {by_connections}", "ms", "latency"),
                (f"CPU {by_connections}", "us", "cpu"),
            ):
                median_bare = statistics.median(getattr(run, field) for run, _ in pairs)
                median = statistics.median(getattr(run, field) for _, run in pairs)
                yield what, unit, median, median / median_bare


def _ask(port: int, connections: int) -> list[float]:
    """Return each request's seconds, sent by hey if installed, else by slower threads."""
    url = f"http://127.0.0.1:{port}/"
    if hey := shutil.which("hey"):
        words = (hey, "-n", str(REQUESTS), "-c", str(connections), "-o", "csv", url)
        rows = csv.DictReader(
            io.StringIO(subprocess.run(words, capture_output=True, text=True, check=True).stdout)
        )
        return [float(row["response-time"]) for row in rows if row["status-code"] == "200"]

    def ask(requests: int) -> list[float]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        seconds = []
        for _ in range(requests):
            start = time.perf_counter()
            connection.request("GET", "/")
            answer = connection.getresponse()
            answer.read()
            if answer.status == http.HTTPStatus.OK:
                seconds.append(time.perf_counter() - start)
        return seconds

    with ThreadPoolExecutor(connections) as threads:
        parts = threads.map(ask, [REQUESTS // connections] * connections)
        return list(itertools.chain.from_iterable(parts))


def free_port() -> int:
    """A port of loopback on which nothing listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def _address(port: int) -> dict[str, Any]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def plain(
    port: int, action: dict[str, Any], *, target: int | None = None, milliseconds: int = 0
) -> dict[str, Any]:
    """An Envoy that does one thing with every request, after so many milliseconds."""
    delay = {"fixed_delay": f"{milliseconds / 1000:g}s", "percentage": {"numerator": 100}}
    fault = {"@type": f"{_TYPES}.http.fault.v3.HTTPFault", "delay": delay}
    filters = [{"name": "fault", "typed_config": fault}] if milliseconds else []
    manager = {
        "@type": f"{_TYPES}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "plain",
        "route_config": {
            "virtual_hosts": [
                {"name": "all", "domains": ["*"], "routes": [{"match": {"prefix": "/"}, **action}]}
            ]
        },
        "http_filters": [
            *filters,
            {"name": "router", "typed_config": {"@type": f"{_TYPES}.http.router.v3.Router"}},
        ],
    }
    endpoints = [{"lb_endpoints": [{"endpoint": {"address": _address(target)}}]}] if target else []
    cluster = {
        "name": "target",
        "type": "STATIC",
        "load_assignment": {"cluster_name": "target", "endpoints": endpoints},
    }
    chain = {"filters": [{"name": "manager", "typed_config": manager}]}
    listener = {"name": "plain", "address": _address(port), "filter_chains": [chain]}
    return {"static_resources": {"listeners": [listener], "clusters": [cluster]}}


def _balancer(folder: Path, port: int, target: int) -> dict[str, Any]:
    """The local load balancer with a listener that forwards everything."""
    folder.mkdir()
    listener = Listener(
        arn=_LISTENER,
        endpoint=Endpoint("127.0.0.1", port),
        port=80,
        rules=[Rule(actions=[{"type": "forward", "targetGroupArn": _GROUP}])],
    )
    group = TargetGroup(arn=_GROUP, health_check={}, checked=(Endpoint("127.0.0.1", target),))
    for name, resources in compile_files([listener], [group], folder).items():
        (folder / name).write_text(json.dumps({"version_info": "1", "resources": resources}))
    return bootstrap(folder, "admin.sock")
