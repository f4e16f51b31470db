"""Ports that must be closed, as those of tasks are, which only the load balancer may reach.

A port without an answer proves something only while the network works. So the load balancer, the
control, is connected to before and after.
"""

import errno
import socket
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from ipaddress import ip_address

from verify.judging.report import Result, Status
from verify.network.probe import Probe
from verify.network.resolve import Resolver
from verify.network.runtime import Runtime, Started
from verify.options.groups import Options
from verify.options.values import HostPort

SENT_AGAIN = 1.0
"""Seconds after which a dropped packet is sent again for the first time."""

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


_OPENNESS = list(PortState).index

_BY_ERRNO = {
    errno.EHOSTUNREACH: PortState.NO_ROUTE,
    errno.ENETUNREACH: PortState.NO_ROUTE,
    errno.ETIMEDOUT: PortState.DROPPED,
}


async def try_connect(
    host_port: HostPort,
    limit: float,
    *,
    until_stable: float = 0.0,
    resolver: Resolver,
    runtime: Runtime,
) -> PortState:
    """Try every address of a host.

    Its port is open when one accepts a connection, even if nothing answers there.

    Args:
        host_port: The host is a name or an address.
        limit: Seconds for each address.
        until_stable: Seconds until the service is expected to be stable, less than a packet takes
            to be sent again.
        resolver: Of the run.
        runtime: Of the run.
    """
    try:
        async with runtime.limit(limit):
            addresses = await resolver(host_port.host)
    except (TimeoutError, socket.gaierror):
        addresses = ()
    if not addresses:
        return PortState.UNKNOWN
    found: list[PortState] = []

    async def connect(address: str) -> None:
        first = max(until_stable, SHORTEST_TRY)
        if ip_address(address).is_loopback and first + SHORTEST_TRY <= limit:
            # Nothing delays a packet that stays on this machine. A second connection sends the next
            # one earlier than the operating system would, and once the service is stable.
            state = await _connect(address, host_port.port, first, runtime)
            if state is PortState.DROPPED:
                state = await _connect(address, host_port.port, SHORTEST_TRY, runtime)
        else:
            state = await _connect(address, host_port.port, limit, runtime)
        found.append(state)

    await runtime.gather(connect(address) for address in addresses)
    return min(found, key=_OPENNESS)


async def _connect(address: str, port: int, limit: float, runtime: Runtime) -> PortState:
    try:
        async with runtime.limit(limit):
            stream = await runtime.connect(address, port, limit)
    except TimeoutError:
        return PortState.DROPPED if limit >= SHORTEST_TRY else PortState.UNTRIED
    except OSError as error:
        return _BY_ERRNO.get(error.errno or 0, PortState.REFUSED)
    stream.abort()
    return PortState.OPEN


async def try_connect_all(
    ports: Sequence[HostPort],
    control: HostPort,
    time_left: float,
    *,
    until_stable: float = 0.0,
    resolver: Resolver,
    runtime: Runtime,
) -> dict[HostPort, PortState]:
    """Try to connect to all at once, within `time_left` seconds.

    The control is tried before and after; of its two states the less open one counts.
    """
    limit = min(LONGEST_TRY, time_left / 6)  # resolving and connecting, three times
    before = await try_connect(control, limit, resolver=resolver, runtime=runtime)
    states: dict[HostPort, PortState] = {}

    async def connect(port: HostPort) -> None:
        states[port] = await try_connect(
            port, limit, until_stable=until_stable, resolver=resolver, runtime=runtime
        )

    await runtime.gather(connect(port) for port in dict.fromkeys(ports))
    after = await try_connect(control, limit, resolver=resolver, runtime=runtime)
    states[control] = max(before, after, key=_OPENNESS)
    return states


class EarlyTries:
    """Tries that begin when the service is expected to be stable before a packet is sent again.

    So most of their time passes during the last pauses between answers. They start again after an
    answer that isn't good, and once more if they ended before the service was stable.
    """

    def __init__(
        self, probe: Probe, options: Options, time_left: Callable[[], float], runtime: Runtime
    ) -> None:
        """Start nothing before the first good answer.

        Args:
            probe: Of the runtime; its port is the control.
            options: The options of the check.
            time_left: Returns the seconds in which a try may still begin.
            runtime: Threads or the running event loop.
        """
        self.control = probe.host_port
        self.ports = [
            HostPort(each.host or self.control.host, each.port) for each in options.closed
        ]
        self._resolver = probe.resolver
        self._time_left = time_left
        self._options = options
        self._runtime = runtime
        self._good = 0
        self._good_since = 0.0
        self._started: Started[dict[HostPort, PortState]] | None = None

    def count(self, *, good: bool) -> None:
        """Take an answer into account, and start where enough good ones have come."""
        if not self.ports:
            return
        if not good:
            self._good = 0
            self.cancel()
            return
        now = self._runtime.clock()
        if not self._good:
            self._good_since = now
        self._good += 1
        until_stable = max(
            (self._options.stable - self._good) * self._options.interval,
            self._good_since + self._options.stable_for - now,
        )
        if self._started is None and until_stable <= SENT_AGAIN:
            self._started = self._start(until_stable)

    async def states(self) -> dict[HostPort, PortState]:
        """Return the states of the ports and of the control of a service that is stable now."""
        if self._started is None or self._started.ended:
            self._started = self._start(until_stable=0.0)
        return await self._started.result()

    def _start(self, until_stable: float) -> Started[dict[HostPort, PortState]]:
        tries = try_connect_all(
            self.ports,
            self.control,
            self._time_left(),
            until_stable=until_stable,
            resolver=self._resolver,
            runtime=self._runtime,
        )
        return self._runtime.start(tries)

    def cancel(self) -> None:
        """End the tries."""
        if self._started:
            self._started.cancel()
        self._started = None


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
