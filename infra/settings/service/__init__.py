"""Settings of a service.

A stack without the key `services` has one service, of the stack's own keys. With it, these are the
defaults of the services that it lists.

A problem names the key where the user set the value: `services.api.cpuUnits`, or `cpuUnits` for a
service that has the stack's value. The latter is one problem for all services that have that value
(`of_defaults`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from infra.errors import Problem
from infra.settings.defaults import default
from infra.settings.service import task
from infra.settings.service.alarms import AlarmSettings
from infra.settings.service.capacity import CapacitySettings
from infra.settings.service.connect import ConnectSettings
from infra.settings.service.container import ContainerSettings
from infra.settings.service.deployment import DeploymentSettings
from infra.settings.service.health import HealthSettings
from infra.settings.service.logs import LogSettings
from infra.settings.service.routes import RoutesSettings
from infra.settings.service.scaling import ScalingSettings
from infra.settings.service.secrets import SecretsSettings
from infra.settings.service.sidecars import Sidecar, SidecarSettings
from infra.settings.service.targets import TargetSettings, health_checks_suit_the_protocol
from infra.settings.service.volumes import Volume, VolumeSettings
from infra.settings.topic import (
    Topic,
    camel,
    read_topics,
    topic,
    topic_classes,
    topics_of,
    unread_in,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from infra.aws.environment import AwsEnvironment
    from infra.settings.topic import Configuration
    from infra.settings.values import Texts


@dataclass(frozen=True, kw_only=True)
class ServiceSettings:
    """The topics that each service has separately."""

    path: str = ""
    """Path of the service's keys, like `services.api`; empty for those of the stack itself."""

    own: Collection[str] = ()
    """Keys at that path; all others have the stack's values."""

    container: ContainerSettings = topic(ContainerSettings)
    capacity: CapacitySettings = topic(CapacitySettings)
    secrets: SecretsSettings = topic(SecretsSettings)
    sidecars: SidecarSettings = topic(SidecarSettings)
    logs: LogSettings = topic(LogSettings)
    volumes: VolumeSettings = topic(VolumeSettings)
    connect: ConnectSettings = topic(ConnectSettings)
    deployment: DeploymentSettings = topic(DeploymentSettings)
    scaling: ScalingSettings = topic(ScalingSettings)
    health: HealthSettings = topic(HealthSettings)
    routes: RoutesSettings = topic(RoutesSettings)
    targets: TargetSettings = topic(TargetSettings)
    alarms: AlarmSettings = topic(AlarmSettings)

    @classmethod
    def read(cls, configuration: Configuration) -> Self:
        """Read the service's keys."""
        return cls(**read_topics(cls, configuration))

    @classmethod
    def listed(cls, defaults: Configuration, name: str, texts: Texts | None) -> Self:
        """Read a service of the key `services`.

        Args:
            defaults: The stack's configuration, whose values hold where the service has none.
            name: The service's name.
            texts: The service's values by key; None if they are no map.
        """
        path = f"services.{name}"
        if texts is None:
            problem = Problem(
                path, "a value that isn't a map", "a map of the keys that a service has, or {}"
            )
            topics: dict[str, Any] = {}
            for field, topic_class in topic_classes(cls).items():
                topics[field] = topic_class.unreadable(problem)
            return cls(path=path, **topics)
        own = {**texts, "serviceName": name}
        # A service has an image or a build. If it sets one, it doesn't get the stack's other one.
        if texts.get("image"):
            own.setdefault("build", "")
        if texts.get("build"):
            own.setdefault("image", str(default("image")))
        paths = {key: f"{path}.{key}" for key in own}
        paths["serviceName"] = path
        return cls(path=path, own=paths.keys(), **read_topics(cls, defaults.within(own, paths)))

    @property
    def name(self) -> str:
        """The service's name."""
        return self.container.service_name

    @property
    def min_tasks(self) -> int:
        """Number of tasks that the service never goes below, whatever scales it."""
        if not self.scaling.on:
            return self.deployment.desired_count
        minimums = [self.scaling.min_count]
        for bounds in self.scaling.actions.values():
            if bounds.min_count is not None:
                minimums.append(bounds.min_count)
            elif bounds.max_count is not None:
                # A lower maximum lowers the number, too.
                minimums.append(bounds.max_count)
        return min(minimums)

    @property
    def secrets_of_containers(self) -> dict[str, Mapping[str, str]]:
        """The secrets of each container, by the path of the key that has them."""
        found: dict[str, Mapping[str, str]] = {
            self.path_of("secrets"): self.secrets.secrets,
        }
        if self.logs.log_to:
            found[self.path_of("logSecrets")] = self.logs.log_secrets
        for name, sidecar in self.running_sidecars.items():
            found[self.path_of(f"sidecars.{name}.secrets")] = sidecar.secrets
            found[self.path_of(f"sidecars.{name}.logSecrets")] = sidecar.log_secrets
        return found

    @property
    def running_sidecars(self) -> dict[str, Sidecar]:
        """The sidecars of its tasks, without a log router of the stack that gets nothing here.

        ECS refuses a router in a task of which no container's output goes there.
        """
        sidecars = self.sidecars.readable
        used_routers = {self.logs.log_to, *(sidecar.log_to for sidecar in sidecars.values())}
        return {
            name: sidecar
            for name, sidecar in sidecars.items()
            if not sidecar.log_router or name in used_routers
        }

    @property
    def mounted_volumes(self) -> dict[str, Volume]:
        """The volumes that some container mounts; the stack may have others for other services."""
        mounted = set(self.volumes.mounts)
        for sidecar in self.running_sidecars.values():
            mounted.update(sidecar.mounts)
        return {name: each for name, each in self.volumes.all.items() if name in mounted}

    @property
    def pulled_images(self) -> dict[str, str]:
        """The image of each container that isn't built by the stack, by the key that names it."""
        found = {} if self.container.build else {"image": self.container.image}
        for name, sidecar in self.sidecars.readable.items():
            found[f"sidecars.{name}.image"] = sidecar.image
        return found

    @property
    def shares_with(self) -> tuple[str, ...]:
        """The other services that get a share of its requests."""
        names: dict[str, int] = {}
        for route in self.routes.each:
            names |= route.weights
        names.pop(self.name, None)
        return tuple(names)

    @property
    def connect_port(self) -> int:
        """The port at which other services call this one."""
        name = self.sidecars.connect_container
        if name and name != self.container.container_name:
            return self.sidecars.readable[name].port
        return self.container.container_port

    @cached_property
    def topics(self) -> tuple[Topic, ...]:
        """The service's topics."""
        return topics_of(self)

    @cached_property
    def unread(self) -> Mapping[str, Problem]:
        """Fields of all topics whose values couldn't be read."""
        return unread_in(self.topics)

    def problems(self) -> Iterator[Problem]:
        """Check values that depend on each other, within a topic and across topics."""
        for each in self.topics:
            yield from self.named(each.problems())
        yield from self.named(
            task.problems(
                container=self.container,
                capacity=self.capacity,
                secrets=self.secrets,
                sidecars=self.sidecars,
                volumes=self.volumes,
                logs=self.logs,
                connect=self.connect,
            )
        )
        yield from self.named(health_checks_suit_the_protocol(self.targets, self.health))

    def problems_in(self, environment: AwsEnvironment) -> Iterator[Problem]:
        """Check what the values name in AWS against the account and region of the stack."""
        for each in self.topics:
            yield from self.named(each.problems_in(environment))

    def named(self, problems: Iterable[Problem]) -> Iterator[Problem]:
        """Yield problems with the paths of the service's keys."""
        for problem in problems:
            services = (self.path,) if self.inherits(problem.key) else ()
            yield replace(problem, key=self.path_of(problem.key), services=services)

    def path_of(self, key: str) -> str:
        """Return the path of one of the service's keys, which is where the user set it."""
        return f"{self.path}.{key}" if self.path and not self.inherits(key) else key

    def inherits(self, key: str) -> bool:
        """Return whether a service of `services` has the stack's value of a key, not the default.

        Args:
            key: The key, or a path in it like `routes[0].weights`.
        """
        top = re.split(r"[.\[]", key)[0]
        if not self.path or top in self.own:
            return False
        for each in self.topics:
            for name in each.kinds():
                if camel(name) == top:
                    return name not in each.unread and bool(each.changed(name))
        return False


def of_defaults(
    problems: Iterable[Problem], services: Sequence[ServiceSettings]
) -> Iterator[Problem]:
    """Yield each problem with a default once, with the services in which it is one.

    A default without an effect is no problem if one of the services uses it.
    """
    affected: dict[Problem, list[str]] = {}
    for problem in problems:
        paths = affected.setdefault(replace(problem, services=()), [])
        for path in problem.services:
            # A service can have a problem twice, as an entry that is no map has one for each key.
            if path not in paths:
                paths.append(path)
    for problem, paths in affected.items():
        inheriting = [service.path for service in services if service.inherits(problem.key)]
        if not paths or paths == inheriting:
            yield problem
        elif not problem.unused:
            yield replace(problem, services=tuple(paths))
