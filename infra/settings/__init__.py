"""The settings of a stack: read once from its configuration, checked, frozen.

`stack/` has the topics that a stack has once, `service/` those of a service. Defaults are in
Pulumi.yaml, so that `pulumi config` shows what will be deployed.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final, Self

import pulumi
from pulumi.runtime import config

from infra.aws import naming
from infra.errors import Problem, SettingsError
from infra.settings import relations, service
from infra.settings.service import ServiceSettings
from infra.settings.stack.edge import EdgeSettings
from infra.settings.stack.https import HttpsSettings
from infra.settings.stack.keys import KeySettings
from infra.settings.stack.network import NetworkSettings
from infra.settings.stack.operation import OperationSettings
from infra.settings.topic import Configuration, camel, unread_in

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from infra.aws.environment import AwsEnvironment
    from infra.settings.kinds import Kind
    from infra.settings.topic import Topic

TOPICS: Final = (
    *service.TOPICS,
    HttpsSettings,
    EdgeSettings,
    OperationSettings,
    KeySettings,
    NetworkSettings,
)

_PROVIDERS: Final = ("aws", "awsx", "pulumi")
"""Namespaces of the configuration that belong to no project."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a stack deploys; docs/config.md describes each key and the effect of a change."""

    project: str
    stack: str
    service: ServiceSettings
    https: HttpsSettings
    edge: EdgeSettings
    operation: OperationSettings
    keys: KeySettings
    network: NetworkSettings

    @classmethod
    def load(cls) -> Self:
        """Read the selected stack's configuration.

        Raises:
            SettingsError: The configuration can't be deployed; it names every such key, its value
                and what is allowed.
        """
        namespace = f"{pulumi.get_project()}:"
        stored = {**config.get_config_env(), **config.CONFIG.get()}
        texts: dict[str, str] = {}
        secret = {name.removeprefix(namespace) for name in config.get_config_secret_keys_env()}
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
        settings = cls(
            project=project,
            stack=stack,
            service=ServiceSettings.read(configuration),
            https=HttpsSettings.read(configuration),
            edge=EdgeSettings.read(configuration),
            operation=OperationSettings.read(configuration),
            keys=KeySettings.read(configuration),
            network=NetworkSettings.read(configuration),
        )
        problems = [*_unknown(texts), *_left_behind(foreign, project), *settings.problems()]
        if problems:
            raise SettingsError(problems)
        return settings

    @property
    def tags(self) -> dict[str, str]:
        """Tags of every resource of the stack."""
        return naming.tags(self.project, self.stack)

    @property
    def exec_log_group(self) -> str | None:
        """Log group of ECS Exec sessions; None where Exec is off."""
        return naming.exec_log_group(self.stack) if self.operation.ecs_exec else None

    @property
    def ipv6_clients(self) -> bool:
        """Whether clients can connect by IPv6.

        Those of an internal load balancer are in the VPC, where everything has an IPv4 address too.
        """
        return self.network.dual_stack and not self.edge.internal

    @property
    def topics(self) -> tuple[Topic, ...]:
        """The topics that the stack has once."""
        return (self.https, self.edge, self.operation, self.keys, self.network)

    @property
    def unread(self) -> Mapping[str, Problem]:
        """Fields of all topics whose values couldn't be read."""
        return {**self.service.unread, **unread_in(self.topics)}

    def problems(self) -> list[Problem]:
        """Check the stack's name, each value, and values that depend on each other."""
        found = [*_misnamed(self.stack), *self.unread.values(), *self.service.problems()]
        for topic in self.topics:
            found.extend(topic.problems())
        found.extend(relations.problems(self))
        return found

    def problems_in(self, environment: AwsEnvironment) -> list[Problem]:
        """Check what the settings name in AWS against the account and region of the stack."""
        found = [*self.service.problems_in(environment)]
        for topic in self.topics:
            found.extend(topic.problems_in(environment))
        found.extend(relations.image_is_within_reach(self, environment))
        return found


@cache
def kinds() -> dict[str, Kind]:
    """Return the kind of each configuration key, topic by topic."""
    found: dict[str, Kind] = {}
    for topic in TOPICS:
        for name, kind in topic.kinds().items():
            found[camel(name)] = kind
    return found


def _unknown(texts: Mapping[str, str]) -> Iterator[Problem]:
    for key in sorted(texts.keys() - kinds().keys()):
        close = difflib.get_close_matches(key, kinds(), n=1)
        yield Problem(key, "an unknown key", f"perhaps {close[0]}" if close else ", ".join(kinds()))


def _left_behind(foreign: Collection[str], project: str) -> Iterator[Problem]:
    """Refuse keys of ours in another project's namespace, as after a rename in Pulumi.yaml.

    Pulumi ignores them there, so the stack would get the defaults: no protection and a public
    network instead of prod's.
    """
    for key in sorted(foreign):
        namespace, _, name = key.partition(":")
        if name in kinds() and namespace not in _PROVIDERS:
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
