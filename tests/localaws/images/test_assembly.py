"""What a puller of this machine takes from the environment and the project."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from localaws.images.assembly import puller
from localaws.images.errors import CannotPullError
from localaws.images.mirrors import Mirror, MirrorError
from localaws.machine.processes import Launcher
from tests.localaws.images.conftest import AMD64, ImageFiles, file_names, layer, member

if TYPE_CHECKING:
    from pathlib import Path

    from localaws.images.puller import Puller
    from tests.localaws.images.conftest import LoopbackRegistry, Pulls

pytestmark = pytest.mark.slow  # real processes


def assembled(pulls: Pulls, folder: Path, **options: dict[str, Mirror]) -> Puller:
    """Assemble the puller of a project and cache in a folder."""
    return puller(
        behind=pulls.behind,
        host=pulls.host,
        environment={**pulls.environment, "XDG_CACHE_HOME": str(folder)},
        own_file=folder / "localaws-images.toml",
        report=lambda _: None,
        **options,
    )


def test_mirrors_that_cannot_be_understood_are_refused_at_once(
    pulls: Pulls, tmp_path: Path
) -> None:
    pulls.environment["LOCALAWS_REGISTRY_MIRROR"] = "nonsense"
    with pytest.raises(MirrorError, match="LOCALAWS_REGISTRY_MIRROR: nonsense has no ="):
        assembled(pulls, tmp_path)


async def test_the_store_is_in_the_users_cache_apart_for_each_isolation(
    registry: LoopbackRegistry, pulls: Pulls, tmp_path: Path
) -> None:
    name = registry.push("shop:1", ImageFiles([layer(member("a"))]))
    image = await assembled(pulls, tmp_path).pull(name, platform=AMD64)
    assert image.root.is_relative_to(
        tmp_path / "fargate-web" / "images" / pulls.behind.isolation.value
    )
    assert pulls.behind.isolation != Launcher().isolation


async def test_a_registry_of_the_local_aws_may_come_later(
    registry: LoopbackRegistry, pulls: Pulls, tmp_path: Path
) -> None:
    registry.push("shop:1", ImageFiles([layer(member("a"))]))
    registries: dict[str, Mirror] = {}
    made = assembled(pulls, tmp_path, local_registries=registries)
    registries["123456789012.dkr.ecr.eu-west-1.amazonaws.com"] = Mirror(registry.address)
    name = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop:1"
    image = await made.pull(name, platform=AMD64)
    assert file_names(image.root) == ["a"]


async def test_the_projects_table_is_read_for_each_pull(pulls: Pulls, tmp_path: Path) -> None:
    made = assembled(pulls, tmp_path)
    own = tmp_path / "localaws-images.toml"
    with pytest.raises(CannotPullError):
        await made.pull("127.0.0.1:1/shop:1", platform=AMD64)
    own.write_text('[[archive]]\nmatch = ["*/shop:*"]\nfile = "root.tar"\n')
    (tmp_path / "root.tar").write_bytes(layer(member("a")))
    image = await made.pull("127.0.0.1:1/shop:1", platform=AMD64)
    assert image.source == "archive"
