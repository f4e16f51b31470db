"""What the documents point at exists: files, headings, targets of make, keys.

Not that they tell the truth.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from infra.settings import kinds

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
DOCUMENTS = {
    str(path.relative_to(ROOT)): path for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"))
}


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
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    keys = {"KEY", *kinds()}
    for command in commands(DOCUMENTS[document]):
        assert {*re.findall(r"^make ([a-z-]+)", command)} <= targets, command
        named = re.findall(r"config set (?:--path )?'?(\w+)", command) + re.findall(
            r"fargate-web:(?!index:)(\w+)", command
        )
        assert {*named} <= keys, command


def test_each_decision_record_has_a_number_of_its_own_and_none_is_left_out() -> None:
    records = sorted((ROOT / "docs/adr").glob("[0-9]*.md"))
    numbers = [int(path.name[:4]) for path in records]
    assert numbers == [*range(1, len(records) + 1)]
    for path, number in zip(records, numbers, strict=True):
        assert path.read_text().startswith(f"# {number}. "), path.name


@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_link_to_a_decision_record_names_the_number_of_its_target(document: str) -> None:
    text = DOCUMENTS[document].read_text()
    for label, number in re.findall(r"\[([^\]]*)\]\((?:\S*/)?(\d{4})-[^)\s]*\.md\)", text):
        named = re.findall(r"\d+", label)
        assert [int(each) for each in named] in ([], [int(number)]), (
            f"{document}: [{label}] links to {number}"
        )


def test_a_decision_record_that_code_names_exists() -> None:
    numbers = {path.name[:4] for path in (ROOT / "docs/adr").glob("[0-9]*.md")}
    for folder in ("infra", "localaws", "verify", "gate", "tools", "tests"):
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in {".py", ".yaml", ".toml"}:
                named = {*re.findall(r"docs/adr/(\d{4})", path.read_text())}
                assert named <= numbers, path


def test_a_new_thing_goes_where_contributing_says() -> None:
    text = DOCUMENTS["CONTRIBUTING.md"].read_text().partition("## Where a new thing goes")[2]
    sections = re.findall(
        r"^### (.*?)\n\nExample: `(.*?)`\n\n(.*?)(?=^### |\Z)", text, re.MULTILINE | re.DOTALL
    )
    assert len(sections) == text.count("\n### ")
    for title, example, section in sections:
        listed = {*re.findall(r"^\| `(\S+)` \|", section, re.MULTILINE)}
        naming = _files_naming(example)
        assert listed <= naming, f"{title}: these don't name {example}: {listed - naming}"
        missing = {each for each in naming - listed if not each.startswith("tests/")}
        assert not missing, f"{title}: these name {example}, too, and aren't listed: {missing}"


def _files_naming(example: str) -> set[str]:
    """The files under version control that name something; history and CONTRIBUTING aside."""
    name = example.removeprefix("--")
    spellings = {name, name.replace("-", "_"), re.sub("([A-Z])", r"_\1", name).lower()}
    pattern = re.compile(rf"(?<![^\W_])(?<!\w-)(?:{'|'.join(map(re.escape, spellings))})(?![\w-])")
    listing = subprocess.run(
        ["git", "-C", ROOT, "ls-files", "-z"], capture_output=True, text=True, check=True
    ).stdout
    return {
        file
        for file in listing.split("\0")
        if file.endswith((".py", ".md", ".yaml", ".json", ".toml"))
        and file not in {"CHANGELOG.md", "CONTRIBUTING.md", "tests/test_documents.py"}
        and not file.startswith("docs/adr/")
        and (ROOT / file).exists()
        and pattern.search((ROOT / file).read_text())
    }
