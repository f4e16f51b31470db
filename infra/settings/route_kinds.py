"""Kinds of configuration values for routes: conditions, rewrites, and lists of routes. Pure.

Sources of what is allowed: Elastic Load Balancing, API reference, RuleCondition and its
configurations, RewriteConfig.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple

from infra.settings.collection_kinds import ListOf, item_flaw
from infra.settings.kinds import Choice, IpRange, Kind, Text, Whole
from infra.settings.unknown_keys import similar_keys
from infra.settings.values import (
    as_configured,
    counted,
    list_or_none,
    map_or_none,
    read_map,
    refuse,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

HOST: Final = Text(
    r"(?!.*\.\.)(?!\.)[a-z0-9.*?-]+\.[a-z]+",
    "a host in lower case with letters after its last dot, like shop.example.com, where * is any "
    "text and ? one character",
    longest=128,
)
PATH: Final = Text(
    r"""[/*][A-Za-z0-9_.$/~"'@:+&*?-]*""",
    "a path without its query, like /api/*, where * is any text and ? one character",
    longest=128,
)
METHOD: Final = Text(r"[A-Z_-]{1,40}", "a method in capitals, like GET")
_VALUE: Final = Text(
    r"[!-\[\]-~](?:[ -\[\]-~]*[!-\[\]-~])?",
    "a text of printable characters without backslashes, where * is any text and ? one character",
    longest=128,
)
_HEADER: Final = Text(
    r"(?i)(?!host$)[!#$%&'*+.^_`~0-9a-z-]{1,40}", "a header's name, other than Host"
)
_PARAMETER: Final = Text(r"(?!.*[*?&=#\\])[!-~]{1,128}", "a query parameter's name")

_UNSUPPORTED: Final = r"\(\?<?[=!]|\(\?P[=>]|\(\?>|\\[1-9]|[*+?}]\+"
"""Lookarounds, backreferences, atomic groups and possessive quantifiers. Source: Elastic Load
Balancing, "Rule basics".
"""


class Rewrite(NamedTuple):
    """A replacement of what a regular expression matches."""

    regex: str
    replace: str


class Oidc(NamedTuple):
    """A client of an OpenID Connect provider, without its secret."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    user_info_endpoint: str
    client_id: str
    scope: str = "openid"
    session_seconds: int = 604_800
    on_unauthenticated: str = "authenticate"


@dataclass(frozen=True)
class Alternatives(Kind):
    """One or several texts by name; a condition of each name must hold, with any of its texts."""

    absent: ClassVar[str | None] = "{}"
    name: Text
    value: Text

    @property
    def allowed(self) -> str:
        """Describe names and values."""
        return (
            f"a map, each name {self.name.allowed}, each value {self.value.allowed}, or a list of "
            "these"
        )

    def read(self, text: str) -> dict[str, tuple[str, ...]]:
        """Parse the entries; names are in lower case, as they match whatever their case."""
        entries = read_map(text)
        found: dict[str, tuple[str, ...]] = {}
        for name, value in sorted(entries.items()):
            values = value if isinstance(value, list) else [value]
            if not values or name.lower() in found:
                refuse(text)
            texts = []
            for each in values:
                if isinstance(each, dict | list):
                    refuse(text)
                texts.append(self.value.read(as_configured(each)))
            found[self.name.read(name).lower()] = tuple(texts)
        return found

    def part(self, text: str) -> dict[str, tuple[str, ...]]:
        """Return the allowed texts of each allowed name."""
        found: dict[str, tuple[str, ...]] = {}
        for name, value in sorted((map_or_none(text) or {}).items()):
            values = value if isinstance(value, list) else [value]
            texts = [each for each in values if item_flaw(self.value, each) is None]
            if item_flaw(self.name, name) is None:
                found[name.lower()] = tuple(map(as_configured, texts))
        return found

    def shown(self, text: str) -> str:
        """Describe the refused entries, each value after its path."""
        entries = map_or_none(text)
        if entries is None:
            return f"{text or 'empty'}, which is no map"
        return ", ".join(self._flaws(entries))

    def _flaws(self, entries: Mapping[str, object]) -> Iterator[str]:
        seen: set[str] = set()
        for name, value in sorted(entries.items()):
            if item_flaw(self.name, name) is not None:
                yield f"the name {name or 'empty'}"
            elif name.lower() in seen:
                yield f"the name {name} twice, as case doesn't matter"
            seen.add(name.lower())
            if value == []:
                yield f".{name} without a value"
            values = value if isinstance(value, list) else [value]
            for position, each in enumerate(values):
                flaw = item_flaw(self.value, each)
                if flaw is not None:
                    index = f"[{position}]" if isinstance(value, list) else ""
                    yield f".{name}{index} {flaw}"


@dataclass(frozen=True)
class Rewriting(Kind):
    """A regular expression, and what replaces what it matches."""

    absent: ClassVar[str | None] = "{}"
    of: str
    """What is rewritten."""

    _part: ClassVar[Text] = Text(r"(?s).*", "a text", longest=1024)

    @property
    def allowed(self) -> str:
        """Describe both texts."""
        return (
            f"a map of regex, a regular expression for {self.of} without lookarounds and "
            "backreferences, and replace, in which $1 is the first group; each at most 1024 "
            "characters; empty for none"
        )

    def read(self, text: str) -> Rewrite | None:
        """Parse the rewrite; None if there is none."""
        entries = read_map(text)
        if not entries:
            return None
        if list(self._flaws(entries)):
            refuse(text)
        return Rewrite(**entries)

    def shown(self, text: str) -> str:
        """Describe every flaw, each after its path."""
        entries = map_or_none(text)
        if entries is None:
            return f"{text or 'empty'}, which is no map"
        return "; ".join(self._flaws(entries))

    def _flaws(self, entries: Mapping[str, object]) -> Iterator[str]:
        for name in sorted(entries.keys() - Rewrite._fields):
            yield f".{name}, which is neither regex nor replace"
        texts: dict[str, str] = {}
        for name in Rewrite._fields:
            value = entries.get(name)
            if name not in entries:
                yield f"no {name}"
            elif not isinstance(value, str) or item_flaw(self._part, value) is not None:
                yield f".{name} {as_configured(value)}, which is no text of at most 1024 characters"
            else:
                texts[name] = value
        if "regex" in texts:
            yield from _expression_flaws(texts["regex"], texts.get("replace", ""))


def _expression_flaws(regex: str, replace: str) -> Iterator[str]:
    """Yield why a regular expression can't be used, or its replacement."""
    if not regex:
        yield ".regex, which is empty"
    unsupported = re.search(_UNSUPPORTED, regex)
    if unsupported:
        yield f".regex {regex}, which has {unsupported[0]}"
        return
    try:
        groups = re.compile(regex).groups
    except re.error as error:
        yield f".regex {regex}: {error}"
        return
    for number in re.findall(r"\$(\d)", replace):
        if int(number) > groups:
            yield f".replace {replace}, whose ${number} is no group of {regex}"


_URL: Final = Text(r"https://[!-~]+", "a URL with https", longest=1024)
_OIDC: Final[Mapping[str, Kind]] = {
    "issuer": _URL,
    "authorizationEndpoint": _URL,
    "tokenEndpoint": _URL,
    "userInfoEndpoint": _URL,
    "clientId": Text("[!-~]+", "the id of the client", longest=1024),
    "scope": Text("[!-~]+( [!-~]+)*", "scopes with spaces between", longest=1024),
    "sessionSeconds": Whole(1, 604_800),
    "onUnauthenticated": Choice(("authenticate", "allow", "deny")),
}
"""What an OpenID Connect provider needs; from `scope` on there are defaults. Source: Elastic Load
Balancing, API reference, AuthenticateOidcActionConfig.
"""

_URLS: Final = ("issuer", "authorizationEndpoint", "tokenEndpoint", "userInfoEndpoint")
_CLIENT_ID: Final = "clientId"


class OidcClient(Kind):
    """A client of an OpenID Connect provider."""

    absent: ClassVar[str | None] = "{}"

    @property
    def allowed(self) -> str:
        """Name what it consists of."""
        return (
            f"a map of {', '.join(_URLS)}, all URLs with https, {_CLIENT_ID}, and optionally "
            "scope, sessionSeconds and onUnauthenticated (authenticate, allow or deny); empty for "
            "none"
        )

    def read(self, text: str) -> Oidc | None:
        """Parse the client; None if there is none."""
        entries = json.loads(text)
        if entries == {}:
            return None
        if _oidc_flaws(entries):
            refuse(text)
        values: dict[str, Any] = {}
        for name, value in entries.items():
            values[_snake(name)] = _OIDC[name].read(as_configured(value))
        return Oidc(**values)

    def shown(self, text: str) -> str:
        """Describe every flaw."""
        try:
            entries = json.loads(text)
        except ValueError:
            entries = None
        return "; ".join(_oidc_flaws(entries))


class ClientSecrets(Kind):
    """Secrets by the name of a service."""

    absent: ClassVar[str | None] = "{}"
    encrypted: ClassVar[bool] = True

    @property
    def allowed(self) -> str:
        """Describe the map, and how to set a secret."""
        return (
            "an encrypted map from the name of a service with oidc to the secret of its client: "
            "`pulumi config set --secret --path oidcClientSecrets.SERVICE`"
        )

    def read(self, text: str) -> dict[str, str]:
        """Parse the map."""
        entries = read_map(text)
        for value in entries.values():
            if not isinstance(value, str) or not value:
                refuse(text)
        return dict(entries)

    def shown(self, text: str) -> str:
        """Describe a refused value without its contents."""
        return f"{counted(len(text), 'character')}, not shown, which is no map of texts"


_WEIGHT: Final = Whole(0, 999)
_WEIGHTED: Final = Text("[a-z][a-z0-9-]*", "the name of a service of the stack")
MOST_WEIGHTED: Final = 5
"""Source: Elastic Load Balancing, API reference, TargetGroupTuple, and its quotas: "Target groups
per action on an Application Load Balancer".
"""


class Weights(Kind):
    """Weights by the names of services."""

    absent: ClassVar[str | None] = "{}"

    @property
    def allowed(self) -> str:
        """Describe names and weights."""
        return (
            f"a map from the names of at most {MOST_WEIGHTED} services, the service itself among "
            f"them, to their weights, each {_WEIGHT.allowed}, and one above 0; empty for no others"
        )

    def read(self, text: str) -> dict[str, int]:
        """Parse the weights, and sort them by name."""
        entries = read_map(text)
        found = {}
        for name, value in sorted(entries.items()):
            found[_WEIGHTED.read(name)] = _WEIGHT.read(as_configured(value))
        if len(found) > MOST_WEIGHTED or (found and not any(found.values())):
            refuse(text)
        return found

    def part(self, text: str) -> dict[str, int]:
        """Return the allowed weights of allowed names."""
        found: dict[str, int] = {}
        for name, value in sorted((map_or_none(text) or {}).items()):
            if item_flaw(_WEIGHTED, name) is None and item_flaw(_WEIGHT, value) is None:
                found[name] = _WEIGHT.read(as_configured(value))
        return found

    def shown(self, text: str) -> str:
        """Describe the refused entries, each weight after its path."""
        entries = map_or_none(text)
        if entries is None:
            return f"{text or 'empty'}, which is no map"
        return ", ".join(self._flaws(entries))

    def _flaws(self, entries: Mapping[str, object]) -> Iterator[str]:
        if len(entries) > MOST_WEIGHTED:
            yield f"{len(entries)} services"
        wrong = False
        for name, value in sorted(entries.items()):
            if item_flaw(_WEIGHTED, name) is not None:
                wrong = True
                yield f"the name {name or 'empty'}, which no service can have"
            flaw = item_flaw(_WEIGHT, value)
            if flaw is not None:
                wrong = True
                yield f".{name} {flaw}, which isn't {_WEIGHT.allowed}"
        if not wrong and not any(_WEIGHT.read(as_configured(each)) for each in entries.values()):
            yield "no weight above 0"


def _oidc_flaws(entries: object) -> list[str]:
    if not isinstance(entries, dict):
        return ["no map"]
    flaws = [f"no {name}" for name in (*_URLS, _CLIENT_ID) if name not in entries]
    for name, value in entries.items():
        kind = _OIDC.get(name)
        if kind is None:
            flaws.append(
                f"{name}, which belongs into oidcClientSecrets"
                if name == "clientSecret"
                else f"{name}, which isn't known"
            )
            continue
        try:
            kind.read(as_configured(value))
        except ValueError:
            flaws.append(f"{name} {kind.shown(as_configured(value))}, which isn't {kind.allowed}")
    return flaws


def _snake(name: str) -> str:
    return re.sub(r"(?=[A-Z])", "_", name).lower()


KINDS: Final[Mapping[str, Kind]] = {
    "hosts": ListOf(HOST),
    "paths": ListOf(PATH),
    "methods": ListOf(METHOD),
    "headers": Alternatives(_HEADER, _VALUE),
    "query": Alternatives(_PARAMETER, _VALUE),
    "sourceCidrs": ListOf(IpRange()),
    "routePriority": Whole(0, 999),
    "rewriteUrl": Rewriting("path and query"),
    "rewriteHost": Rewriting("the host"),
    "oidc": OidcClient(),
    "weights": Weights(),
    "weightStickinessSeconds": Whole(0, 604_800),
}
"""Kinds of the keys that a route has."""


class Routes(Kind):
    """A list of routes, each a map of the keys that a route has."""

    absent: ClassVar[str | None] = "[]"

    @property
    def allowed(self) -> str:
        """Name the keys."""
        return f"a list of maps of {', '.join(KINDS)}; what one leaves out is the service's own"

    def read(self, text: str) -> tuple[dict[str, Any], ...]:
        """Parse the routes: values by key, only of the keys that each has."""
        entries = json.loads(text)
        if not isinstance(entries, list):
            refuse(text)
        return tuple(_route(entry) for entry in entries)

    def part(self, text: str) -> tuple[dict[str, Any], ...]:
        """Return the routes with what is allowed of their keys."""
        return tuple(map(_part_of_route, list_or_none(text) or []))

    def shown(self, text: str) -> str:
        """Describe the flaws of each refused route."""
        entries = list_or_none(text)
        if entries is None:
            return f"{text or 'empty'}, which is no list"
        flaws: list[str] = []
        for number, entry in enumerate(entries):
            flaws += _flaws(f"[{number}]", entry)
        return "; ".join(flaws)


def _route(entry: object) -> dict[str, Any]:
    if not isinstance(entry, dict) or _flaws("", entry):
        raise ValueError(entry)
    return {name: KINDS[name].read(as_configured(value)) for name, value in entry.items()}


def _part_of_route(entry: object) -> dict[str, Any]:
    if not isinstance(entry, dict):
        return {}
    found: dict[str, Any] = {}
    for name, value in entry.items():
        kind = KINDS.get(name)
        if kind is None:
            continue
        text = as_configured(value)
        try:
            found[name] = kind.read(text)
        except ValueError:
            found[name] = kind.part(text)
    return found


def _flaws(path: str, entry: object) -> list[str]:
    """Return everything that is wrong with a route."""
    if not isinstance(entry, dict):
        return [f"{path}, which is no map"]
    flaws = []
    for name, value in entry.items():
        kind = KINDS.get(name)
        if kind is None:
            similar = " or ".join(similar_keys(name, KINDS))
            hint = f", perhaps {similar}" if similar else ""
            flaws.append(f"{path}.{name}, which is no key of a route{hint}")
            continue
        text = as_configured(value)
        try:
            kind.read(text)
        except ValueError:
            flaws.append(f"{path}.{name}: {kind.shown(text)}, where it must be {kind.allowed}")
    return flaws
