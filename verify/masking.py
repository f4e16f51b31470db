"""Secrets that verify was given, kept out of whatever is shown.

Answers are judged as they came. Only what is shown of them is masked, since a server may send back what it got.
"""

import re
from collections.abc import Callable, Iterator
from functools import cache

from verify.escaping import visible
from verify.options import Options
from verify.values import Header

Show = Callable[[str, int], str]
"""Makes text from elsewhere safe to show, cut to so many characters."""

_SECRET_NAME = re.compile(r"(?i)auth(?!ors?$)|cookie|credential|jwt|key|passw|secret|session|signature|token")
"""Names of headers whose values are secret; what is read from a file is secret whatever its name."""

_SHORTEST = 6
"""Shorter words are in every page, and masking them would only garble it."""


class Mask:
    """Replaces the secrets among a run's own headers."""

    def __init__(self, headers: tuple[Header, ...]) -> None:
        words = {word for header in headers if _is_secret(header) for word in _words(header.value)}
        self._secrets = sorted((word for word in words if len(word) >= _SHORTEST), key=len, reverse=True)

    def __call__(self, text: str, limit: int = 120) -> str:
        """Mask first: escapes and the cut could leave half of a secret."""
        return visible(self.masked(text), limit)

    def masked(self, text: str) -> str:
        """The text without a secret, not yet escaped."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text


@cache
def mask_of(options: Options) -> Mask:
    """The mask of a run; every answer asks for it again."""
    return Mask(options.header)


def _is_secret(header: Header) -> bool:
    return header.from_file or _SECRET_NAME.search(header.name) is not None


def _words(value: str) -> Iterator[str]:
    """What a server may send back of a value: all of it, one cookie, or a token without its scheme."""
    yield value
    scheme, _, rest = value.partition(" ")
    parts = re.split(r"[\s;,]+", rest or scheme)
    for part in parts:
        yield part
        yield part.partition("=")[2].strip('"')
