"""Package docker-build's images, as Pulumi's engine has them built."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import pytest
from pulumi.runtime.proto import provider_pb2

from localaws.catalog import UNKNOWN
from localaws.protocol.docker_build import Build
from localaws.protocol.docker_build_provider import DockerBuildProvider, ImageError
from localaws.protocol.property_values import from_wire, to_wire

if TYPE_CHECKING:
    from pathlib import Path

URN = "urn:pulumi:dev::shop::awsx:ecr:Image$docker-build:index:Image::v1"
TAG = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop:v1"
DIGEST = "sha256:" + "a" * 64
INPUTS: dict[str, Any] = {
    "push": True,
    "tags": [TAG],
    "context": {"location": "app"},
    "registries": [{"address": "https://registry", "username": "AWS", "password": "token"}],
}
NONE = provider_pb2.DiffResponse.DIFF_NONE


class Images:
    """Builds nothing, and remembers what it was given."""

    def __init__(self, failure: str = "") -> None:
        self.failure = failure
        self.built: list[tuple[Build, str]] = []

    async def build_and_push(self, request: Build, *, current: str = "") -> str:
        self.built.append((request, current))
        if self.failure:
            raise ImageError(self.failure)
        return DIGEST

    def has(self, tag: str, digest: str) -> bool:
        return (tag, digest) == (TAG, DIGEST)


class Context:
    """A call of the engine's."""

    async def abort(self, _code: object, details: str) -> NoReturn:
        raise ConnectionAbortedError(details)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "Dockerfile").write_text("FROM scratch\n")
    return tmp_path


def provider(project: Path, images: Images | None = None) -> DockerBuildProvider:
    return DockerBuildProvider(images or Images(), project, version="0.0.22")


async def call(method: Any, request: Any) -> Any:
    return await method(request, Context())


async def check(project: Path, inputs: dict[str, Any], urn: str = URN) -> list[str]:
    request = provider_pb2.CheckRequest(urn=urn, news=to_wire(inputs))
    return [each.reason for each in (await call(provider(project).Check, request)).failures]


async def create(project: Path, inputs: dict[str, Any], *, preview: bool = False) -> dict[str, Any]:
    request = provider_pb2.CreateRequest(urn=URN, properties=to_wire(inputs), preview=preview)
    return from_wire((await call(provider(project).Create, request)).properties)


async def diff(project: Path, old: dict[str, Any], new: dict[str, Any]) -> Any:
    request = provider_pb2.DiffRequest(urn=URN, olds=to_wire(old), news=to_wire(new))
    return await call(provider(project).Diff, request)


async def test_an_image_is_built_as_its_inputs_say_and_named_by_tag_and_digest(
    project: Path,
) -> None:
    images = Images()
    inputs = {**INPUTS, "buildArgs": {"A": 1}, "target": "t", "platforms": ["linux/arm64"]}
    request = provider_pb2.CreateRequest(urn=URN, properties=to_wire(inputs))
    answer = await call(provider(project, images).Create, request)
    assert answer.id == DIGEST
    shown = from_wire(answer.properties)
    assert (shown["digest"], shown["ref"]) == (DIGEST, f"{TAG}@{DIGEST}")
    ((build, current),) = images.built
    assert build == Build(
        tags=(TAG,),
        context="app",
        dockerfile="app/Dockerfile",
        target="t",
        arguments={"A": "1"},
        platforms=("linux/arm64",),
    )
    assert current == ""


async def test_a_preview_builds_nothing(project: Path) -> None:
    images = Images()
    request = provider_pb2.CreateRequest(urn=URN, properties=to_wire(INPUTS), preview=True)
    shown = from_wire((await call(provider(project, images).Create, request)).properties)
    assert (shown["digest"], shown["ref"]) == (UNKNOWN, UNKNOWN)
    changed = provider_pb2.UpdateRequest(
        urn=URN, olds=to_wire({**INPUTS, "digest": DIGEST}), news=to_wire(INPUTS), preview=True
    )
    assert (
        from_wire((await call(provider(project, images).Update, changed)).properties)["digest"]
        is UNKNOWN
    )
    assert images.built == []


async def test_the_reason_of_a_build_that_failed_is_shown(project: Path) -> None:
    request = provider_pb2.CreateRequest(urn=URN, properties=to_wire(INPUTS))
    with pytest.raises(ConnectionAbortedError, match="creating the image: no builder here"):
        await call(provider(project, Images("no builder here")).Create, request)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"push": False}, "push: the local AWS builds images to push them"),
        ({"tags": []}, "tags: an image that is pushed needs one"),
        ({"secrets": {"A": "x"}}, "secrets: the local AWS builds images without it"),
        ({"exports": [{"tar": {"dest": "a"}}]}, "exports: the local AWS builds images without it"),
        ({"pushed": True}, "pushed is no input of an image"),
        ({"dockerfile": {"inline": "FROM scratch"}}, "dockerfile.inline: the local AWS builds fr"),
        ({"registries": [{"username": "AWS"}]}, "registries[0] has no address"),
        ({"context": {"location": "none"}}, "context.location: none is no folder in "),
        ({"dockerfile": {"location": "app/D"}}, "dockerfile.location: app/D is no file in "),
    ],
)
async def test_what_is_not_built_here_is_refused(
    project: Path, changed: dict[str, Any], reason: str
) -> None:
    (found,) = await check(project, {**INPUTS, **changed})
    assert found.startswith(reason)


@pytest.mark.parametrize("changed", [{}, {"noCache": False}, {"tags": UNKNOWN}, {"secrets": {}}])
async def test_what_is_built_here_is_accepted(project: Path, changed: dict[str, Any]) -> None:
    assert await check(project, {**INPUTS, **changed}) == []


async def test_other_types_of_the_package_are_refused(project: Path) -> None:
    index = URN.replace("docker-build:index:Image", "docker-build:index:Index")
    assert await check(project, INPUTS, index) == [
        "the local docker-build has docker-build:index:Image only"
    ]


async def test_only_another_build_is_a_change(project: Path) -> None:
    state = await create(project, INPUTS)
    renewed = {**INPUTS, "registries": [{**INPUTS["registries"][0], "password": "other"}]}
    assert (await diff(project, state, renewed)).changes == NONE
    other = await diff(project, state, {**INPUTS, "target": "t", "tags": [f"{TAG}2"]})
    assert (list(other.diffs), list(other.replaces)) == (["tags", "target"], [])
    (project / "app" / "new").write_text("")
    assert list((await diff(project, state, INPUTS)).diffs) == ["contextHash"]


async def test_another_build_by_the_same_tags_needs_no_push_if_it_comes_to_the_same(
    project: Path,
) -> None:
    images = Images()
    for tags in ([TAG], [f"{TAG}2"]):
        request = provider_pb2.UpdateRequest(
            urn=URN,
            olds=to_wire({**INPUTS, "digest": DIGEST}),
            news=to_wire({**INPUTS, "tags": tags}),
        )
        await call(provider(project, images).Update, request)
    assert [current for _, current in images.built] == [DIGEST, ""]


@pytest.mark.parametrize(("digest", "there"), [(DIGEST, True), ("sha256:" + "b" * 64, False)])
async def test_an_image_is_there_while_a_tag_of_it_is(
    project: Path, digest: str, *, there: bool
) -> None:
    request = provider_pb2.ReadRequest(
        id=digest, urn=URN, properties=to_wire({**INPUTS, "digest": digest})
    )
    assert bool((await call(provider(project).Read, request)).id) is there
