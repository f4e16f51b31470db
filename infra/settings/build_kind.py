"""The kind of a build of an image: a folder, or a map that describes the build. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar, Final

from infra.aws.image_build import PLATFORMS, ImageBuild
from infra.settings.kinds import Choice, Kind, Text
from infra.settings.values import as_configured, counted, plain, read_map, refuse

if TYPE_CHECKING:
    from collections.abc import Mapping

_PATH: Final = Text(r"(?!/|~|.*://)[^\s\x00-\x1f]([^\x00-\x1f]*[^\s\x00-\x1f])?", "a relative path")
_ARGUMENT: Final = "[A-Za-z_][A-Za-z0-9_]*"
_BUILD: Final[dict[str, Kind]] = {
    "context": _PATH,
    "dockerfile": _PATH,
    "target": Text("[A-Za-z0-9][A-Za-z0-9._-]*", "a stage of the Dockerfile"),
    "platform": Choice(tuple(PLATFORMS.values())),
}
"""What a build consists of, besides its arguments."""


class Build(Kind):
    """A folder with a Dockerfile, or a map that describes the build."""

    absent: ClassVar[str | None] = ""

    @property
    def allowed(self) -> str:
        """Describe both forms."""
        return (
            "the folder of a Dockerfile, relative to the project's, like ./app, or a map of "
            "context, which is such a folder, and optionally dockerfile (in it), target, args "
            f"(texts by name) and platform ({' or '.join(PLATFORMS.values())}); empty for an "
            "image that exists"
        )

    def read(self, text: str) -> ImageBuild | None:
        """Parse the build; None if there is none."""
        if not text:
            return None
        entries = _build_entries(text)
        if _build_flaws(entries):
            refuse(text)
        args = entries.pop("args", {})
        return ImageBuild(args=_all_plain(args), **_all_plain(entries))

    def shown(self, text: str) -> str:
        """Describe every flaw, without the arguments' values."""
        try:
            entries = _build_entries(text)
        except ValueError:
            return f"{counted(len(text), 'character')}, which is neither a path nor a map"
        return "; ".join(_build_flaws(entries))


def _build_entries(text: str) -> dict[str, Any]:
    if not text.lstrip().startswith(("{", "[")):
        return {"context": text}
    return read_map(text)


def _build_flaws(entries: dict[str, Any]) -> list[str]:
    """Return everything that is wrong with a build."""
    flaws = [
        f"{name}, which is none of {', '.join([*_BUILD, 'args'])}"
        for name in sorted(entries.keys() - _BUILD.keys() - {"args"})
    ]
    if "context" not in entries:
        flaws.append("no context")
    for name, kind in _BUILD.items():
        if name in entries:
            try:
                kind.read(plain(entries[name]))
            except ValueError:
                shown = as_configured(entries[name])
                flaws.append(f"{name} {shown}, which isn't {kind.allowed}")
    return [*flaws, *_argument_flaws(entries.get("args", {}))]


def _argument_flaws(args: object) -> list[str]:
    if not isinstance(args, dict):
        return ["args that aren't a map"]
    flaws = []
    for name, value in args.items():
        if not re.fullmatch(_ARGUMENT, name):
            flaws.append(f"an argument named {name}, which isn't a variable's name")
        if not isinstance(value, str | int):
            flaws.append(f"an argument {name} whose value isn't a text")
    return flaws


def _all_plain(values: Mapping[str, object]) -> dict[str, str]:
    return {name: plain(value) for name, value in values.items()}
