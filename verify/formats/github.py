"""For GitHub Actions: an annotation per finding, which the run's page shows.

https://docs.github.com/actions/reference/workflow-commands-for-github-actions
"""

from collections.abc import Iterator, Sequence

from verify.judging.report import Report, Status

_DATA = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_PROPERTY = _DATA | str.maketrans({":": "%3A", ",": "%2C"})
_LEVELS = {Status.FAIL: "error", Status.UNKNOWN: "warning"}


def annotations(reports: Sequence[Report]) -> str:
    """Return a notice with each verdict, and an annotation for each problem."""
    text = ""
    for report in reports:
        for line in _lines(report):
            text += f"{line}\n"
    return text


def _lines(report: Report) -> Iterator[str]:
    verdict = report.verdict.name.lower()
    yield annotation(
        "notice", f"verify {verdict}", f"{report.label} {verdict} after {report.seconds:.1f} s"
    )
    for result in report.results:
        if result.status in _LEVELS:
            message = f"{report.label}: {result.actual}"
            if result.expected:
                message += f"\nexpected: {result.expected}"
            if result.hint:
                message += f"\n{result.hint}"
            yield annotation(_LEVELS[result.status], f"verify {result.id}", message)


def annotation(level: str, title: str, message: str) -> str:
    """Return a workflow command that makes an annotation."""
    return f"::{level} title={title.translate(_PROPERTY)}::{message.translate(_DATA)}"
