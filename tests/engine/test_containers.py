"""Tasks as containers in the VPC that the program declares, under the real engine.

One stack for all: each of the last four tests starts from what the one before it has deployed.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from pulumi.runtime.proto import provider_pb2

from localaws.catalog.ec2.ip_permissions import INGRESS_RULE
from localaws.protocol.property_values import to_wire
from tests.engine.images import PYTHON
from tests.engine.requests import get
from tests.engine.service import SERVICE, console
from tests.engine.status import load_balancers, tasks
from tests.engine.waiting import eventually
from tests.engine.watching import UP, watch

if TYPE_CHECKING:
    from tests.engine.stack import Stack

pytestmark = pytest.mark.usefixtures("containers")

RUNTIME = "tasks run in the runtime `container` ("
"""The beginning of what `status` and `up` print about it."""


def load_balancer(stack: Stack) -> dict[str, Any]:
    (found,) = load_balancers(stack)
    return found


def closed(stack: Stack, *addresses: str, passes: bool = True) -> str:
    """Run `verify` with these addresses closed; what it prints."""
    options = " ".join(f"--closed {each}" for each in addresses)
    url = f"http://{stack.outputs()['albDns']}"
    run = stack.shell(f"verify {url} --expect-tasks 2 --deadline 20 --interval 0.2 {options}")
    assert (run.returncode == 0) is passes, run.stdout + run.stderr
    return run.stdout


def test_the_load_balancer_answers_and_no_tasks_public_address_does(stack: Stack) -> None:
    shown = stack.run("status", "--public-tasks").split()
    assert sorted(shown) == sorted(each["shownAt"] for each in tasks(stack))
    assert len(shown) == 2
    assert len({each["publicAddress"] for each in tasks(stack)}) == 2
    output = closed(stack, ":3389", *shown)
    assert [f"{each} dropped" in output for each in shown] == [True, True]


def test_the_container_sees_the_clients_address_in_the_internet(stack: Stack) -> None:
    run = stack.shell(f"curl -sS {stack.outputs()['albDns']}/?from")
    assert run.returncode == 0, run.stderr

    def line() -> str:
        lines = stack.run("logs", "--no-follow").splitlines()
        return next((each for each in lines if "GET /?from " in each), "")

    eventually(lambda: line() != "", "the request in the container's log")
    assert line().endswith('"198.51.100.7"')


def test_tasks_and_load_balancer_have_the_addresses_of_their_subnets(stack: Stack) -> None:
    for each in tasks(stack):
        assert re.fullmatch(r"10\.0\.\d+\.\d+", each["address"])
        assert each["endpoint"] == f"{each['address']}:80"
    found = load_balancer(stack)
    public, shown = (found[name].split(", ") for name in ("publicAddress", "shownAt"))
    assert [bool(re.fullmatch(r"203\.0\.113\.\d+", each)) for each in public] == [True, True]
    assert shown[0] == stack.outputs()["albDns"]
    assert [get(f"http://{each}").status_code for each in shown] == [200, 200]


def test_a_group_that_is_opened_opens_a_tasks_address_until_it_is_closed_again(
    stack: Stack,
) -> None:
    (shown, other) = (each["shownAt"] for each in tasks(stack))
    (service,) = stack.resources_of(SERVICE)
    (group,) = service["outputs"]["networkConfiguration"]["securityGroups"]
    rule = {
        "securityGroupId": group,
        "ipProtocol": "tcp",
        "fromPort": 80,
        "toPort": 80,
        "cidrIpv4": "0.0.0.0/0",
    }
    urn = f"urn:pulumi:local::fargate-web::{INGRESS_RULE}::opened"
    with console(stack) as aws:
        made = aws.Create(provider_pb2.CreateRequest(urn=urn, properties=to_wire(rule)))
        try:
            assert f"{shown} open" in closed(stack, shown, other, passes=False)
        finally:
            aws.Delete(provider_pb2.DeleteRequest(urn=urn, id=made.id))
    assert f"{shown} dropped" in closed(stack, shown, other)


def test_the_internet_has_the_real_addresses_and_ports(stack: Stack) -> None:
    public = load_balancer(stack)["publicAddress"].split(", ")[0]
    targets = [each["publicAddress"] for each in tasks(stack)]
    private = tasks(stack)[0]["endpoint"]
    dropped = [f"{public}:22", *(f"{each}:80" for each in targets), private]
    options = " ".join(f"--closed {each}" for each in dropped)
    run = stack.shell(f"pulumi-local internet verify http://{public} --expect-tasks 2 {options}")
    assert run.returncode == 0, run.stdout + run.stderr
    assert all(f"{each} dropped" in run.stdout for each in dropped)


def test_from_within_the_vpc_a_tasks_group_lets_nothing_in_either(stack: Stack) -> None:
    endpoint = tasks(stack)[0]["endpoint"]
    run = stack.shell(f"pulumi-local internet --from vpc -- curl -sS -m 1 http://{endpoint}")
    assert run.returncode == 28, run.stdout + run.stderr


def test_a_command_runs_in_a_container_with_its_files_network_and_exit_status(
    stack: Stack,
) -> None:
    task = tasks(stack)[0]
    script = "cat /etc/hostname; cat; echo problem >&2; exit 3"
    command = f"pulumi-local exec {task['taskId'][:8]} --container nginx -- sh -c '{script}'"
    run = stack.shell(f"echo typed | {command}")
    host = "ip-" + task["endpoint"].split(":")[0].replace(".", "-")
    assert run.stdout.splitlines() == [f"{host}.ap-northeast-1.compute.internal", "typed"]
    assert (run.stderr, run.returncode) == ("problem\n", 3)
    missing = stack.shell("pulumi-local exec local-web -- no-such-program")
    assert missing.returncode == 1
    assert 'exec: "no-such-program": executable file not found in $PATH' in missing.stderr
    unknown = stack.shell("pulumi-local exec no-such-service -- true")
    assert (
        "no running task is no-such-service or belongs to a service of that name; there is "
        "local-web; "
    ) in unknown.stderr


def test_a_command_on_a_terminal_gets_one(stack: Stack) -> None:
    run = stack.shell("script -qec \"pulumi-local exec -- sh -c 'tty; exit 4'\" /dev/null")
    assert run.stdout.strip() == "/dev/pts/0"
    assert run.returncode == 4


def test_a_read_only_file_system_rolls_out_without_a_failed_request(stack: Stack) -> None:
    url = stack.outputs()["serviceUrl"]
    report = watch(stack, url, "--expect-change", command=f"{UP} -c fargate-web:ecsExec=false")
    refused = stack.shell("pulumi-local exec -- true")
    assert "execute command was not enabled" in refused.stderr
    assert report["exit_code"] == 0, report
    assert report["watch"]["failures"] == {}


def test_a_container_without_enough_memory_is_killed_with_ecss_reason(stack: Stack) -> None:
    hungry = ["dd", "if=/dev/zero", "of=/dev/null", "bs=1G"]
    output = stack.up(command=hungry, fails=True)
    assert "OutOfMemoryError: Container killed due to memory usage" in output
    assert "exited with 137" in output
    assert "used more memory than its task has" in output
    assert RUNTIME in output


def test_status_says_how_tasks_run_and_what_stands_in_for_an_image(stack: Stack) -> None:
    """As the output of `up` does, in the test before this one and in the one after it."""
    status = json.loads(stack.run("status", "--json"))
    assert status["runtime"].startswith(RUNTIME)
    image = "public.ecr.aws/nginx/nginx:stable"
    # Other tests may have deployed other images to this stack.
    (shown,) = (each for each in status["images"] if each.startswith(image))
    assert shown.startswith(f"{image} is a stand-in (")


ROUTER = """\
import pathlib, re, socket
configuration = pathlib.Path("/fluent-bit/etc/fluent-bit.conf").read_text()
socket.socket(socket.AF_UNIX).bind(re.search("unix_path (.*)", configuration)[1])
host, port = re.search("Listen (.*)\\n +Port (24224)", configuration).groups()
connection, _ = socket.create_server((host, int(port))).accept()
while record := connection.recv(65536):
    print(record, flush=True)
"""
"""A log router that prints what it gets, as Fluent Bit can't be had here."""


def router_output(stack: Stack) -> str:
    """Return what the log router has printed."""
    streams = stack.directory.logs.glob("**/router/router/*")
    return "".join(each.read_text() for each in streams)


def test_services_call_each_other_by_name_where_configured_and_containers_share_volumes(
    stack: Stack,
) -> None:
    script = "echo written > /out/page; exec sleep 3600"
    services: dict[str, dict[str, Any]] = {
        "api": {
            "paths": ["/api/*"],
            "serviceConnect": True,
            "desiredCount": 1,
            "sidecars": {
                "proxy": {
                    "image": PYTHON,
                    "command": ["python3", "-m", "http.server", "9000"],
                    "port": 9000,
                },
                "router": {
                    "image": PYTHON,
                    "command": ["python3", "-c", ROUTER],
                    "logRouter": "fluentbit",
                },
            },
            "ingressContainer": "proxy",
            "connectContainer": "proxy",
            "logTo": "router",
            "logOptions": {"Name": "stdout"},
        },
        "jobs": {"paths": ["/jobs/*"], "desiredCount": 1},
        "web": {
            "calls": ["api"],
            "sidecars": {
                "writer": {
                    "image": "public.ecr.aws/nginx/nginx:stable",
                    "command": ["sh", "-c", script],
                    "mounts": {"shared": "/out"},
                    "healthCheckCommand": ["CMD", "test", "-e", "/out/page"],
                    "healthCheckIntervalSeconds": 5,
                }
            },
            "dependsOn": {"writer": "HEALTHY"},
            "volumes": {"shared": {"efsFileSystemId": "", "efsAccessPointId": ""}},
            "mounts": {"shared": "/var/shared:ro"},
        },
    }
    try:
        assert RUNTIME in stack.up(services=services)
        # By two commands, as the stand-in's static programs can't use its libc's resolver.
        resolved = stack.run("exec", "local-web", "--", "nslookup", "api.")
        found = re.search(r"Name:\s+api\.?\s+Address: (\S+)", resolved)
        assert found, resolved
        request = "printf 'GET / HTTP/1.0\\r\\n\\r\\n'"
        fetch_page = ("sh", "-c", f"{request} | nc -w 3 {found[1]} 9000")
        assert "Directory listing" in stack.run("exec", "local-web", "--", *fetch_page)
        refused = stack.run("exec", "local-jobs", "--", *fetch_page, fails=True)
        assert "timed out" in refused, "the security group of api lets jobs in"
        read_and_write = "cat /var/shared/page; echo > /var/shared/page"
        output = stack.run("exec", "local-web", "--", "sh", "-c", read_and_write, fails=True)
        assert "written\n" in output
        assert "Read-only file system" in output
        answer = get(f"{stack.outputs()['serviceUrl']}/api/none")
        assert "SimpleHTTP" in str(answer.headers["Server"]), "not the proxy answered"
        request = "printf 'GET /routed HTTP/1.0\\r\\n\\r\\n' | nc -w 3 127.0.0.1 80"
        stack.run("exec", "local-api", "--", "sh", "-c", request)
        eventually(lambda: "GET /routed" in router_output(stack), "the line in the log router")
        assert "nginx-firelens-" in router_output(stack)
    finally:
        stack.up()
