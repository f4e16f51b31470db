"""Bodies that a server compresses although it was asked not to."""

import zlib

_ANY_HEADER, _NO_HEADER = zlib.MAX_WBITS | 32, -zlib.MAX_WBITS
_FORMATS = {"gzip": (_ANY_HEADER,), "x-gzip": (_ANY_HEADER,), "deflate": (_ANY_HEADER, _NO_HEADER)}


def decoded(body: bytes, encoding: str, limit: int) -> bytes | None:
    """The first `limit` bytes and one more of what a body, whole or cut, stands for; None where it can't be decoded."""
    for bits in _FORMATS.get(encoding, ()):
        try:
            return zlib.decompressobj(bits).decompress(body, limit + 1)
        except zlib.error:
            continue
    return None
