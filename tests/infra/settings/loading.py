"""Load the settings of a configuration, or get the error that refuses it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from infra.errors import SettingsError
from infra.settings import Settings
from tests.infra import recorder

if TYPE_CHECKING:
    from collections.abc import Collection

    from infra.settings.service import ServiceSettings

KEY_ARN = "arn:aws:kms:ap-northeast-1:123456789012:key/12345678-1234-1234-1234-123456789012"

ISSUED_CERTIFICATE = {"domain": "shop.example.com", "hostedZone": "example.com"}
"""What switches HTTPS on with a certificate that ACM issues."""

EXISTING_CERTIFICATE = {
    "certificateArn": (
        "arn:aws:acm:ap-northeast-1:123456789012:certificate/00000000-0000-0000-0000-000000000001"
    ),
}
"""What switches HTTPS on with a certificate that exists already."""


def load(stack: str = "dev", /, *, secret: Collection[str] = (), **changes: Any) -> Settings:
    """Load the stack file `dev` with some keys changed, those in `secret` as encrypted values."""
    prefix = f"{recorder.PROJECT}:"
    config = recorder.configuration("dev", changes)
    texts = {
        key.removeprefix(prefix): text for key, text in config.items() if key.startswith(prefix)
    }
    return Settings.of(texts, project=recorder.PROJECT, stack=stack, secret=secret)


def only_service(settings: Settings) -> ServiceSettings:
    """Return the service of a stack that has one."""
    (service,) = settings.services
    return service


def refusal_of(
    stack: str = "dev", /, *, secret: Collection[str] = (), **changes: Any
) -> SettingsError:
    """Return the error that refuses a configuration; fail if it is accepted."""
    with pytest.raises(SettingsError) as refused:
        load(stack, secret=secret, **changes)
    return refused.value


def refused_keys(
    stack: str = "dev", /, *, secret: Collection[str] = (), **changes: Any
) -> list[str]:
    """Return the key of each problem with a configuration, in the order of the message."""
    return [problem.key for problem in refusal_of(stack, secret=secret, **changes).problems]
