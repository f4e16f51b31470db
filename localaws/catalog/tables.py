"""The catalog's generated tables: JSON files beside the code, read when a rule first needs one.

Rules are pure in spite of that: reading a table is like importing a module. It is done late because
most commands check no resource.
"""

from __future__ import annotations

import json
import pkgutil
from functools import cache
from typing import Any


@cache
def table(name: str) -> dict[str, Any]:
    """Return the table in `data/NAME.json`; `make models` writes it."""
    # Found through the package, so that a wheel or a zip archive has it too.
    text = pkgutil.get_data(__package__, f"data/{name}.json")
    if text is None:
        raise FileNotFoundError(f"localaws/catalog/data/{name}.json is missing: install it again")
    found: dict[str, Any] = json.loads(text)
    return found
