"""What Envoy counts of the requests to load balancers, for CloudWatch's metrics. Pure.

Each listener has two access loggers that write no log: they add each answer to a counter with tags,
and each time to a histogram. A value of Envoy's runtime switches them on while an alarm reads a
load balancer, because both together cost a request about a sixth of Envoy's CPU time. A listener
that got them with the first alarm would not count on connections that are open by then.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from localaws.catalog.cloudwatch import ALARM
from localaws.catalog.properties import values_at

if TYPE_CHECKING:
    from localaws.catalog.account import Account

RUNTIME = "alarms"
"""The name of the runtime's layer that switches the loggers on."""

_SWITCH = "alb.measured"
_RUNTIME = "type.googleapis.com/envoy.service.runtime.v3.Runtime"
_STATS = "type.googleapis.com/envoy.extensions.access_loggers.stats.v3.Config"
_CEL = "type.googleapis.com/envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter"

PREFIX = "alb"
_ANSWERS, _TIMES = "answers", "times"
_BY_TARGET = "via_upstream"
"""The detail of each response code that a target sent."""

_NO_TARGET = frozenset({"UH", "NC", "NR"})
"""Flags of requests for which there was no target, or no route."""

_ANSWER = re.compile(
    rf"^{PREFIX}\.{_ANSWERS}\.lb\.(?P<lb>\S*)\.group\.(?P<group>\S*)\.code\.(?P<code>\d+)"
    r"\.flags\.(?P<flags>\S*)\.by\.(?P<by>.*): (?P<count>\d+)$",
    re.MULTILINE,
)
_TIME = re.compile(
    rf"^{PREFIX}\.{_TIMES}\.lb\.(?P<lb>\S*)\.group\.(?P<group>\S*):\n  totals=(?P<totals>.*)$",
    re.MULTILINE,
)
_CLIENT_CLOSED = 460
"""The status of a request whose client closed the connection. Source: ELB's guide, "Troubleshoot
your Application Load Balancers".
"""


@dataclass(frozen=True)
class Answer:
    """Answers that are counted together."""

    load_balancer: str
    """What CloudWatch calls it: `app/NAME/ID`."""

    group: str
    """Envoy's name of the target group, `NAME/ID`; empty for an answer without one."""

    code: int
    from_target: bool
    """Whether the target sent it; else the load balancer made it."""

    chosen: bool
    """Whether a target was chosen for the request."""


@dataclass
class Traffic:
    """What was counted since the proxies started."""

    answers: dict[Answer, int] = field(default_factory=dict)
    times: dict[tuple[str, str], dict[float, int]] = field(default_factory=dict)
    """How many answers took how many seconds, by load balancer and target group. The times are the
    middles of bins whose width is a tenth of them at most.
    """

    def add(self, other: Traffic) -> None:
        """Add what another proxy counted."""
        _add(self.answers, other.answers)
        for key, bins in other.times.items():
            _add(self.times.setdefault(key, {}), bins)

    def since(self, before: Traffic) -> Traffic:
        """Return what was counted after an earlier moment.

        A count below the earlier one is of a proxy that was started again, from zero.
        """
        times: dict[tuple[str, str], dict[float, int]] = {}
        for key, bins in self.times.items():
            times[key] = _since(bins, before.times.get(key, {}))
        return Traffic(_since(self.answers, before.answers), times)


def loggers(load_balancer: str) -> list[dict[str, Any]]:
    """Return the access loggers of a listener that count for its load balancer."""
    scope = [
        {"name": "lb", "value_format": load_balancer},
        {"name": "group", "value_format": "%UPSTREAM_CLUSTER%"},
    ]
    each = [
        *scope,
        {"name": "code", "value_format": "%RESPONSE_CODE%"},
        {"name": "flags", "value_format": "%RESPONSE_FLAGS%"},
        {"name": "by", "value_format": "%RESPONSE_CODE_DETAILS%"},
    ]
    # From the request's way to the target until the first of its answer's headers. Source: ELB's
    # guide, "CloudWatch metrics for your Application Load Balancer", on TargetResponseTime.
    duration = "%COMMON_DURATION(US_TX_BEG:US_RX_BEG:us)%"
    answers = {"stat": {"name": _ANSWERS, "tags": each}, "value_fixed": 1}
    times = {
        "stat": {"name": _TIMES, "tags": scope},
        "unit": "Microseconds",
        "value_format": duration,
    }
    switched = {
        "runtime_filter": {
            "runtime_key": _SWITCH,
            "percent_sampled": {"numerator": 0, "denominator": "HUNDRED"},
        }
    }
    # Without a target there is no time, which Envoy would log as an error.
    by_target = {
        "extension_filter": {
            "name": "envoy.access_loggers.extension_filters.cel",
            "typed_config": {
                "@type": _CEL,
                "expression": f"response.code_details == '{_BY_TARGET}'",
            },
        }
    }
    timed = {"and_filter": {"filters": [switched, by_target]}}
    return [_logger({"counters": [answers]}, switched), _logger({"histograms": [times]}, timed)]


def runtime(*, measured: bool) -> dict[str, Any]:
    """Return the runtime's layer that switches the loggers on or off."""
    return {"@type": _RUNTIME, "name": RUNTIME, "layer": {_SWITCH: 100 if measured else 0}}


def parse(reported: str) -> Traffic:
    """Read what Envoy's admin interface reports, with the bins of its histograms."""
    found = Traffic()
    for match in _ANSWER.finditer(reported):
        code = int(match["code"])
        flags = match["flags"].split(",")
        answer = Answer(
            load_balancer=match["lb"],
            group=match["group"],
            code=code or _CLIENT_CLOSED,
            from_target=match["by"] == _BY_TARGET,
            chosen=bool(match["group"]) and _NO_TARGET.isdisjoint(flags),
        )
        _add(found.answers, {answer: int(match["count"])})
    for match in _TIME.finditer(reported):
        bins: dict[float, int] = {}
        for low, width, count in re.findall(r"([\d.e+-]+),([\d.e+-]+):(\d+)", match["totals"]):
            bins[(float(low) + float(width) / 2) / 1_000_000] = int(count)
        found.times[match["lb"], match["group"]] = bins
    return found


def _logger(config: Mapping[str, Any], where: Mapping[str, Any]) -> dict[str, Any]:
    typed = {"@type": _STATS, "stats_scope": {"prefix": PREFIX}, **config}
    return {"name": "envoy.access_loggers.stats", "filter": where, "typed_config": typed}


def _add(counts: dict[Any, int], more: Mapping[Any, int]) -> None:
    for key, count in more.items():
        counts[key] = counts.get(key, 0) + count


def _since(now: Mapping[Any, int], before: Mapping[Any, int]) -> dict[Any, int]:
    found: dict[Any, int] = {}
    for key, count in now.items():
        earlier = before.get(key, 0)
        new = count - earlier if count >= earlier else count
        if new:
            found[key] = new
    return found


def is_measured(account: Account) -> bool:
    """Return whether some alarm reads a load balancer."""
    for alarm in account.all(ALARM):
        for path in ("dimensions", "metricQueries[].metric.dimensions"):
            for dimensions in values_at(alarm.inputs, path):
                if isinstance(dimensions, Mapping) and "LoadBalancer" in dimensions:
                    return True
    return False
