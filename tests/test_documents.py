"""What the documents point at exists: files, headings, targets of make, keys. Not that they tell the truth."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from infra.settings import camel, kinds

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
DOCUMENTS = {str(path.relative_to(ROOT)): path for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"))}


def headings(path: Path) -> set[str]:
    """What a link may name after `#`, as GitHub makes it of the headings."""
    words = re.findall(r"^#+ (.*)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in words}


def commands(path: Path) -> Iterator[str]:
    """The lines of code blocks that are indented, and the code within sentences."""
    text = path.read_text()
    yield from re.findall(r"^ {4,}(\S.*)$", text, re.MULTILINE)
    yield from re.findall(r"`([^`\n]+)`", text)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_no_link_leads_nowhere(document: str) -> None:
    path = DOCUMENTS[document]
    for link in re.findall(r"\]\((?!https?:)([^)\s]+)\)", path.read_text()):
        file, _, heading = link.partition("#")
        target = path.parent / file if file else path
        assert target.exists(), f"{document} links to {link}"
        assert not heading or heading in headings(target), f"{document} links to {link}"


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_target_of_make_and_every_key_that_a_command_names_exists(document: str) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    keys = {"KEY", *map(camel, kinds())}
    for command in commands(DOCUMENTS[document]):
        assert {*re.findall(r"^make ([a-z]+)", command)} <= targets, command
        named = re.findall(r"config set (?:--path )?'?(\w+)", command) + re.findall(
            r"fargate-web:(?!index:)(\w+)", command
        )
        assert {*named} <= keys, command
