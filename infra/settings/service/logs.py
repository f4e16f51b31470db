"""The log router of a task (FireLens), and the containers whose output it gets."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

from infra.errors import Problem
from infra.settings.collection_kinds import Map
from infra.settings.kinds import OrNone, Text
from infra.settings.service.container import CONTAINER_NAME, FOLDER
from infra.settings.service.log_patterns import flaw as pattern_flaw
from infra.settings.service.secrets import SECRETS, secrets_elsewhere
from infra.settings.topic import Topic, key, relation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from infra.aws.environment import AwsEnvironment

ROUTER_PORTS: Final = (24224, 8877)
"""Ports of a log router, for records and for its health check. Source: amazon-ecs-agent,
`firelensconfig_unix.go`.
"""

LOG_ROUTER: Final = OrNone(Text("fluentbit", "fluentbit"), "empty for a container that is none")
LOG_ROUTER_FILE: Final = OrNone(
    Text(FOLDER, "a file's absolute path in the image"), "empty for no file"
)
LOG_TO: Final = OrNone(CONTAINER_NAME, "empty for CloudWatch Logs")
LOG_OPTIONS: Final = Map(
    Text(
        r"[A-Za-z_][A-Za-z0-9_.-]*",
        "an option of Fluent Bit's output, include-pattern, exclude-pattern or "
        "log-driver-buffer-limit",
    ),
    Text(r"[^\x00-\x1f\x7f]+", "a text of one line"),
)

OUTPUT: Final = "Name"
"""The option that names the output."""

NAMED_OUTPUT: Final = f"{OUTPUT} with the output of Fluent Bit, such as cloudwatch_logs"
_PATTERNS: Final = ("include-pattern", "exclude-pattern")
_BUFFER_LIMIT: Final = "log-driver-buffer-limit"
_NEED_NO_OUTPUT: Final = (*_PATTERNS, _BUFFER_LIMIT)
_MOST_LINES: Final = 536_870_911
"""Source: ECS developer guide, "Configuring Amazon ECS logs for high throughput"."""


@dataclass(frozen=True, kw_only=True)
class LogSettings(Topic):
    """Where the output of the service's container goes."""

    log_to: str | None = key(LOG_TO)
    log_options: dict[str, str] = key(LOG_OPTIONS)
    log_secrets: dict[str, str] = key(SECRETS)

    def problems(self) -> Iterator[Problem]:
        """Check that options have an output."""
        yield from option_problems(self)

    def problems_in(self, environment: AwsEnvironment) -> Iterator[Problem]:
        """Check that secrets are in the stack's region."""
        yield from secrets_elsewhere(environment, "logSecrets", self.log_secrets or {})


class Routed(Protocol):
    """A container's settings about its output."""

    @property
    def unread(self) -> Mapping[str, Problem]:
        """Fields whose values couldn't be read."""

    def part(self, name: str) -> Any:
        """Return the entries of a field, or those that are allowed if others aren't."""

    @property
    def log_to(self) -> str | None:
        """The log router, None for CloudWatch Logs."""

    @property
    def log_options(self) -> Mapping[str, str]:
        """Options of the output."""

    @property
    def log_secrets(self) -> Mapping[str, str]:
        """Options of the output that are secrets, by what has their values."""


def option_problems(logs: Routed) -> Iterator[Problem]:
    """Check the options of a container's output by themselves."""
    yield from _options_are_used(logs)
    yield from _options_have_one_source(logs)
    yield from _options_of_ecs_are_right(logs)
    yield from _output_is_no_secret(logs)
    yield from _output_is_named(logs)


@relation("log_to")
def _options_are_used(logs: Routed) -> Iterator[Problem]:
    if logs.log_to:
        return
    for name, options in (
        ("logOptions", logs.part("log_options")),
        ("logSecrets", logs.part("log_secrets")),
    ):
        if options:
            yield Problem(
                name,
                f"{', '.join(sorted(options))} without logTo",
                "none, or logTo with the name of a sidecar that has logRouter",
                unused=True,
            )


def _options_have_one_source(logs: Routed) -> Iterator[Problem]:
    for name in sorted(logs.part("log_options").keys() & logs.part("log_secrets").keys()):
        yield Problem(
            "logOptions",
            f"{name}, which logSecrets has too",
            "a name that only one of the two has",
        )


@relation("log_to")
def _output_is_no_secret(logs: Routed) -> Iterator[Problem]:
    if logs.log_to and OUTPUT in logs.part("log_secrets"):
        yield Problem(
            "logSecrets",
            f"{OUTPUT}, which names the output and isn't a secret",
            f"other options of the output; {OUTPUT} must be in logOptions",
        )


@relation("log_to", "log_options", "log_secrets")
def _output_is_named(logs: Routed) -> Iterator[Problem]:
    of_output = _of_output(logs)
    if logs.log_to and of_output and OUTPUT not in of_output:
        yield Problem(
            "logOptions", f"{', '.join(sorted(of_output))} without {OUTPUT}", NAMED_OUTPUT
        )


def _options_of_ecs_are_right(logs: Routed) -> Iterator[Problem]:
    """Check the options that ECS uses itself, rather than Fluent Bit's output."""
    path = "logOptions"
    options = logs.part("log_options")
    limit = options.get(_BUFFER_LIMIT, "0")
    if not re.fullmatch(r"[0-9]{1,9}", limit) or int(limit) > _MOST_LINES:
        yield Problem(
            path, f"{_BUFFER_LIMIT} {limit}", f"a whole number of lines from 0 to {_MOST_LINES}"
        )
    for name in _PATTERNS:
        flaw = pattern_flaw(options[name]) if name in options else None
        if flaw:
            yield Problem(
                path,
                f"{name} {options[name]}, in which {flaw}",
                "a regular expression in Ruby's syntax, which Fluent Bit takes",
            )


def lost(logs: Routed) -> bool:
    """Return whether a container's options let its log router drop the output.

    Options of an output without its name are refused by `option_problems`.
    """
    return not _of_output(logs)


def _of_output(logs: Routed) -> set[str]:
    return {*logs.log_options, *logs.log_secrets} - set(_NEED_NO_OUTPUT)
