"""From a name to addresses, without letting a slow name server hold up the run."""

import asyncio
import math
import socket
import threading
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import partial
from ipaddress import ip_address
from types import MappingProxyType

from verify.options import Options
from verify.target import Target
from verify.values import HostPort

Resolver = Callable[[str], Awaitable[tuple[str, ...]]]
"""Gives a name's addresses, in the system's order; raises `socket.gaierror` when there are none."""


class NameServerError(socket.gaierror):
    """The name server that was given can't be asked, or refuses to answer; the requested name may well exist."""


_FAMILIES = {None: socket.AF_UNSPEC, 4: socket.AF_INET, 6: socket.AF_INET6}
_RECORDS = {4: "A", 6: "AAAA"}
_LOST_AFTER = 1.0
"""Seconds without an answer after which a name server is asked again."""


def chosen_resolver(target: Target, options: Options) -> Resolver:
    """What the options say where addresses come from: themselves, or the operating system."""
    host_port = destination(target, options)
    given = {pin.host: pin.addresses for pin in reversed(options.resolve) if (pin.host, pin.port) == host_port}
    return partial(system_resolver, family=options.family, given=given, server=options.resolver)


def destination(target: Target, options: Options) -> HostPort:
    """Where connections go: to the target, unless asked otherwise."""
    host, port = options.connect_to or (target.host, target.port)
    return HostPort(host or target.host, port)


async def system_resolver(
    host: str,
    *,
    family: int | None = None,
    given: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
    server: HostPort | None = None,
) -> tuple[str, ...]:
    """Ask a name server if one is given, else the operating system.

    That on a thread of its own: `getaddrinfo` can't be cancelled, only left behind.
    """
    with suppress(ValueError):
        known = [ip_address(address) for address in given.get(host, (host,))]
        return tuple(str(address) for address in known if family in (None, address.version))
    if server:
        return await ask(host, server, family)
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[tuple[str, ...]] = loop.create_future()

    def deliver(addresses: tuple[str, ...], error: OSError | None) -> None:
        if answer.done():
            return
        if error:
            answer.set_exception(error)
        else:
            answer.set_result(addresses)

    def look_up() -> None:
        found: tuple[str, ...] = ()
        failure = None
        try:
            records = socket.getaddrinfo(host, None, family=_FAMILIES[family], type=socket.SOCK_STREAM)
            found = tuple(dict.fromkeys(str(record[4][0]) for record in records))
        except OSError as error:
            failure = error
        with suppress(RuntimeError):  # the run ended first, and its loop is closed
            loop.call_soon_threadsafe(deliver, found, failure)

    threading.Thread(target=look_up, daemon=True).start()
    return await answer


async def ask(host: str, server: HostPort, family: int | None) -> tuple[str, ...]:
    """The addresses that one name server knows, past what this machine's resolver remembers.

    A negative answer is kept by every resolver on the way, for as long as the zone says; the zone's own server knows
    first. It is asked for as long as the caller waits; raises `socket.gaierror` with its answer.
    """
    import dns.asyncresolver  # noqa: PLC0415 — costs 100 ms, and is for few

    # Only a connected socket gets an error where nothing listens.
    backend = dns.asyncbackend.get_backend("asyncio")
    backend.datagram_connection_required = lambda: True  # type: ignore[method-assign]
    resolver = dns.asyncresolver.Resolver(configure=False)
    resolver.nameservers, resolver.port = [server.host], server.port
    resolver.timeout, resolver.lifetime = _LOST_AFTER, math.inf
    kinds = [kind for version, kind in _RECORDS.items() if family in (None, version)]
    try:
        found = [await resolver.resolve(f"{host}.", kind, raise_on_no_answer=False, backend=backend) for kind in kinds]
    except dns.exception.DNSException as error:
        tries = error.kwargs.get("errors")
        problem = tries[-1][3] if tries else type(error).__name__
        if isinstance(problem, OSError):
            reason = problem.strerror or type(problem).__name__
            raise NameServerError(socket.EAI_AGAIN, f"the name server {server} can't be asked: {reason}") from None
        if problem == "REFUSED":
            raise NameServerError(socket.EAI_AGAIN, f"{problem} from the name server") from None
        raise socket.gaierror(socket.EAI_AGAIN, f"{problem} from the name server") from None
    return tuple(record.address for records in found for record in records)
