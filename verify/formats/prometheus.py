"""For Prometheus: the text format, with blackbox_exporter's names.

It is for a Pushgateway or node_exporter's textfile folder.

https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from collections.abc import Iterator, Sequence

from verify.judging.report import Report, Status

_STEPS = {"resolve": "resolve", "connect": "connect", "tls": "tls", "first_byte": "processing"}
_HELP = {
    "probe_success": "Whether the run ended with 0.",
    "probe_duration_seconds": "How long the run took.",
    "probe_http_duration_seconds": (
        "Median of a step of the measured requests; processing is up to the first byte."
    ),
    "verify_exit_code": "The code that the run ended with.",
    "verify_verdict": "Always 1; the label says how the run ended.",
    "verify_check_status": "Each phase and check: 1 ok, 0 failed, -1 could not tell.",
    "verify_requests": "Requests that were measured.",
    "verify_requests_failed": "Of those, how many got no answer, or while watching none as wanted.",
    "verify_latency_seconds": "Of whole requests, by nearest rank.",
    "verify_tasks": "Distinct tasks that answered.",
    "verify_availability": "Share of the watched requests that were answered well.",
    "verify_longest_outage_seconds": "Longest run of failed requests while watching.",
}
_NUMBERS = {Status.OK: 1, Status.FAIL: 0, Status.UNKNOWN: -1}


def prometheus(reports: Sequence[Report]) -> str:
    """Return every metric once with all its samples, as the format requires."""
    samples: dict[str, str] = {}
    for report in reports:
        for name, labels, value in _samples(report):
            samples[name] = samples.get(name, "") + f"{name}{labels} {value:.12g}\n"
    text = ""
    for name, help_text in _HELP.items():
        if name in samples:
            text += f"# HELP {name} {help_text}\n# TYPE {name} gauge\n{samples[name]}"
    return text


def _samples(report: Report) -> Iterator[tuple[str, str, float]]:
    def sample(name: str, value: float, **labels: str) -> tuple[str, str, float]:
        pairs = {"instance": report.url}
        if report.name:
            pairs["name"] = report.name
        pairs.update(labels)
        written = ",".join(f'{key}="{_escaped(text)}"' for key, text in pairs.items())
        return name, f"{{{written}}}", value

    watched, samples = report.watched, report.samples
    failed = samples.errors
    if watched:
        failed = sum(lane.failed for lane in watched.lanes.values())
    yield sample("probe_success", float(report.exit_code == 0))
    yield sample("probe_duration_seconds", report.seconds)
    yield sample("verify_exit_code", float(report.exit_code))
    yield sample("verify_verdict", 1, verdict=report.verdict.name.lower())
    yield sample("verify_requests", samples.sent)
    yield sample("verify_requests_failed", failed)
    yield sample("verify_tasks", len(samples.tasks))
    for step, seconds in samples.steps.items():
        yield sample("probe_http_duration_seconds", seconds, phase=_STEPS[step])
    for name, seconds in samples.latency.items():
        yield sample("verify_latency_seconds", seconds, rank=name)
    for number, result in enumerate(report.results):
        if result.status in _NUMBERS:
            yield sample(
                "verify_check_status", _NUMBERS[result.status], check=result.id, number=str(number)
            )
    if watched:
        yield sample("verify_availability", watched.availability)
        yield sample(
            "verify_longest_outage_seconds",
            max((outage.length for outage in watched.outages), default=0.0),
        )


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"")
