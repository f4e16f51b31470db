"""The file of SSM parameters: what it may hold, and that values stay out of sight."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from localaws.cloud import SeededParameter
from localaws.parameters import BadParameters, load

if TYPE_CHECKING:
    from pathlib import Path


def test_a_text_is_a_string_and_a_table_says_its_type(tmp_path: Path) -> None:
    file = tmp_path / "parameters.toml"
    file.write_text('"/a" = "one"\n["/b"]\ntype = "SecureString"\nvalue = "two"\n')
    assert load(file) == {"/a": SeededParameter("one"), "/b": SeededParameter("two", "SecureString")}


def test_no_file_means_no_parameters(tmp_path: Path) -> None:
    assert load(tmp_path / "missing.toml") == {}


def test_a_value_is_not_in_the_repr() -> None:
    assert "hunter2" not in repr(SeededParameter("hunter2", "SecureString"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('"/a" = ', "not valid TOML"),
        ('"/a" = 3', "'/a' must be a text"),
        ('["/a"]\ntype = "Secret"\nvalue = "hunter2"', "String, StringList, SecureString"),
        ('["/a"]\nvalue = "hunter2"', "'/a' must be"),
        ('["/a"]\ntype = "String"\nvalue = "hunter2"\nextra = 1', "'/a' must be"),
    ],
)
def test_a_bad_file_is_named_with_what_is_allowed_but_never_a_value(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "parameters.toml"
    file.write_text(text)
    with pytest.raises(BadParameters) as caught:
        load(file)
    assert "parameters.toml" in str(caught.value)
    assert said in str(caught.value)
    assert "hunter2" not in str(caught.value)
