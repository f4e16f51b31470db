"""Settings of a stack: the topics that it has once, and those of its services."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

from infra.aws.secret_names import service_of
from infra.settings.service import ServiceSettings
from infra.settings.service.connect import in_order
from infra.settings.stack.alarms import NotificationSettings
from infra.settings.stack.costs import CostSettings
from infra.settings.stack.edge import EdgeSettings
from infra.settings.stack.https import HttpsSettings
from infra.settings.stack.instances import InstanceSettings
from infra.settings.stack.keys import KeySettings
from infra.settings.stack.login import LoginSettings
from infra.settings.stack.network import NetworkSettings
from infra.settings.stack.operation import OperationSettings
from infra.settings.stack.services import ServiceMap
from infra.settings.topic import topic, topic_classes, topics_of, unread_in

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.errors import Problem
    from infra.settings.topic import Topic


@dataclass(frozen=True, kw_only=True)
class StackSettings:
    """The values of every configuration key, by topic."""

    services: tuple[ServiceSettings, ...]
    """In the order of their names; empty only if they couldn't be read."""

    service_map: ServiceMap = topic(ServiceMap)
    https: HttpsSettings = topic(HttpsSettings)
    login: LoginSettings = topic(LoginSettings)
    edge: EdgeSettings = topic(EdgeSettings)
    operation: OperationSettings = topic(OperationSettings)
    keys: KeySettings = topic(KeySettings)
    network: NetworkSettings = topic(NetworkSettings)
    costs: CostSettings = topic(CostSettings)
    instances: InstanceSettings = topic(InstanceSettings)
    notifications: NotificationSettings = topic(NotificationSettings)

    @cached_property
    def topics(self) -> tuple[Topic, ...]:
        """The topics that the stack has once."""
        return topics_of(self)

    @cached_property
    def unread(self) -> Mapping[str, Problem]:
        """Fields of these topics whose values couldn't be read."""
        return unread_in(self.topics)

    def readable_in_all_services(self, *names: str) -> bool:
        """Return whether the services could be read, and these fields in each of them."""
        if self.service_map.unread:
            return False
        return all(service.unread.keys().isdisjoint(names) for service in self.services)

    @property
    def services_on_instances(self) -> tuple[ServiceSettings, ...]:
        """The services whose tasks run on EC2 instances of the stack."""
        read = [each for each in self.services if "capacity" not in each.unread]
        return tuple(each for each in read if each.capacity.on_instances)

    @property
    def services_with_alarms(self) -> tuple[ServiceSettings, ...]:
        """The services that have alarms."""
        read = [each for each in self.services if "alarms" not in each.unread]
        return tuple(each for each in read if each.alarms.alarms)

    @property
    def ipv6_clients(self) -> bool:
        """Whether clients can connect by IPv6.

        Clients of an internal load balancer are in the VPC, where they have an IPv4 address too.
        """
        return self.network.dual_stack and not self.edge.internal

    @property
    def connected(self) -> bool:
        """Whether some service can be called by others."""
        return any(service.connect.service_connect for service in self.services)

    @property
    def dependencies(self) -> dict[str, tuple[str, ...]]:
        """The services that each one depends on: those that it calls or shares requests with."""
        found: dict[str, tuple[str, ...]] = {}
        for service in self.services:
            found[service.name] = (*service.connect.calls, *service.shares_with)
        return found

    @property
    def dependencies_first(self) -> tuple[ServiceSettings, ...]:
        """The services, each after those that it depends on."""
        by_name = {service.name: service for service in self.services}
        return tuple(by_name[name] for name in in_order(self.dependencies))

    @property
    def secret_services(self) -> frozenset[str]:
        """The AWS services that hold the stack's secrets: of `ssm` and `secretsmanager`."""
        found: set[str] = set()
        for service in self.services:
            for secrets in service.secrets_of_containers.values():
                found.update(map(service_of, secrets.values()))
        return frozenset(found)


TOPICS: Final = (*topic_classes(ServiceSettings).values(), *topic_classes(StackSettings).values())
"""Every topic of the configuration."""
