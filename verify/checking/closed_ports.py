"""Ports that must be closed, as those of tasks are, which only the load balancer may reach.

A port without an answer proves something only while the network works. So the load balancer, the
control, is connected to before and after.
"""

import asyncio
import errno
import socket
from collections.abc import Mapping, Sequence
from contextlib import suppress
from enum import StrEnum

from verify.judging.report import Result, Status
from verify.network.resolve import Resolver
from verify.options.values import HostPort

LONGEST_TRY = 3.0
"""Seconds; a dropped packet is sent again after one, and after two more."""

SHORTEST_TRY = 0.5
"""Seconds; in less, an open port may only have been slow to answer."""


class PortState(StrEnum):
    """The result of trying to connect, from the most to the least open."""

    OPEN = "open"
    UNTRIED = "not tried for long enough"
    DROPPED = "dropped"
    REFUSED = "refused"
    NO_ROUTE = "no route from here"
    UNKNOWN = "the name does not resolve"


_BY_ERRNO = {
    errno.EHOSTUNREACH: PortState.NO_ROUTE,
    errno.ENETUNREACH: PortState.NO_ROUTE,
    errno.ETIMEDOUT: PortState.DROPPED,
}


async def try_connect(host_port: HostPort, limit: float, *, resolver: Resolver) -> PortState:
    """Try every address of a host.

    Its port is open when one accepts a connection, even if nothing answers there.
    """
    try:
        async with asyncio.timeout(limit):
            addresses = await resolver(host_port.host)
    except (TimeoutError, socket.gaierror):
        addresses = ()
    if not addresses:
        return PortState.UNKNOWN
    tries = [_connect(address, host_port.port, limit) for address in addresses]
    return min(await asyncio.gather(*tries), key=list(PortState).index)


async def _connect(address: str, port: int, limit: float) -> PortState:
    try:
        async with asyncio.timeout(limit):
            _, writer = await asyncio.open_connection(address, port)
    except TimeoutError:
        return PortState.DROPPED if limit >= SHORTEST_TRY else PortState.UNTRIED
    except OSError as error:
        return _BY_ERRNO.get(error.errno or 0, PortState.REFUSED)
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return PortState.OPEN


async def try_connect_all(
    ports: Sequence[HostPort], control: HostPort, time_left: float, *, resolver: Resolver
) -> dict[HostPort, PortState]:
    """Try to connect to all at once, within `time_left` seconds.

    The control is tried before and after; of its two states the less open one counts.
    """
    limit = min(LONGEST_TRY, time_left / 6)  # resolving and connecting, three times
    before = await try_connect(control, limit, resolver=resolver)
    tries = [try_connect(each, limit, resolver=resolver) for each in ports]
    found = await asyncio.gather(*tries)
    after = await try_connect(control, limit, resolver=resolver)
    states = dict(zip(ports, found, strict=True))
    states[control] = max(before, after, key=list(PortState).index)
    return states


def closed_result(
    ports: Sequence[HostPort], control: HostPort, states: Mapping[HostPort, PortState]
) -> Result:
    """Judge whether all are closed, which is proved only while the control is open."""
    found = {states[each] for each in ports}
    status, hint = Status.OK, ""
    actual = ", ".join(f"{each} {states[each]}" for each in ports)
    if PortState.OPEN in found:
        status = Status.FAIL
        hint = "does its security group admit more than the load balancer's?"
    elif states[control] is not PortState.OPEN:
        status = Status.UNKNOWN
        actual += f"; but so was {control}, which should be open: {states[control]}"
        hint = "from here nothing is proved while the load balancer itself can't be connected to"
    elif PortState.UNTRIED in found:
        status, hint = Status.UNKNOWN, "raise --deadline"
    elif PortState.UNKNOWN in found:
        status, hint = Status.UNKNOWN, "give the address instead of the name"
    elif PortState.REFUSED in found:
        hint = "refused, not dropped: nothing listens there now, which is no security group's doing"
    return Result(
        id="closed",
        status=status,
        actual=actual,
        expected="no connection",
        hint=hint,
        attempts=len(states),
    )
