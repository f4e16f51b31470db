"""What the shell sees: one table, documented in `--help` and docs/verify.md, never renumbered."""

from collections.abc import Iterable
from enum import IntEnum


class ExitCode(IntEnum):
    """How a run ended.

    The report calls a verdict by its name in lower case, and from 30 on a fault.
    """

    PASSED = 0
    FAILED = 1
    USAGE = 2
    UNREACHABLE = 3
    INCONCLUSIVE = 4
    NO_NAME = 30
    NO_CONNECTION = 31
    NO_TLS = 32
    BAD_CERTIFICATE = 33
    BALANCER_ERROR = 34
    APPLICATION_ERROR = 35
    WRONG_REDIRECT = 36
    WRONG_VERSION = 37
    INTERNAL = 70
    UNWRITTEN = 74
    INTERRUPTED = 130
    TERMINATED = 143


MEANINGS = {
    ExitCode.PASSED: "all checks passed",
    ExitCode.FAILED: "a check failed, for another cause than 30 to 37",
    ExitCode.USAGE: "unusable input or a wrong option; nothing was sent",
    ExitCode.UNREACHABLE: (
        "only failures and 5xx until the deadline, for another cause than 30 to 37"
    ),
    ExitCode.INCONCLUSIVE: "a check was inconclusive (0 with --allow-inconclusive)",
    ExitCode.NO_NAME: "the name does not resolve, or to no load balancer's address",
    ExitCode.NO_CONNECTION: "nothing listens at the address, or packets are dropped on the way",
    ExitCode.NO_TLS: "the TLS handshake fails",
    ExitCode.BAD_CERTIFICATE: "the certificate is refused, or ends too soon",
    ExitCode.BALANCER_ERROR: (
        "the load balancer's own error, by its Server header or page: 502, 503, 504, 463, 404 ..."
    ),
    ExitCode.APPLICATION_ERROR: "the application's own 5xx, recognised by the same signs",
    ExitCode.WRONG_REDIRECT: "an unexpected redirect, or one to the wrong URL",
    ExitCode.WRONG_VERSION: "an unexpected body or header: another version?",
    ExitCode.INTERNAL: "a bug in verify",
    ExitCode.UNWRITTEN: "all checks passed, but a report could not be written",
    ExitCode.INTERRUPTED: "SIGINT, after reporting what was measured",
    ExitCode.TERMINATED: "SIGTERM, after reporting what was measured",
}


def first_met(faults: Iterable[ExitCode | None]) -> ExitCode | None:
    """Return the fault that a request meets first: fault numbers follow a request's path."""
    return min(filter(None, faults), default=None)
