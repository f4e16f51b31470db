"""The endpoints that services offer others by Service Connect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from localaws.catalog.values import block, blocks, text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from localaws.catalog.properties import Properties


@dataclass(frozen=True)
class Endpoint:
    """A port of a service that others reach by names."""

    namespace: str
    """As the service has it: name or ARN."""

    discovery_name: str
    dns_names: tuple[str, ...]
    """Names in the tasks that call it; empty for the discovery name in the namespace."""

    @property
    def registry(self) -> str:
        """What its tasks register with, which is no ARN of Cloud Map's."""
        return f"{self.namespace}/{self.discovery_name}"


def connect_endpoints(service: Properties) -> Iterator[Endpoint]:
    """Yield the endpoints of a service of ECS."""
    connect = block(service.get("serviceConnectConfiguration"))
    if connect.get("enabled") is not True:
        return
    for each in blocks(connect.get("services")):
        name = text(each.get("discoveryName")) or text(each.get("portName")) or ""
        aliases = [text(alias.get("dnsName")) for alias in blocks(each.get("clientAlias"))]
        namespace = str(connect.get("namespace") or "")
        yield Endpoint(namespace, name, tuple(filter(None, aliases)))
