"""Assembles the data plane: launcher, addresses, tasks, Envoy, load balancers, controller."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from localaws.alb import registered_targets
from localaws.alb.certificate_authority import Authority
from localaws.alb.envoy import Envoy
from localaws.alb.load_balancers import LoadBalancers
from localaws.ecs.controller import Controller
from localaws.ecs.tasks.images import load
from localaws.ecs.tasks.process_runtime import Processes
from localaws.ecs.tasks.supervisor import Supervisor
from localaws.machine.addresses import Addresses
from localaws.machine.processes import Launcher

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from localaws.catalog.account import Account


def data_plane(
    cloud: Account,
    directory: Path,
    *,
    parameters: Callable[[str], str | None],
    addresses: Addresses | None = None,
    image_table: Path | None = None,
    speed: float = 1,
) -> Controller:
    """A controller for this cloud, not yet started; closing it ends every process it had started.

    Args:
        cloud: The resources to follow.
        directory: The state directory, `.local/`, which also holds logs and Envoy's files.
        parameters: A parameter's or secret's value by name or ARN, None for one that doesn't exist.
        addresses: Those that the caller names load balancers by, if it does; there must be one
            object for each state directory.
        image_table: The project's own images, read anew for every task; by default a file beside
            `directory`.
        speed: How fast AWS's durations pass, see `localaws.speed`.

    Raises:
        NoAddressError: This system can't do loopback addresses.
    """
    directory.mkdir(parents=True, exist_ok=True)
    image_table = image_table or directory.parent / "localaws-images.toml"
    addresses = addresses or Addresses(directory)
    launcher = Launcher()
    envoy_folder = directory / "envoy"
    return Controller(
        cloud,
        directory,
        runtime=Supervisor(
            Processes(launcher, addresses, partial(load, image_table)),
            directory / "logs",
            speed=speed,
        ),
        target_groups=LoadBalancers(
            cloud,
            addresses,
            lambda _: Envoy(launcher, envoy_folder),
            lambda _: envoy_folder,
            issue=Authority(directory).issue,
            attached=partial(registered_targets.endpoints, cloud),
            speed=speed,
        ),
        parameters=parameters,
        speed=speed,
    )
