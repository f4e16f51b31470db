"""Reading a stack's file: what the CLI refuses, and what the commands that read it report."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from localaws.alb.explanation import CannotExplain
from localaws.cli.main import main
from localaws.stack_files import (
    BadStackFile,
    configured,
    read_config,
    read_project,
    stacks,
    wrong_types,
)

ROOT = Path(__file__).parents[2]

# The SDK warns when it is imported, which is once in a process.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:pulumi_aws")

BAD = {
    "config:\n  shop:a: { b: 1\n": "Pulumi.dev.yaml, line 3: expected ',' or '}', but got "
    "'<stream end>', while parsing a flow mapping from line 2; correct its YAML there",
    "foo": "Pulumi.dev.yaml is the text foo; allowed: a map, like config: {}",
    "- foo": "Pulumi.dev.yaml is a list; allowed: a map, like config: {}",
    "config: [a]": "Pulumi.dev.yaml: config is a list; allowed: a map of keys with their project, "
    "like shop:size: 3",
    "config: 3": "Pulumi.dev.yaml: config is the value 3; allowed: a map of keys with their "
    "project, like shop:size: 3",
    "config: { 1: a }": "Pulumi.dev.yaml: config.1; allowed: a text as a key, like shop:size",
    "config:\n  shop:a: 1\n  shop:b: 2\n  shop:a: 3\n": "Pulumi.dev.yaml, line 4: shop:a again, "
    "after line 2; give it once",
    "config: {shop:s: {web: {}, web: {}}}": "Pulumi.dev.yaml, line 1: web again, after line 1; "
    "give it once",
    "config:\n  shop:a: [{b: 1,\n b: 2}]\n": "Pulumi.dev.yaml, line 3: b again, after line 2; "
    "give it once",
    "config:\n  shop:a: { b: [2024-01-01] }\n": "Pulumi.dev.yaml, line 2: 2024-01-01, which Pulumi "
    "makes a time of; put it into quotes",
    "config:\n  shop:a: 0022\n  shop:b: [2024-01-01]\n": "Pulumi.dev.yaml, line 2: 0022, which "
    "Pulumi reads as 18; write that, or put a text into quotes\n"
    "Pulumi.dev.yaml, line 3: 2024-01-01, which Pulumi makes a time of; put it into quotes",
    "config: { shop:a: !!binary aGk= }": "Pulumi.dev.yaml has a value that isn't one of JSON: "
    "Object of type bytes is not JSON serializable",
    "config: { shop:a: !x 1 }": "Pulumi.dev.yaml, line 1: could not determine a constructor for "
    "the tag '!x'; correct its YAML there",
    "config: &a { shop:a: *a }": "Pulumi.dev.yaml has a value that isn't one of JSON: Circular "
    "reference detected",
    "confg:\n  shop:a: 1\n": "Pulumi.dev.yaml: confg, which Pulumi ignores; allowed: perhaps "
    "config",
    "Config:\n  shop:a: 1\n": "Pulumi.dev.yaml: Config, which Pulumi ignores; allowed: perhaps "
    "config",
    "configuration:\n  shop:a: 1\n": "Pulumi.dev.yaml: configuration, which Pulumi ignores; "
    "allowed: perhaps config",
    "config: {}\nencryptionSalt: v1:x\n": "Pulumi.dev.yaml: encryptionSalt, which Pulumi ignores; "
    "allowed: perhaps encryptionsalt",
    "config: { shop:a:b: 1 }": "Pulumi.dev.yaml: config.shop:a:b; allowed: a namespace and a name, "
    "like shop:size",
    "config: \x01": "Pulumi.dev.yaml: unacceptable character #x0001: special characters are not "
    'allowed in "<unicode string>", position 8; correct its YAML there',
}


def project(folder: Path, text: str) -> Path:
    for name in ("Pulumi.yaml", "__main__.py", "local.parameters.toml"):
        shutil.copy(ROOT / name, folder)
    (folder / "infra").symlink_to(ROOT / "infra")
    (folder / "Pulumi.dev.yaml").write_text(text)
    return folder


@pytest.mark.parametrize("text", BAD)
def test_a_damaged_file_is_refused_in_one_line_with_its_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "Pulumi.dev.yaml").write_text(text)
    with pytest.raises(BadStackFile) as refusal:
        read_config(tmp_path, "dev")
    assert str(refusal.value) == BAD[text]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("1.0", "1"),
        ("0123456", "42798"),
        ("012345678901", "12345678901"),
        ("08", "8"),
        ("0x1F", "31"),
        ("0b11", "3"),
        ("0o17", "15"),
        ("1_000", "1000"),
        ("1_0.0", "10"),
        ("1e3", "1000"),
        ("+5", "5"),
        ("-0", "0"),
        ("12345678901234567890", "12345678901234567000"),
    ],
)
def test_a_number_of_which_the_cli_makes_another_text_is_refused(
    tmp_path: Path, written: str, read: str
) -> None:
    """A version 1.0 was deployed as 1, a commit 0123456 as 42798, and a mask 0022 as 18."""
    (tmp_path / "Pulumi.dev.yaml").write_text(f"config: {{ shop:a: {{ b: {written} }} }}")
    with pytest.raises(BadStackFile) as refusal:
        read_config(tmp_path, "dev")
    assert str(refusal.value) == (
        f"Pulumi.dev.yaml, line 1: {written}, which Pulumi reads as {read}; write that, or put a "
        "text into quotes"
    )


@pytest.mark.parametrize(
    "written",
    ["0", "-1", "22", "9007199254740993", "2.5", "1e21", "0o9", "'0022'", '"1.0"', "1.2.3"],
)
def test_a_number_that_the_cli_keeps_as_written_is_accepted(tmp_path: Path, written: str) -> None:
    (tmp_path / "Pulumi.dev.yaml").write_text(f"config: {{ shop:a: {{ b: {written} }} }}")
    assert read_config(tmp_path, "dev")


def test_a_file_in_another_encoding_and_a_folder_are_refused(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.dev.yaml").write_bytes(b"config: { shop:a: \xe4 }")
    with pytest.raises(BadStackFile, match=r"dev\.yaml isn't UTF-8 .*: save it in that encoding"):
        read_config(tmp_path, "dev")
    (tmp_path / "Pulumi.prod.yaml").mkdir()
    with pytest.raises(BadStackFile, match=r"Pulumi\.prod\.yaml can't be read: Is a directory"):
        read_config(tmp_path, "prod")
    with pytest.raises(BadStackFile, match=r"no Pulumi\.new\.yaml; there is dev, prod$"):
        read_config(tmp_path, "new")


@pytest.mark.parametrize("text", ["", "# nothing\n", "config:\n", "config: {}\n", "---\n"])
def test_an_empty_file_is_a_stack_without_configuration(tmp_path: Path, text: str) -> None:
    (tmp_path / "Pulumi.dev.yaml").write_text(text)
    assert read_config(tmp_path, "dev") == {}


def test_another_key_at_the_top_can_hold_anchors(tmp_path: Path) -> None:
    text = "configs: &a { b: 1 }\nsizes: [1]\nconfig:\n  shop:a: *a\n"
    (tmp_path / "Pulumi.dev.yaml").write_text(text)
    assert read_config(tmp_path, "dev") == {"shop:a": {"b": 1}}


def test_values_are_read_as_the_cli_does(tmp_path: Path) -> None:
    text = "config:\n  shop:a: yes\n  shop:b: &b [1, true, 2.5, n]\n  shop:c: { d: *b }\n"
    (tmp_path / "Pulumi.dev.yaml").write_text(text)
    values = [1, True, 2.5, "n"]
    expected = {"shop:a": "yes", "shop:b": values, "shop:c": {"d": values}}
    assert read_config(tmp_path, "dev") == expected


def test_a_key_without_a_value_is_an_empty_text_as_the_cli_passes_it(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text(
        "name: shop\nruntime: python\nconfig:\n  a: { default: 1 }\n"
    )
    (tmp_path / "Pulumi.dev.yaml").write_text("config:\n  a:\n  shop:b: ~\n  c: { d: }\n")
    expected = {"shop:a": "", "shop:b": "", "shop:c": {"d": None}}
    assert configured(tmp_path, "dev") == expected


def test_a_key_without_a_namespace_is_the_projects_and_the_last_of_two_spellings_counts(
    tmp_path: Path,
) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    text = "config:\n  a: 1\n  shop:a: 2\n  shop:b: 1\n  b: 2\n  shop:config:c: 3\n  other:a: 4\n"
    (tmp_path / "Pulumi.dev.yaml").write_text(text)
    assert read_config(tmp_path, "dev") == {"shop:a": 2, "shop:b": 2, "shop:c": 3, "other:a": 4}


def test_a_stack_is_configured_by_the_projects_file_and_its_own(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text(
        "name: shop\nruntime: python\n"
        "config:\n  a: { type: integer, default: 1 }\n  b: { type: string }\n"
        "  c: { default: 3 }\n  aws:region: { value: eu-west-1 }\n  other:d: 4\n"
    )
    (tmp_path / "Pulumi.dev.yaml").write_text("config:\n  a: 2\n")
    expected = {"shop:a": 2, "shop:c": 3, "aws:region": "eu-west-1", "other:d": 4}
    assert configured(tmp_path, "dev") == expected


TYPES = """name: shop
runtime: python
config:
  count: { type: integer, default: 1 }
  on: { type: boolean }
  names: { type: array, items: { type: string } }
  title: { type: string }
  rest: { type: object }
  other: 3
"""


@pytest.mark.parametrize(
    "text",
    [
        "count: 3",
        "shop:count: '3'",
        "count: -3",
        "on: true",
        "on: 'false'",
        "names: []",
        "names: [a, '5']",
        "title: 5",
        "title: true",
        "rest: 5",
        "other: [5]",
        "unknown: [5]",
        "count: { secure: v1:x }",
    ],
)
def test_a_value_that_the_cli_takes_for_the_declared_type_is_accepted(
    tmp_path: Path, text: str
) -> None:
    (tmp_path / "Pulumi.yaml").write_text(TYPES)
    (tmp_path / "Pulumi.dev.yaml").write_text(f"config: {{ {text} }}")
    assert wrong_types(read_project(tmp_path), read_config(tmp_path, "dev")) == []


@pytest.mark.parametrize(
    ("text", "flaw"),
    [
        ("count: three", 'count: "three"; allowed: a whole number, without a unit'),
        ("count: 512Mi", 'count: "512Mi"; allowed: a whole number, without a unit'),
        ("count: true", "count: true; allowed: a whole number, without a unit"),
        ("count: 3.5", "count: 3.5; allowed: a whole number, without a unit"),
        ("count: [3]", "count: [3]; allowed: a whole number, without a unit"),
        ("count:", 'count: ""; allowed: a whole number, without a unit'),
        ("on: yes", 'on: "yes"; allowed: true or false'),
        ("on: 'True'", 'on: "True"; allowed: true or false'),
        ("on: 1", "on: 1; allowed: true or false"),
        ("names: a", 'names: "a"; allowed: a list, like [a, b]'),
        ("names: { a: b }", 'names: {"a": "b"}; allowed: a list, like [a, b]'),
        ("names: [a, 5]", 'names: ["a", 5]; allowed: a list of texts; put numbers into quotes'),
        ("title: [a]", 'title: ["a"]; allowed: a text'),
    ],
)
def test_a_value_of_another_type_than_declared_is_described(
    tmp_path: Path, text: str, flaw: str
) -> None:
    (tmp_path / "Pulumi.yaml").write_text(TYPES)
    (tmp_path / "Pulumi.dev.yaml").write_text(f"config: {{ {text} }}")
    assert wrong_types(read_project(tmp_path), read_config(tmp_path, "dev")) == [f"shop:{flaw}"]


@pytest.mark.parametrize("declared", [None, "a", ["a"], {"a": 3}, {3: {"type": "integer"}}])
def test_types_of_a_project_that_declares_none_are_not_checked(declared: object) -> None:
    assert wrong_types({"name": "shop", "config": declared}, {"shop:a": "b"}) == []


def test_all_values_of_another_type_are_described(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text(TYPES)
    (tmp_path / "Pulumi.dev.yaml").write_text("config: { on: yes, count: three }")
    assert len(wrong_types(read_project(tmp_path), read_config(tmp_path, "dev"))) == 2


def test_a_stacks_name_may_have_dots(tmp_path: Path) -> None:
    for stack in ("prod", "a.b", "a"):
        (tmp_path / f"Pulumi.{stack}.yaml").write_text("")
    (tmp_path / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    assert stacks(tmp_path) == ["a", "a.b", "prod"]
    with pytest.raises(BadStackFile, match=r"no Pulumi\.new\.yaml; there is a, a\.b, prod$"):
        read_config(tmp_path, "new")


def test_a_misspelt_key_of_a_project_is_refused(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: shop\nconfigs: {}\n")
    with pytest.raises(
        BadStackFile, match=r"^Pulumi\.yaml: configs, which Pulumi ignores; allowed"
    ):
        read_project(tmp_path)
    (tmp_path / "Pulumi.yaml").write_text("name: shop\nruntime: python\nconfigs: {}\nconfig: {}\n")
    assert read_project(tmp_path)["name"] == "shop"


@pytest.mark.parametrize("key", ["runtim", "Runtime", "runtimes"])
def test_a_misspelt_runtime_is_refused_without_which_a_run_deletes_all(
    tmp_path: Path, key: str
) -> None:
    (tmp_path / "Pulumi.yaml").write_text(f"name: shop\n{key}: python\n")
    with pytest.raises(BadStackFile, match=rf"^Pulumi\.yaml: {key}, .* perhaps runtime$"):
        read_project(tmp_path)


def test_a_project_without_a_runtime_is_refused(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: shop\n")
    with pytest.raises(BadStackFile, match=r"^Pulumi\.yaml: no runtime, without which .* python$"):
        read_project(tmp_path)


@pytest.mark.parametrize("text", ["", "runtime: python\n", "name: 3\nruntime: python\n"])
def test_a_project_needs_a_name(tmp_path: Path, text: str) -> None:
    (tmp_path / "Pulumi.yaml").write_text(text)
    with pytest.raises(BadStackFile, match=r"Pulumi\.yaml: no name; give the project one"):
        read_project(tmp_path)


@pytest.mark.slow  # starts the commands
@pytest.mark.parametrize("text", ["foo", "config: [a]", "config: {a: 1, a: 2}", "config: {"])
def test_commands_that_read_a_damaged_file_report_the_same(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], text: str
) -> None:
    folder = project(tmp_path, text)
    with pytest.raises(BadStackFile) as refusal:
        read_config(folder, "dev")
    with pytest.raises(CannotExplain) as explained:
        main(["-C", str(folder), "route", "explain", "http://a.test/", "--stack", "dev"])
    assert main(["-C", str(folder), "cost", "--stack", "dev"]) == 1
    estimated = capfd.readouterr().err
    assert str(explained.value) == str(refusal.value)
    # As the console script prints an exception.
    assert estimated == f"pulumi-local: {refusal.value}\n"
