"""From a name to addresses, without letting a slow name server hold up the run."""

import math
import socket
from collections.abc import Awaitable, Callable, Mapping
from functools import cache, partial
from ipaddress import ip_address
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from verify.network.runtime import Runtime
from verify.options.groups import Options
from verify.options.target import Target
from verify.options.values import HostPort

if TYPE_CHECKING:
    from collections.abc import Coroutine

    import dns.resolver

Resolver = Callable[[str], Awaitable[tuple[str, ...]]]
"""Gives a name's addresses, in the system's order; raises `socket.gaierror` when there are none."""


class NameServerError(socket.gaierror):
    """The given name server can't be asked, or refuses to answer; the name may well exist."""


_RECORDS = {4: "A", 6: "AAAA"}
_LOST_AFTER = 1.0
"""Seconds without an answer after which a name server is asked again."""


def chosen_resolver(target: Target, options: Options, runtime: Runtime) -> Resolver:
    """Return the resolver that the options choose: `--resolve`, `--resolver` or the system's."""
    host_port = destination(target, options)
    given: dict[str, tuple[str, ...]] = {}
    for pin in options.resolve:
        if (pin.host, pin.port) == host_port:
            given.setdefault(pin.host, pin.addresses)  # the first of several counts
    return partial(
        system_resolver,
        runtime=runtime,
        family=options.family,
        given=given,
        server=options.resolver,
    )


def destination(target: Target, options: Options) -> HostPort:
    """Return the host and port of connections: the proxy's, `--connect-to`'s or the target's."""
    if options.proxy:
        return HostPort(options.proxy.host, options.proxy.port)
    host, port = options.connect_to or (target.host, target.port)
    return HostPort(host or target.host, port)


async def system_resolver(
    host: str,
    *,
    runtime: Runtime,
    family: int | None = None,
    given: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
    server: HostPort | None = None,
) -> tuple[str, ...]:
    """Ask a name server if one is given, else the operating system."""
    known = _known(given.get(host, (host,)), family)
    if known is not None:
        return known
    if server:
        return await ask(host, server, family)
    return await runtime.look_up(host, family)


@cache
def _known(addresses: tuple[str, ...], family: int | None) -> tuple[str, ...] | None:
    """Return the addresses that are of a family; None where the text is a name."""
    try:
        known = [ip_address(address) for address in addresses]
    except ValueError:
        return None
    return tuple(str(address) for address in known if family in (None, address.version))


async def ask(host: str, server: HostPort, family: int | None) -> tuple[str, ...]:
    """Ask one name server for a host's addresses, past this machine's cache.

    Every resolver on the way caches a negative answer for as long as the zone says, so the zone's
    own server has a new name first. A lost query is sent again as long as the caller waits.

    Raises:
        socket.gaierror: The name server's negative answer.
    """
    import dns.asyncresolver  # noqa: PLC0415 — costs 100 ms, and is for few

    # Only a connected socket gets an error where nothing listens.
    backend = dns.asyncbackend.get_backend("asyncio")
    backend.datagram_connection_required = lambda: True  # type: ignore[method-assign]
    resolver = dns.asyncresolver.Resolver(configure=False)
    resolver.nameservers = [server.host]
    resolver.port = server.port
    resolver.timeout, resolver.lifetime = _LOST_AFTER, math.inf
    addresses: list[str] = []
    try:
        for version, kind in _RECORDS.items():
            if family not in (None, version):
                continue
            asking = resolver.resolve(f"{host}.", kind, raise_on_no_answer=False, backend=backend)
            records = await _ended_with_its_caller(asking)
            addresses += [record.address for record in records]
    except dns.exception.DNSException as error:
        tries = error.kwargs.get("errors")
        problem = tries[-1][3] if tries else type(error).__name__
        if isinstance(problem, OSError):
            reason = problem.strerror or type(problem).__name__
            raise NameServerError(
                socket.EAI_AGAIN, f"the name server {server} can't be asked: {reason}"
            ) from None
        if problem == "REFUSED":
            raise NameServerError(socket.EAI_AGAIN, f"{problem} from the name server") from None
        raise socket.gaierror(socket.EAI_AGAIN, f"{problem} from the name server") from None
    return tuple(addresses)


async def _ended_with_its_caller(
    asking: "Coroutine[Any, Any, dns.resolver.Answer]",
) -> "dns.resolver.Answer":
    """Await what may lose a cancellation, which then ends the caller all the same.

    dnspython waits with `asyncio.wait_for`. Before Python 3.12 that swallows a cancellation which
    comes in the moment of an answer (https://github.com/python/cpython/issues/86296), and the name
    server would be asked without end.
    """
    import asyncio  # noqa: PLC0415 — for few, as dnspython

    task = asyncio.ensure_future(asking)
    try:
        await asyncio.wait([task])
    finally:
        task.cancel()
        asyncio.get_running_loop().call_later(_LOST_AFTER, task.cancel)
    return task.result()
