"""verify without this project, and compared with curl."""

import json
import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import distribution, requires
from pathlib import Path

import pytest

from tests.verify.authority import Authority
from tests.verify.fake_alb import FakeAlb, balancer_error, hello, page
from tests.verify.loopback import closed_port
from verify.exit_codes import ExitCode
from verify.main import main

ROOT = Path(__file__).parents[2]
OWN = ("httpx", "idna")


def needed(name: str) -> set[str]:
    """Return a distribution and all that it requires, without extras."""
    names = {name}
    for requirement in requires(name) or ():
        words = re.match(r"([A-Za-z0-9._-]+)", requirement)
        if words and ";" not in requirement:
            names |= needed(words[1])
    return names


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with verify, its own dependencies, and nothing else."""
    folder = tmp_path_factory.mktemp("alone")
    (folder / "verify").symlink_to(ROOT / "verify")
    # anyio requires it below Python 3.13, by a marker.
    for name in {*needed(OWN[0]), *needed(OWN[1]), "typing_extensions"}:
        tops = {file.parts[0] for file in distribution(name).files or []} - {".."}
        for top in tops:
            if "dist-info" not in top:
                (folder / top).symlink_to(Path(str(distribution(name).locate_file(top))))
    return folder


@pytest.mark.slow  # a new Python
def test_a_run_needs_only_its_own_dependencies(alone: Path) -> None:
    program = (
        "import sys; sys.path.append(sys.argv.pop(1)); from verify.main import main; "
        "code = main(sys.argv[1:]);"
        "import importlib.util as u; assert not any(map(u.find_spec, ('pulumi', 'infra', "
        "'localaws', 'pytest')));"
        "raise SystemExit(code)"
    )
    with FakeAlb(lambda number, _request: [hello(f"task-{number % 2}")]) as alb:
        everything = (
            "--expect-tasks",
            "2",
            "--each-address",
            "--closed",
            f":{closed_port()}",
            "--interval",
            "1ms",
        )
        for arguments in (everything, ("--deadline", "0", "--format", "junit")):
            done = subprocess.run(
                [sys.executable, "-I", "-S", "-c", program, alone, alb.authority, *arguments],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
                timeout=60,
            )
            assert done.returncode == ExitCode.PASSED, done.stdout + done.stderr


STATUSES = {
    "a page": [hello("a")],
    "no content": [page("", 204)],
    "a redirect": [page("", 301, location="https://b.example/")],
    "a missing page": [page("", 404)],
    "an error of the balancer": [balancer_error(503)],
    "closed at once": [b""],
    "garbage": [b"\x00\x01\x02\r\n\r\n"],
    "half a body": [b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort"],
}


needs_curl = pytest.mark.skipif(
    shutil.which("curl") is None, reason="curl is what verify is compared with"
)
BY_CURL = {
    6: ExitCode.NO_NAME,
    7: ExitCode.NO_CONNECTION,
    35: ExitCode.NO_TLS,
    60: ExitCode.BAD_CERTIFICATE,
}


@needs_curl
@pytest.mark.parametrize("code", BY_CURL)
def test_curl_reports_the_same_fault(
    code: int,
    authority: Authority,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    context = authority.server("unsigned") if code == 60 else None
    with FakeAlb(lambda _number, _request: [hello("a")], context) as alb:
        url = {6: "http://a.invalid", 7: f"http://127.0.0.1:{closed_port()}"}.get(
            code, f"https://{alb.authority}"
        )
        command = [
            "curl",
            "-q",
            "--silent",
            "--noproxy",
            "*",
            "--max-time",
            "10",
            "-o",
            os.devnull,
            url,
        ]
        assert subprocess.run(command, check=False, timeout=20).returncode == code
        assert main([url, "--deadline", "0", "--quiet"]) == BY_CURL[code]
    assert "FAIL" in capsys.readouterr().out


@needs_curl
@pytest.mark.parametrize("name", STATUSES)
def test_curl_reports_the_same_status_or_also_fails(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with FakeAlb(lambda _number, _request: STATUSES[name]) as alb:
        url = f"http://{alb.authority}/"
        form = "%{http_code} %{time_connect}"
        curl = subprocess.run(
            ["curl", "-q", "--silent", "--noproxy", "*", "-o", os.devnull, "-w", form, url],
            capture_output=True,
            check=False,
            timeout=20,
        )
        status, connected_after = curl.stdout.decode().split()
        expected = [] if curl.returncode else ["--status", status]
        code = main([url, "--deadline", "0", "--format", "json", *expected])
    (report,) = json.loads(capsys.readouterr().out)["reports"]
    phases = {phase["id"]: phase["status"] for phase in report["phases"]}
    assert (phases["connect"] == "ok") == (float(connected_after) > 0)
    assert phases["http"] == ("fail" if curl.returncode else "ok")
    assert code == (ExitCode.UNREACHABLE if curl.returncode else ExitCode.PASSED)
