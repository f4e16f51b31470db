"""How a real Envoy chooses targets: each algorithm, and the weights of a slow start."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from localaws.alb.targets import Endpoint
from tests.localaws.alb.conftest import GROUP, Alb, Echo, forward
from tests.localaws.http_client import plain_client
from tests.localaws.waiting import eventually

if TYPE_CHECKING:
    import httpx

pytestmark = pytest.mark.slow  # a real Envoy


async def answered(alb: Alb, client: httpx.AsyncClient, count: int) -> Counter[str]:
    """Send requests, and return how many each target has answered."""
    found: Counter[str] = Counter()
    for _ in range(count):
        found[(await client.get(alb.url)).json()["target"]] += 1
    return found


async def test_targets_are_chosen_by_the_groups_algorithm(
    alb: Alb, client: httpx.AsyncClient
) -> None:
    echoes = [await alb.target() for _ in range(4)]

    async def use(**attributes: Any) -> None:
        alb.attributes[GROUP] = attributes
        await alb.apply([forward((GROUP, 1))], {GROUP: echoes})
        await alb.healthy(4)

    await use(algorithm="weighted_random")
    shares = await answered(alb, client, 200)
    assert set(shares) == {each.address for each in echoes}
    assert max(shares.values()) > 50, "round robin would give each 50"

    await use()  # round robin
    shares = await answered(alb, client, 40)
    assert set(shares.values()) == {10}

    warming, *warm = echoes
    await use(warming=((Endpoint(warming.address, warming.port), 25),))
    shares = await answered(alb, client, 130)
    assert 7 <= shares[warming.address] <= 13, "a weight of 25, the others have 100"
    assert all(35 <= shares[each.address] <= 45 for each in warm)

    await use(algorithm="least_outstanding_requests")
    await _idle_target_gets_the_request(alb, echoes, client)

    # When all fail, all get requests.
    for each in echoes:
        each.status = 500
    await alb.healthy(0)
    shares = await answered(alb, client, 40)
    assert len(shares) == 4


async def _idle_target_gets_the_request(
    alb: Alb, echoes: list[Echo], client: httpx.AsyncClient
) -> None:
    """Keep all targets busy but one, which then gets every request."""
    for each in echoes:
        each.mode = "silent"
    async with plain_client() as waiting:
        requests = []
        for count in range(1, 4):
            requests.append(asyncio.create_task(waiting.get(f"{alb.url}/wait")))

            async def arrived(wanted: int = count) -> bool:
                return sum(_waits(each) for each in echoes) == wanted

            await eventually(arrived, "a request that waits")
        (idle,) = (each for each in echoes if not _waits(each))
        idle.mode = "answer"
        assert await answered(alb, client, 30) == {idle.address: 30}
        for request in requests:
            request.cancel()
        await asyncio.gather(*requests, return_exceptions=True)
    for each in echoes:
        each.mode = "answer"


def _waits(echo: Echo) -> bool:
    return bool(echo.requests) and echo.requests[-1].startswith("GET /wait")
