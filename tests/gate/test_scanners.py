"""Scans: their findings, and errors if a scanner is incomplete, fails or can't be installed.

The scanners are scripts of the tests.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from gate import __main__ as command
from gate.findings import Finding
from gate.scanners import running
from gate.scanners.running import ScannerError
from tools.gate import NoScannersError, find_or_install

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from gate.graph import Graph

LISTENER = {"check_id": "CKV_AWS_2", "resource": "aws_lb_listener.dev__alb_http"}


def report(count: int, *failed: dict[str, str], parsing_errors: int = 0) -> str:
    summary = {"resource_count": count, "parsing_errors": parsing_errors}
    return json.dumps(
        {
            "summary": summary,
            "results": {"failed_checks": list(failed), "parsing_errors": ["plan.json"]},
        }
    )


def write_scanner(folder: Path, name: str, output: str, code: int = 0) -> None:
    path = folder / name
    (folder / f"{name}.out").write_text(output)
    path.write_text(f"#!/bin/sh\ncat '{folder}/{name}.out'\necho an error >&2\nexit {code}\n")
    path.chmod(0o755)


def scan(folder: Path, graphs: Mapping[str, Graph]) -> set[Finding]:
    return running.scan(folder, {"dev": graphs["dev"]})


def test_findings_name_the_programs_resources(graphs: Mapping[str, Graph], tmp_path: Path) -> None:
    place = {"Path": ["Resources", "ListenerAlbHttp", "Properties"]}
    match = {"Filename": "dev.template.json", "Rule": {"Id": "E3676"}, "Location": place}
    write_scanner(tmp_path, "checkov", report(len(graphs["dev"].nodes), LISTENER), 1)
    write_scanner(tmp_path, "cfn-lint", json.dumps([match, {**match, "Location": {"Path": []}}]), 2)
    assert scan(tmp_path, graphs) == {
        Finding("dev", "CKV_AWS_2", "Listener alb-http"),
        Finding("dev", "E3676", "Listener alb-http"),
        Finding("dev", "E3676", "the template"),
    }


@pytest.mark.parametrize(
    ("output", "code", "reason"),
    [
        ("", 1, "checkov ended with 1:\nan error"),
        ("Traceback", 2, "checkov ended with 2:\nan error"),
        ("{}", 137, "checkov ended with 137"),
        (report(3), 0, "checkov looked at 3 of "),
        (json.dumps([]), 0, "checkov looked at 0 of "),
    ],
)
def test_an_incomplete_scan_fails(
    graphs: Mapping[str, Graph], tmp_path: Path, output: str, code: int, reason: str
) -> None:
    write_scanner(tmp_path, "checkov", output, code)
    write_scanner(tmp_path, "cfn-lint", "[]")
    with pytest.raises(ScannerError) as error:
        scan(tmp_path, graphs)
    assert reason in str(error.value)


def test_a_plan_that_checkov_cannot_read_fails(graphs: Mapping[str, Graph], tmp_path: Path) -> None:
    write_scanner(tmp_path, "checkov", report(len(graphs["dev"].nodes), parsing_errors=1))
    write_scanner(tmp_path, "cfn-lint", "[]")
    with pytest.raises(ScannerError, match=r"checkov couldn't read \['plan.json'\]"):
        scan(tmp_path, graphs)


@pytest.mark.parametrize(("output", "code"), [("", 0), ("[]", 1), ("[]", 127)])
def test_a_failed_linter_fails_the_scan(
    graphs: Mapping[str, Graph], tmp_path: Path, output: str, code: int
) -> None:
    write_scanner(tmp_path, "checkov", report(len(graphs["dev"].nodes)))
    write_scanner(tmp_path, "cfn-lint", output, code)
    with pytest.raises(ScannerError, match=f"cfn-lint ended with {code}"):
        scan(tmp_path, graphs)


def test_a_scanner_that_hangs_is_ended(
    graphs: Mapping[str, Graph], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "TIMEOUT_SECONDS", 0.2)
    (tmp_path / "checkov").write_text("#!/bin/sh\nexec sleep 60\n")
    (tmp_path / "checkov").chmod(0o755)
    write_scanner(tmp_path, "cfn-lint", "[]")
    with pytest.raises(ScannerError, match=r"checkov wasn't done after 0.2 s"):
        scan(tmp_path, graphs)


def test_a_users_settings_do_not_affect_the_scanners(
    graphs: Mapping[str, Graph], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CKV_SKIP_CHECK", "CKV_AWS_2")
    write_scanner(tmp_path, "checkov", report(len(graphs["dev"].nodes)))
    write_scanner(tmp_path, "cfn-lint", "[]")
    printed = tmp_path / "environment"
    (tmp_path / "checkov").write_text(
        f"#!/bin/sh\nenv > '{printed}'; ls -A \"$HOME\" >> '{printed}'\n"
        f"cat '{tmp_path}/checkov.out'\n"
    )
    scan(tmp_path, graphs)
    assert "CKV_" not in printed.read_text()
    assert "\nplan.json" in printed.read_text(), (
        "HOME is the folder with the plan, without the user's files"
    )


def test_the_gate_reports_scanners_that_cannot_be_installed(
    graphs: Mapping[str, Graph],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert graphs
    uv = tmp_path / "uv"
    uv.write_text(
        '#!/bin/sh\n[ "$1" = venv ] && exit 0\necho \'error: failed to fetch: the '
        "index' >&2\nexit 2\n"
    )
    uv.chmod(0o755)
    monkeypatch.setattr(running, "find", lambda: find_or_install(tmp_path / "cache", lambda: uv))
    monkeypatch.setattr(sys, "argv", ["gate"])
    with pytest.raises(SystemExit) as exit_:
        command.main()
    assert exit_.value.code == 2
    output = capsys.readouterr()
    assert output.err.startswith("Running the program in 8 configurations.\n")
    assert "The gate failed to run:" in output.err
    assert "failed to fetch: the index" in output.err
    assert "Nothing was checked. They come from the package index" in output.err
    assert not output.out


def test_an_interrupted_gate_ends_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted() -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "check", interrupted)
    monkeypatch.setattr(sys, "argv", ["gate"])
    with pytest.raises(SystemExit) as exit_:
        command.main()
    assert exit_.value.code == 130
    assert capsys.readouterr().err == "The gate was interrupted. Nothing was reported\n"


def test_the_gate_prints_what_it_does_before_it_takes_time(
    graphs: Mapping[str, Graph],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert graphs

    def scan(_scanners: Path, _graphs: Mapping[str, Graph]) -> set[Finding]:
        raise ScannerError("checkov: no answer")

    monkeypatch.setattr(running, "find", lambda: None)
    monkeypatch.setattr(running, "scan", scan)
    with pytest.raises(ScannerError):
        command.check()
    assert "checkov and cfn-lint" in capsys.readouterr().err


def test_installed_scanners_are_not_installed_again(tmp_path: Path) -> None:
    installations: list[Path] = []

    def uv() -> Path:
        path = tmp_path / "uv"
        # `uv venv` has the environment as last argument; then the fourth one is its Python.
        path.write_text(
            "#!/bin/sh\n"
            'if [ "$1" = venv ]; then for last; do :; done; mkdir -p "$last/bin"; touch '
            '"$last/bin/python"; exit; fi\n'
            'cd "$(dirname "$4")" && touch checkov cfn-lint policy_sentry\n'
        )
        path.chmod(0o755)
        installations.append(path)
        return path

    first = find_or_install(tmp_path / "cache", uv)
    assert sorted(each.name for each in first.iterdir()) == [
        "cfn-lint",
        "checkov",
        "policy_sentry",
        "python",
    ]
    assert find_or_install(tmp_path / "cache", uv) == first
    assert len(installations) == 1
    (first / "checkov").unlink()
    assert find_or_install(tmp_path / "cache", uv) == first
    assert len(installations) == 2, "a broken installation is repeated"


def test_changed_pins_install_the_scanners_again(tmp_path: Path) -> None:
    pins = [tmp_path / "one.txt", tmp_path / "two.txt"]
    for pin in pins:
        pin.write_text(pin.name)

    def no_uv() -> Path:
        raise OSError("no uv")

    for pin in pins:
        with pytest.raises(NoScannersError, match="no uv"):
            find_or_install(tmp_path / "cache", no_uv, pin)
