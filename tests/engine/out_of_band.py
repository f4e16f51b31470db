"""Resources that are deleted outside Pulumi, and the runs that restore them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pulumi.runtime.proto import provider_pb2

from localaws.mocks import word
from tests.engine.service import console
from tests.engine.stack import WITHOUT_ASKING, operations, settings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.engine.stack import Stack


def kind(resource: dict[str, Any]) -> str:
    """Return the last word of a resource's type."""
    return word(resource["type"])


def of_aws(stack: Stack) -> list[dict[str, Any]]:
    """Return AWS's resources in the state, in the order in which they were made."""
    return [each for each in stack.resources() if each["type"].startswith("aws:")]


def delete(stack: Stack, resources: Iterable[dict[str, Any]]) -> None:
    """Delete them as a user of AWS's console would, from the last one to the first."""
    with console(stack) as aws:
        for each in reversed(list(resources)):
            aws.Delete(
                provider_pb2.DeleteRequest(urn=each["urn"], id=each["id"], timeout=30), timeout=60
            )


def restore(
    stack: Stack, before: list[dict[str, Any]], gone: list[dict[str, Any]], **config: Any
) -> None:
    """Refresh and deploy; check that the same resources exist again and nothing is left to do."""
    refreshed = operations(stack.run("refresh", *WITHOUT_ASKING, *settings(config)))
    assert refreshed["deleted"] == len(gone)
    _restore(stack, before, gone, **config)


def restore_by_one_run(
    stack: Stack, before: list[dict[str, Any]], gone: list[dict[str, Any]], **config: Any
) -> None:
    """Do the same by `pulumi up --refresh`, as docs/deployments.md says."""
    _restore(stack, before, gone, "--refresh", **config)


def _restore(
    stack: Stack,
    before: list[dict[str, Any]],
    gone: list[dict[str, Any]],
    *options: str,
    **config: Any,
) -> None:
    restored = operations(stack.up(*options, **config))
    assert restored["created"] + restored["imported"] >= len(gone)
    assert sorted(map(kind, of_aws(stack))) == sorted(map(kind, before))
    stack.needs_nothing(**config)
