"""What a caller learns that waits for the network."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from localaws.not_settled import NotSettled
from localaws.vpc.follower import Follower
from tests.localaws.filled_account import FilledAccount


class Ports:
    """Ports that this machine shows: one, which is as it is."""

    problems: tuple[str, ...] = ()

    def __init__(self) -> None:
        self.states = {("203.0.113.1", 80): "open"}

    async def refresh(self) -> None:
        pass

    async def close(self) -> None:
        pass


class SlowNetwork:
    """A network that is as the cloud's records are once a test lets it."""

    def __init__(self) -> None:
        self.may_follow = asyncio.Event()
        self.failure: Exception | None = None

    async def start(self) -> None:
        pass

    async def follow(self) -> None:
        await self.may_follow.wait()
        if self.failure is not None:
            raise self.failure


@pytest.mark.parametrize("failure", [None, OSError("no nft")])
async def test_a_change_that_is_not_applied_in_time_is_a_problem_until_it_is(
    failure: Exception | None,
) -> None:
    network = SlowNetwork()
    network.failure = failure
    cloud = FilledAccount()
    follower = Follower(cast("Any", network), cast("Any", Ports()), cloud)
    await follower.start()
    try:
        follower.touch()
        with pytest.raises(NotSettled, match=r"network hasn't applied it after 0\.05 s$"):
            await follower.settle(timeout=0.05)
        network.may_follow.set()
        if failure is None:
            await follower.settle(timeout=10)
        else:
            with pytest.raises(NotSettled, match="network can't be changed: no nft"):
                await follower.settle(timeout=10)
    finally:
        await follower.close()
