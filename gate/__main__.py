"""`python -m gate` checks every configuration.

`python -m gate reachability` prints who can reach what in each, and `python -m gate permissions`
the policies of the principals that deploy and preview them.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec

if find_spec("pulumi") is None:
    sys.stderr.write(
        f"The gate failed to run: pulumi isn't installed for {sys.executable}: run `make gate`, or "
        "`make setup` and then `.venv/bin/python -m gate`\n"
    )
    sys.exit(2)

import argparse
import json
from typing import TYPE_CHECKING, Final, NoReturn

from gate import findings, reachability, rules
from gate.configurations import CONFIGURATIONS, ROOT, NotRecordedError, calls, graph_of
from gate.permissions import authorization, policies
from gate.permissions.policies import UnknownToTheTableError
from gate.scanners import running
from tools.gate import NoScannersError
from tools.running import say

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

REGISTER: Final = ROOT / "docs" / "exceptions.yaml"
GOLDEN: Final = ROOT / "docs" / "reachability"
POLICIES: Final = ROOT / "docs" / "permissions"

INTERRUPTED: Final = 130
"""The exit code of a shell's command that SIGINT ended."""


def golden(stack: str) -> Path:
    """Return the file that records the open network paths of a stack."""
    return GOLDEN / f"{stack}.txt"


def check() -> str:
    """Check every configuration, and return the report; it is empty when all is as accepted.

    Raises:
        NotRecordedError: A configuration can't be deployed.
        NoScannersError: The scanners can't be installed.
        ScannerError: One failed, or didn't check everything.
        RegisterError: The register can't be read.
    """
    register = findings.read(REGISTER)
    say(f"Running the program in {len(CONFIGURATIONS)} configurations.")
    graphs = {stack: graph_of(stack) for stack in CONFIGURATIONS}
    installed = running.find()
    say("Reviewing what it registers with checkov and cfn-lint, which takes most of the time.")
    found = running.scan(installed, graphs)
    say("Reviewing it by this project's rules, and the policies.")
    for stack, graph in graphs.items():
        found |= rules.findings(stack, graph)
    comparison = findings.judge(found, register)
    proofs = {entry.proof for entry in register}
    unproven = sorted(proof for proof in proofs if not findings.proven(proof, ROOT))
    return "".join(
        (
            _section(
                "Found, and not in docs/exceptions.yaml; fix it, or add an entry that says why it "
                "may stay",
                comparison.new,
            ),
            _section(
                "In docs/exceptions.yaml, and no longer found; remove it there",
                comparison.obsolete,
            ),
            _section("Named as a proof in docs/exceptions.yaml, and no such test", unproven),
            _section(
                "Wrong with the policies of docs/permissions.md", sorted(_policy_flaws(installed))
            ),
        )
    )


def _section(title: str, problems: Sequence[object]) -> str:
    """Return a section of the report; empty without problems."""
    if not problems:
        return ""
    lines = "".join(f"  {problem}\n" for problem in problems)
    return f"{title}:\n{lines}"


def _policy_flaws(installed: Path) -> Iterator[str]:
    """Yield the flaws of the policies, and the files of docs/permissions that differ from them."""
    table = policies.read()
    documents = policies.documents(table, *calls())
    granted: set[str] = set()
    for statement in (*table.statements, *table.denied):
        granted.update(statement.actions)
    known = authorization.reference(installed, granted)
    for name, document in documents.items():
        text = policies.text_of(document)
        file = POLICIES / f"{name}.json"
        if not file.exists() or file.read_text() != text:
            yield f"{file.relative_to(ROOT)} isn't what the table makes: run `make permissions`"
        if not name.startswith("trust-"):
            filled = json.loads(policies.filled_in(text, table.samples))
            for flaw in authorization.flaws(filled, known, newer=table.newer):
                yield f"{name}: {flaw}"
    for action in authorization.writes(documents["preview"], known):
        yield f"preview: {action} changes something"


def main() -> NoReturn:
    """Exit 0 when all is well, 1 when something was found, 2 when the gate failed to run.

    An interrupt exits by 130, as in a shell.
    """
    parser = argparse.ArgumentParser(prog="python -m gate", description=__doc__)
    parser.add_argument(
        "what", nargs="?", choices=("check", "reachability", "permissions"), default="check"
    )
    parser.add_argument(
        "--write",
        action="store_true",
        help="reachability, permissions: write the folder in docs instead of printing",
    )
    options = parser.parse_args()
    try:
        if options.what == "reachability":
            _print_reachability(write=options.write)
        if options.what == "permissions":
            _print_permissions(write=options.write)
        problems = check()
    except (
        NotRecordedError,
        NoScannersError,
        running.ScannerError,
        findings.RegisterError,
        UnknownToTheTableError,
    ) as reason:
        sys.stderr.write(f"The gate failed to run: {reason}\n")
        sys.exit(2)
    except KeyboardInterrupt:
        sys.stderr.write("The gate was interrupted. Nothing was reported\n")
        sys.exit(INTERRUPTED)
    if problems:
        sys.stderr.write(problems)
        sys.exit(1)
    accepted = 0
    for entry in findings.read(REGISTER):
        accepted += len(list(entry.findings()))
    sys.stdout.write(
        f"{', '.join(CONFIGURATIONS)}: nothing but the {accepted} accepted findings.\n"
    )
    sys.exit(0)


def _print_reachability(*, write: bool) -> NoReturn:
    for stack in CONFIGURATIONS:
        text = reachability.report(stack, graph_of(stack))
        if write:
            golden(stack).parent.mkdir(exist_ok=True)
            golden(stack).write_text(text)
        else:
            sys.stdout.write(f"{text}\n")
    sys.exit(0)


def _print_permissions(*, write: bool) -> NoReturn:
    for name, document in policies.documents(policies.read(), *calls()).items():
        text = policies.text_of(document)
        if write:
            POLICIES.mkdir(exist_ok=True)
            (POLICIES / f"{name}.json").write_text(text)
        else:
            sys.stdout.write(f"{name}:\n{text}\n")
    sys.exit(0)


if __name__ == "__main__":
    main()
