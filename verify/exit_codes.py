"""What the shell sees: one table, documented in `--help` and docs/verify.md, never renumbered."""

from enum import IntEnum


class ExitCode(IntEnum):
    """How a run ended; its lower-case name is the report's verdict."""

    PASSED = 0
    FAILED = 1
    USAGE = 2
    UNREACHABLE = 3
    INCONCLUSIVE = 4
    INTERNAL = 70
    INTERRUPTED = 130
    TERMINATED = 143


MEANINGS = {
    ExitCode.PASSED: "all checks passed",
    ExitCode.FAILED: "a check failed: the service answers, but wrongly",
    ExitCode.USAGE: "unusable input or a wrong option; nothing was sent",
    ExitCode.UNREACHABLE: "nothing but failures and 5xx until the deadline",
    ExitCode.INCONCLUSIVE: "a check could not tell (0 with --allow-inconclusive)",
    ExitCode.INTERNAL: "a bug in verify",
    ExitCode.INTERRUPTED: "SIGINT, after reporting what was measured",
    ExitCode.TERMINATED: "SIGTERM, after reporting what was measured",
}
