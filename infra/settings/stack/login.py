"""Logins at the load balancer: what all services have in one encrypted key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from infra.settings.route_kinds import ClientSecrets
from infra.settings.topic import Topic, key

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, kw_only=True)
class LoginSettings(Topic):
    """Secrets of the services' clients at their OpenID Connect providers."""

    oidc_client_secrets: Mapping[str, str] = key(ClientSecrets())
