"""The endpoints by which services reach each other with Service Connect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from localaws.catalog.values import block, blocks, text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from localaws.catalog.properties import Properties


@dataclass(frozen=True)
class Endpoint:
    """A port of a service that other services reach by name."""

    namespace: str
    """The name or ARN of the namespace, as the service's inputs have it."""

    discovery_name: str
    dns_names: tuple[str, ...]
    """The names by which other tasks reach it; if there are none, the discovery name in the
    namespace is used.
    """

    @property
    def registry(self) -> str:
        """The key under which its tasks are registered; Cloud Map has no service for it."""
        return f"{self.namespace}/{self.discovery_name}"


def connect_endpoints(service: Properties) -> Iterator[Endpoint]:
    """Yield the endpoints of an ECS service, given its inputs."""
    connect = block(service.get("serviceConnectConfiguration"))
    if connect.get("enabled") is not True:
        return
    for each in blocks(connect.get("services")):
        name = text(each.get("discoveryName")) or text(each.get("portName")) or ""
        dns_names: list[str] = []
        for alias in blocks(each.get("clientAlias")):
            dns_name = text(alias.get("dnsName"))
            if dns_name:
                dns_names.append(dns_name)
        namespace = str(connect.get("namespace") or "")
        yield Endpoint(namespace, name, tuple(dns_names))
