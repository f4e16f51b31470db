"""The register of accepted findings, its form, and its comparison with the findings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml

from gate import findings
from gate.__main__ import REGISTER
from gate.configurations import CONFIGURATIONS, ROOT
from gate.findings import Comparison, Finding, RegisterError
from gate.rules import RULES

if TYPE_CHECKING:
    from pathlib import Path

FOUND = Finding("dev", "CKV_AWS_91", "LoadBalancer alb")
ENTRY = {
    "rules": ["CKV_AWS_91"],
    "stacks": ["dev"],
    "resources": ["LoadBalancer alb"],
    "why": "It costs.",
    "control": "prod has it.",
    "proof": "tests/gate/test_findings.py::test_accepted_findings_pass",
    "remove": "Switch it on.",
}


def written(folder: Path, *entries: object) -> Path:
    path = folder / "exceptions.yaml"
    path.write_text(yaml.safe_dump(list(entries), sort_keys=False))
    return path


def test_accepted_findings_pass(tmp_path: Path) -> None:
    assert findings.judge({FOUND}, findings.read(written(tmp_path, ENTRY))) == Comparison([], [])


@pytest.mark.parametrize(
    "other",
    [
        Finding("prod", "CKV_AWS_91", "LoadBalancer alb"),
        Finding("dev", "CKV_AWS_92", "LoadBalancer alb"),
        Finding("dev", "CKV_AWS_91", "LoadBalancer other"),
    ],
)
def test_a_finding_in_another_stack_or_resource_is_new(tmp_path: Path, other: Finding) -> None:
    comparison = findings.judge({FOUND, other}, findings.read(written(tmp_path, ENTRY)))
    assert comparison.new == [other]
    assert not comparison.obsolete


def test_an_entry_without_a_finding_is_obsolete(tmp_path: Path) -> None:
    register = findings.read(written(tmp_path, {**ENTRY, "stacks": ["dev", "prod"]}))
    comparison = findings.judge({FOUND}, register)
    assert comparison.obsolete == [Finding("prod", "CKV_AWS_91", "LoadBalancer alb")]


def test_an_entry_accepts_each_rule_for_each_resource_in_each_stack(tmp_path: Path) -> None:
    many = {**ENTRY, "rules": ["a", "b"], "stacks": ["dev", "prod"], "resources": ["x", "y", "z"]}
    (entry,) = findings.read(written(tmp_path, many))
    assert len(set(entry.findings())) == 12


@pytest.mark.parametrize("name", ENTRY)
def test_an_entry_without_one_of_the_fields_is_refused(tmp_path: Path, name: str) -> None:
    fewer = {key: value for key, value in ENTRY.items() if key != name}
    with pytest.raises(RegisterError, match=r"entry 1: expected the fields rules, stacks"):
        findings.read(written(tmp_path, fewer))


@pytest.mark.parametrize("name", ENTRY)
def test_an_entry_with_an_empty_field_is_refused(tmp_path: Path, name: str) -> None:
    empty = {**ENTRY, name: type(ENTRY[name])()}
    with pytest.raises(RegisterError, match=f"entry 1 .*`{name}` is empty"):
        findings.read(written(tmp_path, empty))


def test_a_former_rule_id_is_refused_with_the_present_one(tmp_path: Path) -> None:
    for former, present in findings.RENAMED.items():
        entry = {**ENTRY, "rules": [former]}
        with pytest.raises(RegisterError, match=f"entry 1: `{former}` is now called `{present}`"):
            findings.read(written(tmp_path, entry))


def test_every_former_rule_id_maps_to_an_existing_rule() -> None:
    assert set(findings.RENAMED.values()) <= set(RULES)
    assert set(RULES).isdisjoint(findings.RENAMED)


def test_a_finding_that_is_accepted_twice_is_refused(tmp_path: Path) -> None:
    again = {**ENTRY, "why": "Another reason."}
    with pytest.raises(
        RegisterError, match="dev: CKV_AWS_91 at LoadBalancer alb is accepted twice"
    ):
        findings.read(written(tmp_path, ENTRY, again))


@pytest.mark.parametrize(
    ("proof", "there"),
    [
        (ENTRY["proof"], True),
        ("tests/gate/test_findings.py::test_that_does_not_exist", False),
        ("tests/gate/test_nowhere.py::test_a", False),
        ("tests/gate/test_findings.py", False),
        ("tests/gate/test_findings.py::written", False),
    ],
)
def test_a_proof_is_a_test_that_exists(proof: str, *, there: bool) -> None:
    assert findings.proven(proof, ROOT) is there


def test_every_control_in_the_register_has_its_proof() -> None:
    register = findings.read(REGISTER)
    assert not [entry.proof for entry in register if not findings.proven(entry.proof, ROOT)]


def test_the_register_names_existing_configurations() -> None:
    for entry in findings.read(REGISTER):
        assert set(entry.stacks) <= CONFIGURATIONS.keys()
