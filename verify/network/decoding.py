"""Bodies that a server compresses although it was asked not to."""

import zlib

_ANY_HEADER = zlib.MAX_WBITS | 32
_NO_HEADER = -zlib.MAX_WBITS
_FORMATS = {"gzip": (_ANY_HEADER,), "x-gzip": (_ANY_HEADER,), "deflate": (_ANY_HEADER, _NO_HEADER)}
_SLICE = 64 * 1024
"""Bytes of input at a time: zlib keeps a copy of all that it hasn't used."""


def decoded(body: bytes | bytearray, encoding: str, limit: int) -> bytearray | None:
    """Return the first `limit` bytes, and one more, of what a body encodes.

    The body may be cut; None where it can't be decoded.
    """
    for bits in _FORMATS.get(encoding, ()):
        try:
            return _decompressed(body, bits, limit + 1)
        except zlib.error:
            continue
    return None


def _decompressed(body: bytes | bytearray, bits: int, limit: int) -> bytearray:
    decompressor = zlib.decompressobj(bits)
    plain = bytearray()
    for start in range(0, len(body), _SLICE):
        piece = body[start : start + _SLICE]
        while piece and len(plain) < limit and not decompressor.eof:
            plain += decompressor.decompress(piece, limit - len(plain))
            piece = decompressor.unconsumed_tail
        if len(plain) >= limit or decompressor.eof:
            break
    return plain
