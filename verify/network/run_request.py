"""The request that a run sends, as its options describe it."""

from collections.abc import Iterator

from verify import VERSION
from verify.network.http1 import Request
from verify.network.proxy import forwarded, tunnel_to
from verify.options.groups import Options
from verify.options.target import Target
from verify.options.values import Body

_OWN_HEADERS = (
    ("User-Agent", f"verify/{VERSION} (post-deploy check)"),
    ("Accept", "*/*"),
    ("Accept-Encoding", "identity"),  # nothing to unpack, so nothing that can explode
)
"""Sent unless one of the same name is given; as with curl, one given without a value is not sent at
all.
"""


def request_of(target: Target, options: Options, *, keep: bool) -> Request:
    """Return the request of a run; unless `keep`, it asks to close the connection."""
    body = options.data if options.json is None else options.json
    headers = tuple(_headers(target, options, body, keep=keep))
    path = target.path
    if options.proxy and is_forwarded(target, options):
        path, credentials = forwarded(target, options.proxy)
        headers += credentials
    method = options.method or ("GET" if body is None else "POST")
    content = b"" if body is None else body.content
    return Request(method, path, headers, options.max_body, content)


def is_forwarded(target: Target, options: Options) -> bool:
    """Return whether a proxy forwards the request, and so may answer it itself."""
    return options.proxy is not None and tunnel_to(target, options) is None


def _default_headers(options: Options, body: Body | None) -> Iterator[tuple[str, str]]:
    """Yield the headers that are sent unless given.

    Those are `_OWN_HEADERS`, and the type of a body; with --json, that type is accepted too.
    """
    for name, value in _OWN_HEADERS:
        if name == "Accept" and options.json:
            yield name, options.json.content_type
        else:
            yield name, value
    if body is not None:
        yield "Content-Type", body.content_type


def _headers(
    target: Target, options: Options, body: Body | None, *, keep: bool
) -> Iterator[tuple[str, str]]:
    yield "Host", options.host or target.authority
    given = {header.name.lower() for header in options.header}
    defaults = set()
    for name, value in _default_headers(options, body):
        defaults.add(name.lower())
        if name.lower() not in given:
            yield name, value
    if body is not None:
        yield "Content-Length", str(len(body.content))
    if not keep:
        yield "Connection", "close"
    for header in options.header:
        if header.value or header.name.lower() not in defaults:
            yield header.name, header.value
