"""A load balancer whose address something else holds: a run must not end as if it served."""

from __future__ import annotations

import re
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx

from localaws.machine.addresses import can_bind
from tests.engine.out_of_band import delete, kind, of_aws
from tests.engine.requests import get
from tests.engine.stack import WITHOUT_ASKING
from tests.engine.status import status_of
from tests.engine.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.engine.stack import Stack


CANNOT_LISTEN = "(cannot bind '|can't be shown at ){name}.*Address already in use"
"""What Envoy reports for a port that is in use, on this machine's loopback or in a VPC."""


@contextmanager
def held(dns_name: str) -> Iterator[None]:
    """Something else listens where a load balancer does."""
    host, _, port = dns_name.partition(":")
    eventually(lambda: can_bind(host, int(port or 80)), f"{dns_name} is free")
    with socket.create_server((host, int(port or 80))):
        yield


def test_a_run_that_changes_nothing_warns_and_status_shows_it_until_the_address_is_free(
    stack: Stack,
) -> None:
    name = stack.outputs()["albDns"]
    stack.run("stop")
    with held(name):
        output = stack.up("--expect-no-changes")
        assert "warning: the local load balancer can't listen" in output
        assert re.search(CANNOT_LISTEN.format(name=name), output)
        assert re.search(rf"problem: .*{CANNOT_LISTEN.format(name=name)}", stack.run("status"))
    eventually(lambda: not status_of(stack)["problems"], "no problem")
    assert get(f"http://{name}").status_code == httpx.codes.OK


def test_a_listener_that_cannot_listen_fails_the_run_that_makes_it_and_the_next_run_completes_it(
    stack: Stack,
) -> None:
    name = stack.outputs()["albDns"]
    delete(stack, [each for each in of_aws(stack) if kind(each) in {"Listener", "ListenerRule"}])
    with held(name):
        output = stack.run("up", "--refresh", *WITHOUT_ASKING, fails=True)
        assert "creating Listener" in output
        assert re.search(rf"can't listen: .*{CANNOT_LISTEN.format(name=name)}", output)
        assert "Stop what holds the address" in output
    assert "can't listen" not in stack.up()
    assert get(f"http://{name}").status_code == httpx.codes.OK
