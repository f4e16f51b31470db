"""Check that a test runs each Pulumi command of a document or message, or list why not."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
DOCUMENTS = (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"))
SOURCES = (
    *ROOT.glob("infra/**/*.py"),
    *ROOT.glob("localaws/**/*.py"),
    *ROOT.glob("verify/**/*.py"),
)

GROUPS = {"config", "plugin", "stack"}
"""Commands with subcommands."""

BESIDE = {"--non-interactive", "--stack", "--yes"}
"""Options that don't change what a command does."""

TRIED = {
    "pulumi cancel": (
        "engine/test_interrupted.py::test_a_killed_run_leaves_a_lock_and_a_destroy_or_an_up_after_it_needs_no_other_run"
    ),
    "pulumi config": (
        "engine/test_config_commands.py::test_commands_that_a_stack_takes_all_at_once_set_what_is_previewed"
    ),
    "pulumi config rm": (
        "engine/test_tutorial.py::test_without_a_container_engine_a_process_takes_the_images_part"
    ),
    "pulumi config set": (
        "engine/test_config_commands.py::test_a_command_of_the_manual_sets_what_its_key_takes"
    ),
    "pulumi config set --path": (
        "engine/test_config_commands.py::test_a_command_of_the_manual_sets_what_its_key_takes"
    ),
    "pulumi config set --path --plaintext": (
        "engine/test_config_commands.py::test_a_command_of_the_manual_sets_what_its_key_takes"
    ),
    "pulumi destroy": (
        "engine/test_target.py::test_a_protected_stack_is_destroyed_in_two_steps_and_its_logs_stay"
    ),
    "pulumi destroy --run-program": "engine/test_remedies.py::test_a_destroy_may_run_the_program",
    "pulumi import": (
        "engine/test_import.py::test_everything_that_a_stack_made_can_be_imported_into_another"
    ),
    "pulumi import --generate-code --parent --protect": (
        "engine/test_remedies.py::test_records_that_exist_are_taken_over_as_the_manual_says"
    ),
    "pulumi cost": "localaws/cli/test_cost.py::test_the_project_estimates_its_costs",
    "pulumi cost --format": "localaws/cli/test_cost.py::test_the_project_estimates_its_costs",
    "pulumi fail": "localaws/cli/test_disturbances.py::test_a_disturbance_prints_what_it_did",
    "pulumi alarm": "localaws/cli/test_disturbances.py::test_an_alarms_state_is_set_by_its_name",
    "pulumi interrupt": "localaws/cli/test_disturbances.py::test_a_disturbance_prints_what_it_did",
    "pulumi route": (
        "localaws/cli/test_route.py::"
        "test_explain_names_the_service_that_answers_and_why_earlier_rules_do_not"
    ),
    "pulumi help": (
        "localaws/cli/test_known_commands.py::"
        "test_the_help_of_a_command_of_the_cli_needs_no_project_and_starts_nothing"
    ),
    "pulumi logs": "engine/test_daemon.py::test_logs_show_what_the_containers_print",
    "pulumi logs --container": "engine/test_daemon.py::test_logs_show_what_the_containers_print",
    "pulumi logs --no-follow": "engine/test_daemon.py::test_logs_show_what_the_containers_print",
    "pulumi preview": (
        "engine/test_config_commands.py::test_commands_that_a_stack_takes_all_at_once_set_what_is_previewed"
    ),
    "pulumi preview --refresh": (
        "engine/test_remedies.py::test_a_preview_with_refresh_shows_that_something_else_runs"
    ),
    "pulumi exec": (
        "engine/test_containers.py::"
        "test_a_command_runs_in_a_container_with_its_files_network_and_exit_status"
    ),
    "pulumi exec --container": (
        "engine/test_containers.py::"
        "test_a_command_runs_in_a_container_with_its_files_network_and_exit_status"
    ),
    "pulumi internet --from": (
        "engine/test_containers.py::test_from_within_the_vpc_a_tasks_group_lets_nothing_in_either"
    ),
    "pulumi internet --closed": (
        "engine/test_containers.py::test_the_internet_has_the_real_addresses_and_ports"
    ),
    "pulumi internet": (
        "engine/test_containers.py::test_the_internet_has_the_real_addresses_and_ports"
    ),
    "pulumi refresh": (
        "engine/test_remedies.py::test_after_the_loss_of_its_records_the_local_aws_is_filled_again"
    ),
    "pulumi stack": "engine/test_daemon.py::test_status_shows_what_runs",
    "pulumi stack output": (
        "engine/test_lifecycle.py::"
        "test_the_deployed_service_passes_verification_by_the_documented_pipeline"
    ),
    "pulumi stack output --json": "engine/test_remedies.py::test_verify_reads_all_outputs",
    "pulumi stack rm": (
        "localaws/cli/test_pulumi_command.py::test_the_cli_then_removes_the_state_alone"
    ),
    "pulumi status --public-tasks": (
        "engine/test_containers.py::test_the_load_balancer_answers_and_no_tasks_public_address_does"
    ),
    "pulumi status --json": (
        "engine/test_containers.py::test_tasks_and_load_balancer_have_the_addresses_of_their_subnets"
    ),
    "pulumi status": "engine/test_daemon.py::test_status_shows_what_runs",
    "pulumi stop": "engine/test_daemon.py::test_stop_leaves_nothing_running_and_says_so",
    "pulumi up": "engine/test_lifecycle.py::test_a_second_up_changes_nothing",
    "pulumi up --refresh": (
        "engine/test_rollout.py::"
        "test_what_was_rolled_back_stays_failed_until_its_cause_is_fixed_and_up_refreshes"
    ),
    "pulumi up --replace": (
        "engine/test_remedies.py::"
        "test_a_first_deployment_whose_cause_was_elsewhere_is_deployed_again"
    ),
}
"""The test that runs a command, in tests/."""

NOT_TRIED = {
    "pulumi config get": "a quotation of the real provider's message",
    "pulumi config set --path --secret": "it reads a secret; encrypted maps are tried under mocks",
    "pulumi install": "it needs a package index; that pulumi-local passes it on is tested",
    "pulumi login": "there is no service to log in to; the local AWS keeps the state in files",
    "pulumi plugin install": "it needs Pulumi's servers",
    "pulumi stack init": "pulumi-local creates stacks itself",
}
"""Why no test runs a command."""


def form(command: str) -> str:
    """Return a command's subcommands and options, without arguments: `pulumi up --refresh`."""
    words = command.partition("  #")[0].replace("pulumi-local", "pulumi").split()
    depth = 3 if words[1:2] and words[1] in GROUPS else 2
    verbs = [word for word in words[1:depth] if re.fullmatch(r"[a-z]+", word)]
    options = {word.partition("=")[0] for word in words if word.startswith("--")}
    return " ".join(["pulumi", *verbs, *sorted(options - BESIDE - {"--"})])


def commands(text: str) -> Iterator[str]:
    """Find Pulumi's commands in code blocks and inline code, anywhere in the line."""
    text = text.replace("\\\n", " ")
    for line in re.findall(r"^ {4,}(\S.*)$", text, re.MULTILINE) + re.findall(r"`([^`\n]+)`", text):
        yield from re.findall(r"(?:^|[|&(] ?|-- |bin/|run )(pulumi(?:-local)? [a-z][^|&)]*)", line)


def given() -> dict[str, set[str]]:
    """Return the files that contain a command, by the command's form."""
    found: dict[str, set[str]] = {}
    for path in (*DOCUMENTS, *SOURCES):
        for command in commands(path.read_text()):
            found.setdefault(form(command), set()).add(str(path.relative_to(ROOT)))
    return found


def test_every_command_of_a_document_or_message_is_tried_or_listed_with_a_reason() -> None:
    listed = TRIED.keys() | NOT_TRIED.keys()
    found = given()
    for command, files in found.items():
        assert command in listed, (
            f"{sorted(files)}: run it in a test and add it to TRIED, or add the reason why not to "
            "NOT_TRIED"
        )
    assert not listed - found.keys(), "no document or message contains these any more"
    assert not TRIED.keys() & NOT_TRIED.keys()


@pytest.mark.parametrize("command", TRIED)
def test_the_test_that_tries_a_command_exists(command: str) -> None:
    file, _, name = TRIED[command].partition("::")
    assert re.search(rf"^def {name}\(", (ROOT / "tests" / file).read_text(), re.MULTILINE)


def test_the_readme_says_that_commands_of_the_aws_cli_were_not_run() -> None:
    unproven = (ROOT / "README.md").read_text().partition("## What was not proven")[2]
    assert "commands of the AWS CLI" in " ".join(unproven.split())


@pytest.mark.parametrize(
    ("text", "forms"),
    [
        ("    pulumi up --stack dev  # now", ["pulumi up"]),
        ("run `pulumi-local destroy --yes`, then", ["pulumi destroy"]),
        ("    address=$(pulumi-local stack output albDns)", ["pulumi stack output"]),
        ("    verify watch -- pulumi up --yes", ["pulumi up"]),
        (
            "    .venv/bin/pulumi-local destroy --yes && .venv/bin/pulumi-local stop",
            ["pulumi destroy", "pulumi stop"],
        ),
        ("    pulumi import aws:x/y:Z a b \\\n      --protect=false", ["pulumi import --protect"]),
        ("`pulumi up --replace '**TaskDefinition**'`", ["pulumi up --replace"]),
    ],
)
def test_commands_are_found_anywhere_in_a_line(text: str, forms: list[str]) -> None:
    assert [form(command) for command in commands(text)] == forms
