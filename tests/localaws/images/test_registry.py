"""What crane reports, in ECS's words."""

from __future__ import annotations

import pytest

from localaws.images.errors import UnreachableRegistryError
from localaws.images.reference import parse
from localaws.images.registry import failure

SHOP = parse("registry.example/team/shop:1")
GET = 'Get "https://registry.example/v2/": '


@pytest.mark.parametrize(
    ("complaint", "words"),
    [
        (
            "Error: GET /v2/: MANIFEST_UNKNOWN: it is",
            f"failed to resolve ref {SHOP}: {SHOP}: not found (GET /v2/: MANIFEST_UNKNOWN: it is)",
        ),
        ("Error: NAME_UNKNOWN: Unknown name", "registry.example/team/shop:1: not found"),
        ("Error: unexpected status code 404 Not Found", "not found"),
        ("Error: unexpected status code 401 Unauthorized", "pull access denied, repository does"),
        ("Error: UNAUTHORIZED: authentication required", "pull access denied, repository does"),
        ("Error: DENIED: requested access is denied", "server message: DENIED: requested access"),
        ("Error: TOOMANYREQUESTS: rate limit", "TOOMANYREQUESTS: rate limit"),
        ("Error: unexpected status code 500", "failed to resolve ref registry.example/team/shop:1"),
        (
            "Error: no child with platform linux/arm64 in index registry.example/team/shop:1",
            "image Manifest does not contain descriptor matching platform 'linux/arm64'",
        ),
        ("Error: write /x: no space left on device", "failed to copy registry.example/team/shop:1"),
        ("2026/11/29 retrying\nError: last words", "last words"),
        ("panic: nothing that it says", "panic: nothing that it says"),
    ],
)
def test_cranes_errors_become_messages_of_ecs(complaint: str, words: str) -> None:
    error = failure(complaint, SHOP, "linux/arm64")
    assert words in str(error)
    assert "Error:" not in str(error)
    assert not isinstance(error, UnreachableRegistryError)


@pytest.mark.parametrize(
    "reason",
    [
        "dial tcp: lookup registry.example on 192.0.2.53:53: no such host",
        "dial tcp 192.0.2.1:443: connect: connection refused",
        "dial tcp 192.0.2.1:443: i/o timeout",
        "dial tcp 192.0.2.1:443: connect: network is unreachable",
        "net/http: TLS handshake timeout",
    ],
)
def test_a_registry_that_never_answered_counts_as_unreachable(reason: str) -> None:
    error = failure(f"Error: {GET}{reason}", SHOP, "linux/amd64")
    assert isinstance(error, UnreachableRegistryError)
    assert str(error) == (
        f"failed to resolve ref registry.example/team/shop:1: failed to do request: {GET}{reason}"
    )
