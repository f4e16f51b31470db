"""HTTPS listeners: what Envoy needs to know of certificates and versions of TLS. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

_CONTEXT = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext"


@dataclass(frozen=True)
class Served:
    """A certificate and its key, as files in PEM."""

    chain: Path
    key: Path


@dataclass(frozen=True, kw_only=True)
class Tls:
    """How a listener speaks TLS."""

    certificates: tuple[Served, ...]
    """The listener's own first; a client that names a domain gets the first one for it, or else the
    listener's own.
    """

    oldest: str
    """The oldest version spoken, `1.2`."""

    newest: str
    """The newest one."""

    http2: bool = True
    """Whether HTTP/2 is offered."""


def transport_socket(tls: Tls) -> dict[str, Any]:
    """Return Envoy's configuration of TLS."""
    context = {
        "tls_params": {
            "tls_minimum_protocol_version": _version(tls.oldest),
            "tls_maximum_protocol_version": _version(tls.newest),
        },
        "tls_certificates": list(map(_certificate, tls.certificates)),
        "alpn_protocols": [*(["h2"] if tls.http2 else []), "http/1.1"],
    }
    return {
        "name": "envoy.transport_sockets.tls",
        "typed_config": {"@type": _CONTEXT, "common_tls_context": context},
    }


def _certificate(served: Served) -> dict[str, Any]:
    return {
        "certificate_chain": {"filename": str(served.chain)},
        "private_key": {"filename": str(served.key)},
    }


def _version(version: str) -> str:
    return f"TLSv{version.replace('.', '_')}"
