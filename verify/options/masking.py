"""Secrets that verify was given, kept out of whatever is shown.

Answers are judged as they came. Only what is shown of them is masked, since a server may send back
what it got.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache

from verify.escaping import visible
from verify.options.groups import Options
from verify.options.values import Header

Show = Callable[[str, int], str]
"""Makes text from elsewhere safe to show, cut to so many characters."""

_SECRET_NAME = re.compile(
    r"(?i)auth(?!ors?$)|cookie|credential|jwt|key|passw|secret|session|signature|token"
)
"""Names of headers whose values are secret; what is read from a file is secret whatever its name.
"""

_SHORTEST = 6
"""Shorter words are in every page, and masking them would only garble it."""


class Mask:
    """Replaces the secrets among what a run sends."""

    def __init__(self, words: Iterable[str]) -> None:
        secrets = {word for word in words if len(word) >= _SHORTEST}
        # The longest first: a shorter secret may be a part of it.
        self._secrets = sorted(secrets, key=len, reverse=True)

    def __call__(self, text: str, limit: int = 120) -> str:
        """Mask, then escape and cut: in another order half of a secret could remain."""
        return visible(self.masked(text), limit)

    def masked(self, text: str) -> str:
        """Return the text with its secrets replaced, not yet escaped."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text


@cache
def mask_of(options: Options) -> Mask:
    """Return the mask of a run, cached since every answer needs it."""
    return Mask(_secrets(options))


def _secrets(options: Options) -> Iterator[str]:
    for header in options.header:
        if _is_secret(header):
            yield from _words(header.value)
    for sent in (options.data, options.json):
        if sent and sent.from_file:
            yield from _values(sent.content.decode("utf-8", "replace"))
    if options.proxy and options.proxy.token:
        from base64 import b64decode  # noqa: PLC0415 — for few

        yield options.proxy.token
        plain = b64decode(options.proxy.token).decode("utf-8", "replace")
        yield plain
        yield plain.partition(":")[2]


def _values(content: str) -> Iterator[str]:
    """Yield the parts of a body that a server may echo: all of it, or a value in it."""
    yield content
    yield content.strip()
    from urllib.parse import parse_qsl  # noqa: PLC0415 — for few

    yield from (value for _, value in parse_qsl(content.strip()))
    try:
        found = [json.loads(content)]
    except (ValueError, RecursionError):
        return
    while found:
        value = found.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            found += value.values()
        elif isinstance(value, list):
            found += value


def _is_secret(header: Header) -> bool:
    return header.from_file or _SECRET_NAME.search(header.name) is not None


def _words(value: str) -> Iterator[str]:
    """Yield the parts of a header's value that a server may echo.

    All of it, one cookie, or a token without its scheme.
    """
    yield value
    scheme, _, rest = value.partition(" ")
    parts = re.split(r"[\s;,]+", rest or scheme)
    for part in parts:
        yield part
        yield part.partition("=")[2].strip('"')
