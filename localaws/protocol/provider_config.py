"""The configuration keys of the provider `aws`, and checks of their values."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from localaws.account.tagging import NO_TAGGING, Tagging
from localaws.catalog import regions
from localaws.unknown import UNKNOWN, Unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_ADDED_BY_ENGINE = frozenset({"version", "pluginDownloadURL", "parameterization"})
"""Keys that the engine adds to a provider's inputs."""

_REGION = re.compile(r"[a-z]{2,4}(-[a-z]+)+-[1-9]")
"""The form of region names, including regions that don't exist yet."""

_LONGEST_SHOWN = 80
"""How many characters of a wrong value a message shows."""


@dataclass(frozen=True)
class _Kind:
    """A kind of values: a description, and a test of whether a value is of this kind."""

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
    "accessKey": _TEXT,
    "allowedAccountIds": _TEXTS,
    "assumeRoleWithWebIdentity": _MAP,
    "assumeRoles": _MAPS,
    "customCaBundle": _TEXT,
    "defaultTags": _Kind('an object of tags, as JSON {"tags": {"Owner": "me"}}', _tags),
    "ec2MetadataServiceEndpoint": _TEXT,
    "ec2MetadataServiceEndpointMode": _TEXT,
    "endpoints": _MAPS,
    "forbiddenAccountIds": _TEXTS,
    "httpProxy": _TEXT,
    "httpsProxy": _TEXT,
    "ignoreTags": _Kind(
        'an object of names, as JSON {"keys": ["a"], "keyPrefixes": ["b:"]}', _ignored
    ),
    "insecure": _FLAG,
    "maxRetries": _NUMBER,
    "noProxy": _TEXT,
    "profile": _TEXT,
    "region": _TEXT,
    "retryMode": _TEXT,
    "s3UsEast1RegionalEndpoint": _TEXT,
    "s3UsePathStyle": _FLAG,
    "secretKey": _TEXT,
    "sharedConfigFiles": _TEXTS,
    "sharedCredentialsFiles": _TEXTS,
    "skipCredentialsValidation": _FLAG,
    "skipMetadataApiCheck": _FLAG,
    "skipRegionValidation": _FLAG,
    "skipRequestingAccountId": _FLAG,
    "stsRegion": _TEXT,
    "tagPolicyCompliance": _TEXT,
    "token": _TEXT,
    "tokenBucketRateLimiterCapacity": _NUMBER,
    "useDualstackEndpoint": _FLAG,
    "useFipsEndpoint": _FLAG,
    "userAgents": _TEXTS,
}
"""Every key of the provider, which a test compares with the SDK. Only `region`, `defaultTags`,
`ignoreTags` and `skipRegionValidation` have an effect here.
"""


def parsed(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the configuration as values; the engine sends all but texts as JSON."""
    values = {}
    for name in settings.keys() - _ADDED_BY_ENGINE:
        values[name] = _value(name, settings[name])
    return values


def problems(settings: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield each key that can't be used, and the reason."""
    values = parsed(settings)
    for name, value in sorted(values.items()):
        if name not in KEYS:
            if not name.startswith("__"):
                yield name, f"Invalid or Unknown Key. Check `pulumi config get aws:{name}`."
            continue
        if value is None or isinstance(value, Unknown):
            continue
        if not KEYS[name].fits(value):
            shown = str(settings[name])[:_LONGEST_SHOWN]
            yield name, f"aws:{name}: {shown}; allowed: {KEYS[name].what}"
    yield from _region_problems(values)


def _region_problems(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Refuse a region that AWS doesn't have, unless the user vouches for one that is newer."""
    region = values.get("region")
    if not isinstance(region, str) or not region:
        return
    well_formed = _REGION.fullmatch(region) is not None
    if well_formed and (regions.is_known(region) or values.get("skipRegionValidation") is True):
        return
    reason = (
        f"invalid AWS Region: {region}. aws:region is one of AWS's regions, like "
        f"{regions.similar(region)}."
    )
    if well_formed:
        reason += (
            " For a region that is newer than the installed pulumi-aws: `pulumi config set "
            "aws:skipRegionValidation true`."
        )
    yield "region", reason


def tagging(settings: Mapping[str, Any]) -> Tagging:
    """Return what the configuration does to tags; an invalid configuration does nothing."""
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
    """Return a tag's value, which can be a number or a boolean in a configuration file."""
    return str(value).lower() if isinstance(value, bool) else str(value)
