"""The alarms of one service.

Those on errors and latency exist before the ECS service, which may name them: a deployment that
sets them off is rolled back. Those on healthy targets and running tasks are about the ECS service
that gets requests, so they change after the listener rules: while a service moves to another
capacity they are about the old one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pulumi
import pulumi_aws as aws

from infra.alarms import metrics
from infra.alarms.metrics import Targets
from infra.aws import naming
from infra.outputs import of_created

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ERRORS, LATENCY, HEALTHY_HOSTS, RUNNING_TASKS = (
    "errors",
    "latency",
    "healthy-hosts",
    "running-tasks",
)

LATENCY_PERCENTILE: Final = "p95"

_MANUAL: Final = "docs/alarms.md"


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """How many of the last minutes must be bad for an alarm, and what a minute without data is."""

    bad_minutes: int
    minutes: int
    missing_data: str


_ERRORS_OR_LATENCY: Final = Evaluation(bad_minutes=3, minutes=5, missing_data="notBreaching")
"""A single bad minute is no alarm, and a minute without requests isn't bad."""

_NO_TARGET: Final = Evaluation(bad_minutes=2, minutes=2, missing_data="breaching")
"""Without a registered target there is no data, which is as bad as no healthy one."""

_FEW_TASKS: Final = Evaluation(bad_minutes=10, minutes=10, missing_data="ignore")
"""A deployment may stop a task before it starts another, and ECS replaces a lost one in minutes.

Without a running task there is no data, and the alarm stays as it is: the one on healthy targets
goes off then. Otherwise this one would go off, too, whenever it begins to be about a service whose
first data aren't there yet, in a new stack or with another capacity.
"""


@dataclass(kw_only=True)
class ServiceAlarms:
    """The limits of one service's alarms, and the topic that they publish to."""

    stack: str
    service: str
    max_error_percent: int
    """Share of the requests that may fail."""

    max_latency_seconds: float | None
    """Time within which 95 of 100 requests are answered; None for no alarm on it."""

    min_tasks: int
    """Number of tasks that always run; 0 where none needs to."""

    rollback: bool
    """Whether ECS rolls back a deployment that sets off the alarms on errors or latency."""

    sole_service: bool
    """Whether the load balancer serves this service only, so that its own errors are the service's.
    """

    topic_arn: pulumi.Input[str]
    tags: Mapping[str, str]

    @property
    def names(self) -> Sequence[str]:
        """Names of the alarms that a deployment is rolled back by; empty where none is."""
        if not self.rollback:
            return []
        kinds = [ERRORS] if self.max_latency_seconds is None else [ERRORS, LATENCY]
        return [naming.alarm(self.stack, self.service, kind) for kind in kinds]

    def register_before_service(
        self, parent: pulumi.Resource, label: pulumi.Output[str]
    ) -> list[aws.cloudwatch.MetricAlarm]:
        """Register the alarms on errors and latency, of which the ECS service may name some.

        Args:
            parent: Component that they belong to.
            label: The suffixes of the load balancer's and the target group's ARNs.
        """
        alarms = [
            self._alarm(
                ERRORS,
                parent,
                _ERRORS_OR_LATENCY,
                f"Alarm if more than {self.max_error_percent} % of the requests to "
                f"{self.service} fail.",
                comparison_operator="GreaterThanThreshold",
                threshold=self.max_error_percent,
                metric_queries=of_created(label, self._error_queries),
            )
        ]
        if self.max_latency_seconds is not None:
            alarms.append(
                self._alarm(
                    LATENCY,
                    parent,
                    _ERRORS_OR_LATENCY,
                    f"Alarm if 5 of 100 requests to {self.service} take longer than "
                    f"{self.max_latency_seconds:g} s.",
                    comparison_operator="GreaterThanThreshold",
                    threshold=self.max_latency_seconds,
                    namespace=metrics.BALANCER,
                    metric_name=metrics.LATENCY,
                    dimensions=of_created(label, _dimensions),
                    period=metrics.MINUTE,
                    extended_statistic=LATENCY_PERCENTILE,
                    # With "ignore", AWS judges a minute only if it has 10 / (1 - 0.95) = 200
                    # requests, and fewer keep the alarm in its state, also in ALARM (CloudWatch
                    # User Guide, percentile-based alarms and low data samples). The default is
                    # explicit because the provider keeps the last value of an omitted input.
                    evaluate_low_sample_count_percentiles="evaluate",
                )
            )
        return alarms

    def register_after_service(
        self,
        parent: pulumi.Resource,
        label: pulumi.Output[str],
        cluster_name: pulumi.Input[str],
        ecs_service: pulumi.Input[str],
        after: Sequence[pulumi.Resource],
    ) -> list[aws.cloudwatch.MetricAlarm]:
        """Register the alarms on healthy targets and running tasks, if some must always run.

        Args:
            parent: Component that they belong to.
            label: The suffixes of the load balancer's and the target group's ARNs.
            cluster_name: The service's cluster.
            ecs_service: Name of the ECS service.
            after: Resources that let requests reach it.
        """
        if not self.min_tasks:
            return []
        return [
            self._alarm(
                HEALTHY_HOSTS,
                parent,
                _NO_TARGET,
                f"Alarm if no task of {self.service} passes the load balancer's health checks.",
                after,
                comparison_operator="LessThanThreshold",
                threshold=1,
                namespace=metrics.BALANCER,
                metric_name=metrics.HEALTHY_HOSTS,
                dimensions=of_created(label, _dimensions),
                period=metrics.MINUTE,
                statistic="Minimum",
            ),
            self._alarm(
                RUNNING_TASKS,
                parent,
                _FEW_TASKS,
                f"Alarm if fewer than {self.min_tasks} tasks of {self.service} run.",
                after,
                comparison_operator="LessThanThreshold",
                threshold=self.min_tasks,
                namespace=metrics.ECS,
                # Each running task reports one sample a minute, with Container Insights or without.
                metric_name=metrics.CPU,
                dimensions={"ClusterName": cluster_name, "ServiceName": ecs_service},
                period=metrics.MINUTE,
                statistic="SampleCount",
            ),
        ]

    def _error_queries(self, label: str) -> list[aws.cloudwatch.MetricAlarmMetricQueryArgsDict]:
        targets = Targets.of(label)
        found = [
            _sum("requests", metrics.REQUESTS, targets.dimensions),
            _sum("failed", metrics.TARGET_ERRORS, targets.dimensions),
        ]
        if self.sole_service:
            found.append(_sum("refused", metrics.BALANCER_ERRORS, targets.balancer_dimensions))
        expression = metrics.failed_share(
            requests="requests", failed=["failed"], refused="refused" if self.sole_service else None
        )
        share: aws.cloudwatch.MetricAlarmMetricQueryArgsDict = {
            "id": "share",
            "expression": expression,
            "label": "failed requests in percent",
            "return_data": True,
        }
        return [*found, share]

    def _alarm(
        self,
        kind: str,
        parent: pulumi.Resource,
        evaluation: Evaluation,
        description: str,
        after: Sequence[pulumi.Resource] = (),
        **condition: Any,
    ) -> aws.cloudwatch.MetricAlarm:
        return aws.cloudwatch.MetricAlarm(
            f"{self.service}-{kind}",
            name=naming.alarm(self.stack, self.service, kind),
            alarm_description=f"{description} What to do: {_MANUAL}#{kind}",
            datapoints_to_alarm=evaluation.bad_minutes,
            evaluation_periods=evaluation.minutes,
            treat_missing_data=evaluation.missing_data,
            alarm_actions=[self.topic_arn],
            ok_actions=[self.topic_arn],
            tags=self.tags,
            opts=pulumi.ResourceOptions(parent=parent, depends_on=after),
            **condition,
        )


def balancer_errors(
    name: str,
    parent: pulumi.Resource,
    *,
    alarm_name: str,
    load_balancer_arn: pulumi.Output[str],
    max_error_percent: int,
    topic_arn: pulumi.Input[str],
    tags: Mapping[str, str],
) -> aws.cloudwatch.MetricAlarm:
    """Register the alarm on the errors of a load balancer that several services share.

    Args:
        name: Name of the resource.
        parent: Component that it belongs to.
        alarm_name: Name of the alarm.
        load_balancer_arn: The load balancer.
        max_error_percent: Share of its requests that it may answer with its own error.
        topic_arn: Where the alarm is published.
        tags: Tags of the alarm.
    """
    return aws.cloudwatch.MetricAlarm(
        name,
        name=alarm_name,
        alarm_description=(
            f"Alarm if the load balancer itself answers more than {max_error_percent} % of the "
            f"requests to all services with an error. What to do: {_MANUAL}#load-balancer-5xx"
        ),
        comparison_operator="GreaterThanThreshold",
        threshold=max_error_percent,
        metric_queries=of_created(load_balancer_arn, _balancer_queries),
        datapoints_to_alarm=_ERRORS_OR_LATENCY.bad_minutes,
        evaluation_periods=_ERRORS_OR_LATENCY.minutes,
        treat_missing_data=_ERRORS_OR_LATENCY.missing_data,
        alarm_actions=[topic_arn],
        ok_actions=[topic_arn],
        tags=tags,
        opts=pulumi.ResourceOptions(parent=parent),
    )


def _balancer_queries(arn: str) -> list[aws.cloudwatch.MetricAlarmMetricQueryArgsDict]:
    dimensions = {"LoadBalancer": arn.partition(":loadbalancer/")[2]}
    return [
        _sum("requests", metrics.REQUESTS, dimensions),
        _sum("refused", metrics.BALANCER_ERRORS, dimensions),
        {
            "id": "share",
            "expression": metrics.failed_share(requests="requests", failed=[], refused="refused"),
            "label": "requests answered with an error in percent",
            "return_data": True,
        },
    ]


def _sum(
    identifier: str, metric: str, dimensions: Mapping[str, str]
) -> aws.cloudwatch.MetricAlarmMetricQueryArgsDict:
    return {
        "id": identifier,
        "metric": {
            "namespace": metrics.BALANCER,
            "metric_name": metric,
            "dimensions": dimensions,
            "period": metrics.MINUTE,
            "stat": "Sum",
        },
    }


def _dimensions(label: str) -> dict[str, str]:
    return Targets.of(label).dimensions
