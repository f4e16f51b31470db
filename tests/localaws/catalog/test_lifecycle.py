"""Every type can be created, found, changed and deleted, with minimal valid inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from localaws.catalog import CATALOG

if TYPE_CHECKING:
    from tests.localaws.catalog.conftest import Account


@pytest.mark.parametrize("token", CATALOG)
def test_every_type_is_created_found_changed_and_deleted(account: Account, token: str) -> None:
    inputs = account.minimal(token)
    resource = account.make(token, **inputs)
    assert account.get(token, resource.id) is not None
    for import_id in CATALOG[token].import_ids(resource):
        assert account.find(token, import_id) is not None, f"{token} isn't found by {import_id}"
    assert resource.outputs.keys() >= inputs.keys()
    assert ("tagsAll" in resource.outputs) is CATALOG[token].tagged
    if CATALOG[token].tagged:
        assert resource.outputs["tagsAll"] == {}
        changed = account.update(token, resource.id, {**inputs, "tags": {"Stack": "dev"}})
        assert changed.outputs["tagsAll"] == {"Stack": "dev"}
        kept = {name: value for name, value in resource.computed.items() if name != "tagsAll"}
        assert changed.computed.items() >= kept.items(), "an update keeps what AWS chose"
    account.delete(token, resource.id)
    assert account.get(token, resource.id) is None
