"""The settings of a stack: read once from its configuration, checked, frozen.

`stack/` has the topics that a stack has once, `service/` those of a service. Defaults are in
Pulumi.yaml, so that `pulumi config` shows what will be deployed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Final, Self

import pulumi
from pulumi.runtime import config

from infra.aws import naming
from infra.errors import Problem, SettingsError
from infra.settings import relations
from infra.settings.defaults import default
from infra.settings.service import ServiceSettings, of_defaults
from infra.settings.stack import TOPICS, StackSettings
from infra.settings.topic import Configuration, camel, read_topics, topic_classes
from infra.settings.unknown_keys import unknown_keys

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from infra.aws.environment import AwsEnvironment
    from infra.settings.kinds import Kind
    from infra.settings.stack.services import ServiceMap
    from infra.settings.topic import Topic
    from infra.settings.values import Texts

_OTHER_NAMESPACES: Final = ("aws", "awsx", "pulumi")
"""Namespaces of the configuration that belong to providers and the engine, not to a project."""

_REGION: Final = "aws:region"
"""The provider's key that is most often written without its namespace, which is the project's then.
"""

_MISPLACED_WEIGHTS: Final = Problem(
    "weights",
    "set beside services, so that every service would have them",
    "in the service whose route they split, like services.web.weights",
)


@dataclass(frozen=True, kw_only=True)
class Settings(StackSettings):
    """What a stack deploys; docs/config.md describes each key and the effect of a change."""

    project: str
    stack: str

    @classmethod
    def load(cls) -> Self:
        """Read the selected stack's configuration.

        Raises:
            SettingsError: The configuration can't be deployed; it names every such key, its value
                and what is allowed.
        """
        namespace = f"{pulumi.get_project()}:"
        stored = {**config.get_config_env(), **config.CONFIG.get()}
        secret = {name.removeprefix(namespace) for name in config.get_config_secret_keys_env()}
        texts: dict[str, str] = {}
        foreign: list[str] = []
        for name, text in stored.items():
            if not name.startswith(namespace):
                foreign.append(name)
                continue
            texts[name.removeprefix(namespace)] = str(text)
            if config.is_config_secret(name):
                secret.add(name.removeprefix(namespace))
        return cls.of(
            texts,
            project=pulumi.get_project(),
            stack=pulumi.get_stack(),
            secret=secret,
            foreign=foreign,
        )

    @classmethod
    def of(
        cls,
        texts: Mapping[str, str],
        *,
        project: str,
        stack: str,
        secret: Collection[str] = (),
        foreign: Collection[str] = (),
    ) -> Self:
        """Read a configuration as Pulumi passes it.

        Args:
            texts: Values by key, without the project's namespace.
            project: The project's name.
            stack: The stack's name.
            secret: Keys whose values are encrypted.
            foreign: Full names of the keys in other namespaces.

        Raises:
            SettingsError: As `load`.
        """
        configuration = Configuration(texts=texts, encrypted=secret)
        topics = read_topics(cls, configuration)
        service_map: ServiceMap = topics["service_map"]
        if service_map.services and texts.get("weights", "{}") != "{}":
            configuration = replace(configuration, misplaced={"weights": _MISPLACED_WEIGHTS})
        # The stack's own keys: those of its only service, or the defaults of all.
        defaults = ServiceSettings.read(configuration)
        services = _services(configuration, service_map, defaults)
        settings = cls(project=project, stack=stack, services=services, **topics)
        problems = [
            *unknown_keys("", texts, [*kinds(), _REGION]),
            *_in_another_namespace(foreign, project),
            *settings.problems(),
        ]
        if service_map.services or service_map.unread:
            # A default is refused even if no service takes it over.
            problems += defaults.unread.values()
        if service_map.services:
            problems += _misplaced_in_services(service_map.services, defaults)
        if problems:
            # Several services have the same problem with a default.
            raise SettingsError(list(dict.fromkeys(problems)))
        return settings

    @property
    def tags(self) -> dict[str, str]:
        """Tags of every resource of the stack."""
        return naming.tags(self.project, self.stack)

    @property
    def exec_log_group(self) -> str | None:
        """Log group of ECS Exec sessions; None where Exec is off."""
        return naming.exec_log_group(self.stack) if self.operation.ecs_exec else None

    def problems(self) -> list[Problem]:
        """Check the stack's name, each value, and values that depend on each other."""
        found = list(_misnamed(self.stack))
        for service in self.services:
            found.extend(service.unread.values())
        found.extend(self.unread.values())
        for service in self.services:
            found.extend(service.problems())
        for topic in self.topics:
            found.extend(topic.problems())
        found.extend(relations.problems(self))
        return list(of_defaults(found, self.services))

    def problems_in(self, environment: AwsEnvironment) -> list[Problem]:
        """Check what the settings name in AWS against the account and region of the stack."""
        found: list[Problem] = []
        for service in self.services:
            found.extend(service.problems_in(environment))
        for topic in self.topics:
            found.extend(topic.problems_in(environment))
        found.extend(relations.problems_in(self, environment))
        return list(of_defaults(found, self.services))


def _services(
    configuration: Configuration, service_map: ServiceMap, defaults: ServiceSettings
) -> tuple[ServiceSettings, ...]:
    """Return the services of a stack; none if the map of them couldn't be read."""
    if service_map.unread:
        return ()
    if not service_map.services:
        return (defaults,)
    services: list[ServiceSettings] = []
    for name, own in service_map.services.items():
        services.append(ServiceSettings.listed(configuration, name, own))
    return tuple(services)


@cache
def kinds() -> dict[str, Kind]:
    """Return the kind of each configuration key, topic by topic."""
    return _keys_of(TOPICS)


def _keys_of(topics: Iterable[type[Topic]]) -> dict[str, Kind]:
    found: dict[str, Kind] = {}
    for topic in topics:
        for name, kind in topic.kinds().items():
            found[camel(name)] = kind
    return found


def _misplaced_in_services(
    services: Mapping[str, Texts | None], defaults: ServiceSettings
) -> Iterator[Problem]:
    """Refuse keys that no service has, and names beside those of `services`."""
    if defaults.name not in {None, default("serviceName")}:
        yield Problem(
            "serviceName",
            f"{defaults.name}, beside services",
            "only without services, whose keys are the names",
        )
    service_keys = _keys_of(topic_classes(ServiceSettings).values())
    del service_keys["serviceName"]
    for name, texts in services.items():
        own = texts or {}
        for key, text in own.items():
            path = f"services.{name}.{key}"
            if key == "serviceName":
                yield Problem(path, text or "empty", f"none, as the service's name is {name}")
            elif key in kinds().keys() - service_keys.keys():
                yield Problem(path, "a key of the stack", f"{key} beside services, for all of them")
        yield from unknown_keys(f"services.{name}", own.keys() - kinds().keys(), service_keys)


def _in_another_namespace(foreign: Collection[str], project: str) -> Iterator[Problem]:
    """Refuse keys of this program in another namespace, as after a rename of the project.

    Pulumi ignores them there, so prod would get the defaults: no deletion protection, and a public
    network.
    """
    for key in sorted(foreign):
        namespace, _, name = key.partition(":")
        if name in kinds() and namespace not in _OTHER_NAMESPACES:
            yield Problem(
                key,
                f"a key of another project, {namespace}",
                f"{project}:{name}, as this project is {project}",
            )


def _misnamed(stack: str) -> Iterator[Problem]:
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,100}", stack):
        yield Problem(
            "stack",
            stack,
            "a stack name of at most 100 letters, digits, - and _, as it becomes part of ECS's "
            "names",
        )
