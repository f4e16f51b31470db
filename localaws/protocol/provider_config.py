"""The configuration of the provider `aws`: each of its keys, as the engine sends it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from localaws.account.tagging import NO_TAGGING, Tagging
from localaws.catalog.properties import UNKNOWN, Unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_OF_THE_ENGINE = frozenset({"version", "pluginDownloadURL", "parameterization"})
"""What the engine adds to a provider's inputs."""

_SHOWN = 80
"""Characters of a wrong value that a message shows."""


@dataclass(frozen=True)
class _Kind:
    """What a key may hold."""

    what: str
    fits: Callable[[Any], bool]


def _texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, str | Unknown) for each in value)


def _tags(value: object) -> bool:
    tags = (value.get("tags") or {}) if isinstance(value, dict) else None
    return isinstance(tags, dict) and not any(
        isinstance(each, dict | list) for each in tags.values()
    )


def _ignored(value: object) -> bool:
    return isinstance(value, dict) and all(
        _texts(value.get(name) or []) for name in ("keys", "keyPrefixes")
    )


_TEXT = _Kind("text", lambda value: isinstance(value, str))
_FLAG = _Kind("true or false", lambda value: isinstance(value, bool))
_NUMBER = _Kind(
    "a whole number", lambda value: isinstance(value, int) and not isinstance(value, bool)
)
_TEXTS = _Kind('a list of texts, as JSON ["a", "b"]', _texts)
_MAP = _Kind("an object, as JSON {...}", lambda value: isinstance(value, dict))
_MAPS = _Kind(
    "a list of objects, as JSON [{...}]",
    lambda value: (
        isinstance(value, list) and all(isinstance(each, dict | Unknown) for each in value)
    ),
)

KEYS: Mapping[str, _Kind] = {
    **dict.fromkeys(
        (
            *(
                "accessKey",
                "customCaBundle",
                "ec2MetadataServiceEndpoint",
                "ec2MetadataServiceEndpointMode",
            ),
            *(
                "httpProxy",
                "httpsProxy",
                "noProxy",
                "profile",
                "region",
                "retryMode",
                "s3UsEast1RegionalEndpoint",
            ),
            *("secretKey", "stsRegion", "tagPolicyCompliance", "token"),
        ),
        _TEXT,
    ),
    **dict.fromkeys(
        (
            *("insecure", "s3UsePathStyle", "skipCredentialsValidation", "skipMetadataApiCheck"),
            *(
                "skipRegionValidation",
                "skipRequestingAccountId",
                "useDualstackEndpoint",
                "useFipsEndpoint",
            ),
        ),
        _FLAG,
    ),
    **dict.fromkeys(("maxRetries", "tokenBucketRateLimiterCapacity"), _NUMBER),
    **dict.fromkeys(
        (
            *(
                "allowedAccountIds",
                "forbiddenAccountIds",
                "sharedConfigFiles",
                "sharedCredentialsFiles",
            ),
            "userAgents",
        ),
        _TEXTS,
    ),
    "assumeRoleWithWebIdentity": _MAP,
    **dict.fromkeys(("assumeRoles", "endpoints"), _MAPS),
    "defaultTags": _Kind('an object of tags, as JSON {"tags": {"Owner": "me"}}', _tags),
    "ignoreTags": _Kind(
        'an object of names, as JSON {"keys": ["a"], "keyPrefixes": ["b:"]}', _ignored
    ),
}
"""Every key that the provider has, by test. Only `region`, `defaultTags` and `ignoreTags` mean
something here.
"""


def parsed(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration as values: the engine sends everything but text as JSON text."""
    return {
        name: _value(name, value) for name, value in settings.items() if name not in _OF_THE_ENGINE
    }


def problems(settings: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Keys that can't be used, each with what is wrong with it."""
    for name, value in parsed(settings).items():
        if name not in KEYS:
            if not name.startswith("__"):
                yield name, f"Invalid or Unknown Key. Check `pulumi config get aws:{name}`."
        elif value is not None and not isinstance(value, Unknown) and not KEYS[name].fits(value):
            yield name, f"aws:{name}: {str(settings[name])[:_SHOWN]}; allowed: {KEYS[name].what}"


def tagging(settings: Mapping[str, Any]) -> Tagging:
    """What the configuration does to tags; of one that has problems, nothing."""
    values = parsed(settings)
    default, ignored = values.get("defaultTags") or {}, values.get("ignoreTags") or {}
    if isinstance(default, Unknown) or isinstance(ignored, Unknown):
        return Tagging(default=UNKNOWN)
    if not (KEYS["defaultTags"].fits(default) and KEYS["ignoreTags"].fits(ignored)):
        return NO_TAGGING
    tags = default.get("tags") or {}
    return Tagging(
        default={name: _as_text(value) for name, value in tags.items()},
        ignored_keys=frozenset(ignored.get("keys") or ()),
        ignored_prefixes=tuple(ignored.get("keyPrefixes") or ()),
    )


def _value(name: str, value: Any) -> Any:
    if name not in KEYS or KEYS[name] is _TEXT or not isinstance(value, str):
        return value
    if not value:
        return None
    try:
        return json.loads(value)
    except ValueError:
        return value


def _as_text(value: object) -> str:
    """A tag's value, for which a configuration file may have a number or a flag."""
    return str(value).lower() if isinstance(value, bool) else str(value)
