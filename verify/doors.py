"""Doors that must be shut: a task is to be reached through the load balancer only, never by its own address.

That nothing answers proves something only while the network works, so the load balancer itself is connected to before
and after.
"""

import asyncio
import errno
import socket
from collections.abc import Mapping, Sequence
from contextlib import suppress
from enum import StrEnum

from verify.report import Result, Status
from verify.resolve import Resolver
from verify.values import Door

LONGEST_KNOCK = 3.0
"""Seconds; a dropped packet is sent again after one, and after two more."""

SHORTEST_TRY = 0.5
"""Seconds; in less, an open port may only have been slow to answer."""


class Knock(StrEnum):
    """What came of trying to connect."""

    OPEN = "open"
    UNTRIED = "not tried for long enough"
    DROPPED = "dropped"
    REFUSED = "refused"
    NO_WAY = "no way there from here"
    UNKNOWN = "the name does not resolve"


_BY_ERRNO = {errno.EHOSTUNREACH: Knock.NO_WAY, errno.ENETUNREACH: Knock.NO_WAY, errno.ETIMEDOUT: Knock.DROPPED}


async def knock(door: Door, limit: float, *, resolver: Resolver) -> Knock:
    """Try every address of a door; it is open when one connects, whatever is said there afterwards."""
    try:
        async with asyncio.timeout(limit):
            addresses = await resolver(door.host)
    except (TimeoutError, socket.gaierror):
        addresses = ()
    if not addresses:
        return Knock.UNKNOWN
    seen = await asyncio.gather(*(_connect(address, door.port, limit) for address in addresses))
    return min(seen, key=list(Knock).index)


async def _connect(address: str, port: int, limit: float) -> Knock:
    try:
        async with asyncio.timeout(limit):
            _, writer = await asyncio.open_connection(address, port)
    except TimeoutError:
        return Knock.DROPPED if limit >= SHORTEST_TRY else Knock.UNTRIED
    except OSError as error:
        return _BY_ERRNO.get(error.errno or 0, Knock.REFUSED)
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return Knock.OPEN


async def knock_on_all(doors: Sequence[Door], control: Door, room: float, *, resolver: Resolver) -> dict[Door, Knock]:
    """Knock on the doors at once, within `room` seconds; the control ought to be open, and its worse knock counts."""
    limit = min(LONGEST_KNOCK, room / 6)  # resolving and connecting, three times
    before = await knock(control, limit, resolver=resolver)
    found = await asyncio.gather(*(knock(door, limit, resolver=resolver) for door in doors))
    after = await knock(control, limit, resolver=resolver)
    return {**dict(zip(doors, found, strict=True)), control: max(before, after, key=list(Knock).index)}


def closed_result(doors: Sequence[Door], control: Door, knocks: Mapping[Door, Knock]) -> Result:
    """Whether all are shut. An open one is open whatever the control says; a shut one only tells beside an open one."""
    opened = [door for door in doors if knocks[door] is Knock.OPEN]
    seen = ", ".join(f"{door} {knocks[door]}" for door in doors)
    status, actual, hint = Status.OK, seen, ""
    if opened:
        status = Status.FAIL
        hint = "does its security group admit more than the load balancer's?"
    elif knocks[control] is not Knock.OPEN:
        status, actual = Status.UNKNOWN, f"{seen}; but so was {control}, which ought to answer: {knocks[control]}"
        hint = "from here nothing can be told while the load balancer itself can't be connected to"
    elif any(knocks[door] is Knock.UNTRIED for door in doors):
        status, hint = Status.UNKNOWN, "raise --deadline"
    elif any(knocks[door] is Knock.UNKNOWN for door in doors):
        status, hint = Status.UNKNOWN, "give the address instead of the name"
    elif any(knocks[door] is Knock.REFUSED for door in doors):
        hint = "refused, not dropped: nothing listens there now, which is no security group's doing"
    return Result(id="closed", status=status, actual=actual, expected="no connection", hint=hint, attempts=len(knocks))
