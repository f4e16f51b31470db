"""A deployment is rolled back by an alarm on what clients get, and not begun without its secret.

One that fails by its tasks: test_rollout.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localaws.cli.status import fetch
from tests.engine.requests import get
from tests.engine.service import service_of
from tests.engine.stack import WITHOUT_ASKING
from tests.engine.traffic import Traffic
from tests.engine.waiting import eventually

if TYPE_CHECKING:
    from tests.engine.stack import Stack

WATCHED: dict[str, Any] = {"alarms": True, "rollbackOnAlarms": True, "drainSeconds": 10}
"""While the old tasks drain, only the new one answers: on a busy machine too, long enough for an
alarm on three minutes of a fifth of a second.
"""

FAILS_ITS_USERS: dict[str, Any] = {
    "image": "python:3",
    "command": [
        "python3",
        "-c",
        (
            "import os; from http.server import *; "
            "checks = lambda request: 'ELB' in request.headers.get('User-Agent', ''); "
            "answer = lambda request: request.send_error(204 if checks(request) else 500); "
            "where = os.environ.get('HOST', '0.0.0.0'), int(os.environ.get('PORT', '80')); "
            "handler = type('Handler', (BaseHTTPRequestHandler,), {'do_GET': answer}); "
            "HTTPServer(where, handler).serve_forever()"
        ),
    ],
}
"""A version that passes its health checks and answers everything else with 500."""


def test_a_secret_that_is_not_there_stops_a_preview_and_a_run_before_anything_changes(
    stack: Stack,
) -> None:
    missing = "fargate-web:secrets.APP_MESSAGE=/demo/local/missing"
    before = stack.recorded()
    for command in (("preview", "--non-interactive"), ("up", *WITHOUT_ASKING)):
        output = stack.run(*command, "--config-path", "-c", missing, fails=True)
        assert (
            "secrets: APP_MESSAGE, /demo/local/missing, which is no parameter of SSM in "
            "123456789012"
        ) in output
        assert "aws ssm put-parameter --type SecureString --name /demo/local/missing" in output
    assert stack.recorded() == before


def alarm_of(stack: Stack) -> dict[str, Any]:
    """The alarm on errors, as `pulumi-local status` has it."""
    status = fetch(stack.directory)
    assert status is not None, "no daemon is running"
    (found,) = (each for each in status["alarms"] if each["name"] == "local-web-errors")
    return dict(found)


def sent(stack: Stack) -> list[str]:
    """What the alarms and the rule about deployments published."""
    status = fetch(stack.directory)
    assert status is not None, "no daemon is running"
    return [f"{each['subject']} {each['text']}" for each in status["notifications"]]


def test_a_version_that_answers_500_is_rolled_back_by_an_alarm_but_not_if_that_was_on_before(
    stack: Stack,
) -> None:
    """The first one is deployed unwatched. Its correction begins while the alarm is in ALARM."""
    url = stack.outputs()["serviceUrl"]
    stack.up(alarms=True, **FAILS_ITS_USERS)
    with Traffic(url) as traffic:
        eventually(lambda: alarm_of(stack)["state"] == "ALARM", "the alarm on errors")
        corrected = stack.up(**WATCHED)
        good = service_of(stack)["taskDefinition"]
        eventually(lambda: alarm_of(stack)["state"] == "OK", "the alarm's end")
        output = stack.up(**WATCHED, **FAILS_ITS_USERS, fails=True)
    assert "in ALARM when the deployment began: local-web-errors." in corrected
    assert "in ALARM when the deployment began" not in output
    assert "rolled back because an alarm was detected" in output
    assert output.count("alarm local-web-errors: Threshold Crossed: ") == 1
    assert "likely cause: The new version passes its health checks, but an alarm went off" in output
    assert "aws cloudwatch describe-alarms --alarm-names local-web-errors --query" in output
    rolled_back = service_of(stack)
    assert rolled_back["taskDefinition"] == good
    events = [each["message"] for each in rolled_back["events"]]
    assert sum(each.endswith("deployment failed: alarm detected.") for each in events) == 1
    assert any("rolling back to deployment ecs-svc/" in each for each in events)
    assert set(traffic.answers) == {"200", "500"}, traffic.answers
    assert get(url).status_code == 200
    assert any(each.startswith('ALARM: "local-web-errors"') for each in sent(stack))
    assert any("Reason: ECS deployment alarms: alarm detected." in each for each in sent(stack))
    stack.up()
    assert service_of(stack)["runningCount"] == 2
