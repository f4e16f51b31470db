"""A stack that an earlier version of the program deployed is upgraded without a change.

The mocks decide as the engine does which resource is which, by URNs and aliases; that the engine
agrees is shown by tests/engine/test_upgrade.py, for one stack.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.infra import recorder
from tests.infra.upgrade.deployed import CHECKPOINT, read, versions

if TYPE_CHECKING:
    from pathlib import Path

FILES: list[Path] = []
for version in versions():
    FILES += [file for file in version.glob("*.json") if file.name != CHECKPOINT]


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_a_deployed_stack_is_upgraded_without_a_change(file: Path, tmp_path: Path) -> None:
    deployed = read(file)
    config = deployed.configuration(tmp_path)
    before = deployed.recording(config)
    today = recorder.run_under(
        recorder.Recorder(before.cloud), deployed.stack, config, after=before
    )
    assert not recorder.changes(today)
    assert len(today.operations) == len(deployed.resources) > 0
    components = {each.urn for each in today.registered if not each.custom}
    assert components == set(deployed.components)
