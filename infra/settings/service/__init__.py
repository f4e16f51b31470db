"""Settings of a service."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from infra.errors import Problem
from infra.settings.service.container import ContainerSettings
from infra.settings.service.deployment import DeploymentSettings
from infra.settings.service.health import HealthSettings
from infra.settings.service.secrets import SecretsSettings
from infra.settings.topic import Topic, read_topics, relation, topic, topics_of, unread_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from infra.aws.environment import AwsEnvironment
    from infra.settings.topic import Configuration


@dataclass(frozen=True, kw_only=True)
class ServiceSettings:
    """The topics that each service has separately."""

    container: ContainerSettings = topic(ContainerSettings)
    secrets: SecretsSettings = topic(SecretsSettings)
    deployment: DeploymentSettings = topic(DeploymentSettings)
    health: HealthSettings = topic(HealthSettings)

    @classmethod
    def read(cls, configuration: Configuration) -> Self:
        """Read the service's keys."""
        return cls(**read_topics(cls, configuration))

    @property
    def topics(self) -> tuple[Topic, ...]:
        """The service's topics."""
        return topics_of(self)

    @property
    def unread(self) -> Mapping[str, Problem]:
        """Fields of all topics whose values couldn't be read."""
        return unread_in(self.topics)

    def problems(self) -> Iterator[Problem]:
        """Check values that depend on each other, within a topic and across topics."""
        for each in self.topics:
            yield from each.problems()
        yield from _variables_have_one_source(self)

    def problems_in(self, environment: AwsEnvironment) -> Iterator[Problem]:
        """Check what the values name in AWS against the account and region of the stack."""
        for each in self.topics:
            yield from each.problems_in(environment)


@relation("environment", "secrets")
def _variables_have_one_source(service: ServiceSettings) -> Iterator[Problem]:
    plain = service.container.environment
    secret = service.secrets.secrets
    for name in sorted(plain.keys() & secret.keys()):
        yield Problem(
            "environment",
            f"{name}, which secrets has too",
            "a name that only one of the two has",
        )
