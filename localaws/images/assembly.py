"""Assemble a puller for this machine and project."""

from __future__ import annotations

from collections import ChainMap
from typing import TYPE_CHECKING

from localaws.images import archives, mirrors, stand_in
from localaws.images.engines import Engines
from localaws.images.puller import Puller, Sources, default_folder
from localaws.images.registry import Registry, find_crane
from localaws.images.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from localaws.images.mirrors import Mirror
    from localaws.machine.processes import Launcher


def puller(
    *,
    behind: Launcher,
    host: Launcher,
    environment: Mapping[str, str],
    own_file: Path,
    report: Callable[[str], None],
    local_registries: dict[str, Mirror] | None = None,
) -> Puller:
    """Return what pulls images for the tasks of a project.

    Args:
        behind: The launcher of the containers, which unpacks.
        host: A launcher without isolation, for crane and the clients of container engines.
        environment: The daemon's: credentials, proxies, PATH, mirrors.
        own_file: The project's `localaws-images.toml`.
        report: Takes a line now and then while a pull takes long.
        local_registries: Registries of the local AWS itself, by the name that AWS gives them; it
            may change at any time.

    Raises:
        MirrorError: The environment's mirrors can't be understood.
    """
    own_mirrors = mirrors.parse(environment.get(mirrors.VARIABLE, ""))
    crane = find_crane()
    registry = None
    if crane is not None:
        every_mirror = ChainMap(own_mirrors, {} if local_registries is None else local_registries)
        registry = Registry(host, crane, environment, mirrors=every_mirror)
    sources = Sources(
        registry=registry,
        engines=Engines(host, environment),
        archives=lambda: archives.load(own_file),
        stand_in=stand_in.find_layout(),
    )
    return Puller(Store(default_folder(environment), behind), sources, report)
