"""Waits for EC2 instances: until a group has as many as it should, or none are left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localaws.ecs.services.waits import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from localaws.ecs.container_instances import ContainerInstances
    from localaws.ecs.services.passes import Passes


class InstanceWaits:
    """Waits for the instances of a fleet."""

    def __init__(self, fleet: ContainerInstances, passes: Passes) -> None:
        """Wait for nothing yet.

        Args:
            fleet: The instances.
            passes: The passes in which it is stepped.
        """
        self._fleet = fleet
        self._passes = passes

    async def settle_group(
        self,
        group: str,
        *,
        timeout: float,  # noqa: ASYNC109
        report: Callable[[str], None],
    ) -> None:
        """Wait until an Auto Scaling group has as many instances in service as it should.

        Args:
            group: Its name.
            timeout: Seconds to wait.
            report: Called with each progress.

        Raises:
            NotSettled: It doesn't.
        """
        fleet = self._fleet

        def progress() -> str:
            serving, wanted = fleet.in_service(group), fleet.wanted(group)
            return f"{serving} of {wanted} instances in service"

        def done() -> bool:
            return fleet.knows(group) and fleet.in_service(group) >= fleet.wanted(group)

        await self._wait(done, progress, f"Auto Scaling group {group}", timeout, report)

    async def drain_group(
        self,
        group: str,
        *,
        timeout: float,  # noqa: ASYNC109
        report: Callable[[str], None],
    ) -> None:
        """Wait until all instances of an Auto Scaling group that is being deleted are gone.

        Raises:
            NotSettled: Some aren't.
        """
        fleet = self._fleet

        def progress() -> str:
            return f"{len(fleet.of_group(group))} instances left, want 0"

        def done() -> bool:
            return not fleet.of_group(group) and not fleet.ending

        await self._wait(done, progress, f"Auto Scaling group {group}", timeout, report)

    async def wait_until_empty(
        self,
        cluster: str,
        *,
        timeout: float,  # noqa: ASYNC109
        report: Callable[[str], None],
    ) -> None:
        """Wait until no instance is registered with a cluster that is being deleted.

        Raises:
            NotSettled: Some are.
        """
        fleet = self._fleet

        def progress() -> str:
            there = ", ".join(fleet.registered_with(cluster))
            return (
                "ClusterContainsContainerInstancesException: The Cluster cannot be deleted while "
                f"Container Instances are active or draining. ({there})"
            )

        def done() -> bool:
            return not fleet.registered_with(cluster)

        await self._wait(done, progress, f"cluster {cluster}", timeout, report)

    async def _wait(
        self,
        done: Callable[[], bool],
        progress: Callable[[], str],
        subject: str,
        time_limit: float,
        report: Callable[[str], None],
    ) -> None:
        def progress_before_end() -> str:
            return "" if done() else progress()

        def failure() -> str:
            problems = [*self._passes.problems, *self._fleet.problems()]
            words = "; ".join([f"{progress()} after {time_limit:g} s", *problems])
            return f"{subject}: {words}"

        await wait_for(
            self._passes,
            done,
            progress=progress_before_end,
            failure=failure,
            time_limit=time_limit,
            report=report,
        )
