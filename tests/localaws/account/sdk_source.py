"""The SDK's source code of its functions."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path


def sdk_outputs(token: str) -> set[str]:
    """Return the names in the SDK's result type of a function."""
    getters = re.findall(
        r'@pulumi\.getter(?:\(name="(\w+)"\))?\n(?:    @.*\n)*    def (\w+)\(', sdk_source(token)
    )
    return {renamed or plain for renamed, plain in getters}


def sdk_source(token: str) -> str:
    """Return the SDK's source code of a function; reading it is faster than importing it."""
    package = find_spec("pulumi_aws")
    assert package is not None
    assert package.submodule_search_locations is not None
    module, name = token.split("/")
    folder = Path(package.submodule_search_locations[0]) / module.replace("index", "")
    snake_case = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    return (folder / f"{snake_case}.py").read_text()
