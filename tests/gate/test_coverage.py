"""Settings that the gate's configurations cover, and rules that its manual covers."""

from __future__ import annotations

from gate.configurations import EVERYTHING, ROOT
from gate.rules import RULES
from infra.settings import kinds
from infra.settings.kinds import Flag


def test_the_configuration_with_everything_on_sets_every_switch() -> None:
    switches = {key for key, kind in kinds().items() if isinstance(kind, Flag)}
    assert switches - set(EVERYTHING) <= {"deletionProtection", "internal", "emptyLogsOnDestroy"}, (
        "a new switch belongs into gate/configurations.py, or is one of those that "
        "prod's file or no file sets"
    )


def test_the_manual_names_every_rule_of_our_own() -> None:
    manual = (ROOT / "docs" / "gate.md").read_text()
    assert {name for name in RULES if f"`{name}`" not in manual} == set()
