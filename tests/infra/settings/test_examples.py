"""The stack files that the manual shows are accepted."""

from __future__ import annotations

import re
import textwrap
from typing import Any

import pytest
import yaml

from tests.infra import recorder
from tests.infra.settings.loading import load

PAGES = sorted((recorder.ROOT_FOLDER / "docs").glob("*.md"))
BLOCK = re.compile(r"^    config:\n((?:      .*\n|\n(?=      ))+)", re.MULTILINE)
PREFIX = f"{recorder.PROJECT}:"


def examples() -> dict[str, dict[str, Any]]:
    """Return the keys of each example by its page and number, without those that build an image.

    An image that is built needs its folder.
    """
    found: dict[str, dict[str, Any]] = {}
    for page in PAGES:
        for number, block in enumerate(BLOCK.findall(page.read_text()), 1):
            text = textwrap.dedent(block).replace("sha256:…", f"sha256:{'0' * 64}")
            keys = {key.removeprefix(PREFIX): value for key, value in yaml.safe_load(text).items()}
            if "build" not in keys:
                found[f"{page.name}-{number}"] = keys
    return found


EXAMPLES = examples()


def test_the_manual_has_examples_of_services_routes_and_scaling() -> None:
    assert {"services.md-1", "routes.md-1", "scaling.md-1"} <= EXAMPLES.keys()


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_accepted(name: str) -> None:
    load(**EXAMPLES[name])
