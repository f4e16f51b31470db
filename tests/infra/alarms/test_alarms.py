"""The alarms of services, their recipients, and what a deployment does with them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.infra import recorder

if TYPE_CHECKING:
    from tests.infra.recorder import Recording

SCOPE = "ap-northeast-1:123456789012"
TOPIC = f"arn:aws:sns:{SCOPE}:ecs-cluster-dev-alarms"
ON: dict[str, Any] = {
    "alarms": True,
    "maxErrorPercent": 2,
    "maxLatencySeconds": "0.5",
    "rollbackOnAlarms": True,
    "alarmEmails": ["ops@example.com", "night+duty@example.com"],
    "alarmSlackChannel": "T0123456789/C0123456789",
    "dashboard": True,
}
TWO: dict[str, Any] = {
    "api": {"paths": ["/api/*"], "maxErrorPercent": 5, "rollbackOnAlarms": True},
    "web": {},
}


@pytest.fixture(scope="module")
def alarmed() -> Recording:
    """The dev stack with alarms, all recipients and a dashboard."""
    return recorder.run("dev", **ON)


@pytest.fixture(scope="module")
def two() -> Recording:
    """The dev stack with alarms for two services."""
    return recorder.run("dev", alarms=True, services=TWO)


def alarm(recording: Recording, name: str) -> dict[str, Any]:
    return recording.one("MetricAlarm", name).inputs


def suffixes(recording: Recording, group: str = "alb-web") -> dict[str, str]:
    """Return the dimensions of a target group: the suffixes of the real ARNs."""
    balancer = recording.resources[recording.one("LoadBalancer").urn]
    target = recording.resources[recording.one("TargetGroup", group).urn]
    return {
        "LoadBalancer": balancer.outputs["arnSuffix"],
        "TargetGroup": target.outputs["arnSuffix"],
    }


def test_without_alarms_neither_alarms_nor_recipients_are_registered(dev: Recording) -> None:
    for kind in ("MetricAlarm", "Topic", "EventRule", "Dashboard", "Notifications"):
        assert not dev.all(kind)
    assert "alarms" not in dev.one("Service").inputs


def test_the_error_alarm_is_on_the_share_of_failed_requests(
    alarmed: Recording,
) -> None:
    errors = alarm(alarmed, "web-errors")
    metrics = {}
    for query in errors["metricQueries"]:
        if "metric" in query:
            metric = query["metric"]
            assert (metric["stat"], metric["period"]) == ("Sum", 60)
            metrics[query["id"]] = (metric["metricName"], metric["dimensions"])
    whole = suffixes(alarmed)
    only_balancer = {"LoadBalancer": whole["LoadBalancer"]}
    assert metrics == {
        "requests": ("RequestCount", whole),
        "failed": ("HTTPCode_Target_5XX_Count", whole),
        "refused": ("HTTPCode_ELB_5XX_Count", only_balancer),
    }
    (share,) = [query for query in errors["metricQueries"] if "expression" in query]
    everything = "FILL(requests, 0) + FILL(refused, 0)"
    wrong = "FILL(failed, 0) + FILL(refused, 0)"
    assert share["expression"] == f"IF({everything} > 0, 100 * ({wrong}) / ({everything}), 0)"
    assert share["returnData"] is True
    assert errors["threshold"] == 2
    assert errors["comparisonOperator"] == "GreaterThanThreshold"
    assert (errors["datapointsToAlarm"], errors["evaluationPeriods"]) == (3, 5)
    assert errors["treatMissingData"] == "notBreaching"


def test_the_latency_alarm_is_on_the_95th_percentile_of_the_targets_answers(
    alarmed: Recording,
) -> None:
    latency = alarm(alarmed, "web-latency")
    assert (latency["metricName"], latency["extendedStatistic"]) == ("TargetResponseTime", "p95")
    assert latency["dimensions"] == suffixes(alarmed)
    assert latency["threshold"] == 0.5
    assert latency["treatMissingData"] == "notBreaching"


def test_the_latency_alarm_is_evaluated_for_few_requests_too(alarmed: Recording) -> None:
    latency = alarm(alarmed, "web-latency")
    assert latency["evaluateLowSampleCountPercentiles"] == "evaluate", (
        "with ignore, a minute of fewer than 200 requests leaves the alarm as it is"
    )


def test_missing_healthy_targets_and_missing_tasks_have_alarms(alarmed: Recording) -> None:
    hosts, tasks = alarm(alarmed, "web-healthy-hosts"), alarm(alarmed, "web-running-tasks")
    assert (hosts["metricName"], hosts["statistic"]) == ("HealthyHostCount", "Minimum")
    assert (hosts["comparisonOperator"], hosts["threshold"]) == ("LessThanThreshold", 1)
    assert hosts["dimensions"] == suffixes(alarmed)
    assert (tasks["namespace"], tasks["metricName"]) == ("AWS/ECS", "CPUUtilization")
    assert tasks["statistic"] == "SampleCount", "each running task is a sample a minute"
    assert tasks["dimensions"] == {"ClusterName": "ecs-cluster-dev", "ServiceName": "dev-web"}
    desired = alarmed.one("Service").inputs["desiredCount"]
    assert (tasks["comparisonOperator"], tasks["threshold"]) == ("LessThanThreshold", desired)
    assert tasks["datapointsToAlarm"] == tasks["evaluationPeriods"] == 10
    # A service without any task is found by its targets; one that has just begun has no data yet.
    assert (hosts["treatMissingData"], tasks["treatMissingData"]) == ("breaching", "ignore")


def test_every_alarm_has_a_name_both_actions_and_a_heading_of_the_manual(
    alarmed: Recording,
) -> None:
    manual = (recorder.ROOT_FOLDER / "docs" / "alarms.md").read_text()
    names = set()
    for each in alarmed.all("MetricAlarm"):
        names.add(each.inputs["name"])
        assert each.inputs["alarmActions"] == each.inputs["okActions"] == [TOPIC]
        page, _, heading = each.inputs["alarmDescription"].rpartition(" ")[2].partition("#")
        assert page == "docs/alarms.md"
        assert f"\n### {heading}\n" in manual
    assert names == {
        "dev-web-errors",
        "dev-web-latency",
        "dev-web-healthy-hosts",
        "dev-web-running-tasks",
    }


def test_a_deployment_is_rolled_back_by_the_alarms_on_errors_and_latency_which_exist_before_it(
    alarmed: Recording,
) -> None:
    service = alarmed.one("Service")
    assert service.inputs["alarms"] == {
        "alarmNames": ["dev-web-errors", "dev-web-latency"],
        "enable": True,
        "rollback": True,
    }
    named = [alarmed.one("MetricAlarm", f"web-{kind}") for kind in ("errors", "latency")]
    assert {each.urn for each in named} <= service.dependencies
    for each in named:
        assert service not in recorder.needed_by(alarmed, each), "a cycle"


def test_requests_come_only_after_the_first_deployment_so_that_alarms_see_none_before(
    alarmed: Recording, two: Recording
) -> None:
    for recording in (alarmed, two):
        waiting = 0
        for rule in recording.all("ListenerRule"):
            unmatched = [{"sourceIp": {"values": ["192.0.2.0/32"]}}]
            if rule.inputs["conditions"] != unmatched:
                assert any(each.urn in rule.dependencies for each in recording.all("Service"))
                waiting += 1
        assert waiting == len(recording.all("Service"))


def test_a_deployment_with_alarms_has_a_longer_timeout(dev: Recording, alarmed: Recording) -> None:
    assert dev.one("Service").timeouts[:2] == ("10m", "10m")
    assert alarmed.one("Service").timeouts[:2] == ("15m", "15m")


@pytest.mark.parametrize(
    "changes", [{"rollbackOnAlarms": False}, {"maxErrorPercent": 50}, {"maxLatencySeconds": "9"}]
)
def test_a_change_of_alarms_alone_deploys_no_tasks(
    alarmed: Recording, changes: dict[str, Any]
) -> None:
    """A run after a rollback fails for that; tests/infra/service/test_rollout.py shows it."""
    task = alarmed.one("TaskDefinition")
    changed = recorder.run("dev", after=alarmed, **{**ON, **changes})
    assert changed.operations[task.urn] == "same"


def test_alarms_on_tasks_wait_for_the_listener_rules(alarmed: Recording) -> None:
    """They don't go off in a new stack, and watch the old service while another one starts."""
    serving = alarmed.one("ListenerRule", "alb-50000")
    for kind in ("healthy-hosts", "running-tasks"):
        assert serving.urn in alarmed.one("MetricAlarm", f"web-{kind}").dependencies


def test_without_a_latency_limit_there_is_no_alarm_on_latency() -> None:
    recording = recorder.run("dev", alarms=True, rollbackOnAlarms=True)
    assert "web-latency" not in recorder.names(recording, "MetricAlarm")
    assert recording.one("Service").inputs["alarms"]["alarmNames"] == ["dev-web-errors"]


def test_a_service_without_rollback_on_alarms_has_no_alarms_in_its_deployments(
    two: Recording,
) -> None:
    services = recorder.by_name(two, "Service")
    assert "alarms" not in services["web"].inputs
    assert services["api"].inputs["alarms"]["alarmNames"] == ["dev-api-errors"]
    assert services["web"].timeouts[0] == "10m"


def test_errors_of_a_shared_load_balancer_have_an_alarm_of_the_stack(two: Recording) -> None:
    for service in ("api", "web"):
        queries = alarm(two, f"{service}-errors")["metricQueries"]
        names = {each["metric"]["metricName"] for each in queries if "metric" in each}
        assert names == {"RequestCount", "HTTPCode_Target_5XX_Count"}
        for each in queries:
            if "metric" in each:
                assert each["metric"]["dimensions"] == suffixes(two, f"alb-{service}")
    shared = alarm(two, "alarms-load-balancer")
    assert shared["name"] == "dev-load-balancer-5xx"
    assert shared["threshold"] == 1, "the strictest of the services"
    balancer = {"LoadBalancer": suffixes(two)["LoadBalancer"]}
    measured = [each["metric"] for each in shared["metricQueries"] if "metric" in each]
    assert {each["metricName"] for each in measured} == {"RequestCount", "HTTPCode_ELB_5XX_Count"}
    assert [each["dimensions"] for each in measured] == [balancer, balancer]


def test_another_service_changes_no_alarm_of_the_first() -> None:
    first = recorder.run("dev", alarms=True, services={"web": {}})
    both = recorder.run("dev", after=first, alarms=True, services=TWO)
    operations = {each.name: both.operations[each.urn] for each in first.all("MetricAlarm")}
    assert operations == dict.fromkeys(
        ("alarms-load-balancer", "web-errors", "web-healthy-hosts", "web-running-tasks"), "same"
    )


@pytest.mark.parametrize(
    ("changes", "minimum"),
    [
        ({"desiredCount": 5}, 5),
        ({"maxCount": 6, "minCount": 3, "targetCpuPercent": 60}, 3),
        (
            {
                "maxCount": 6,
                "minCount": 3,
                "schedules": {"night": {"schedule": "cron(0 22 * * ? *)", "minCount": 1}},
            },
            1,
        ),
        (
            {
                "maxCount": 6,
                "minCount": 3,
                "schedules": {"night": {"schedule": "cron(0 22 * * ? *)", "maxCount": 2}},
            },
            2,
        ),
    ],
)
def test_the_alarm_on_running_tasks_has_the_lowest_count_of_scaling_as_threshold(
    changes: dict[str, Any], minimum: int
) -> None:
    recording = recorder.run("dev", alarms=True, **changes)
    assert alarm(recording, "web-running-tasks")["threshold"] == minimum


def test_a_service_that_may_have_no_task_has_no_alarm_on_missing_tasks() -> None:
    recording = recorder.run("dev", alarms=True, desiredCount=0)
    assert recording.one("MetricAlarm").name == "web-errors"


def test_on_spot_the_alarm_on_running_tasks_watches_the_ecs_service_on_spot() -> None:
    recording = recorder.run("dev", alarms=True, capacity="fargate-spot")
    dimensions = alarm(recording, "web-running-tasks")["dimensions"]
    assert dimensions["ServiceName"] == "dev-web-spot"


def test_another_capacity_keeps_the_alarms_as_resources(
    alarmed: Recording,
) -> None:
    moved = recorder.run("dev", after=alarmed, **ON, capacity="fargate-spot")
    assert ("create", "Service") in moved.done()
    changes = {each.name: moved.operations[each.urn] for each in moved.all("MetricAlarm")}
    assert changes == {
        "web-errors": "same",
        "web-latency": "same",
        "web-healthy-hosts": "same",
        "web-running-tasks": "update",
    }


def test_only_alarms_of_this_account_and_one_event_rule_may_publish_to_the_topic(
    alarmed: Recording,
) -> None:
    rule = alarmed.cloud.all("aws:cloudwatch/eventRule:EventRule")[0]
    assert json.loads(alarmed.one("TopicPolicy", "alarms").inputs["policy"]) == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Sid": "Events",
                "Principal": {"Service": "events.amazonaws.com"},
                "Action": "sns:Publish",
                "Resource": TOPIC,
                "Condition": {"ArnEquals": {"aws:SourceArn": rule.outputs["arn"]}},
            },
            {
                "Effect": "Allow",
                "Sid": "Alarms",
                "Principal": {"Service": "cloudwatch.amazonaws.com"},
                "Action": "sns:Publish",
                "Resource": TOPIC,
                "Condition": {
                    "StringEquals": {"aws:SourceAccount": "123456789012"},
                    "ArnLike": {"aws:SourceArn": f"arn:aws:cloudwatch:{SCOPE}:alarm:*"},
                },
            },
        ],
    }
    chat = recorder.statements(alarmed.one("TopicPolicy", "alarms-chat"))
    assert [each["Sid"] for each in chat] == ["Events"]


def test_each_address_is_subscribed_to_the_topic(alarmed: Recording) -> None:
    for address in ("ops@example.com", "night+duty@example.com"):
        subscription = alarmed.one("TopicSubscription", f"alarms-{address}").inputs
        assert (subscription["protocol"], subscription["endpoint"]) == ("email", address)
        assert subscription["topic"] == TOPIC
    assert len(alarmed.all("TopicSubscription")) == 2


def test_a_failed_deployment_in_the_cluster_is_published_as_a_sentence(
    alarmed: Recording,
) -> None:
    rule = alarmed.one("EventRule", "alarms-deployment-failed")
    assert json.loads(rule.inputs["eventPattern"]) == {
        "source": ["aws.ecs"],
        "detail-type": ["ECS Deployment State Change"],
        "detail": {"eventName": ["SERVICE_DEPLOYMENT_FAILED"]},
        "resources": [{"prefix": f"arn:aws:ecs:{SCOPE}:service/ecs-cluster-dev/"}],
    }
    target = alarmed.one("EventTarget", "alarms-deployment-failed")
    assert target.inputs["arn"] == TOPIC
    text = json.loads(target.inputs["inputTransformer"]["inputTemplate"])
    assert text.startswith("A deployment of stack dev failed at <time>. Service: <service>.")
    assert "<reason>" in text
    assert alarmed.one("TopicPolicy", "alarms").urn in target.dependencies


def test_slack_gets_the_alarms_and_a_message_of_its_own_form_and_has_no_permissions(
    alarmed: Recording,
) -> None:
    channel = alarmed.one("SlackChannelConfiguration").inputs
    chat = f"arn:aws:sns:{SCOPE}:ecs-cluster-dev-chat"
    assert channel["snsTopicArns"] == [TOPIC, chat]
    assert (channel["slackTeamId"], channel["slackChannelId"]) == ("T0123456789", "C0123456789")
    assert channel["guardrailPolicyArns"] == ["arn:aws:iam::aws:policy/AWSDenyAll"]
    assert channel["region"] == "us-east-2", "AWS's API for chat isn't in every region"
    (statement,) = recorder.statements(alarmed.one("Role", "alarms-chat"), "assumeRolePolicy")
    assert statement["Principal"] == {"Service": "chatbot.amazonaws.com"}
    assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": "123456789012"}
    assert not recorder.named(alarmed, "RolePolicy", "alarms")
    target = alarmed.one("EventTarget", "alarms-chat")
    assert target.inputs["arn"] == chat
    message = json.loads(target.inputs["inputTransformer"]["inputTemplate"])
    assert (message["version"], message["source"]) == ("1.0", "custom")
    assert "<reason>" in message["content"]["description"]


def test_an_existing_topic_replaces_the_stacks_own() -> None:
    existing = f"arn:aws:sns:{SCOPE}:pages"
    recording = recorder.run("dev", alarms=True, alarmTopicArn=existing)
    assert not [*recording.all("Topic"), *recording.all("TopicPolicy")]
    assert recording.one("EventTarget").inputs["arn"] == existing
    actions = [each.inputs["alarmActions"] for each in recording.all("MetricAlarm")]
    assert actions == [[existing]] * 3
