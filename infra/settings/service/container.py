"""The container of a task."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from infra.aws import fargate, image_build, images, naming
from infra.errors import Problem
from infra.settings.build_kind import Build
from infra.settings.collection_kinds import ListOf, Map
from infra.settings.defaults import default
from infra.settings.kinds import Choice, Flag, OrNone, Text, Whole
from infra.settings.topic import Topic, key, relation
from infra.settings.values import duplicates

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from infra.aws.image_build import ImageBuild

_RESERVED_VARIABLES: Final = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "ECS_ENGINE_AUTH_DATA")
"""Credentials, which don't belong into a task definition. Source: Security Hub, control ECS.8."""

VARIABLE: Final = Text(
    rf"(?!({'|'.join(_RESERVED_VARIABLES)})$)[A-Za-z_][A-Za-z0-9_]*",
    "an environment variable's name other than a credential's",
)
"""The name of an environment variable."""

_CAPABILITIES: Final = (
    "ALL|AUDIT_CONTROL|AUDIT_WRITE|BLOCK_SUSPEND|CHOWN|DAC_OVERRIDE|DAC_READ_SEARCH|FOWNER|FSETID"
    "|IPC_LOCK|IPC_OWNER|KILL|LEASE|LINUX_IMMUTABLE|MAC_ADMIN|MAC_OVERRIDE|MKNOD|NET_ADMIN"
    "|NET_BIND_SERVICE|NET_BROADCAST|NET_RAW|SETFCAP|SETGID|SETPCAP|SETUID|SYSLOG|SYS_ADMIN"
    "|SYS_BOOT|SYS_CHROOT|SYS_MODULE|SYS_NICE|SYS_PACCT|SYS_PTRACE|SYS_RAWIO|SYS_RESOURCE"
    "|SYS_TIME|SYS_TTY_CONFIG|WAKE_ALARM"
)
"""Source: ECS, KernelCapabilities."""

_ID: Final = "[1-9][0-9]{0,9}"
UNPRIVILEGED_PORT: Final = 1024
"""The lowest port that a process without capabilities can listen on."""

CONTAINER_NAME: Final = Text(r"[A-Za-z0-9_-]+", "letters, digits, hyphens and underscores")
IMAGE: Final = Text(
    r"(?!.*//)[a-z0-9][A-Za-z0-9._:/-]*(@sha256:[0-9a-f]{64})?",
    "an image's name, like public.ecr.aws/nginx/nginx:stable",
)
COMMAND: Final = ListOf(
    Text(r"(?s).+", "a text that isn't empty; no items for the image's own", longest=8192)
)
USER: Final = OrNone(
    Text(
        rf"{_ID}(:(0|{_ID}))?",
        "a user id other than root's, optionally with a group id, like 101 or 101:101",
    ),
    "empty for the image's own",
)
CAPABILITIES: Final = ListOf(
    Text(_CAPABILITIES, "a Linux capability without CAP_, like NET_RAW, or ALL")
)
FOLDER: Final = r"(/(?!\.\.?(/|$))[A-Za-z0-9._-]+)+"
FOLDERS: Final = ListOf(Text(FOLDER, "a folder's absolute path, like /tmp"))
ENVIRONMENT: Final = Map(VARIABLE, Text(r"(?s).*", "a text", longest=8192))


@dataclass(frozen=True, kw_only=True)
class ContainerSettings(Topic):
    """The container's image, size, user and environment."""

    service_name: str = key(
        Text(
            rf"[a-z](?:[a-z0-9-]{{0,{naming.LONGEST_SERVICE - 2}}}[a-z0-9])?",
            "lower-case letters, digits and inner hyphens, a letter first, at most "
            f"{naming.LONGEST_SERVICE} characters, because a target group's name ends at 32",
        )
    )
    container_name: str = key(CONTAINER_NAME)
    image: str = key(IMAGE)
    build: ImageBuild | None = key(Build())
    command: tuple[str, ...] = key(COMMAND)
    container_port: int = key(Whole(1, 65535))
    target_keep_alive_seconds: int = key(Whole(1, 86_400))
    cpu_units: int = key(Choice(tuple(fargate.MEMORY_MIB)))
    memory_mib: int = key(Whole(512, 249_856))
    cpu_architecture: str = key(Choice(("X86_64", "ARM64")))
    require_image_digest: bool = key(Flag())
    user: str | None = key(USER)
    drop_capabilities: tuple[str, ...] = key(CAPABILITIES)
    writable_paths: tuple[str, ...] = key(FOLDERS)
    environment: dict[str, str] = key(ENVIRONMENT)

    def problems(self) -> Iterator[Problem]:
        """Check size, image, port and folders."""
        yield from self._memory_goes_with_cpu()
        yield from self._image_is_pinned()
        yield from self._image_has_one_source()
        yield from self._command_is_the_images()
        yield from self._build_can_be_found()
        yield from self._build_is_for_the_tasks()
        yield from self._user_may_listen()
        yield from overlapping("writablePaths", self.part("writable_paths"))

    @relation("cpu_units", "memory_mib")
    def _memory_goes_with_cpu(self) -> Iterator[Problem]:
        sizes = fargate.MEMORY_MIB[self.cpu_units]
        if self.memory_mib not in sizes:
            yield Problem(
                "memoryMib",
                f"{self.memory_mib}",
                f"with cpuUnits {self.cpu_units}, one of {', '.join(map(str, sizes))}",
            )

    @relation("image", "build", "require_image_digest")
    def _image_is_pinned(self) -> Iterator[Problem]:
        # A built image is always named by its digest.
        if self.build:
            return
        if self.require_image_digest:
            yield from unpinned("image", self.image)

    @relation("image", "build")
    def _image_has_one_source(self) -> Iterator[Problem]:
        if self.build and self.image != default("image"):
            yield Problem(
                "image",
                f"{self.image}, beside build {self.build.context}",
                "only one of the two: take out `image` to run what is built, or `build` to run "
                "the image that exists",
            )

    @relation("command", "build")
    def _command_is_the_images(self) -> Iterator[Problem]:
        if self.build and list(self.command) == default("command"):
            yield Problem(
                "command",
                "the default one, which writes a page and runs nginx",
                "with build, [] for the built image's own command, or another command",
            )

    @relation("build")
    def _build_can_be_found(self) -> Iterator[Problem]:
        build = self.build
        if build is None:
            return
        dockerfile = Path(build.dockerfile_path)
        if not Path(build.context).is_dir():
            yield Problem(
                "build",
                f"{build.context}, which is no folder in {Path.cwd().name}/",
                "the path of a folder that exists, relative to the folder of Pulumi.yaml",
            )
        elif not dockerfile.is_file():
            yield Problem(
                "build",
                f"{build.context}, which has no file {build.dockerfile}",
                "a folder with a Dockerfile, or a map whose dockerfile names it",
            )
        else:
            yield from _dockerfile_declares(build, dockerfile.read_text("utf-8", "replace"))

    @relation("build", "cpu_architecture")
    def _build_is_for_the_tasks(self) -> Iterator[Problem]:
        needed = image_build.PLATFORMS[self.cpu_architecture]
        if self.build and self.build.platform not in {None, needed}:
            yield Problem(
                "build",
                f"platform {self.build.platform}",
                f"with cpuArchitecture {self.cpu_architecture}, {needed}, or none, which is that",
            )

    @relation("user", "container_port")
    def _user_may_listen(self) -> Iterator[Problem]:
        if self.user and self.container_port < UNPRIVILEGED_PORT:
            yield Problem(
                "containerPort",
                f"{self.container_port}",
                f"with a user that isn't root, at least {UNPRIVILEGED_PORT}",
            )


def unpinned(key: str, image: str) -> Iterator[Problem]:
    """Refuse an image that isn't named by its digest."""
    if not images.is_pinned(image):
        yield Problem(
            key,
            f"{image}, whose tag can be moved to another image",
            f"NAME@DIGEST with what `{images.how_to_pin(image)}` prints, or any name with "
            "requireImageDigest false",
        )


def overlapping(key: str, paths: Collection[str]) -> Iterator[Problem]:
    """Refuse folders of a container of which one is inside another one."""
    wrong = duplicates(paths)
    for path in paths:
        if any(path.startswith(f"{other}/") for other in paths):
            wrong.append(path)
    if wrong:
        yield Problem(
            key, ", ".join(wrong), "each folder once, and none that is inside another one"
        )


def _dockerfile_declares(build: ImageBuild, dockerfile: str) -> Iterator[Problem]:
    """Check that a Dockerfile has the stage and the arguments of a build."""
    names = image_build.stages(dockerfile)
    known = set(map(str.lower, names))
    known.update(map(str, range(image_build.stage_count(dockerfile))))
    if build.target and build.target.lower() not in known:
        yield Problem(
            "build",
            f"target {build.target}, which is no stage of {build.dockerfile_path}",
            f"one of {', '.join(names)}" if names else "none, as no stage there has a name",
        )
    unknown = image_build.undeclared(dockerfile, build.args)
    if unknown:
        yield Problem(
            "build",
            f"args {', '.join(unknown)}, for which {build.dockerfile_path} has no ARG",
            "arguments that it declares; it would ignore others",
        )
