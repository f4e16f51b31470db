"""What `pulumi-local status` shows of a service; tests/engine has the command itself."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from localaws.cli.status import fetch, show, shown_addresses, table, verify_options
from localaws.daemon.client import DaemonFailed
from localaws.daemon.state_directory import StateDirectory, try_lock

if TYPE_CHECKING:
    from pathlib import Path


def task(number: int, status: str, reason: str = "") -> dict[str, Any]:
    return {
        "taskId": f"{number:032}",
        "lastStatus": status,
        "stoppedReason": reason,
        "healthStatus": "UNKNOWN",
        "availabilityZone": "eu-west-1a",
        "endpoint": "",
    }


def service(*tasks: dict[str, Any]) -> dict[str, Any]:
    """Return a service with these tasks, without deployments and events."""
    return {
        "serviceName": "web",
        "progress": "",
        "deployments": [],
        "events": [],
        "tasks": list(tasks),
    }


def test_a_daemon_that_does_not_answer_is_reported_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: p\n")
    directory = StateDirectory.of(tmp_path, {})
    lock = try_lock(directory)
    assert lock is not None
    print(os.getpid(), file=lock, flush=True)
    directory.ready.write_text(
        json.dumps({"pid": os.getpid(), "aws_port": 1, "awsx_port": 1, "code": "c"})
    )
    with (
        lock,
        pytest.raises(
            DaemonFailed, match=r"doesn't answer \(UNAVAILABLE\): `pulumi-local stop` ends it"
        ),
    ):
        fetch(directory)


def test_public_tasks_without_any_say_so_beside_the_empty_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: p\n")
    directory = StateDirectory.of(tmp_path, {})
    show(directory, as_json=False, public_tasks=True)
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "the local AWS is not running" in printed.err
    running = {"services": [{"tasks": [task(0, "RUNNING")]}]}
    monkeypatch.setattr("localaws.cli.status.fetch", lambda _: running)
    show(directory, as_json=False, public_tasks=True)
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "no running task has a public address" in printed.err
    running["services"][0]["tasks"].append({**task(1, "RUNNING"), "shownAt": "127.0.3.1:80"})
    show(directory, as_json=False, public_tasks=True)
    assert capsys.readouterr() == ("127.0.3.1:80\n", "")


def test_a_problem_of_a_task_that_only_this_machine_has_is_shown_below_it() -> None:
    note = "local AWS: the container can't listen on port 80 of all addresses (0.0.0.0)"
    stopped = {**task(1, "STOPPED", "Essential container in task exited"), "note": note}
    web = service(task(0, "RUNNING"), stopped)
    shown = table({"services": [web], "names": {}}).splitlines()
    assert shown[-2].endswith("Essential container in task exited")
    assert shown[-1].strip() == note
    assert len(shown) == 1 + 3


def test_of_several_containers_a_stopped_task_shows_how_each_ended() -> None:
    exits = [{"name": "web", "exitCode": 137}, {"name": "router", "exitCode": 3}]
    reason = "Essential container in task exited"
    stopped = [
        {**task(1, "STOPPED", reason), "containers": exits},
        {**task(2, "STOPPED", reason), "containers": exits[1:]},
        {**task(3, "STOPPED", "Scaling activity initiated"), "containers": exits},
    ]
    shown = table({"services": [service(*stopped)], "names": {}}).splitlines()
    assert shown[1].endswith(f"{reason} (web exited with 137, router exited with 3)")
    assert shown[2].endswith(reason)
    assert shown[3].endswith("Scaling activity initiated")


def test_all_running_tasks_are_shown_and_only_the_last_stopped_ones() -> None:
    stopped = [task(number, "STOPPED", f"reason {number}") for number in range(1, 30)]
    web = service(task(0, "RUNNING"), *stopped)
    shown = table({"services": [web], "names": {}, "problems": []}).splitlines()
    assert len(shown) == 1 + 1 + 5
    assert "RUNNING" in shown[1]
    assert shown[-1].endswith("reason 29")


def test_problems_come_first_whether_there_are_services_or_not() -> None:
    shown = table({"services": [], "names": {}, "problems": ["cannot bind", "no such thing"]})
    assert shown.split("\n\n") == [
        "problem: cannot bind",
        "problem: no such thing",
        "the local AWS is running, without services",
    ]


def test_a_task_shows_its_public_address_and_where_this_machine_shows_that() -> None:
    running = {**task(0, "RUNNING"), "publicAddress": "203.0.113.7", "shownAt": "127.70.1.4:8080"}
    web = service({**running, "ipv6Address": "2001:db8::104"})
    shown = table({"services": [web], "names": {}}).splitlines()
    assert shown[-2].strip() == "2001:db8::104"
    assert shown[-1].strip() == "203.0.113.7 on the internet, here 127.70.1.4:8080"
    stopped = {**task(1, "STOPPED"), "publicAddress": "203.0.113.8", "shownAt": "127.70.1.5:8080"}
    private = task(2, "RUNNING")
    web = service(running, stopped, private)
    assert list(shown_addresses({"services": [web]})) == ["127.70.1.4:8080"]


def test_a_task_without_a_target_group_shows_its_private_address_too() -> None:
    web = service(
        {**task(0, "RUNNING"), "address": "10.0.0.4", "endpoint": "10.0.0.4:80"},
        {**task(1, "RUNNING"), "address": "10.0.0.5"},
        task(2, "PENDING"),
    )
    lines = table({"services": [web], "names": {}}).splitlines()[1:]
    assert [each.split()[-1] for each in lines] == ["10.0.0.4:80", "10.0.0.5", "eu-west-1a"]


def test_a_load_balancer_in_a_vpc_shows_its_addresses() -> None:
    outside = {"publicAddress": "203.0.113.1", "shownAt": "127.70.0.1"}
    found = [
        {"name": "a", "addresses": "10.0.0.4", **outside},
        {"name": "b", "addresses": "10.0.0.5", **outside, "publicAddress": ""},
    ]
    status = {"services": [], "names": {}, "loadBalancers": found}
    shown = table({**status, "publicKeysUrl": "http://127.70.0.9/"})
    assert shown.split("\n\n")[1:] == [
        "load balancer a: 203.0.113.1 on the internet, here 127.70.0.1; in its VPC 10.0.0.4",
        "load balancer b: internal; in its VPC 10.0.0.5",
        "public keys of x-amzn-oidc-data: http://127.70.0.9/<key id>",
    ]


def test_network_settings_without_effect_are_shown() -> None:
    sentence = "A rule of sg-1 names pl-1; it matches nothing."
    shown = table({"services": [], "names": {}, "notEnforced": [sentence]})
    assert f"not enforced: {sentence}" in shown.splitlines()


def test_the_runtime_and_stand_ins_for_images_are_shown() -> None:
    shown = table({"services": [], "names": {}, "runtime": "tasks run so", "images": ["a is b"]})
    assert shown.split("\n\n")[1:] == ["tasks run so", "a is b"]


def test_instances_are_shown_with_what_is_left_and_why_one_is_not_registered() -> None:
    def instance(name: str, agent: str, why: str = "") -> dict[str, Any]:
        return {
            "instanceId": name,
            "group": "web-1",
            "agent": agent,
            "lifecycle": "InService",
            "availabilityZone": "eu-west-1a",
            "instanceType": "t3.small",
            "privateIp": "10.0.1.4",
            "tasks": 3,
            "left": {"cpu": 1280, "memory": 365},
            "whyNotRegistered": why,
        }

    on_instance = {
        **task(0, "RUNNING"),
        "hostPorts": ["0.0.0.0:32768->4567/tcp"],
        "ec2InstanceId": "i-1",
    }
    instances = [instance("i-1", "ACTIVE"), instance("i-2", "", "it has no role")]
    shown = table(
        {"services": [service(on_instance)], "instances": instances, "names": {}}
    ).splitlines()
    assert shown[0] == "Auto Scaling group web-1:"
    assert shown[1].split()[:4] == ["instance", "i-1", "ACTIVE", "eu-west-1a"]
    assert shown[1].endswith("3 tasks       1280 CPU units and 365 MiB left")
    assert shown[2].split()[:3] == ["instance", "i-2", "InService"]
    assert shown[3].strip() == "not registered with ECS: it has no role"
    assert shown[-1].strip() == "0.0.0.0:32768->4567/tcp on i-1"


def test_alarms_and_notifications_are_shown_with_what_they_saw_and_for_whom() -> None:
    alarm = {
        "name": "errors",
        "state": "ALARM",
        "reason": "Threshold Crossed: 1 datapoint.",
        "since": 0,
        "last": 2.5,
        "comparison": "GreaterThanThreshold",
        "threshold": 1.0,
        "withoutData": "",
    }
    unknown = {"state": "OK", "last": None, "withoutData": "the local AWS doesn't measure Age"}
    sent = {
        "at": 3661,
        "topic": "arn:aws:sns:eu-west-1:1:ops",
        "subject": 'ALARM: "errors"',
        "text": "Threshold Crossed.\nAgain.",
        "subscriptions": ["email ops@example.com (PendingConfirmation)"],
        "notDelivered": "",
    }
    refused = {**sent, "notDelivered": "the topic's policy doesn't allow it", "text": "Refused."}
    status = {
        "services": [],
        "names": {},
        "alarms": [alarm, {**alarm, **unknown, "name": "age"}],
        "notifications": [sent, refused],
    }
    assert table(status).splitlines()[1:] == [
        "",
        "alarm errors: ALARM since 00:00:00; 2.5, alarm if > 1",
        "  Threshold Crossed: 1 datapoint.",
        "",
        "alarm age: OK since 00:00:00; no data, alarm if > 1",
        "  Threshold Crossed: 1 datapoint.",
        "  without local data: the local AWS doesn't measure Age",
        "",
        "notifications, none of which leaves this machine:",
        '  01:01:01   ALARM: "errors", to topic ops',
        "             Threshold Crossed.",
        "             Again.",
        "             for email ops@example.com (PendingConfirmation)",
        '  01:01:01   ALARM: "errors", to topic ops',
        "             Refused.",
        "             AWS would not deliver it: the topic's policy doesn't allow it",
    ]


def test_a_topic_that_is_not_here_is_shown_beside_its_messages() -> None:
    sent = {
        "at": 3661,
        "topic": "arn:aws:sns:eu-west-1:1:ops",
        "subject": "a",
        "text": "t",
        "subscriptions": [],
        "notDelivered": "",
        "topicIsHere": False,
    }
    status = {
        "services": [],
        "names": {},
        "topicsElsewhere": ["topic arn:aws:sns:eu-west-1:1:ops isn't in the local AWS"],
        "notifications": [sent, {**sent, "topicIsHere": True}],
    }
    assert table(status).splitlines()[2:] == [
        "topic arn:aws:sns:eu-west-1:1:ops isn't in the local AWS",
        "",
        "notifications, none of which leaves this machine:",
        "  01:01:01   a, to topic ops",
        "             t",
        "             for the subscriptions of a topic that isn't here",
        "  01:01:01   a, to topic ops",
        "             t",
        "             for no subscription",
    ]


@pytest.mark.parametrize(
    ("dns_name", "expected"),
    [
        ("127.64.0.1", "--resolve app.test:443:127.64.0.1 --cacert ca.pem"),
        ("127.64.0.1:8080", "--connect-to 127.64.0.1:8443 --cacert ca.pem"),
    ],
)
def test_the_options_of_verify_connect_to_the_https_port(dns_name: str, expected: str) -> None:
    assert verify_options("app.test", dns_name, "ca.pem") == expected
