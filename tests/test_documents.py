"""The files, headings, targets of make and keys that documents name exist.

Whether a document is right isn't checked here.
"""

from __future__ import annotations

import re
import subprocess
import tomllib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from infra.settings import kinds
from localaws.cli.main import main
from tools.pulumi.versions import MINIMUM

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
DOCUMENTS = {
    str(path.relative_to(ROOT)): path for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"))
}

PAGES = {name: path for name, path in DOCUMENTS.items() if name.startswith("docs/")}
LONG_PAGES = [name for name, path in PAGES.items() if len(path.read_text().splitlines()) >= 180]


def headings(path: Path) -> set[str]:
    """Return the anchors that GitHub makes of the headings, which follow `#` in links."""
    words = re.findall(r"^#+ (.*)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in words}


def commands(path: Path) -> Iterator[str]:
    """Yield the lines of indented code blocks, and inline code."""
    text = path.read_text()
    yield from re.findall(r"^ {4,}(\S.*)$", text, re.MULTILINE)
    yield from re.findall(r"`([^`\n]+)`", text)


def test_every_link_has_a_target() -> None:
    for document, path in DOCUMENTS.items():
        for link in re.findall(r"\]\((?!https?:)([^)\s]+)\)", path.read_text()):
            file, _, heading = link.partition("#")
            target = path.parent / file if file else path
            assert target.exists(), f"{document} links to {link}"
            assert not heading or heading in headings(target), f"{document} links to {link}"


@pytest.mark.parametrize("document", LONG_PAGES)
def test_a_long_page_begins_with_links_to_its_sections(document: str) -> None:
    beginning = DOCUMENTS[document].read_text().partition("\n## ")[0]
    assert "](#" in beginning


def test_every_target_of_make_and_every_key_that_a_command_names_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    keys = {"KEY", *kinds()}
    for document, path in DOCUMENTS.items():
        for command in commands(path):
            where = f"{document}: {command}"
            assert targets.issuperset(re.findall(r"^make ([a-z-]+)", command)), where
            assert keys.issuperset(re.findall(r"config set (?:--path )?'?(\w+)", command)), where
            assert keys.issuperset(re.findall(r"fargate-web:(?!index:)(\w+)", command)), where


def test_prose_has_at_most_100_columns() -> None:
    """Tables, code, images and what has no space to break at may be longer."""
    for document, path in DOCUMENTS.items():
        is_code = False
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if line.startswith("```"):
                is_code = not is_code
            if is_code or line.startswith(("|", "    ", "![")):
                continue
            fits = len(line) <= 100 or " " not in line.strip("-* ")
            assert fits, f"{document}:{number} is too long"


def test_the_badges_show_the_licence_and_the_versions_that_are_needed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    python = project["requires-python"].removeprefix(">=")
    wanted = {
        "licence": project["license"],
        "python": f"{python} or later",
        "pulumi": f"{MINIMUM[0]}.{MINIMUM[1]} or later",
    }
    badges = ROOT / "docs" / "badges"
    assert {path.stem for path in badges.iterdir()} == wanted.keys()
    readme = DOCUMENTS["README.md"].read_text()
    for name, text in wanted.items():
        assert f"![{name}: {text}](docs/badges/{name}.svg)" in readme
        svg = (badges / f"{name}.svg").read_text()
        assert f"<title>{name}: {text}</title>" in svg
        assert f">{text}</text>" in svg


def test_decision_records_are_numbered_without_gaps_or_repetitions() -> None:
    records = sorted((ROOT / "docs/adr").glob("[0-9]*.md"))
    numbers = [int(path.name[:4]) for path in records]
    assert numbers == list(range(1, len(records) + 1))
    for path, number in zip(records, numbers, strict=True):
        assert path.read_text().startswith(f"# {number}. "), path.name


def test_a_link_to_a_decision_record_names_the_number_of_its_target() -> None:
    link = re.compile(r"\[([^\]]*)\]\((?:\S*/)?(\d{4})-[^)\s]*\.md\)")
    for document, path in DOCUMENTS.items():
        for label, number in link.findall(path.read_text()):
            named = re.findall(r"\d+", label)
            assert [int(each) for each in named] in ([], [int(number)]), (
                f"{document}: [{label}] links to {number}"
            )


def test_a_decision_record_that_code_names_exists() -> None:
    numbers = {path.name[:4] for path in (ROOT / "docs/adr").glob("[0-9]*.md")}
    for folder in ("infra", "localaws", "verify", "gate", "tools", "tests"):
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in {".py", ".yaml", ".toml"}:
                named = set(re.findall(r"docs/adr/(\d{4})", path.read_text()))
                assert named <= numbers, path


def test_contributing_lists_the_files_that_name_each_example() -> None:
    text = DOCUMENTS["CONTRIBUTING.md"].read_text().partition("## Where a new thing goes")[2]
    sections = re.findall(
        r"^### (.*?)\n\nExample: `(.*?)`\n\n(.*?)(?=^### |\Z)", text, re.MULTILINE | re.DOTALL
    )
    assert len(sections) == text.count("\n### ")
    for title, example, section in sections:
        listed = set(re.findall(r"^\| `(\S+)` \|", section, re.MULTILINE))
        naming = _files_naming(example)
        assert listed <= naming, f"{title}: these don't name {example}: {listed - naming}"
        for file in naming - listed:
            assert file.startswith("tests/"), f"{title}: {file} names {example} and isn't listed"


def _files_naming(example: str) -> set[str]:
    """Return the files under version control that name something, in any spelling.

    The changelog, the decision records and CONTRIBUTING.md are left out.
    """
    name = example.removeprefix("--")
    spellings = {name, name.replace("-", "_"), re.sub("([A-Z])", r"_\1", name).lower()}
    pattern = re.compile(rf"(?<![^\W_])(?<!\w-)(?:{'|'.join(map(re.escape, spellings))})(?![\w-])")
    found = set()
    for file, text in _texts().items():
        # The pattern alone takes a hundred times as long.
        has_spelling = any(spelling in text for spelling in spellings)
        if has_spelling and pattern.search(text):
            found.add(file)
    return found


@cache
def _texts() -> dict[str, str]:
    """Return the texts under version control by file, without those that name everything."""
    listing = subprocess.run(
        ["git", "-C", ROOT, "ls-files", "-z"], capture_output=True, text=True, check=True
    ).stdout
    left_out = {"CHANGELOG.md", "CONTRIBUTING.md", "tests/test_documents.py"}
    texts: dict[str, str] = {}
    for file in set(listing.split("\0")) - left_out:
        path = ROOT / file
        is_text = path.suffix in {".py", ".md", ".yaml", ".json", ".toml"}
        if is_text and not file.startswith("docs/adr/") and path.exists():
            texts[file] = path.read_text()
    return texts


def test_the_command_s_own_commands_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    commands = re.findall(r"(?m)^    ([a-z]+)  ", capsys.readouterr().out)
    text = (ROOT / "docs" / "pulumi-local.md").read_text()
    listed = text.split("lists its own commands:")[1].split(".\n")[0]
    assert "interrupt" in commands
    assert sorted(re.findall("`([a-z]+)`", listed)) == sorted(commands)
